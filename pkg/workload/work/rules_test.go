// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"slices"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
)

// What a kind's values are is said by the kind, not by the values.
func TestWhatKindsRecord(t *testing.T) {
	for _, tc := range []struct {
		kind Kind
		want []Metric
	}{
		{&SpinWait{}, nil},
		{&YieldHeavy{}, nil},
		{&CachePressure{}, nil},
		{&Bursty{}, []Metric{MetricWake}},
		{&PipeIO{}, []Metric{MetricWake}},
		{&FutexPingPong{}, []Metric{MetricWake}},
		{&FutexFanOut{}, []Metric{MetricWake}},
		{&TimerLatency{}, []Metric{MetricTimer}},
	} {
		if got := tc.kind.Shape().Metrics; !slices.Equal(got, tc.want) || len(got) > MaxMetrics {
			t.Errorf("%s records %v, want %v", tc.kind.Name(), got, tc.want)
		}
	}
}

// Clock and CPU are looked at every 1024 work units, however many passes that is.
func TestCheckpoints(t *testing.T) {
	for name, tc := range map[string]struct {
		units  uint64 // a pass
		passes int
		looks  int
	}{
		"a unit a pass":             {1, 4096, 4},
		"a checkpoint's less one":   {1023, 6, 3},
		"a checkpoint's a pass":     {1024, 5, 5},
		"more than one's":           {5000, 5, 5},
		"work that counts no units": {0, 5, 5},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := arena.New(arena.Plan{Workers: []arena.WorkerPlan{{}}})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			var w Worker
			w.Bind(a, 0, 0, nil)
			w.begin(1)
			looks := 0
			for range tc.passes {
				w.lastCheck = 0 // a checkpoint sets it
				w.AddUnits(tc.units)
				w.EndIteration()
				if w.lastCheck != 0 {
					looks++
				}
			}
			if looks != tc.looks || a.Record(0, 0).Iterations() != uint64(tc.passes) {
				t.Errorf("%d looks in %d passes, want %d in %d", looks, a.Record(0, 0).Iterations(), tc.looks, tc.passes)
			}
		})
	}
}
