// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work_test

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func ms(n int) quantity.Duration { return quantity.Duration(time.Duration(n) * time.Millisecond) }

var kinds = []work.Kind{
	&work.SpinWait{},
	&work.YieldHeavy{},
	&work.Bursty{Burst: ms(1), Sleep: ms(1)},
	&work.PipeIO{BurstIters: new(int64(16))},
	&work.FutexPingPong{SpinIters: new(int64(16))},
	&work.FutexFanOut{FanOut: 2, SpinIters: new(int64(16))},
	&work.TimerLatency{Interval: ms(1)},
	&work.CachePressure{Size: 64 << 10, Stride: 64},
}

// set runs one set of workers of a kind on threads of this process until they
// have done some iterations, and returns how many.
func set(t *testing.T, k work.Kind) uint64 {
	t.Helper()
	shape := k.Shape()
	plan := arena.Plan{Regions: []int{max(shape.RegionBytes, 4)}}
	for range shape.SetSize {
		plan.Workers = append(plan.Workers, arena.WorkerPlan{Histograms: len(shape.Metrics)})
	}
	a, err := arena.New(plan)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	workers := prepare(t, a, shape)
	done := make(chan struct{})
	for i := range workers {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			workers[i].Run(k)
			done <- struct{}{}
		}()
	}
	total := func() (n uint64) {
		for i := range workers {
			n += a.Record(i, 0).Iterations()
		}
		return n
	}
	deadline := time.Now().Add(20 * time.Second)
	for total() < uint64(50*shape.SetSize) && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	a.Control().Stop()
	for range workers {
		<-done
	}
	return total()
}

func prepare(t *testing.T, a *arena.Arena, shape work.Shape) []work.Worker {
	t.Helper()
	workers := make([]work.Worker, shape.SetSize)
	var ab, ba [2]int
	if shape.Pipes {
		for _, p := range []*[2]int{&ab, &ba} {
			if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _, _ = unix.Close(p[0]), unix.Close(p[1]) })
		}
	}
	for i := range workers {
		workers[i].Bind(a, i, len(shape.Metrics), nil)
		workers[i].Position = i
		workers[i].Region = a.Region(0)
		if shape.MemoryBytes > 0 {
			workers[i].Pages = &work.PageCounter{}
			workers[i].Memory = make([]byte, shape.MemoryBytes)
		}
		if shape.Pipes {
			workers[i].ReadFD, workers[i].WriteFD = ba[0], ab[1]
			if i == 1 {
				workers[i].ReadFD, workers[i].WriteFD = ab[0], ba[1]
			}
		}
	}
	return workers
}

// After the fork nothing may allocate: the heap is in whatever state the zygote's
// other threads left it. The allocations of many iterations are those of few.
func TestNoKindAllocatesPerIteration(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.Name(), func(t *testing.T) {
			set(t, k) // what happens once
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			n := set(t, k)
			runtime.ReadMemStats(&after)
			// Making the set and its threads costs some; 50 iterations and more cost nothing.
			const fixed = 45
			if n < 50 {
				t.Fatalf("only %d iterations", n)
			}
			if allocs := after.Mallocs - before.Mallocs; allocs > fixed {
				t.Errorf("%d allocations in %d iterations", allocs, n)
			}
		})
	}
}

func TestParametersOutOfBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		kind work.Kind
		want string
	}{
		"bursty without a burst":             {&work.Bursty{Sleep: ms(1)}, "burst must be above 0s"},
		"bursty with a negative sleep":       {&work.Bursty{Burst: ms(1), Sleep: ms(-1)}, "sleep must be above 0s"},
		"a timer below a microsecond":        {&work.TimerLatency{Interval: 999}, "interval must be at least 1us"},
		"ping-pong without a number":         {&work.FutexPingPong{}, "spinIters must be 0 to"},
		"pipes with a negative number":       {&work.PipeIO{BurstIters: new(int64(-1))}, "burstIters must be 0 to"},
		"less memory than a page":            {&work.CachePressure{Size: 1, Stride: 1}, "size must be 4Ki to 16Gi, not 1"},
		"a stride beyond the memory":         {&work.CachePressure{Size: 4096, Stride: 4097}, "stride must be 1 to the size in bytes, 4096, not 4097"},
		"a fan-out to nobody":                {&work.FutexFanOut{SpinIters: new(int64(1))}, "fanOut must be 1 to 4096"},
		"a fan-out that spins without bound": {&work.FutexFanOut{FanOut: 1, SpinIters: new(int64(1 << 40))}, "spinIters must be 0 to"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.kind.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	for _, k := range kinds {
		if err := k.Validate(); err != nil {
			t.Errorf("%s: %v", k.Name(), err)
		}
	}
}

func TestExactlyOneKind(t *testing.T) {
	if _, err := (&work.Spec{}).Kind(); err == nil {
		t.Error("no kind was taken")
	}
	_, err := (&work.Spec{SpinWait: &work.SpinWait{}, YieldHeavy: &work.YieldHeavy{}}).Kind()
	if err == nil || !strings.Contains(err.Error(), "spinWait and yieldHeavy") {
		t.Errorf("two kinds: %v", err)
	}
}

// A long sleep must not keep a worker from stopping.
func TestALongSleepEndsWithTheStop(t *testing.T) {
	a, err := arena.New(arena.Plan{Workers: []arena.WorkerPlan{{Histograms: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var w work.Worker
	w.Bind(a, 0, 1, nil)
	done := make(chan struct{})
	go func() { // no LockOSThread: the raw sleep keeps the thread anyway
		defer close(done)
		w.Run(&work.TimerLatency{Interval: quantity.Duration(time.Duration(30+rand.IntN(10)) * time.Minute)})
	}()
	for a.Block(0).Stage() != arena.StageRunning {
		runtime.Gosched()
	}
	a.Control().Stop()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("it sleeps on")
	}
	if a.ReadHistogram(0, 0, 0).Count() != 0 {
		t.Error("the sleep that was cut short was recorded")
	}
}
