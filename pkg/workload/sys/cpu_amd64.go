// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

// tlsBias is the distance of the TLS register from the word that holds g.
const tlsBias = 8

// segmentCPU is the CPU as the kernel's vDSO finds it out, in a tenth of the time
// of the system call: a worker asks at every checkpoint. It has 12 bits.
func segmentCPU() uint32
