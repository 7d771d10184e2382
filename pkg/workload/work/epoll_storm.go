// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"
	"sync/atomic"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// EpollStorm has producers add to an event counter one by one, a burst a pass, and
// consumers wait for it with epoll, all on one instance. Whoever is woken takes all
// there is; one that comes late finds nothing, which is counted and no fault. A
// consumer's wake latency is the time it waited. Descriptors are opened before the
// workers exist, so that workers may be processes.
//
// With an Arrival each producer's bursts are due by a schedule of its own. The n-th
// burst is done when n bursts' events have been taken, whoever wrote them; the consumer
// that takes the last of them records its response time.
type EpollStorm struct {
	Producers      int32    `json:"producers"`
	Consumers      int32    `json:"consumers"`
	EventsPerBurst int64    `json:"eventsPerBurst"`
	Arrival        *Arrival `json:"arrival,omitempty"`
}

const (
	maxBurst = 1_000_000
	// lookEvents is after how many system calls of a pass a worker looks around.
	lookEvents = 1024
)

// The counters of an EpollStorm.
const (
	countWritten = iota
	countTaken
	countEmpty
)

// Name implements Kind.
func (*EpollStorm) Name() string { return "epollStorm" }

// Shape implements Kind.
func (k *EpollStorm) Shape() Shape {
	s := Shape{
		SetSize: max(int(k.Producers)+int(k.Consumers), 1), Opens: Opens{Epoll: true}, Progress: ProgressIterations, Quiet: k.Arrival.quiet(),
		Roles:    []Role{{Name: "producer", Workers: int(k.Producers)}, {Name: "consumer", Workers: int(k.Consumers)}},
		Metrics:  k.Arrival.measures(Measure{MetricWake, SampleWait}),
		Counters: []string{countWritten: "eventsWritten", countTaken: "eventsTaken", countEmpty: "emptyWakeups"},
	}
	if k.Arrival != nil {
		s.RegionBytes = burstsDue + 8*burstsKept
	}
	return s
}

// Validate implements Kind.
func (k *EpollStorm) Validate() error {
	if err := validWorkers("producers", k.Producers, 1); err != nil {
		return err
	}
	if err := validWorkers("consumers", k.Consumers, 1); err != nil {
		return err
	}
	if k.EventsPerBurst < 1 || k.EventsPerBurst > maxBurst {
		return fmt.Errorf("eventsPerBurst must be 1 to %d, not %d", maxBurst, k.EventsPerBurst)
	}
	return k.Arrival.validate()
}

// Run implements Kind.
func (k *EpollStorm) Run(w *Worker) {
	if w.Position < int(k.Producers) {
		k.produce(w)
	} else {
		k.consume(w)
	}
}

func (k *EpollStorm) produce(w *Worker) {
	for bursts := k.Arrival.schedule(w); ; w.EndIteration() {
		due, ok := bursts.await(w)
		if !ok || k.Arrival != nil && !noteBurst(w, due) {
			return
		}
		for left := k.EventsPerBurst; left > 0; left-- {
			if w.Stopped() {
				return
			}
			if left%lookEvents == 0 {
				w.LookAround()
			}
			if errno := sys.RawAddEvents(w.FDs[1], 1); errno != 0 {
				w.LeaveErrno("adding to the event counter", errno)
				return
			}
			w.AddUnits(1)
			w.Count(countWritten, 1)
		}
		w.ResetGap()
	}
}

// consume counts a wait of a tick without an event as a pass too: with epoll it may be
// others who are woken all the time.
func (k *EpollStorm) consume(w *Worker) {
	for began := sys.Monotonic(); !w.Stopped(); w.EndIteration() {
		ready, errno := sys.EpollWait(w.FDs[0], tick)
		if errno != 0 && errno != sys.Interrupted {
			w.LeaveErrno("waiting for events", errno)
			return
		}
		if ready {
			w.Record(0, sys.Monotonic()-began)
			if !k.take(w) {
				return
			}
			w.Spin(coolDown)
			began = sys.Monotonic()
		}
		w.ResetGap()
	}
}

// take takes the events there are; false means to leave the loop.
func (k *EpollStorm) take(w *Worker) bool {
	n, errno := sys.RawTakeEvents(w.FDs[1])
	switch errno {
	case 0:
		w.Count(countTaken, n)
		if k.Arrival != nil {
			k.finishBursts(w, n)
		}
	case sys.Again:
		w.Count(countEmpty, 1)
	default:
		w.LeaveErrno("reading the event counter", errno)
		return false
	}
	return true
}

// In an open loop the set shares the number of bursts begun, at 0, the number of events
// taken, at 8, and when the bursts that are not done were due, a word each from burstsDue on.
const (
	burstsDue  = 64
	burstsKept = 4096
)

func dueOf(w *Worker, burst uint64) *uint64 {
	return w.Region.Word64(burstsDue + 8*int(burst%burstsKept))
}

// noteBurst keeps when a burst is due. A producer so far ahead waits for consumers.
func noteBurst(w *Worker, due int64) bool {
	slot := dueOf(w, atomic.AddUint64(w.Region.Word64(0), 1)-1)
	for !atomic.CompareAndSwapUint64(slot, 0, uint64(due)) {
		if w.SleepUntil(sys.Monotonic() + burstRetry); w.Stopped() {
			return false
		}
	}
	return true
}

// burstRetry is after how long a producer that is far ahead looks again.
const burstRetry = 1_000_000

// finishBursts records the bursts whose events are complete with n more.
func (k *EpollStorm) finishBursts(w *Worker, n uint64) {
	now, size := sys.Monotonic(), uint64(k.EventsPerBurst)
	taken := atomic.AddUint64(w.Region.Word64(8), n)
	for burst := (taken - n) / size; burst < taken/size; burst++ {
		due := atomic.SwapUint64(dueOf(w, burst), 0)
		// Events of a later burst may come before the producer of this one, which
		// is between two instructions, notes when it was due.
		for due == 0 {
			if w.Stopped() {
				return
			}
			pause()
			due = atomic.SwapUint64(dueOf(w, burst), 0)
		}
		w.Record(1, now-int64(due))
	}
}
