// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func us(n int) *quantity.Duration { return new(quantity.Duration(time.Duration(n) * time.Microsecond)) }

// cacheServer is a small taobench.
func cacheServer(change func(k *work.Taobench)) *work.Taobench {
	k := &work.Taobench{ClientThreads: 2, SlowThreads: 1, CacheCapacity: 4 << 20, TargetHitPercent: 90, SlowPathSleep: us(1)}
	if change != nil {
		change(k)
	}
	return k
}

// counters adds a set's counters up.
func (s *set) counters() map[string]uint64 {
	sums := map[string]uint64{}
	for n, name := range s.shape.Counters {
		for i := range s.workers {
			sums[name] += s.arena.Record(i, 0).Figures(0).Counters[n]
		}
	}
	return sums
}

// operations makes a cache server do at least so many operations, and counts them.
func operations(t *testing.T, k *work.Taobench, least uint64) map[string]uint64 {
	t.Helper()
	s := startSet(t, k)
	if !s.await(func() bool { c := s.counters(); return c["fastOperations"]+c["slowOperations"] >= least }) {
		t.Errorf("only %v", s.counters())
	}
	s.stop(t)
	return s.counters()
}

// As many operations hit as are asked for: the cache is full from the beginning, and stays as full. The bounds are
// four standard deviations of so many draws.
func TestTaobenchHits(t *testing.T) {
	const least = 10_000
	for _, percent := range []int32{50, 90, 99} {
		c := operations(t, cacheServer(func(k *work.Taobench) { k.TargetHitPercent = percent }), least)
		done, p := float64(c["fastOperations"]+c["slowOperations"]), float64(percent)/100
		hits := float64(c["fastOperations"]) / done
		if math.Abs(hits-p) > 4*math.Sqrt(p*(1-p)/least) {
			t.Errorf("%.4f of the operations are fast, want %.2f: %v", hits, p, c)
		}
		// What is asked for is answered, but for what the stop came before.
		if misses := c["getMisses"] - c["slowOperations"]; misses > 2 || c["getCommands"]-uint64(done) > 2 {
			t.Errorf("not answered: %v", c)
		}
	}
}

// A miss costs what the dispatcher sleeps, and a dispatcher serves one client at a time.
func TestTaobenchDispatchersAreSlow(t *testing.T) {
	const sleep = 2 * time.Millisecond
	began := time.Now()
	c := operations(t, cacheServer(func(k *work.Taobench) {
		k.ClientThreads, k.TargetHitPercent, *k.SlowPathSleep = 4, 1, quantity.Duration(sleep)
	}), 100)
	if took := time.Since(began); took < time.Duration(c["slowOperations"])*sleep {
		t.Errorf("%d misses took %v, with one dispatcher that sleeps %v", c["slowOperations"], took, sleep)
	}
}

// An overloaded server answers ever later, because operations are due whether or not those
// before are done; at a rate it can serve it does not.
func TestTaobenchArrivals(t *testing.T) {
	serve := func(rate int64) (first, last time.Duration) {
		s := startSet(t, cacheServer(func(k *work.Taobench) {
			k.ArrivalRatePerSecond, k.TargetHitPercent, *k.SlowPathSleep = rate, 50, quantity.Duration(time.Millisecond)
		}))
		longest := func() time.Duration {
			return time.Duration(max(s.arena.ReadHistogram(0, 0, 0).Max(), s.arena.ReadHistogram(1, 0, 0).Max()))
		}
		done := func(n uint64) func() bool { return func() bool { return s.iterations() > n } }
		if !s.await(done(100)) {
			t.Fatal("no operations")
		}
		first = longest()
		if !s.await(done(1000)) {
			t.Fatal("no more operations")
		}
		last = longest()
		s.stop(t)
		return first, last
	}
	// One dispatcher serves at most 1000 misses a second; every second operation misses. 1000 operations take half a second, and
	// of those that are due 100 times faster the last one waits nearly as long.
	if first, last := serve(200_000); last < 300*time.Millisecond || last < 4*first {
		t.Errorf("overloaded, it took %v at most, and %v later", first, last)
	}
	if _, last := serve(400); last > 300*time.Millisecond {
		t.Errorf("it took up to %v at a rate it can serve", last)
	}
}

func TestTaobenchOn(t *testing.T) {
	for _, tc := range []struct{ clients, slow, wantClients, wantSlow int32 }{
		{0, 0, 8, 2}, {0, 5, 8, 5}, {2, 0, 2, 1}, {16, 0, 16, 5},
	} {
		k := (&work.Taobench{ClientThreads: tc.clients, SlowThreads: tc.slow}).On(8)
		want := []work.Role{{Name: "client", Workers: int(tc.wantClients)}, {Name: "dispatcher", Workers: int(tc.wantSlow), MayStarve: true}}
		if got := k.Shape(); !slices.EqualFunc(got.Roles, want, func(a, b work.Role) bool { return a == b }) || got.SetSize != int(tc.wantClients+tc.wantSlow) {
			t.Errorf("%d and %d on 8 CPUs are %+v of %d", tc.clients, tc.slow, got.Roles, got.SetSize)
		}
	}
}

func TestTaobenchParametersOutOfBounds(t *testing.T) {
	for want, change := range map[string]func(k *work.Taobench){
		"clientThreads must be 0 to 4096, not -1":             func(k *work.Taobench) { k.ClientThreads = -1 },
		"slowThreads must be 0 to 4096, not 5000":             func(k *work.Taobench) { k.SlowThreads = 5000 },
		"cacheCapacity must be 128Ki to 16Gi, not 64Ki":       func(k *work.Taobench) { k.CacheCapacity = 64 << 10 },
		"targetHitPercent must be 1 to 99, not 100":           func(k *work.Taobench) { k.TargetHitPercent = 100 },
		"slowPathSleep must be 0s to 2s":                      func(k *work.Taobench) { k.SlowPathSleep = us(3_000_000) },
		"slowPathP99 must be above the slowPathSleep":         func(k *work.Taobench) { k.SlowPathP99 = us(1) },
		"slowPathSleep, which must be at least 1µs":           func(k *work.Taobench) { *k.SlowPathSleep, k.SlowPathP99 = 0, us(1) },
		"arrivalRatePerSecond must be 0 to 100000000, not -1": func(k *work.Taobench) { k.ArrivalRatePerSecond = -1 },
	} {
		if err := cacheServer(change).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := cacheServer(func(k *work.Taobench) { k.SlowPathP99 = us(2) }).Validate(); err != nil {
		t.Error(err)
	}
}
