// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// FutexFanOut has one waker advance a generation that FanOut receivers wait for.
// A receiver's wake latency is the time it waited for the next generation; one
// that passes while it spins is missed.
type FutexFanOut struct {
	FanOut    int32  `json:"fanOut"`
	SpinIters *int64 `json:"spinIters"`
}

const (
	maxFanOut = 4096
	// coolDown is what the waker spins after a wake, so that receivers get going.
	coolDown = 256
)

// Name implements Kind.
func (*FutexFanOut) Name() string { return "futexFanOut" }

// Shape implements Kind.
func (k *FutexFanOut) Shape() Shape {
	return Shape{SetSize: int(k.FanOut) + 1, RegionBytes: 4, Metrics: []Metric{MetricWake}}
}

// Validate implements Kind.
func (k *FutexFanOut) Validate() error {
	if k.FanOut < 1 || k.FanOut > maxFanOut {
		return fmt.Errorf("fanOut must be 1 to %d", maxFanOut)
	}
	return validIters("spinIters", k.SpinIters)
}

// Run implements Kind.
func (k *FutexFanOut) Run(w *Worker) {
	generation := w.Region.Word32(0)
	for !w.Stopped() {
		w.Spin(*k.SpinIters)
		if w.Position == 0 {
			store(generation, load(generation)+1)
			sys.RawFutexWake(generation, int(k.FanOut))
			w.Spin(coolDown)
		} else {
			began := sys.Monotonic()
			if w.AwaitChange(generation, load(generation)) {
				w.Record(0, sys.Monotonic()-began)
			}
			w.ResetGap()
		}
		w.EndIteration()
	}
}
