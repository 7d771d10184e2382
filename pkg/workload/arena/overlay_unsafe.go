// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package arena

import (
	"fmt"
	"unsafe"
)

// The overlays below are valid because the arena is page-aligned memory outside
// the Go heap that stays mapped as long as the Arena is open, and because every
// offset comes from a layout whose alignment a test pins.

// Control is the control page.
func (a *Arena) Control() *Control {
	return (*Control)(unsafe.Pointer(&a.memory[0])) // page-aligned; see above
}

// Block is a worker's block.
func (a *Arena) Block(worker int) *Block {
	if worker < 0 || worker >= len(a.plan.Workers) {
		panic(fmt.Sprintf("arena: worker %d of %d", worker, len(a.plan.Workers)))
	}
	return (*Block)(unsafe.Pointer(&a.memory[blocksOff+worker*blockSize])) // 2048-aligned; see above
}

// Histogram is a worker's n-th histogram.
func (a *Arena) Histogram(worker, n int) *Histogram {
	if n < 0 || n >= a.plan.Workers[worker].Histograms {
		panic(fmt.Sprintf("arena: histogram %d of worker %d, which has %d", n, worker, a.plan.Workers[worker].Histograms))
	}
	return (*Histogram)(unsafe.Pointer(&a.memory[a.at.histograms[worker]+n*histogramSize])) // 64-aligned; see above
}

// Word32 is the 32-bit word at a multiple of 4.
func (r Region) Word32(off int) *uint32 {
	_ = r.memory[off+3]
	return (*uint32)(unsafe.Pointer(&r.memory[off])) // regions are 64-aligned and off a multiple of 4
}
