// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "github.com/schedfleet/schedfleet/pkg/workload/sys"

// FutexPingPong alternates strictly with a partner through one futex: the word
// holds the position whose turn it is. Its wake latency is the time from handing
// over to getting the turn back.
type FutexPingPong struct {
	SpinIters *int64 `json:"spinIters"`
}

// Name implements Kind.
func (*FutexPingPong) Name() string { return "futexPingPong" }

// Shape implements Kind.
func (*FutexPingPong) Shape() Shape {
	return Shape{SetSize: 2, RegionBytes: 4, Metrics: []Measure{{MetricWake, SampleRoundTrip}}, Progress: ProgressIterations}
}

// Validate implements Kind.
func (k *FutexPingPong) Validate() error { return validIters("spinIters", k.SpinIters) }

// Run implements Kind.
func (k *FutexPingPong) Run(w *Worker) {
	word := w.Region.Word32(0)
	partner := uint32(1 - w.Position)
	for !w.Stopped() {
		w.Spin(*k.SpinIters)
		store(word, partner)
		sys.RawFutexWake(word, 1)
		began := sys.Monotonic()
		if w.AwaitChange(word, partner) {
			w.Record(0, sys.Monotonic()-began)
		}
		w.ResetGap()
		w.EndIteration()
	}
}
