// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// Bursty burns CPU for a time, then sleeps. Its wake latency is the whole sleep
// as observed. Other than the original's, its gaps do not contain the sleep.
type Bursty struct {
	Burst quantity.Duration `json:"burst"`
	Sleep quantity.Duration `json:"sleep"`
}

// Name implements Kind.
func (*Bursty) Name() string { return "bursty" }

// Shape implements Kind.
func (k *Bursty) Shape() Shape {
	return Shape{SetSize: 1, Metrics: []Measure{{MetricWake, SampleSleep}}, Progress: ProgressUnits, Quiet: k.Sleep.D()}
}

// Validate implements Kind.
func (k *Bursty) Validate() error {
	if err := validPhase("burst", k.Burst); err != nil {
		return err
	}
	return validPhase("sleep", k.Sleep)
}

// Run implements Kind.
func (k *Bursty) Run(w *Worker) {
	for w.burst(k.Burst.Nanoseconds(), spinChunk) {
		began := sys.Monotonic()
		woke := w.SleepUntil(began + k.Sleep.Nanoseconds())
		if w.Stopped() {
			return // the sleep was cut short
		}
		w.Record(0, woke-began)
		w.ResetGap()
		w.EndIteration()
	}
}
