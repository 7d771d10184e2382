// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
	"github.com/schedfleet/schedfleet/pkg/workload/work/worktest"
)

func ms(n int) quantity.Duration { return quantity.Duration(time.Duration(n) * time.Millisecond) }

// measures are what the first examples record, as metric and sample.
var measures = map[string]string{
	"spinWait":                  "",
	"yieldHeavy":                "",
	"mixed":                     "",
	"aluHot":                    "IterationCost/Computation",
	"smtSiblingSpin":            "IterationCost/Computation",
	"ipcVariance":               "IterationCost/Computation",
	"bursty":                    "WakeLatency/Sleep",
	"idleChurn":                 "WakeLatency/Overshoot",
	"timerLatency":              "TimerLatency/Lateness",
	"sequence":                  "WakeLatency/Sleep WakeLatency/Yield WakeLatency/Overshoot IterationCost/Computation",
	"pipeIo":                    "WakeLatency/RoundTrip",
	"futexPingPong":             "WakeLatency/RoundTrip",
	"futexFanOut":               "WakeLatency/Wait",
	"fanOutCompute":             "WakeLatency/Wakeup",
	"thunderingHerd":            "WakeLatency/Sleep WakeLatency/Wait",
	"wakeChain":                 "WakeLatency/Wait",
	"asymmetricWaker":           "WakeLatency/Wait",
	"signalStorm":               "",
	"epollStorm":                "WakeLatency/Wait",
	"producerConsumerImbalance": "WakeLatency/Wait",
	"mutexContention":           "WakeLatency/LockWait",
	"priorityInversion":         "WakeLatency/LockWait",
	"ioSyncWrite":               "WakeLatency/Sync",
	"ioRandRead":                "WakeLatency/Read",
	"ioConvoy":                  "WakeLatency/Convoy",
	"cachePressure":             "",
	"cacheYield":                "WakeLatency/Yield",
	"cachePipe":                 "WakeLatency/RoundTrip",
	"pageFaultChurn":            "",
	"numaWorkingSetSweep":       "WakeLatency/Sleep",
	"affinityChurn":             "WakeLatency/Yield",
	"crossAffinityChurn":        "WakeLatency/Yield",
	"policyChurn":               "WakeLatency/Yield",
	"niceSweep":                 "WakeLatency/Yield",
	"numaMigrationChurn":        "",
	"rtStarvation":              "",
	"preemptStorm":              "",
	"forkExit":                  "WakeLatency/Reap",
	"cgroupChurn":               "",
	"cgroupAttachStorm":         "",
	"netTraffic":                "",
	"irqWake":                   "WakeLatency/Wait",
	"schbench":                  "WakeLatency/Wakeup ResponseTime/Request RequestRate/Second",
	"taobench":                  "",
	"exec":                      "",
}

// What a kind's values are is said by the kind, not by the values.
func TestWhatKindsRecord(t *testing.T) {
	for _, kind := range worktest.Kinds() {
		want, known := measures[kind]
		if !known {
			t.Errorf("nothing is said of %s", kind)
			continue
		}
		for _, e := range worktest.Examples(kind)[:1] {
			shape := e.Work(2).Shape()
			var got []string
			for _, m := range shape.Metrics {
				got = append(got, fmt.Sprintf("%s/%s", m.Metric, m.Sample))
			}
			if text := strings.Join(got, " "); text != want || len(got) > work.MaxMetrics || len(shape.Counters) > arena.MaxCounters {
				t.Errorf("%s records %q, want %q", kind, text, want)
			}
		}
	}
}

// notLoops are kinds of which there is no loop to measure, and why.
var notLoops = map[string]string{"exec": "a worker becomes another program"}

// After the fork nothing may allocate: the heap is in whatever state the zygote's
// other threads left it. And whoever records a latency is the one that waited.
func TestEveryKindWorksWithoutAllocating(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, kind := range worktest.Kinds() {
		list := worktest.Examples(kind)
		if len(list) == 0 {
			t.Errorf("there is no example of %s", kind)
		}
		for _, e := range list {
			t.Run(e.Name(), func(t *testing.T) {
				if why := notLoops[kind]; why != "" {
					t.Skip("there is no loop: " + why)
				}
				k := e.Work(2)
				if err := k.Validate(); err != nil {
					t.Fatal(err)
				}
				s := startSet(t, k)
				assertNothingAllocated(t, s)
				assertFilled(t, s, &e)
			})
		}
	}
}

// assertNothingAllocated counts allocations while the workers work.
func assertNothingAllocated(t *testing.T, s *set) {
	t.Helper()
	const (
		iterations = 100
		// others is what the runtime's own tasks and this test may allocate meanwhile.
		others = iterations / 3
	)
	if !s.await(func() bool { return s.iterations() > 0 }) {
		t.Fatalf("no iteration in %v", progressTimeout)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := s.iterations()
	enough := s.await(func() bool { return s.iterations()-began >= iterations })
	runtime.ReadMemStats(&after)
	n := s.iterations() - began
	if !enough {
		t.Errorf("only %d iterations in %v", n, progressTimeout)
	}
	if allocs := after.Mallocs - before.Mallocs; allocs > others {
		t.Errorf("%d allocations in %d iterations", allocs, n)
	}
}

// assertFilled waits until every worker has recorded what one of its role records,
// and checks that it has recorded nothing else.
func assertFilled(t *testing.T, s *set, e *worktest.Example) {
	t.Helper()
	filled := func(worker int) (list []work.Measure) {
		for n, measure := range s.shape.Metrics {
			if s.arena.Record(worker, 0).Filled(n) {
				list = append(list, measure)
			}
		}
		return list
	}
	for i := range s.workers {
		name := ""
		if role := s.shape.Role(i); role != nil {
			name = role.Name
		}
		want := e.Fills(&s.shape, name)
		s.await(func() bool { return len(filled(i)) >= len(want) })
		if diff := cmp.Diff(want, filled(i), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("worker %d, %s, fills other histograms (-want +got):\n%s", i, name, diff)
		}
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
