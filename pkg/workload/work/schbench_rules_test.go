// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
)

// The rate moves towards the target, in smaller steps the nearer it is.
func TestSchbenchNextRate(t *testing.T) {
	for name, tc := range map[string]struct {
		rate         int64
		target, busy float64
		want         int64
		hit          bool
	}{
		"an idle machine":             {10, 50, 0, 30, false},
		"far below":                   {100, 90, 10, 300, false},
		"half as busy as wanted":      {100, 50, 25, 200, false},
		"somewhat below":              {1000, 56, 40, 1100, false},
		"a hit from below":            {1000, 44, 40, 1013, true},
		"the last before it":          {1000, 49, 40, 1057, false},
		"on the spot":                 {1000, 50, 50, 1000, true},
		"a hit from above":            {1000, 48, 50, 965, true},
		"somewhat above":              {1000, 46, 50, 930, false},
		"more above":                  {1000, 42, 50, 880, false},
		"far above":                   {1000, 25, 50, 500, false},
		"ten times as busy as wanted": {1000, 10, 100, 300, false},
		"never below the first":       {11, 10, 100, 10, false},
		"never above the last":        {lastRate - 1, 90, 10, lastRate, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, hit := nextRate(tc.rate, tc.target, tc.busy); got != tc.want || hit != tc.hit {
				t.Errorf("got %d, hit %v; want %d, %v", got, hit, tc.want, tc.hit)
			}
		})
	}
}

// The footprint and the operations are divided as asked for, and nothing of the region overlaps.
func TestSchbenchLayout(t *testing.T) {
	k := &Schbench{MessageThreads: 2, WorkerThreads: 3, CacheFootprint: 256 << 10, SplitPercent: new(int32(25)), PipeTransfer: 100}
	l := k.layout()
	if l.messages != 2 || l.workers != 6 {
		t.Errorf("%d message threads, %d workers", l.messages, l.workers)
	}
	for part, order := range map[float64]int{0.25: l.privateOrder, 0.75: l.sharedOrder} {
		if want := int(math.Sqrt(256 * 1024 * part / 24)); order != want {
			t.Errorf("matrices of %v of the footprint are of order %d, want %d", part, order, want)
		}
	}
	parts := []int{0, schbenchSlots}
	for n := range 2 {
		parts = append(parts, l.message(n)+messageSlot)
	}
	for n := range 6 {
		parts = append(parts, l.worker(n)+workerSlot)
	}
	if l.worker(0) != l.message(1)+messageSlot {
		t.Error("the slots are not one behind the other")
	}
	parts = append(parts, l.locks+lockCPUs*lockStride, l.shared+matrixBytes(l.sharedOrder), l.pages+6*128, l.bytes+1)
	for i := 1; i < len(parts); i++ {
		if parts[i] <= parts[i-1] {
			t.Errorf("part %d ends at %d, the one before at %d", i, parts[i], parts[i-1])
		}
	}
	if whole := (&Schbench{CacheFootprint: 256 << 10}).layout(); whole.privateOrder != 104 || whole.sharedOrder != 0 {
		t.Errorf("without a split matrices are of order %d and %d", whole.privateOrder, whole.sharedOrder)
	}
}

func requestThread(t *testing.T, k *Schbench, position int) *schbenchThread {
	t.Helper()
	a, err := arena.New(arena.Plan{Workers: []arena.WorkerPlan{{Histograms: 3}}, Regions: []int{k.layout().bytes}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	var w Worker
	w.Bind(a, 0, 3, nil)
	w.begin(1)
	w.Position, w.Region = position, a.Region(0)
	w.Memory = make([]byte, k.layout().private)
	thread := k.thread(&w)
	return &thread
}

// A worker has at most so many requests to take, and takes them all together in the order they were sent.
func TestSchbenchQueue(t *testing.T) {
	s := requestThread(t, &Schbench{MessageThreads: 1, WorkerThreads: 1, RequestsPerSecond: 1}, 2)
	slot := s.at.worker(0)
	fill := func() (n int) {
		for s.send(slot) {
			n++
		}
		return n
	}
	// One more than may be pending: it is looked before, not after.
	if n := fill(); n != maxPending+1 {
		t.Errorf("%d requests fit", n)
	}
	first := *s.ring(slot, 0)
	if n := s.take(slot); n != maxPending+1 {
		t.Errorf("took %d", n)
	}
	// While those are worked on as many can wait again, and do not overwrite them.
	if n := fill(); n != maxPending+1 || *s.ring(slot, 0) != first {
		t.Errorf("%d more fit, the first was sent at %d and is now %d", n, first, *s.ring(slot, 0))
	}
	if s.arenaHistogram(schbenchWakeups) != 0 {
		t.Error("a worker that found work did not wait for it")
	}
}

func (t *schbenchThread) arenaHistogram(n int) uint64 { return t.arena.ReadHistogram(0, 0, n).Count() }

// The list of waiting workers is a stack, and all of it is woken with the same time.
func TestSchbenchWaitList(t *testing.T) {
	k := &Schbench{MessageThreads: 1, WorkerThreads: 3}
	s := requestThread(t, k, 1)
	s.Worker.control.Stop() // so that nobody waits
	for n := range 3 {
		s.ask(n, s.at.worker(n), s.at.message(0))
	}
	waiting := s.Region.Word32(s.at.message(0) + schbenchWaiting)
	for n, next := 3, *waiting; n > 0; n-- {
		if int(next) != n {
			t.Fatalf("worker %d, plus 1, where %d should be", next, n)
		}
		next = *s.Region.Word32(s.at.worker(n-1) + schbenchNext)
	}
	s.wakeAll(*waiting)
	for n := range 3 {
		slot := s.at.worker(n)
		if *s.Region.Word32(slot + schbenchFutex) != 1 {
			t.Errorf("worker %d has no post", n)
		}
		if at := *s.Region.Word64(slot + schbenchWoken); at == 0 || at != *s.Region.Word64(s.at.worker(0) + schbenchWoken) {
			t.Errorf("worker %d was woken at %d", n, at)
		}
	}
}

// Pages are filled to the last byte.
func TestSchbenchFill(t *testing.T) {
	for _, n := range []int{1, 2, 100, 4096} {
		page := make([]byte, n)
		fill(page, 2)
		for i, b := range page {
			if b != 2 {
				t.Fatalf("byte %d of %d is %d", i, n, b)
			}
		}
	}
}

// How busy the machine was is what /proc/stat says.
func TestMachineBusyTime(t *testing.T) {
	s := requestThread(t, &Schbench{AutoRatePercent: 50}, 0)
	var b busyTime
	if !b.read(s.Worker) || b.total <= 0 || b.busy <= 0 || b.busy > b.total {
		t.Errorf("busy %d of %d ticks", b.busy, b.total)
	}
	// What guests used is in the first two numbers already.
	if b.parse([]byte("100 1 20 300 40 5 6 7 50 1\n")); b.busy != 139 || b.total != 479 {
		t.Errorf("busy %d of %d ticks, want 139 of 479", b.busy, b.total)
	}
}

// Operations that cannot be divided as asked for are shared.
func TestSchbenchSplit(t *testing.T) {
	for _, tc := range []struct {
		percent     *int32
		own, shared int64
	}{{nil, 5, 0}, {new(int32(100)), 5, 0}, {new(int32(50)), 2, 3}, {new(int32(0)), 0, 5}} {
		k := &Schbench{Operations: new(int64(5)), SplitPercent: tc.percent}
		if own, shared := k.split(); own != tc.own || shared != tc.shared {
			t.Errorf("%d and %d, want %d and %d", own, shared, tc.own, tc.shared)
		}
	}
}

// A second in which the phase changed belongs to none.
func TestSchbenchRatesOfPhases(t *testing.T) {
	k := &Schbench{MessageThreads: 1, WorkerThreads: 1, Operations: new(int64(0))}
	a, err := arena.New(arena.Plan{Workers: []arena.WorkerPlan{{Histograms: 3}}, Regions: []int{k.layout().bytes}, Phases: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	var w Worker
	w.Bind(a, 0, 3, nil)
	w.Region = a.Region(0)
	a.Control().SetPhase(1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(k)
	}()
	first, second := a.Plan().Record(1), a.Plan().Record(2)
	await := func(record int, passes uint64) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); a.Record(0, record).Iterations() < passes; runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatal("the control thread does nothing")
			}
		}
	}
	await(first, 1)
	a.Control().SetPhase(2)
	await(first, 2)
	await(second, 1)
	a.Control().Stop()
	<-done
	if n, m := a.ReadHistogram(0, first, schbenchRates).Count(), a.ReadHistogram(0, second, schbenchRates).Count(); n != 1 || m != 1 {
		t.Errorf("%d and %d rates, want one each", n, m)
	}
}
