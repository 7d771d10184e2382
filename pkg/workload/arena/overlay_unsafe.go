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

// area is a place in a worker's area.
func (a *Arena) area(worker, off int) unsafe.Pointer {
	if worker < 0 || worker >= len(a.plan.Workers) {
		panic(fmt.Sprintf("arena: worker %d of %d", worker, len(a.plan.Workers)))
	}
	return unsafe.Pointer(&a.memory[a.at.workers[worker]+off])
}

// Block is a worker's block.
func (a *Arena) Block(worker int) *Block {
	return (*Block)(a.area(worker, 0)) // page-aligned; see above
}

// Record is a worker's n-th record.
func (a *Arena) Record(worker, n int) *Record {
	if n < 0 || n >= a.plan.records() {
		panic(fmt.Sprintf("arena: record %d of %d", n, a.plan.records()))
	}
	return (*Record)(a.area(worker, recordOffset(n))) // 64-aligned; see above
}

// Histogram is the n-th histogram of a worker's record.
func (a *Arena) Histogram(worker, record, n int) *Histogram {
	w := a.plan.Workers[worker]
	if n < 0 || n >= w.Histograms || record < 0 || record >= a.plan.records() {
		panic(fmt.Sprintf("arena: histogram %d of %d in record %d of %d", n, w.Histograms, record, a.plan.records()))
	}
	return (*Histogram)(a.area(worker, a.plan.histogramOffset(w, record, n))) // 64-aligned; see above
}

// Log is a worker's log of migrations.
func (a *Arena) Log(worker int) *Log {
	return (*Log)(a.area(worker, a.plan.logOffset(a.plan.Workers[worker]))) // 64-aligned; see above
}

// Word64 is the 64-bit word at a multiple of 8.
func (r Region) Word64(off int) *uint64 {
	_ = r.memory[off+7]
	return (*uint64)(unsafe.Pointer(&r.memory[off])) // regions are 64-aligned and off a multiple of 8
}

// Word32 is the 32-bit word at a multiple of 4.
func (r Region) Word32(off int) *uint32 {
	_ = r.memory[off+3]
	return (*uint32)(unsafe.Pointer(&r.memory[off])) // regions are 64-aligned and off a multiple of 4
}
