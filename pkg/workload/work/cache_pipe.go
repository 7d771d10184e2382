// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

// CachePipe walks BurstIters steps through memory of its own, as CachePressure does, and
// then exchanges one byte with a partner, as PipeIO does, with an Arrival or without.
type CachePipe struct {
	Size       quantity.Bytes `json:"size"`
	BurstIters *int64         `json:"burstIters"`
	Arrival    *Arrival       `json:"arrival,omitempty"`
}

// pipeStride is a line of most caches.
const pipeStride = 64

// Name implements Kind.
func (*CachePipe) Name() string { return "cachePipe" }

// Shape implements Kind.
func (k *CachePipe) Shape() Shape {
	s := pairShape(k.Arrival)
	s.MemoryBytes = int(k.Size)
	return s
}

// Validate implements Kind.
func (k *CachePipe) Validate() error {
	if k.Size < minMemory || k.Size > maxMemory {
		return fmt.Errorf("size must be %v to %v, not %v", minMemory, maxMemory, k.Size)
	}
	if err := validIters("burstIters", k.BurstIters); err != nil {
		return err
	}
	return k.Arrival.validate()
}

// Run implements Kind.
func (k *CachePipe) Run(w *Worker) {
	if k.Arrival != nil && w.Position == 1 {
		k.serve(w)
		return
	}
	requests := k.Arrival.schedule(w)
	for at := 0; ; {
		due, ok := requests.await(w)
		if !ok {
			return
		}
		at = w.cacheRMW(w.Memory, at, pipeStride, *k.BurstIters)
		if !w.exchange() {
			return
		}
		requests.respond(w, due)
		w.ResetGap()
		w.EndIteration()
	}
}

// serve answers requests.
func (k *CachePipe) serve(w *Worker) {
	for at := 0; ; {
		if _, ok := w.awaitByte(); !ok {
			return
		}
		at = w.cacheRMW(w.Memory, at, pipeStride, *k.BurstIters)
		if !w.passByte() {
			return
		}
		w.ResetGap()
		w.EndIteration()
	}
}
