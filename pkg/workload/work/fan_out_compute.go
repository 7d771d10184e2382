// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// FanOutCompute has one waker note the time and advance a generation that FanOut
// receivers wait for. A receiver's wake latency is from that moment to its running. It
// then sleeps, as if on a network, and multiplies matrices, three of which fill
// CacheFootprint of its own memory; a multiplication is a work unit.
//
// The waker does not wait for receivers. One that is slower misses generations, and
// the moment that counts is that of the generation that ended its wait, not of the
// latest one; a latency of more than 4094 generations comes out up to 2% short.
//
// With an Arrival the generations are due by the schedule, and a receiver serves each
// of them, however late: its response time ends with its last multiplication. It is
// woken, and has a wake latency, only where it came first.
type FanOutCompute struct {
	FanOut         int32              `json:"fanOut"`
	CacheFootprint quantity.Bytes     `json:"cacheFootprint"`
	Operations     *int64             `json:"operations"`
	Sleep          *quantity.Duration `json:"sleep"`
	Arrival        *Arrival           `json:"arrival,omitempty"`
}

// Name implements Kind.
func (*FanOutCompute) Name() string { return "fanOutCompute" }

// Shape implements Kind.
func (k *FanOutCompute) Shape() Shape {
	s := Shape{
		SetSize: int(max(k.FanOut, 0)) + 1, RegionBytes: broadcastBytes + 8*noted*noteLevels, MemoryBytes: int(k.CacheFootprint),
		Progress: ProgressIterations, Quiet: k.Arrival.quiet(),
		Roles:   []Role{{Name: "waker", Workers: 1}, {Name: "receiver", Workers: int(k.FanOut)}},
		Metrics: k.Arrival.measures(Measure{MetricWake, SampleWakeup}),
	}
	if k.Sleep != nil {
		s.Quiet += k.Sleep.D()
	}
	return s
}

const (
	maxFootprint  quantity.Bytes = 64 << 20
	maxOperations                = 100_000
)

// The times of the latest generations are kept: of each, of every 64th, and so on, so
// many of them on every level.
const (
	noted      = 4096
	noteLevels = 3
	noteBits   = 6
)

// Validate implements Kind.
func (k *FanOutCompute) Validate() error {
	if err := validWorkers("fanOut", k.FanOut, 1); err != nil {
		return err
	}
	if k.CacheFootprint < minMemory || k.CacheFootprint > maxFootprint {
		return fmt.Errorf("cacheFootprint must be %v to %v, not %v", minMemory, maxFootprint, k.CacheFootprint)
	}
	if k.Operations == nil || *k.Operations < 0 || *k.Operations > maxOperations {
		return fmt.Errorf("operations must be 0 to %d", maxOperations)
	}
	if k.Sleep == nil || *k.Sleep < 0 || k.Sleep.D() > maxPhase {
		return errors.New("sleep must be 0s to 1h")
	}
	return k.Arrival.validate()
}

// Run implements Kind.
func (k *FanOutCompute) Run(w *Worker) {
	if w.Position == 0 {
		k.wake(w)
	} else {
		k.receive(w)
	}
}

// noteOf is where the time of a generation is noted on a level.
func noteOf(w *Worker, level int, generation uint32) *uint64 {
	at := int(generation>>(noteBits*level)) % noted
	return w.Region.Word64(broadcastBytes + 8*(level*noted+at))
}

func (k *FanOutCompute) wake(w *Worker) {
	all := w.broadcast()
	for generations := all.begin(w, k.Arrival); ; w.EndIteration() {
		if _, ok := generations.await(w); !ok {
			return
		}
		note(w, load(all.generation)+1, sys.Monotonic())
		all.advance(k.FanOut)
		w.Spin(coolDown)
	}
}

// note notes when a generation is about to begin.
func note(w *Worker, generation uint32, now int64) {
	for level := 0; level < noteLevels && generation%(1<<(noteBits*level)) == 0; level++ {
		atomic.StoreUint64(noteOf(w, level, generation), uint64(now))
	}
}

// wokenAt is when a generation was about to begin, or, if that is so many generations ago
// that its note is gone, one soon after it.
func (f *follower) wokenAt(w *Worker, generation uint32) int64 {
	for level := 0; ; level++ {
		step := uint32(1) << (noteBits * level)
		noticed := (generation + step - 1) / step * step
		at := int64(atomic.LoadUint64(noteOf(w, level, noticed)))
		if load(f.generation)-noticed < (noted-1)*step || level == noteLevels-1 {
			return at
		}
	}
}

func (k *FanOutCompute) receive(w *Worker) {
	matrices, order := sys.Words(w.Memory), matrixSize(len(w.Memory))
	for from := w.follow(k.Arrival); ; w.EndIteration() {
		turn, ok := from.next(w)
		if !ok {
			return
		}
		now := sys.Monotonic()
		if turn.blocked {
			w.Record(0, max(now-from.wokenAt(w, turn.generation), 0))
		}
		if *k.Sleep > 0 {
			w.SleepUntil(now + k.Sleep.Nanoseconds())
		}
		w.ResetGap()
		for range *k.Operations {
			if !w.matmul(matrices, order) {
				return
			}
			w.AddUnits(1)
			w.LookAround()
		}
		if w.Stopped() {
			return
		}
		from.due.respond(w, turn.due)
	}
}
