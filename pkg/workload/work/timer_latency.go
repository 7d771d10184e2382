// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// TimerLatency sleeps to absolute deadlines on a fixed grid and records how late
// it wakes. The grid does not move, so lateness accumulates and is not hidden.
type TimerLatency struct {
	Interval quantity.Duration `json:"interval"`
}

// Name implements Kind.
func (*TimerLatency) Name() string { return "timerLatency" }

// Shape implements Kind.
func (k *TimerLatency) Shape() Shape {
	return Shape{SetSize: 1, Metrics: []Measure{{MetricTimer, SampleLateness}}, Progress: ProgressIterations, Quiet: k.Interval.D()}
}

// Validate implements Kind.
func (k *TimerLatency) Validate() error {
	if k.Interval.D() < time.Microsecond || k.Interval.D() > maxPhase {
		return errors.New("interval must be at least 1us and at most 1h")
	}
	return nil
}

// Run implements Kind.
func (k *TimerLatency) Run(w *Worker) {
	deadline := sys.Monotonic()
	for !w.Stopped() {
		deadline += k.Interval.Nanoseconds()
		woke := w.SleepUntil(deadline)
		if w.Stopped() {
			return // the sleep was cut short
		}
		w.Record(0, woke-deadline)
		w.ResetGap()
		w.EndIteration()
	}
}
