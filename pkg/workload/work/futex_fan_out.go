// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "fmt"

// FutexFanOut has one waker advance a generation that FanOut receivers wait for. All
// spin once a pass. A receiver's wake latency is the time it waited for the next
// generation; one that passes while it spins is missed.
//
// With an Arrival the waker's generations are due by the schedule, and a receiver
// serves each of them, however late: its response time ends with its spin. It is
// woken, and has a wake latency, only where it came first.
type FutexFanOut struct {
	FanOut    int32    `json:"fanOut"`
	SpinIters *int64   `json:"spinIters"`
	Arrival   *Arrival `json:"arrival,omitempty"`
}

const (
	// maxInRole bounds the workers of one role in a set.
	maxInRole = 4096
	// coolDown is what the waker spins after a wake, so that receivers get going.
	coolDown = 256
)

// Name implements Kind.
func (*FutexFanOut) Name() string { return "futexFanOut" }

// Shape implements Kind.
func (k *FutexFanOut) Shape() Shape {
	return Shape{
		SetSize: int(max(k.FanOut, 0)) + 1, RegionBytes: broadcastBytes, Progress: ProgressIterations, Quiet: k.Arrival.quiet(),
		Roles:   []Role{{Name: "waker", Workers: 1}, {Name: "receiver", Workers: int(k.FanOut)}},
		Metrics: k.Arrival.measures(Measure{MetricWake, SampleWait}),
	}
}

// Validate implements Kind.
func (k *FutexFanOut) Validate() error {
	if err := validWorkers("fanOut", k.FanOut, 1); err != nil {
		return err
	}
	if err := validIters("spinIters", k.SpinIters); err != nil {
		return err
	}
	return k.Arrival.validate()
}

// validWorkers checks a number of workers.
func validWorkers(name string, n, least int32) error {
	if n < least || n > maxInRole {
		return fmt.Errorf("%s must be %d to %d, not %d", name, least, maxInRole, n)
	}
	return nil
}

// Run implements Kind.
func (k *FutexFanOut) Run(w *Worker) {
	if w.Position == 0 {
		k.wake(w)
	} else {
		k.receive(w)
	}
}

func (k *FutexFanOut) wake(w *Worker) {
	all := w.broadcast()
	for generations := all.begin(w, k.Arrival); ; w.EndIteration() {
		w.Spin(*k.SpinIters)
		if _, ok := generations.await(w); !ok {
			return
		}
		all.advance(k.FanOut)
		w.Spin(coolDown)
	}
}

func (k *FutexFanOut) receive(w *Worker) {
	for from := w.follow(k.Arrival); ; w.EndIteration() {
		turn, ok := from.next(w)
		if !ok {
			return
		}
		if turn.blocked {
			w.Record(0, turn.waited)
		}
		w.ResetGap()
		w.Spin(*k.SpinIters)
		if w.Stopped() {
			return // it may have been cut short
		}
		from.due.respond(w, turn.due)
	}
}
