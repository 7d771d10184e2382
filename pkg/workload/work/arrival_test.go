// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

func TestArrivalsOutOfBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		arrival Arrival
		want    string
	}{
		"nothing arrives":            {Arrival{0, ArrivalFixed}, "arrival.ratePerSecond must be 1 to 1000000, not 0"},
		"more than one a µs arrives": {Arrival{1_000_001, ArrivalPoisson}, "arrival.ratePerSecond must be 1 to 1000000, not 1000001"},
		"no distribution":            {Arrival{1, ""}, `arrival.distribution must be Fixed or Poisson, not ""`},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.arrival.validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	for _, a := range []*Arrival{nil, {1, ArrivalFixed}, {maxArrivalRate, ArrivalPoisson}} {
		if err := a.validate(); err != nil {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

// gaps are n gaps of a schedule, in ns, from its beginning on.
func gaps(a *Arrival, seed uint64, n int) []float64 {
	const began = 1_000_000_000_000
	s := a.from(began, seed)
	list := make([]float64, n)
	before := int64(began)
	for i := range list {
		due := s.next()
		list[i] = float64(due - before)
		before = due
	}
	return list
}

func TestFixedArrivalsAreEvenlySpaced(t *testing.T) {
	const rate = 7 // its gap is no whole number of ns
	first := map[float64]bool{}
	for seed := range uint64(100) {
		list := gaps(&Arrival{rate, ArrivalFixed}, seed, 70_000)
		if list[0] < 0 || list[0] > 1e9/rate {
			t.Errorf("the first is due after %.0f ns, not in the first gap", list[0])
		}
		first[math.Floor(list[0]/1e6)] = true
		var sum float64
		for i, gap := range list[1:] {
			if sum += gap; math.Abs(gap-1e9/rate) > 1 {
				t.Fatalf("gap %d is %.0f ns", i+1, gap)
			}
		}
		if want := 1e9 / rate * 69_999.0; math.Abs(sum-want) > 100 {
			t.Fatalf("69999 gaps are %.0f ns, want %.0f", sum, want)
		}
	}
	if len(first) < 40 { // of 143 ms
		t.Errorf("a hundred sources begin at %d times only", len(first))
	}
}

// The gaps of a Poisson process have the exponential distribution (a test by Kolmogorov and
// Smirnov: one in a thousand correct ones would fail, but the seeds are fixed) and do
// not depend on each other.
func TestPoissonArrivalsAreIndependent(t *testing.T) {
	const n, mean = 100_000, 1e9 / 5000
	for _, seed := range []uint64{0, 1, 2, 1 << 40, math.MaxUint64} {
		list := gaps(&Arrival{5000, ArrivalPoisson}, seed, n)
		var sum, product float64
		for i, gap := range list {
			sum += gap
			if i > 0 {
				product += (gap - mean) * (list[i-1] - mean)
			}
		}
		if off := math.Abs(sum/n-mean) / mean * math.Sqrt(n); off > 3.3 {
			t.Errorf("seed %d: the mean gap is %.0f ns, want %.0f", seed, sum/n, mean)
		}
		if r := product / n / (mean * mean); math.Abs(r)*math.Sqrt(n) > 3.3 {
			t.Errorf("seed %d: neighbouring gaps correlate by %.4f", seed, r)
		}
		slices.Sort(list)
		var distance float64
		for i, gap := range list {
			p := 1 - math.Exp(-gap/mean)
			distance = max(distance, p-float64(i)/n, float64(i+1)/n-p)
		}
		if distance*math.Sqrt(n) > 1.95 {
			t.Errorf("seed %d: the distribution is off by %.4f", seed, distance)
		}
	}
}

func TestArrivalsRepeatWithTheSeed(t *testing.T) {
	a := &Arrival{1000, ArrivalPoisson}
	if !slices.Equal(gaps(a, 42, 100), gaps(a, 42, 100)) {
		t.Error("the same seed made other arrivals")
	}
	if slices.Equal(gaps(a, 42, 100), gaps(a, 43, 100)) {
		t.Error("another seed made the same arrivals")
	}
}

// A source that is late gets every request it missed, at the time it was due, at once.
func TestNoArrivalIsSkipped(t *testing.T) {
	a := &Arrival{1000, ArrivalFixed}
	_, w := computeWorker(t, &AluHot{Arrival: a})
	w.begin(1)
	const late = 200 // requests
	began := sys.Monotonic() - late*int64(time.Millisecond)
	s, reference := a.from(began, 1), a.from(began, 1)
	for i := range late + 10 {
		want := reference.next()
		due, ok := s.await(w)
		if now := sys.Monotonic(); due != want || !ok || now < due {
			t.Fatalf("request %d: due at %d, want %d; at %d, %v", i, due-began, want-began, now-began, ok)
		}
	}
}

func TestArrivalsEndWithTheStop(t *testing.T) {
	for name, a := range map[string]*Arrival{"open": {1, ArrivalPoisson}, "closed": nil} {
		t.Run(name, func(t *testing.T) {
			ar, w := computeWorker(t, &AluHot{Arrival: a})
			w.begin(1)
			s := a.schedule(w)
			ar.Control().Stop()
			if _, ok := s.await(w); ok {
				t.Error("a request came after the stop")
			}
		})
	}
}

func TestTheResponseTimeCountsFromWhenTheRequestWasDue(t *testing.T) {
	a := &Arrival{1000, ArrivalFixed}
	ar, w := computeWorker(t, &AluHot{Arrival: a})
	w.begin(1)
	s := a.schedule(w)
	s.respond(w, sys.Monotonic()-int64(time.Hour))
	var closed arrivals
	closed.respond(w, 0)
	h := ar.ReadHistogram(0, 0, 1)
	if h.Count() != 1 || h.Min() < uint64(time.Hour) || h.Min() > uint64(time.Hour+time.Minute) {
		t.Errorf("%d response times, the first of %v", h.Count(), time.Duration(h.Min()))
	}
}
