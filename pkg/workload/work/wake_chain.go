// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"fmt"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// WakeChain passes one token round a ring of workers. Whoever has it works, then
// wakes the next: with Wake Pipe by a byte through a pipe, which the kernel takes
// as a hint that the waker is about to sleep, with Futex through a word that holds
// the position whose turn it is and that all of the ring wait for. The wake
// latency is the time a worker waited for its turn, which contains the others'
// work.
type WakeChain struct {
	Depth      int32              `json:"depth"`
	Wake       string             `json:"wake"`
	WorkPerHop *quantity.Duration `json:"workPerHop"`
}

// The ways to wake the next of a chain.
const (
	WakePipe  = "Pipe"
	WakeFutex = "Futex"
)

const (
	// maxHop bounds the work of a turn, so that turns come round.
	maxHop = time.Second
	// hopChunk is how much a worker spins between looks at the clock.
	hopChunk = 256
)

// Name implements Kind.
func (*WakeChain) Name() string { return "wakeChain" }

// Shape implements Kind.
func (k *WakeChain) Shape() Shape {
	s := Shape{
		SetSize: int(max(k.Depth, 1)), RegionBytes: 4, Progress: ProgressIterations,
		Opens:   Opens{Ring: k.Wake == WakePipe},
		Metrics: []Measure{{MetricWake, SampleWait}},
	}
	if k.WorkPerHop != nil {
		s.Quiet = time.Duration(k.Depth) * k.WorkPerHop.D()
	}
	return s
}

// Validate implements Kind.
func (k *WakeChain) Validate() error {
	if err := validWorkers("depth", k.Depth, 2); err != nil {
		return err
	}
	if k.Wake != WakePipe && k.Wake != WakeFutex {
		return fmt.Errorf("wake must be Pipe or Futex, not %q", k.Wake)
	}
	if k.WorkPerHop == nil || *k.WorkPerHop < 0 || k.WorkPerHop.D() > maxHop {
		return errors.New("workPerHop must be 0s to 1s")
	}
	return nil
}

// Run implements Kind.
func (k *WakeChain) Run(w *Worker) {
	turn := w.Region.Word32(0)
	token := w.Position == 0 // the first has it to begin with
	for !w.Stopped() {
		if !token && !k.await(w, turn) {
			return
		}
		token = false
		for end := sys.Monotonic() + k.WorkPerHop.Nanoseconds(); sys.Monotonic() < end; {
			w.Spin(hopChunk)
			w.LookAround()
			if w.Stopped() {
				return
			}
		}
		if !k.pass(w, turn) {
			return
		}
		w.ResetGap()
		w.EndIteration()
	}
}

// await waits for the token; false means to leave the loop.
func (k *WakeChain) await(w *Worker, turn *uint32) bool {
	if k.Wake == WakePipe {
		waited, ok := w.awaitByte()
		if ok {
			w.Record(0, waited)
		}
		return ok
	}
	began := sys.Monotonic()
	for whose := load(turn); whose != uint32(w.Position); whose = load(turn) {
		if !w.AwaitChange(turn, whose) {
			return false
		}
	}
	w.Record(0, sys.Monotonic()-began)
	return true
}

// pass gives the token to the next; false means to leave the loop.
func (k *WakeChain) pass(w *Worker, turn *uint32) bool {
	if k.Wake == WakePipe {
		return w.passByte()
	}
	store(turn, uint32(w.Position+1)%uint32(k.Depth))
	sys.RawFutexWake(turn, everyone)
	return true
}
