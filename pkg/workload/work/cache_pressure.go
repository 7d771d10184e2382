// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

// CachePressure walks through memory of its own with a stride and increments a
// byte at each step, so that it lives from what the caches hold. A pass goes on
// where the last one ended: all of the memory is walked.
type CachePressure struct {
	Size   quantity.Bytes `json:"size"`
	Stride int64          `json:"stride"`
}

const (
	minMemory quantity.Bytes = 4 << 10
	maxMemory quantity.Bytes = 16 << 30
	// cacheSteps is how many increments make a pass.
	cacheSteps = 1024
)

// Name implements Kind.
func (*CachePressure) Name() string { return "cachePressure" }

// Shape implements Kind.
func (k *CachePressure) Shape() Shape {
	return Shape{SetSize: 1, MemoryBytes: int(k.Size), Progress: ProgressUnits}
}

// Validate implements Kind.
func (k *CachePressure) Validate() error {
	if k.Size < minMemory || k.Size > maxMemory {
		return fmt.Errorf("size must be %v to %v, not %v", minMemory, maxMemory, k.Size)
	}
	if k.Stride < 1 || k.Stride > int64(k.Size) {
		return fmt.Errorf("stride must be 1 to the size in bytes, %d, not %d", int64(k.Size), k.Stride)
	}
	return nil
}

// Run implements Kind.
func (k *CachePressure) Run(w *Worker) {
	for at := 0; !w.Stopped(); {
		for range cacheSteps {
			w.Memory[at]++
			at += int(k.Stride)
			if at >= len(w.Memory) {
				at -= len(w.Memory)
			}
		}
		w.AddUnits(cacheSteps)
		w.EndIteration()
	}
}
