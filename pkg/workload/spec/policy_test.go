// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

func withPolicy(p SchedulingPolicy) *Run {
	return valid(func(r *Run) {
		p.Name = "p"
		r.SchedulingPolicies, r.Groups[0].SchedulingPolicy = []SchedulingPolicy{p}, "p"
	})
}

func withDeadline(runtime, deadline time.Duration, period *quantity.Duration) *Run {
	return withPolicy(SchedulingPolicy{Deadline: &Deadline{quantity.Duration(runtime), quantity.Duration(deadline), period}})
}

func TestValidatePolicies(t *testing.T) {
	const ms = time.Millisecond
	for name, tc := range map[string]struct {
		run  *Run
		want string // "" is valid
	}{
		"the highest priority":      {withPolicy(SchedulingPolicy{FIFO: &Realtime{98}}), ""},
		"the supervisor's priority": {withPolicy(SchedulingPolicy{RoundRobin: &Realtime{99}}), "schedulingPolicies[0].roundRobin.priority: must be 1 to 98, since 99 is the supervisor's, which has to end the workers, not 99"},
		"no priority":               {withPolicy(SchedulingPolicy{FIFO: &Realtime{0}}), "schedulingPolicies[0].fifo.priority: must be 1 to 98"},
		"ext with a nice value": {func() *Run {
			r := withPolicy(SchedulingPolicy{Ext: &struct{}{}})
			r.Groups[0].Nice = new(-20)
			return r
		}(), ""},
		"two classes":                      {withPolicy(SchedulingPolicy{Ext: &struct{}{}, Deadline: &Deadline{}}), `schedulingPolicies[0].name: "p" must have exactly one class, not 2`},
		"a deadline":                       {withDeadline(ms, 10*ms, length(20*ms)), ""},
		"runtime, deadline, period in one": {withDeadline(ms, ms, length(ms)), ""},
		"the shortest runtime":             {withDeadline(1024, 1024, nil), ""},
		"a runtime that is too short":      {withDeadline(1023, ms, nil), "schedulingPolicies[0].deadline.runtime: must be at least 1024ns, not 1.023µs"},
		"a negative runtime":               {withDeadline(-1, ms, nil), "deadline.runtime: must be at least 1024ns"},
		"the longest there is":             {withDeadline(ms, math.MaxInt64, length(math.MaxInt64)), ""},
		"a deadline before the runtime":    {withDeadline(2*ms, ms, nil), "schedulingPolicies[0].deadline.deadline: must be at least the runtime, 2ms, not 1ms"},
		"a period before the deadline":     {withDeadline(ms, 3*ms, length(2*ms)), "schedulingPolicies[0].deadline.period: must be at least the deadline, 3ms, not 2ms"},
		"a deadline with a nice value":     {func() *Run { r := withDeadline(ms, ms, nil); r.Groups[0].Nice = new(1); return r }(), ""},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tc.run.Validate(), tc.want) })
	}
}

// The numbers are those of sched_setattr(2).
func TestResolvePolicies(t *testing.T) {
	for name, tc := range map[string]struct {
		policy           SchedulingPolicy
		number, priority int
		deadline         *DeadlineCall
	}{
		"normal":                    {SchedulingPolicy{Normal: &struct{}{}}, 0, 0, nil},
		"FIFO":                      {SchedulingPolicy{FIFO: &Realtime{98}}, 1, 98, nil},
		"round robin":               {SchedulingPolicy{RoundRobin: &Realtime{1}}, 2, 1, nil},
		"batch":                     {SchedulingPolicy{Batch: &struct{}{}}, 3, 0, nil},
		"idle":                      {SchedulingPolicy{Idle: &struct{}{}}, 5, 0, nil},
		"deadline with a period":    {SchedulingPolicy{Deadline: &Deadline{2000, 30_000_000, length(40_000_000)}}, 6, 0, &DeadlineCall{2000, 30_000_000, 40_000_000}},
		"deadline without a period": {SchedulingPolicy{Deadline: &Deadline{2000, 30_000_000, nil}}, 6, 0, &DeadlineCall{2000, 30_000_000, 30_000_000}},
		"ext":                       {SchedulingPolicy{Ext: &struct{}{}}, 7, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := withPolicy(tc.policy).Resolve(Machine{CPUs: cpuset.New(0)})
			if err != nil {
				t.Fatal(err)
			}
			g := got.Groups[0]
			if g.Policy != tc.number || g.Priority != tc.priority {
				t.Errorf("got policy %d and priority %d, want %d and %d", g.Policy, g.Priority, tc.number, tc.priority)
			}
			if diff := cmp.Diff(tc.deadline, g.Deadline); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateInterference(t *testing.T) {
	for name, tc := range map[string]struct {
		limits Interference
		want   string // "" is valid
	}{
		"no limit": {Interference{}, "interference.maxOtherCPU: nothing is set: leave interference out"},
		"all limits at their lowest": {Interference{new(quantity.CPUs(0)), new(quantity.CPUs(0)), new(quantity.CPUs(0)),
			new(0), new(0), new(1), new(int64(0)), length(1), new(0)}, ""},
		"the most CPUs":             {Interference{MaxOtherCPU: new(quantity.CPUs(8192_000))}, ""},
		"more CPUs":                 {Interference{MaxOtherCPU: new(quantity.CPUs(8192_001))}, "interference.maxOtherCPU: must be 0 to 8192 CPUs, not 8192001m"},
		"less steal than none":      {Interference{MaxSteal: new(quantity.CPUs(-1))}, "interference.maxSteal: must be 0 to 8192 CPUs"},
		"fewer interrupts":          {Interference{MaxInterruptCPU: new(quantity.CPUs(-1))}, "interference.maxInterruptCPU: must be"},
		"a share beyond all":        {Interference{MaxMemoryPressurePercent: new(101)}, "interference.maxMemoryPressurePercent: must be 0 to 100, not 101"},
		"a share below none":        {Interference{MaxIOPressurePercent: new(-1)}, "interference.maxIOPressurePercent: must be 0 to 100"},
		"a throttled share too far": {Interference{MaxThrottledPercent: new(101)}, "interference.maxThrottledPercent: must be 0 to 100"},
		"any frequency":             {Interference{MinFrequencyPercent: new(0)}, "interference.minFrequencyPercent: must be 1 to 100, not 0"},
		"fewer events than none":    {Interference{MaxThermalEvents: new(int64(-1))}, "interference.maxThermalEvents: must be at least 0, not -1"},
		"a clock that never moves":  {Interference{MaxClockStep: length(0)}, "interference.maxClockStep: must be above 0s, not 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, valid(func(r *Run) {
				r.Interference = &tc.limits
				r.Cgroups = []Cgroup{{Name: "limited", CPU: &CgroupCPU{Quota: length(time.Millisecond)}}}
			}).Validate(), tc.want)
		})
	}
	unlimited := valid(func(r *Run) {
		r.Interference = &Interference{MaxThrottledPercent: new(5)}
		r.Cgroups = []Cgroup{{Name: "heavy", CPU: &CgroupCPU{Weight: new(200)}}}
	})
	wantError(t, unlimited.Validate(), "interference.maxThrottledPercent: no cgroup has a cpu.quota, so none can be throttled")
}

func TestValidateNumbersOfWorkers(t *testing.T) {
	with := func(workers, percent int) *Run {
		return valid(func(r *Run) { r.Groups[0].Workers, r.Groups[0].WorkersPercent = workers, percent })
	}
	for name, tc := range map[string]struct {
		run  *Run
		want string // "" is valid
	}{
		"a share":                 {with(0, 1), ""},
		"the largest share":       {with(0, 100_000), ""},
		"a larger share":          {with(0, 100_001), "groups[0].workersPercent: must be 1 to 100000, not 100001"},
		"a negative share":        {with(0, -1), "groups[0].workersPercent: must be 1 to 100000, not -1"},
		"both":                    {with(4, 50), "groups[0].workersPercent: not together with workers, which is 4"},
		"neither":                 {with(0, 0), "groups[0].workers: must be 1 to 20000, not 0"},
		"a node":                  {valid(func(r *Run) { r.Groups[0].NUMANode = new(1023) }), ""},
		"a node that cannot be":   {valid(func(r *Run) { r.Groups[0].NUMANode = new(1024) }), "groups[0].numaNode: must be 0 to 1023, not 1024"},
		"two kinds of affinity":   {valid(func(r *Run) { r.Groups[0].Affinity = &Affinity{LLCAligned: &struct{}{}, CrossCgroup: &struct{}{}} }), "groups[0].affinity: exactly one way to choose CPUs must be set, not 2"},
		"an affinity beyond CPUs": {valid(func(r *Run) { r.Groups[0].Affinity = &Affinity{Exact: "0-8192"} }), "groups[0].affinity.exact: must be a list of CPUs"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tc.run.Validate(), tc.want) })
	}
}
