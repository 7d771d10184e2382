// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package arena

import (
	"structs"
	"sync/atomic"

	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
)

// Histogram is a histogram in shared memory. One worker writes it.
type Histogram struct {
	_      structs.HostLayout
	count  uint64
	min    uint64
	max    uint64
	_      [lineSize - 24]byte
	counts [telemetry.BinCount]uint64
}

const histogramSize = lineSize + telemetry.BinCount*8

// Record adds a value in nanoseconds. For the worker; a negative one counts as 0.
func (h *Histogram) Record(ns int64) {
	v := uint64(max(ns, 0))
	if h.count == 0 || v < h.min {
		atomic.StoreUint64(&h.min, v)
	}
	if v > h.max {
		atomic.StoreUint64(&h.max, v)
	}
	bin := &h.counts[telemetry.Bin(v)]
	atomic.StoreUint64(bin, *bin+1)
	atomic.StoreUint64(&h.count, h.count+1)
}

// read copies the histogram. Only the bins between the extremes are touched, so
// that reading does not make the kernel provide pages nobody wrote.
func (h *Histogram) read() *telemetry.Histogram {
	if atomic.LoadUint64(&h.count) == 0 {
		return &telemetry.Histogram{}
	}
	lo, hi := atomic.LoadUint64(&h.min), atomic.LoadUint64(&h.max)
	counts := make([]uint64, telemetry.BinCount)
	for bin := telemetry.Bin(min(lo, hi)); bin <= telemetry.Bin(max(lo, hi)); bin++ {
		counts[bin] = atomic.LoadUint64(&h.counts[bin])
	}
	return telemetry.NewHistogram(counts, min(lo, hi), max(lo, hi))
}

// Region is memory that the workers of one set share. Its words are used by
// atomic operations and futexes only.
type Region struct{ memory []byte }

// Bytes is the memory itself, for data that one worker at a time touches.
func (r Region) Bytes() []byte { return r.memory }

// Region is the n-th region.
func (a *Arena) Region(n int) Region {
	off := a.at.regions[n]
	return Region{memory: a.memory[off : off+a.plan.Regions[n] : off+a.plan.Regions[n]]}
}
