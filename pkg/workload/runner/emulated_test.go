//go:build !guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

// emulated says that this is a machine that another one emulates, and slowness how much longer
// than elsewhere something may take there.
const (
	emulated = false
	slowness = 1
)
