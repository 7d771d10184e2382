// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package policy holds the admission policy that bounds what agents write.
package policy

import _ "embed" // the policy

// Agents is the policy and its binding, as YAML documents.
//
//go:embed agents.yaml
var Agents []byte
