// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// IdleChurn burns CPU for a short time and sleeps for a short time, so that a CPU of its own goes to
// idle and back all the time. Its wake latency is what a sleep took longer than asked. Unless the
// class is a real-time one, that contains the thread's timer slack of 50 µs, or of 1 ns with
// precise timing; and in a virtual machine what the host needs to run its CPU again.
type IdleChurn struct {
	Burst         quantity.Duration `json:"burst"`
	Sleep         quantity.Duration `json:"sleep"`
	PreciseTiming bool              `json:"preciseTiming,omitempty"`
}

// idleSpin is how many spins go between two looks at the clock: bursts are short.
const idleSpin = 256

// Name implements Kind.
func (*IdleChurn) Name() string { return "idleChurn" }

// Shape implements Kind.
func (k *IdleChurn) Shape() Shape {
	return Shape{SetSize: 1, Metrics: []Measure{{MetricWake, SampleOvershoot}}, Progress: ProgressUnits, Quiet: k.Sleep.D()}
}

// Validate implements Kind.
func (k *IdleChurn) Validate() error {
	if err := validPhase("burst", k.Burst); err != nil {
		return err
	}
	return validPhase("sleep", k.Sleep)
}

// Prepare implements Preparer.
func (k *IdleChurn) Prepare(w *Worker) sys.Errno {
	if !k.PreciseTiming {
		return 0
	}
	errno := sys.RawSetTimerSlack(1)
	if errno != 0 {
		w.Leave("setting its timer slack with prctl")
	}
	return errno
}

// Run implements Kind.
func (k *IdleChurn) Run(w *Worker) {
	for w.burst(k.Burst.Nanoseconds(), idleSpin) {
		deadline := sys.Monotonic() + k.Sleep.Nanoseconds()
		woke := w.SleepUntil(deadline)
		if w.Stopped() {
			return // the sleep was cut short
		}
		w.Record(0, max(woke-deadline, 0))
		w.ResetGap()
		w.EndIteration()
	}
}

// burst spins for a time, so many spins between two looks at the clock; false at the stop.
func (w *Worker) burst(ns, spins int64) bool {
	for end := sys.Monotonic() + ns; sys.Monotonic() < end && !w.Stopped(); {
		w.Spin(spins)
		w.LookAround()
	}
	return !w.Stopped()
}

const maxPhase = time.Hour

func validPhase(name string, d quantity.Duration) error {
	if d <= 0 || d.D() > maxPhase {
		return errors.New(name + " must be above 0s and at most 1h")
	}
	return nil
}
