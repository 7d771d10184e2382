// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "github.com/schedfleet/schedfleet/pkg/workload/quantity"

// CacheYield is CachePressure with a sched_yield after each pass, whose time is its wake
// latency.
type CacheYield struct {
	Size   quantity.Bytes `json:"size"`
	Stride int64          `json:"stride"`
}

// Name implements Kind.
func (*CacheYield) Name() string { return "cacheYield" }

// Shape implements Kind.
func (k *CacheYield) Shape() Shape {
	return Shape{SetSize: 1, MemoryBytes: int(k.Size), Metrics: []Measure{{MetricWake, SampleYield}}, Progress: ProgressUnits}
}

// Validate implements Kind.
func (k *CacheYield) Validate() error {
	return (&CachePressure{Size: k.Size, Stride: k.Stride}).Validate()
}

// Run implements Kind.
func (k *CacheYield) Run(w *Worker) {
	for at := 0; !w.Stopped(); {
		at = w.cacheRMW(w.Memory, at, int(k.Stride), cacheSteps)
		w.timedYield()
		w.EndIteration()
	}
}
