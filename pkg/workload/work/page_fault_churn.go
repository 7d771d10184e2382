// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// PageFaultChurn writes to random pages of memory of its own and gives all of them back,
// so that it lives from minor page faults. A unit of work is a write, of which the first
// to a page in a cycle faults, or a pause between cycles.
type PageFaultChurn struct {
	Region          quantity.Bytes `json:"region"`
	TouchesPerCycle int64          `json:"touchesPerCycle"`
	SpinIters       *int64         `json:"spinIters"`
}

const (
	// pageBytes is the least size of a page.
	pageBytes = 4096
	// pageChunk is how many pages are touched between two looks at the stop.
	pageChunk  = 1024
	maxTouches = 1_000_000
)

// Name implements Kind.
func (*PageFaultChurn) Name() string { return "pageFaultChurn" }

// Shape implements Kind.
func (k *PageFaultChurn) Shape() Shape {
	return Shape{SetSize: 1, MemoryBytes: int(k.Region), Progress: ProgressUnits}
}

// Validate implements Kind.
func (k *PageFaultChurn) Validate() error {
	if k.Region < minMemory || k.Region > maxMemory {
		return fmt.Errorf("region must be %v to %v, not %v", minMemory, maxMemory, k.Region)
	}
	if k.TouchesPerCycle < 1 || k.TouchesPerCycle > maxTouches {
		return fmt.Errorf("touchesPerCycle must be 1 to %d, not %d", maxTouches, k.TouchesPerCycle)
	}
	return validIters("spinIters", k.SpinIters)
}

// Prepare implements Preparer.
func (*PageFaultChurn) Prepare(w *Worker) sys.Errno {
	errno := sys.RawNoHugePages(w.Memory)
	if errno != 0 {
		w.Leave("keeping huge pages from its memory")
	}
	return errno
}

// Run implements Kind.
func (k *PageFaultChurn) Run(w *Worker) {
	for rng := newRandom(w.Seed); !w.Stopped(); {
		w.touchRandom(k.TouchesPerCycle, &rng)
		if errno := sys.RawForgetPages(w.Memory); errno != 0 {
			w.LeaveErrno("giving back its memory", errno)
			return
		}
		w.Spin(*k.SpinIters)
		w.EndIteration()
	}
}

// touchRandom writes to n random pages, or fewer when stopped.
func (w *Worker) touchRandom(n int64, rng *random) {
	pages := uint64(max(len(w.Memory)/pageBytes, 1))
	for n > 0 && !w.Stopped() {
		chunk := min(n, pageChunk)
		for range chunk {
			w.Memory[rng.below(pages)*pageBytes] = 1
		}
		w.AddUnits(uint64(chunk))
		if n -= chunk; n > 0 {
			w.LookAround()
		}
	}
}
