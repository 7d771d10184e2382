// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package samples holds the sample manifests.
package samples

import "embed"

// Files are all samples.
//
//go:embed *.yaml
var Files embed.FS

// Demo is the Workload of make demo.
//
//go:embed demo.yaml
var Demo []byte
