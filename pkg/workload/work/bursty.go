// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// Bursty burns CPU for a time, then sleeps. Its wake latency is the whole sleep
// as observed, and its gaps contain the sleep.
type Bursty struct {
	Burst quantity.Duration `json:"burst"`
	Sleep quantity.Duration `json:"sleep"`
}

// Name implements Kind.
func (*Bursty) Name() string { return "bursty" }

// Shape implements Kind.
func (k *Bursty) Shape() Shape {
	return Shape{SetSize: 1, Metrics: []Metric{MetricWake}, Quiet: k.Sleep.D()}
}

const maxPhase = time.Hour

// Validate implements Kind.
func (k *Bursty) Validate() error {
	if k.Burst <= 0 || k.Burst.D() > maxPhase {
		return errors.New("burst must be above 0s and at most 1h")
	}
	if k.Sleep <= 0 || k.Sleep.D() > maxPhase {
		return errors.New("sleep must be above 0s and at most 1h")
	}
	return nil
}

// Run implements Kind.
func (k *Bursty) Run(w *Worker) {
	for !w.Stopped() {
		for end := sys.Monotonic() + k.Burst.Nanoseconds(); sys.Monotonic() < end && !w.Stopped(); {
			w.Spin(spinChunk)
		}
		if w.Stopped() {
			return
		}
		began := sys.Monotonic()
		woke := w.SleepUntil(began + k.Sleep.Nanoseconds())
		if w.Stopped() {
			return // the sleep was cut short
		}
		w.Record(0, woke-began)
		w.EndIteration()
	}
}
