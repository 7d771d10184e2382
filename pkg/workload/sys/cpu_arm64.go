// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

// tlsBias is unused here: Go code keeps g in a register.
const tlsBias = 0

// segmentCPU has no like here: the system call is all there is.
func segmentCPU() uint32 { return getCPU() }
