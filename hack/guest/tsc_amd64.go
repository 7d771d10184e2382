// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

// readTSC reads the time stamp counter of this machine's CPU.
func readTSC() uint64
