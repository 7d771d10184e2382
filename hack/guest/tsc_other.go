//go:build !amd64

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

// readTSC is for machines that have no such counter, and no guests either.
func readTSC() uint64 { return 0 }
