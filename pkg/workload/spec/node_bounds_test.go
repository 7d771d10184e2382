// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func TestWhatIsBeyondTheBoundsOfANode(t *testing.T) {
	spinning := func(change func(*Run, *Group)) *Run {
		r := doing(work.Spec{SpinWait: &work.SpinWait{}}, 4)
		r.SchedulingPolicies = []SchedulingPolicy{
			{Name: "fifo", FIFO: &Realtime{Priority: 60}}, {Name: "rr", RoundRobin: &Realtime{Priority: 5}},
			{Name: "deadline", Deadline: &Deadline{Runtime: 1e6, Deadline: 1e8}},
		}
		change(r, &r.Groups[0])
		return r
	}
	policy := func(name string) *Run { return spinning(func(_ *Run, g *Group) { g.SchedulingPolicy = name }) }
	op := func(o Op) *Run {
		return spinning(func(r *Run, _ *Group) {
			r.Steps = []Step{{Name: "s", Groups: []string{"g"}, Ops: []Op{o}, Hold: Hold{Remaining: &struct{}{}}}}
		})
	}
	churning := doing(work.Spec{PolicyChurn: &work.PolicyChurn{SpinIters: new(int64(1))}}, 1)
	reading := doing(work.Spec{CachePressure: &work.CachePressure{Size: 1 << 20, Stride: 64}}, 4)
	for name, tc := range map[string]struct {
		run    *Run
		bounds Bounds
		want   string
	}{
		"without bounds everything goes":   {policy("fifo"), Bounds{}, ""},
		"no real-time classes":             {policy("fifo"), Bounds{MaxRealtimePriority: new(0)}, "does not allow real-time policies, which groups[0].schedulingPolicy needs"},
		"neither round robin":              {policy("rr"), Bounds{MaxRealtimePriority: new(0)}, "does not allow real-time policies, which groups[0].schedulingPolicy needs"},
		"but deadlines":                    {policy("deadline"), Bounds{MaxRealtimePriority: new(0)}, ""},
		"no deadlines":                     {policy("deadline"), Bounds{ForbidDeadline: true}, "does not allow SCHED_DEADLINE, which groups[0].schedulingPolicy needs"},
		"a priority that is too high":      {policy("fifo"), Bounds{MaxRealtimePriority: new(59)}, "allows real-time priorities up to 59, and groups[0].schedulingPolicy has 60"},
		"the highest priority":             {policy("fifo"), Bounds{MaxRealtimePriority: new(60)}, ""},
		"a policy that comes by an op":     {op(Op{SetSchedulingPolicy: &SetSchedulingPolicyOp{Group: "g", SchedulingPolicy: "fifo"}}), Bounds{MaxRealtimePriority: new(0)}, "does not allow real-time policies, which steps[0].ops[0].setSchedulingPolicy.schedulingPolicy needs"},
		"a class that is the work's":       {doing(starving, 2), Bounds{MaxRealtimePriority: new(10)}, "allows real-time priorities up to 10, and groups[0].work.rtStarvation has 50"},
		"classes that the work goes round": {churning, Bounds{MaxRealtimePriority: new(0)}, "does not allow real-time policies, which groups[0].work.policyChurn needs"},
		"a nice value that is too low":     {spinning(func(_ *Run, g *Group) { g.Nice = new(-6) }), Bounds{MinNice: new(-5)}, "allows nice values from -5, and groups[0].nice has -6"},
		"the lowest nice value":            {spinning(func(_ *Run, g *Group) { g.Nice = new(-5) }), Bounds{MinNice: new(-5)}, ""},
		"a nice value that comes by an op": {op(Op{SetNice: &SetNiceOp{Group: "g", Nice: -6}}), Bounds{MinNice: new(-5)}, "allows nice values from -5, and steps[0].ops[0].setNice.nice has -6"},
		"work that tries all nice values":  {doing(work.Spec{NiceSweep: &work.NiceSweep{}}, 1), Bounds{MinNice: new(0)}, "allows nice values from 0, and groups[0].work.niceSweep has -20"},
		"a user that is not allowed":       {spinning(func(_ *Run, g *Group) { g.UID = new(int64(999)) }), Bounds{UserIDs: IDs{{1000, 1999}}}, "allows the users 1000-1999 only, and groups[0].uid is 999"},
		"one that is":                      {spinning(func(_ *Run, g *Group) { g.UID = new(int64(1999)) }), Bounds{UserIDs: IDs{{1000, 1999}}}, ""},
		"the agent's user, which is root":  {spinning(func(*Run, *Group) {}), Bounds{UserIDs: IDs{{1000, 1999}}}, "allows the users 1000-1999 only, and groups[0] without a uid has the agent's, 0"},
		"the agent's group":                {spinning(func(_ *Run, g *Group) { g.UID = new(int64(1)) }), Bounds{GroupIDs: IDs{{5, 5}}}, "allows the groups 5 only, and groups[0] without a gid has the agent's, 0"},
		"a run that lasts too long":        {spinning(func(r *Run, _ *Group) { r.Duration = 61e9 }), Bounds{MaxDuration: new(quantity.Duration(60e9))}, "allows runs of 1m0s at most, and duration is 1m1s"},
		"more workers":                     {spinning(func(*Run, *Group) {}), Bounds{MaxWorkers: new(3)}, "allows 3 workers at most, and groups have 4 here"},
		"more workers by the CPUs":         {spinning(func(_ *Run, g *Group) { g.Workers, g.WorkersPercent = 0, 200 }), Bounds{MaxWorkers: new(3)}, "allows 3 workers at most, and groups have 4 here"},
		"more workers in steps":            {op(Op{SetNice: &SetNiceOp{Group: "g", Nice: 1}}), Bounds{MaxWorkers: new(3)}, "allows 3 workers at most, and groups have 4 here"},
		"as many workers":                  {spinning(func(*Run, *Group) {}), Bounds{MaxWorkers: new(4)}, ""},
		"more memory than all may have":    {reading, Bounds{MaxMemory: new(quantity.Bytes(3 << 20))}, "allows runs 3Mi of memory at most, and what the work of groups maps is 4Mi here"},
		"as much memory":                   {reading, Bounds{MaxMemory: new(quantity.Bytes(5 << 20))}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.run.Validate(); err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := tc.run.Unfit(Machine{CPUs: cpuset.New(0, 1), Policy: &Policy{DangerousWork: true, Bounds: tc.bounds}}); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// A bound that the machine cannot hold runs to is no bound.
func TestMemoryIsBoundedByTheKernelOrNotAtAll(t *testing.T) {
	m := Machine{CPUs: cpuset.New(0), Policy: &Policy{Bounds: Bounds{MaxMemory: new(quantity.Bytes(1 << 30))}}}
	m.Capabilities = map[string]capability.State{capability.CgroupMemory: capability.Absent}
	const want = "cannot hold runs to the maxMemory of its policy without the feature CgroupMemory"
	if err := doing(work.Spec{SpinWait: &work.SpinWait{}}, 1).Unfit(m); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestBoundsThatCannotBe(t *testing.T) {
	b := Bounds{MaxRealtimePriority: new(99), MinNice: new(-21), MaxWorkers: new(0), MaxMemory: new(quantity.Bytes(0)), MaxDuration: new(quantity.Duration(0))}
	err := b.Validate()
	for _, want := range []string{"maxRealtimePriority: must be 0, for none, to 98, not 99", "minNice: must be -20 to 19, not -21", "maxWorkers: must be 1 to 20000, not 0", "maxMemory: must be more than nothing", "maxDuration: must be more than nothing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := (&Bounds{}).Validate(); err != nil {
		t.Errorf("no bounds: %v", err)
	}
}

func TestIDs(t *testing.T) {
	for text, want := range map[string]IDs{"0": {{0, 0}}, "0,1000-1999": {{0, 0}, {1000, 1999}}, "4294967294": {{maxID, maxID}}} {
		got, err := ParseIDs(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil || got.String() != text {
			t.Errorf("%s is %v (-want +got):\n%s%v", text, got, diff, err)
		}
	}
	for _, text := range []string{`""`, `"a"`, `"5-"`, `"-5"`, `"2-1"`, `"0,"`, `"4294967295"`, `"1-4294967295"`, `"0x1"`, `5`} {
		var ids IDs
		if err := json.Unmarshal([]byte(text), &ids); err == nil {
			t.Errorf("%s is taken as %v", text, ids)
		}
	}
}
