// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// ThunderingHerd has one waker sleep, then wake all waiters at once by advancing a
// generation they wait for. An iteration is such a batch: there is no bound on
// their number but the end of the run. The waker's wake latency is its whole
// sleep; a waiter's is the time it waited for the next generation, which contains
// the rest of that sleep. A generation that passes before a waiter waits again is
// missed.
type ThunderingHerd struct {
	Waiters    int32             `json:"waiters"`
	InterBatch quantity.Duration `json:"interBatch"`
}

// Name implements Kind.
func (*ThunderingHerd) Name() string { return "thunderingHerd" }

// Shape implements Kind.
func (k *ThunderingHerd) Shape() Shape {
	return Shape{
		SetSize: int(max(k.Waiters, 0)) + 1, RegionBytes: 4, Progress: ProgressIterations, Quiet: k.InterBatch.D(),
		Roles:   []Role{{Name: "waker", Workers: 1}, {Name: "waiter", Workers: int(k.Waiters)}},
		Metrics: []Measure{{MetricWake, SampleSleep}, {MetricWake, SampleWait}},
	}
}

// Validate implements Kind.
func (k *ThunderingHerd) Validate() error {
	if err := validWorkers("waiters", k.Waiters, 1); err != nil {
		return err
	}
	if k.InterBatch.D() < time.Microsecond || k.InterBatch.D() > maxPhase {
		return errors.New("interBatch must be at least 1us and at most 1h")
	}
	return nil
}

// everyone is more than may wait for a word.
const everyone = 1<<31 - 1

// Run implements Kind.
func (k *ThunderingHerd) Run(w *Worker) {
	generation := w.Region.Word32(0)
	for !w.Stopped() {
		began := sys.Monotonic()
		if w.Position == 0 {
			woke := w.SleepUntil(began + k.InterBatch.Nanoseconds())
			if w.Stopped() {
				return // the sleep was cut short
			}
			w.Record(0, woke-began)
			store(generation, load(generation)+1)
			sys.RawFutexWake(generation, everyone)
			w.Spin(coolDown)
		} else {
			if !w.AwaitChange(generation, load(generation)) {
				return
			}
			w.Record(1, sys.Monotonic()-began)
		}
		w.ResetGap()
		w.EndIteration()
	}
}
