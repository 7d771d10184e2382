// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package samples holds the sample manifests.
package samples

import "embed"

// Files are the samples of whole runs.
//
//go:embed *.yaml
var Files embed.FS

// Kinds are the samples of kinds of work, in the directory kinds. Each is called as
// the kind in kebab case; one of another definition of the same kind has that
// behind it.
//
//go:embed kinds/*.yaml
var Kinds embed.FS

// Scenarios are ready-made Workloads with steps and checks, in the directory
// scenarios. Each is called as its Workload.
//
//go:embed scenarios/*.yaml
var Scenarios embed.FS

// Demo is the Workload of make demo.
//
//go:embed demo.yaml
var Demo []byte
