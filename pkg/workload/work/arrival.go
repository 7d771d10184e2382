// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"
	"math"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// Arrival makes a loop open: its requests are due by a schedule of their own, whether or not those
// before are done. A request's response time counts from when it was due, so that what a late
// worker makes wait is measured too (no coordinated omission).
type Arrival struct {
	// RatePerSecond is how many requests are due per second and source.
	RatePerSecond int64 `json:"ratePerSecond"`
	// Distribution is Fixed or Poisson.
	Distribution string `json:"distribution"`
}

// The distributions of arrivals: evenly spaced from a random beginning, so that the
// sources are not in step, or independent of each other.
const (
	ArrivalFixed   = "Fixed"
	ArrivalPoisson = "Poisson"

	maxArrivalRate = 1_000_000
)

// validate checks the parameters; without an arrival there is nothing to check.
func (a *Arrival) validate() error {
	switch {
	case a == nil:
		return nil
	case a.RatePerSecond < 1 || a.RatePerSecond > maxArrivalRate:
		return fmt.Errorf("arrival.ratePerSecond must be 1 to %d, not %d", maxArrivalRate, a.RatePerSecond)
	case a.Distribution != ArrivalFixed && a.Distribution != ArrivalPoisson:
		return fmt.Errorf("arrival.distribution must be Fixed or Poisson, not %q", a.Distribution)
	}
	return nil
}

// responses is the histogram of response times: the second.
const responses = 1

// measures is what a kind records: a measure of its own and, when the loop is open, the response
// time behind it.
func (a *Arrival) measures(own Measure) []Measure {
	if a == nil {
		return []Measure{own}
	}
	return []Measure{own, responses: {MetricResponse, SampleArrival}}
}

// quiet is how long no request may be due. A Poisson gap is longer than twenty mean gaps once in
// 500 million.
func (a *Arrival) quiet() time.Duration {
	if a == nil {
		return 0
	}
	gap := time.Second / time.Duration(max(a.RatePerSecond, 1))
	if a.Distribution == ArrivalPoisson {
		return 20 * gap
	}
	return gap
}

// arrivals is when a source's requests are due. Made from no Arrival it is that of a closed
// loop: the next request is due at once.
type arrivals struct {
	open    bool
	poisson bool
	gap     float64 // mean, in ns
	random  random
	began   int64
	due     float64 // since it began
}

// schedule begins the source's schedule now.
func (a *Arrival) schedule(w *Worker) arrivals {
	if a == nil {
		return arrivals{}
	}
	return a.from(sys.Monotonic(), w.Seed)
}

// from is the schedule that begins at a time. The same seed makes the same arrivals.
func (a *Arrival) from(began int64, seed uint64) arrivals {
	s := arrivals{
		open: true, poisson: a.Distribution == ArrivalPoisson,
		gap:    float64(time.Second) / float64(a.RatePerSecond),
		random: newRandom(seed ^ arrivalSeed), began: began,
	}
	if !s.poisson {
		s.due = -s.random.unit() * s.gap
	}
	return s
}

// arrivalSeed keeps a schedule apart from what a loop draws from the same seed.
const arrivalSeed = 0x6172726976616c73

// next is when the next request is due, whatever the time is now. Gaps of a Poisson process are
// exponential: the inverse of their distribution at a uniform number (Devroye, "Non-Uniform
// Random Variate Generation", 1986, section II.2).
func (s *arrivals) next() int64 {
	if s.poisson {
		s.due -= s.gap * math.Log(s.random.unit())
	} else {
		s.due += s.gap
	}
	return s.began + int64(s.due)
}

// await waits until the next request is due and returns that time; at the stop it returns false.
// A source that is late does not wait and skips nothing.
func (s *arrivals) await(w *Worker) (due int64, ok bool) {
	if !s.open {
		return 0, !w.Stopped()
	}
	due = s.next()
	if sys.Monotonic() < due {
		w.SleepUntil(due)
		w.ResetGap()
	}
	return due, !w.Stopped()
}

// respond records the response time of a request that was due and is done. In a closed loop
// there is none.
func (s *arrivals) respond(w *Worker, due int64) {
	if s.open {
		w.Record(responses, sys.Monotonic()-due)
	}
}
