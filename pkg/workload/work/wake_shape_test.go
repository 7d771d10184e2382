// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func TestClassesOfWakers(t *testing.T) {
	fifo := &work.Class{Policy: sys.PolicyFIFO, Priority: 50}
	for name, tc := range map[string]struct {
		waker, wakee string
		want         []work.Role
		needs        []string
		dangerous    bool
	}{
		"alike":                      {work.ClassNormal, work.ClassNormal, roles(&work.Class{}, &work.Class{}, false), nil, false},
		"a waker that never lets go": {work.ClassFIFO, work.ClassNormal, roles(fifo, &work.Class{}, true), []string{capability.Realtime}, true},
		"a wakee that is in a hurry": {work.ClassIdle, work.ClassFIFO, roles(&work.Class{Policy: sys.PolicyIdle}, fifo, false), []string{capability.Realtime}, true},
		"both":                       {work.ClassFIFO, work.ClassFIFO, roles(fifo, fifo, true), []string{capability.Realtime}, true},
		"what few machines have": {
			work.ClassDeadline, work.ClassExt,
			roles(&work.Class{Policy: sys.PolicyDeadline, Runtime: 1e6, Deadline: 1e7, Period: 1e7}, &work.Class{Policy: sys.PolicyExt}, false),
			[]string{capability.Deadline, capability.SchedExt}, false,
		},
		"a batch": {work.ClassBatch, work.ClassNormal, roles(&work.Class{Policy: sys.PolicyBatch}, &work.Class{}, false), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := (&work.AsymmetricWaker{WakerClass: tc.waker, WakeeClass: tc.wakee}).Shape()
			if diff := cmp.Diff(tc.want, got.Roles); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
			if !slices.Equal(got.Needs, tc.needs) || got.Dangerous != tc.dangerous {
				t.Errorf("needs %v, dangerous %t; want %v, %t", got.Needs, got.Dangerous, tc.needs, tc.dangerous)
			}
		})
	}
}

func roles(waker, wakee *work.Class, starves bool) []work.Role {
	return []work.Role{{Name: "waker", Workers: 1, Class: waker}, {Name: "wakee", Workers: 1, Class: wakee, MayStarve: starves}}
}

// A tier without workers is none.
func TestTiersOfAnInversion(t *testing.T) {
	class := func(priority int) *work.Class { return &work.Class{Policy: sys.PolicyFIFO, Priority: priority} }
	got := (&work.PriorityInversion{High: new(int32(2)), Medium: new(int32(0)), Low: new(int32(3))}).Shape()
	want := []work.Role{{Name: "high", Workers: 2, Class: class(70), MayStarve: true}, {Name: "low", Workers: 3, Class: class(30), MayStarve: true}}
	if diff := cmp.Diff(want, got.Roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	if got.SetSize != 5 || !got.Dangerous || !slices.Equal(got.Needs, []string{capability.Realtime}) {
		t.Errorf("a set of %d, dangerous %t, needs %v", got.SetSize, got.Dangerous, got.Needs)
	}
}

func TestWakeParametersOutOfBounds(t *testing.T) {
	arrival := &work.Arrival{RatePerSecond: 0, Distribution: work.ArrivalFixed}
	for name, tc := range map[string]struct {
		kind work.Kind
		want string
	}{
		"a herd of none":              {&work.ThunderingHerd{InterBatch: ms(1)}, "waiters must be 1 to 4096, not 0"},
		"a herd without rest":         {&work.ThunderingHerd{Waiters: 1}, "interBatch must be at least 1us and at most 1h"},
		"a chain of one":              {&work.WakeChain{Depth: 1, Wake: work.WakeFutex, WorkPerHop: new(ms(0))}, "depth must be 2 to 4096, not 1"},
		"a chain of nothing":          {&work.WakeChain{Depth: 2, Wake: "Bell", WorkPerHop: new(ms(0))}, `wake must be Pipe or Futex, not "Bell"`},
		"a chain that never comes":    {&work.WakeChain{Depth: 2, Wake: work.WakePipe, WorkPerHop: new(ms(1001))}, "workPerHop must be 0s to 1s"},
		"a class that is none":        {&work.AsymmetricWaker{WakerClass: "RR", WakeeClass: work.ClassNormal}, "wakerClass must be Normal, Batch, Idle, FIFO, Deadline or Ext"},
		"no class":                    {&work.AsymmetricWaker{WakerClass: work.ClassNormal}, `wakeeClass must be Normal, Batch, Idle, FIFO, Deadline or Ext, not ""`},
		"a storm of nothing":          {&work.SignalStorm{WorkIters: new(int64(1))}, "signalsPerIter must be 1 to 1000000, not 0"},
		"events from nobody":          {&work.EpollStorm{Consumers: 1, EventsPerBurst: 1}, "producers must be 1 to 4096, not 0"},
		"events for nobody":           {&work.EpollStorm{Producers: 1, EventsPerBurst: 1}, "consumers must be 1 to 4096, not 0"},
		"bursts of nothing":           {&work.EpollStorm{Producers: 1, Consumers: 1}, "eventsPerBurst must be 1 to 1000000, not 0"},
		"bursts that never arrive":    {&work.EpollStorm{Producers: 1, Consumers: 1, EventsPerBurst: 1, Arrival: arrival}, "arrival.ratePerSecond must be 1 to"},
		"items from nobody":           {&work.ProducerConsumerImbalance{Consumers: 1}, "producers must be 1 to 4096, not 0"},
		"items for nobody":            {&work.ProducerConsumerImbalance{Producers: 1}, "consumers must be 1 to 4096, not 0"},
		"items at no rate":            {&work.ProducerConsumerImbalance{Producers: 1, Consumers: 1}, "produceRatePerSecond must be 0 to 1000000"},
		"items without room":          {&work.ProducerConsumerImbalance{Producers: 1, Consumers: 1, ProduceRatePerSecond: new(int64(0))}, "queueDepth must be 1 to 1048576, not 0"},
		"a lock for nobody":           {&work.MutexContention{}, "contenders must be 1 to 4096, not 0"},
		"a lock held for ever":        {&work.MutexContention{Contenders: 1, HoldIters: new(int64(1 << 40))}, "holdIters must be 0 to"},
		"sections that never arrive":  {&work.MutexContention{Contenders: 1, HoldIters: new(int64(1)), WorkIters: new(int64(1)), Arrival: arrival}, "arrival.ratePerSecond"},
		"an inversion of none":        {&work.PriorityInversion{High: new(int32(0)), Medium: new(int32(0)), Low: new(int32(0)), Mode: work.LockPlain}, "high, medium and low must not all be 0"},
		"a tier that is not set":      {&work.PriorityInversion{High: new(int32(1)), Low: new(int32(1))}, "medium must be 0 to 4096"},
		"a tier of less than nothing": {&work.PriorityInversion{High: new(int32(-1))}, "high must be 0 to 4096, not -1"},
		"an inversion of no kind":     {&work.PriorityInversion{High: new(int32(1)), Medium: new(int32(1)), Low: new(int32(1))}, "mode must be Plain or PriorityInheritance"},
		"requests to nobody":          {&work.FanOutCompute{}, "fanOut must be 1 to 4096, not 0"},
		"matrices of nothing":         {&work.FanOutCompute{FanOut: 1}, "cacheFootprint must be 4Ki to 64Mi, not 0"},
		"work without a number":       {&work.FanOutCompute{FanOut: 1, CacheFootprint: 4096}, "operations must be 0 to 100000"},
		"a sleep of less than none":   {&work.FanOutCompute{FanOut: 1, CacheFootprint: 4096, Operations: new(int64(1)), Sleep: new(ms(-1))}, "sleep must be 0s to 1h"},
		"a pipe nothing comes by":     {&work.PipeIO{BurstIters: new(int64(1)), Arrival: arrival}, "arrival.ratePerSecond"},
		"a fan-out without requests":  {&work.FutexFanOut{FanOut: 1, SpinIters: new(int64(1)), Arrival: arrival}, "arrival.ratePerSecond"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.kind.Validate(); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if size := tc.kind.Shape().SetSize; size < 1 {
				t.Errorf("a set of %d is asked for before the parameters are refused", size)
			}
		})
	}
}
