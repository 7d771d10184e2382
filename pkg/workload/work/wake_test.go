// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work_test

import (
	"slices"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	// stopLimit is how soon after the stop the last worker has left.
	stopLimit = 200 * time.Millisecond
	// stopAttempts is how often a kind may try, since the machine may have other things to do.
	stopAttempts = 5
	// inTheMiddle is after how long a worker is in the middle of its work.
	inTheMiddle = 20 * time.Millisecond
)

// halt ends the workers and says how long that took; whoever had left of itself is told at
// the end of the test.
func (s *set) halt(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	s.arena.Control().Stop()
	if !s.await(func() bool { return s.all(arena.StageStopped, arena.StageLeft) }) {
		t.Fatalf("not all workers have left after %v", time.Since(began))
	}
	return time.Since(began)
}

// all says whether all workers are at one of the stages.
func (s *set) all(stages ...arena.Stage) bool {
	for i := range s.workers {
		if !slices.Contains(stages, s.arena.Block(i).Stage()) {
			return false
		}
	}
	return true
}

// figures are what each worker has counted.
func (s *set) figures() []arena.Figures {
	list := make([]arena.Figures, len(s.workers))
	for i := range s.workers {
		list[i] = s.arena.Record(i, 0).Figures(0)
	}
	return list
}

// counted is the sum of one of the kind's counters.
func (s *set) counted(t *testing.T, name string) (sum uint64) {
	t.Helper()
	n := slices.Index(s.shape.Counters, name)
	if n < 0 {
		t.Fatalf("%s has no counter %s", s.kind.Name(), name)
	}
	for _, f := range s.figures() {
		sum += f.Counters[n]
	}
	return sum
}

// recorded is how many values the histograms of a metric hold, and the largest.
func (s *set) recorded(metric work.Metric) (count uint64, largest time.Duration) {
	for n, m := range s.shape.Metrics {
		if m.Metric != metric {
			continue
		}
		for i := range s.workers {
			h := s.arena.ReadHistogram(i, 0, n)
			count += h.Count()
			largest = max(largest, time.Duration(h.Max()))
		}
	}
	return count, largest
}

// awaitAll waits until every worker has done so many iterations.
func (s *set) awaitAll(t *testing.T, n uint64) {
	t.Helper()
	if !s.await(func() bool {
		return !slices.ContainsFunc(s.figures(), func(f arena.Figures) bool { return f.Iterations < n })
	}) {
		for i, f := range s.figures() {
			t.Logf("worker %d: %d iterations, %d work units", i, f.Iterations, f.WorkUnits)
		}
		t.Fatalf("not every worker has done %d iterations in %v", n, progressTimeout)
	}
}

// Waits and work that take longer than a stop may.
func TestWorkersThatWaitStopInTime(t *testing.T) {
	slowly := &work.Arrival{RatePerSecond: 1, Distribution: work.ArrivalPoisson}
	for _, k := range []work.Kind{
		&work.ThunderingHerd{Waiters: 3, InterBatch: quantity.Duration(time.Hour)},
		&work.WakeChain{Depth: 8, Wake: work.WakePipe, WorkPerHop: new(ms(1000))},
		&work.WakeChain{Depth: 8, Wake: work.WakeFutex, WorkPerHop: new(ms(1000))},
		&work.FanOutCompute{FanOut: 2, CacheFootprint: 64 << 20, Operations: new(int64(1)), Sleep: new(ms(0)), Arrival: slowly},
		&work.FanOutCompute{FanOut: 2, CacheFootprint: 64 << 20, Operations: new(int64(1)), Sleep: new(ms(0))},
		&work.FanOutCompute{FanOut: 2, CacheFootprint: 4096, Operations: new(int64(0)), Sleep: new(quantity.Duration(time.Hour))},
		&work.FutexFanOut{FanOut: 2, SpinIters: new(int64(1e9))},
		&work.PipeIO{BurstIters: new(int64(1)), Arrival: slowly},
		&work.PipeIO{BurstIters: new(int64(1e9))},
		&work.AsymmetricWaker{WakerClass: work.ClassNormal, WakeeClass: work.ClassNormal, BurstIters: new(int64(1e9))},
		&work.SignalStorm{SignalsPerIter: 1_000_000, WorkIters: new(int64(1e9))},
		&work.EpollStorm{Producers: 1, Consumers: 3, EventsPerBurst: 1, Arrival: slowly},
		&work.EpollStorm{Producers: 1, Consumers: 1, EventsPerBurst: 1_000_000},
		&work.ProducerConsumerImbalance{Producers: 1, Consumers: 3, ProduceRatePerSecond: new(int64(1)), ConsumeIters: new(int64(1)), QueueDepth: 4},
		&work.ProducerConsumerImbalance{Producers: 3, Consumers: 1, ProduceRatePerSecond: new(int64(0)), ConsumeIters: new(int64(1e9)), QueueDepth: 1},
		&work.MutexContention{Contenders: 4, HoldIters: new(int64(1e9)), WorkIters: new(int64(0))},
		inversion(work.LockPlain, 1e9),
		inversion(work.LockPriorityInheritance, 1e9),
	} {
		t.Run(k.Name(), func(t *testing.T) {
			if err := k.Validate(); err != nil {
				t.Fatal(err)
			}
			var took time.Duration
			for range stopAttempts {
				s := startSet(t, k)
				if !s.await(func() bool { return s.all(arena.StageRunning) }) {
					t.Fatal("not all began")
				}
				began := time.Now()
				s.await(func() bool { return time.Since(began) > inTheMiddle })
				if took = s.halt(t); took <= stopLimit {
					return
				}
			}
			t.Errorf("stopping took %v at the last of %d attempts, want at most %v", took, stopAttempts, stopLimit)
		})
	}
}

func inversion(mode string, hold int64) work.Kind {
	one := int32(1)
	return &work.PriorityInversion{High: &one, Medium: &one, Low: &one, HoldIters: &hold, WorkIters: &hold, Mode: mode}
}

func TestAWakeChainHasOneToken(t *testing.T) {
	for _, wake := range []string{work.WakePipe, work.WakeFutex} {
		t.Run(wake, func(t *testing.T) {
			s := startSet(t, &work.WakeChain{Depth: 5, Wake: wake, WorkPerHop: new(quantity.Duration(0))})
			s.awaitAll(t, 2000)
			s.halt(t)
			// A turn is counted after the token is passed on, so that those before are at most one ahead.
			turns := s.figures()
			for i := range turns[1:] {
				if turns[i+1].Iterations > turns[i].Iterations {
					t.Errorf("worker %d had %d turns, worker %d before it only %d", i+1, turns[i+1].Iterations, i, turns[i].Iterations)
				}
			}
			if first, last := turns[0].Iterations, turns[4].Iterations; first > last+1 {
				t.Errorf("the first had %d turns, the last %d: there was more than one token", first, last)
			}
		})
	}
}

func TestSignalsAreUnitsOfAStorm(t *testing.T) {
	s := startSet(t, &work.SignalStorm{SignalsPerIter: 16, WorkIters: new(int64(0))})
	if !s.await(func() bool {
		return !slices.ContainsFunc(s.figures(), func(f arena.Figures) bool { return f.Counters[0] < 1000 })
	}) {
		t.Errorf("not both send signals: %d in all", s.counted(t, "signals"))
	}
	s.halt(t)
	for i, f := range s.figures() {
		if f.Counters[0] != f.WorkUnits {
			t.Errorf("worker %d sent %d signals and has %d work units", i, f.Counters[0], f.WorkUnits)
		}
	}
}

func TestEventsAreTakenOnce(t *testing.T) {
	for name, arrival := range map[string]*work.Arrival{
		"a closed loop": nil,
		"an open loop":  {RatePerSecond: 2000, Distribution: work.ArrivalPoisson},
	} {
		t.Run(name, func(t *testing.T) {
			const size = 4
			s := startSet(t, &work.EpollStorm{Producers: 2, Consumers: 2, EventsPerBurst: size, Arrival: arrival})
			s.awaitAll(t, 100)
			s.halt(t)
			written, taken := s.counted(t, "eventsWritten"), s.counted(t, "eventsTaken")
			left, _ := sys.RawTakeEvents(s.workers[0].FDs[1])
			if written != taken+left || taken == 0 {
				t.Errorf("%d events written, %d taken and %d left", written, taken, left)
			}
			waits, _ := s.recorded(work.MetricWake)
			if empty := s.counted(t, "emptyWakeups"); waits == 0 || empty > waits {
				t.Errorf("%d waits, %d of them for nothing", waits, empty)
			}
			// The last burst may be complete without having been recorded: the stop came first.
			if done, _ := s.recorded(work.MetricResponse); arrival != nil && (done > taken/size || done+2 < taken/size) {
				t.Errorf("%d bursts have a response time, but %d events of %d a burst were taken", done, taken, size)
			}
		})
	}
}

func TestItemsProducedAreConsumed(t *testing.T) {
	for name, k := range map[string]*work.ProducerConsumerImbalance{
		"a ring that is full":     {Producers: 3, Consumers: 2, ProduceRatePerSecond: new(int64(0)), ConsumeIters: new(int64(2048)), QueueDepth: 8},
		"a ring that is empty":    {Producers: 1, Consumers: 3, ProduceRatePerSecond: new(int64(2000)), ConsumeIters: new(int64(1)), QueueDepth: 8},
		"a ring for one":          {Producers: 2, Consumers: 2, ProduceRatePerSecond: new(int64(0)), ConsumeIters: new(int64(0)), QueueDepth: 1},
		"a ring larger than both": {Producers: 1, Consumers: 1, ProduceRatePerSecond: new(int64(0)), ConsumeIters: new(int64(64)), QueueDepth: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			s := startSet(t, k)
			s.awaitAll(t, 100)
			s.halt(t)
			made, used := s.counted(t, "itemsProduced"), s.counted(t, "itemsConsumed")
			if used == 0 || made < used || made > used+uint64(k.QueueDepth) {
				t.Errorf("%d produced, %d consumed, room for %d", made, used, k.QueueDepth)
			}
		})
	}
}

// A paced producer keeps its rate over time: what it sleeps too long is made up for.
func TestProducersKeepTheirRate(t *testing.T) {
	const rate, attempts = 5000, 5
	for attempt := 1; ; attempt++ {
		s := startSet(t, &work.ProducerConsumerImbalance{
			Producers: 1, Consumers: 1, ProduceRatePerSecond: new(int64(rate)), ConsumeIters: new(int64(1)), QueueDepth: 1 << 20,
		})
		if !s.await(func() bool { return s.all(arena.StageRunning) }) {
			t.Fatal("not all began")
		}
		began, before := time.Now(), s.figures()[0].Iterations
		if !s.await(func() bool { return s.figures()[0].Iterations >= before+rate/2 }) {
			t.Fatalf("fewer than %d items in %v", rate/2, progressTimeout)
		}
		took, made := time.Since(began), s.figures()[0].Iterations-before
		s.halt(t)
		want := took.Seconds() * rate
		if float64(made) > want*0.9 && float64(made) < want*1.1+20 {
			return
		}
		if attempt == attempts { // the machine may have other things to do
			t.Fatalf("%d items in %v, want about %.0f", made, took, want)
		}
	}
}

// openKinds are kinds whose requests arrive by a schedule.
func openKinds(a *work.Arrival) map[string]work.Kind {
	return map[string]work.Kind{
		"pipeIo":          &work.PipeIO{BurstIters: new(int64(16)), Arrival: a},
		"futexFanOut":     &work.FutexFanOut{FanOut: 3, SpinIters: new(int64(16)), Arrival: a},
		"fanOutCompute":   &work.FanOutCompute{FanOut: 3, CacheFootprint: 4096, Operations: new(int64(1)), Sleep: new(ms(0)), Arrival: a},
		"mutexContention": &work.MutexContention{Contenders: 3, HoldIters: new(int64(16)), WorkIters: new(int64(16)), Arrival: a},
		"epollStorm":      &work.EpollStorm{Producers: 1, Consumers: 2, EventsPerBurst: 2, Arrival: a},
	}
}

// No request is lost, and none comes before it is due.
func TestRequestsArriveByTheSchedule(t *testing.T) {
	const rate = 400
	for name, k := range openKinds(&work.Arrival{RatePerSecond: rate, Distribution: work.ArrivalFixed}) {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			s := startSet(t, k)
			var requests, answers uint64
			if !s.await(func() bool {
				requests = s.requests(name)
				answers, _ = s.recorded(work.MetricResponse)
				return s.figures()[0].Iterations >= rate/4 && answers+8 > requests
			}) {
				t.Errorf("%d of %d requests have a response time", answers, requests)
			}
			s.halt(t)
			if n, most := s.figures()[0].Iterations, uint64(time.Since(began).Seconds()*rate)+1; n > most {
				t.Errorf("%d requests of the first worker, want at most %d", n, most)
			}
			requests = s.requests(name)
			if answers, _ = s.recorded(work.MetricResponse); answers > requests+uint64(len(s.workers)) {
				t.Errorf("%d response times of %d requests", answers, requests)
			}
		})
	}
}

// requests is how many of them are to be answered.
func (s *set) requests(kind string) uint64 {
	list := s.figures()
	switch kind {
	case "pipeIo", "epollStorm":
		return list[0].Iterations
	case "mutexContention":
		return list[0].Iterations + list[1].Iterations + list[2].Iterations
	default: // by each of those that wait
		return uint64(len(list)-1) * list[0].Iterations
	}
}

// Requests that come faster than they are answered wait, and their response time says so.
func TestLateRequestsCountFromWhenTheyWereDue(t *testing.T) {
	const load = 300 * time.Millisecond
	for name, k := range openKinds(&work.Arrival{RatePerSecond: 1_000_000, Distribution: work.ArrivalPoisson}) {
		t.Run(name, func(t *testing.T) {
			if storm, ok := k.(*work.EpollStorm); ok {
				storm.EventsPerBurst = 64 // a producer by itself is fast enough for a few
			}
			began := time.Now()
			s := startSet(t, k)
			s.await(func() bool { return time.Since(began) > load })
			s.halt(t)
			if _, longest := s.recorded(work.MetricResponse); longest < load/3 {
				t.Errorf("the longest response time is %v after %v of overload", longest, load)
			}
		})
	}
}

// What a receiver cannot do at once it does later: none of the generations that come while it
// sleeps is missed, and the waiting counts.
func TestReceiversServeEachRequest(t *testing.T) {
	k := &work.FanOutCompute{FanOut: 2, CacheFootprint: 4096, Operations: new(int64(0)), Sleep: new(ms(3)),
		Arrival: &work.Arrival{RatePerSecond: 200, Distribution: work.ArrivalPoisson}}
	s := startSet(t, k)
	if !s.await(func() bool {
		list := s.figures()
		return list[0].Iterations > 150 && list[1].Iterations+3 > list[0].Iterations && list[2].Iterations+3 > list[0].Iterations
	}) {
		list := s.figures()
		t.Errorf("%d requests, of which %d and %d were served", list[0].Iterations, list[1].Iterations, list[2].Iterations)
	}
	s.halt(t)
}
