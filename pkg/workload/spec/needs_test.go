// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func TestNeeds(t *testing.T) {
	group := func(change func(*Group)) *Run { return valid(func(r *Run) { change(&r.Groups[0]) }) }
	cgroup := func(c Cgroup) *Run { return withCgroups(c) }
	limits := func(l Interference) *Run { return valid(func(r *Run) { r.Interference = &l }) }
	v2 := Need{"CgroupV2", "cgroups[0]"}
	for name, tc := range map[string]struct {
		run  *Run
		want []Need
	}{
		"nothing":              {valid(func(*Run) {}), nil},
		"a nice value above 0": {group(func(g *Group) { g.Nice = new(1) }), nil},
		"a nice value below 0": {group(func(g *Group) { g.Nice = new(-1) }), []Need{{"NegativeNice", "groups[0].nice"}}},
		"a user and a group":   {group(func(g *Group) { g.UID, g.GID = new(int64(1)), new(int64(1)) }), []Need{{"Credentials", "groups[0].uid"}}},
		"a group":              {group(func(g *Group) { g.GID = new(int64(1)) }), []Need{{"Credentials", "groups[0].gid"}}},
		"dangerous work": {
			valid(func(r *Run) {
				r.AllowDangerousWork = true
				r.Groups[0].Work = work.Spec{CgroupChurn: &work.CgroupChurn{Groups: 1, Cycle: *length(1e9)}}
			}),
			[]Need{{"CgroupV2", "groups[0].work.cgroupChurn"}, {"CgroupKill", "groups[0].work.cgroupChurn"}, {"Realtime", "groups[0].work.cgroupChurn"}},
		},
		"work on a network":     {group(func(g *Group) { g.Work = work.Spec{NetTraffic: &work.NetTraffic{Interval: length(0), FrameBytes: 60}} }), []Need{{"VirtualEthernet", "groups[0].work.netTraffic"}}},
		"siblings":              {group(func(g *Group) { g.Affinity = &Affinity{SMTSiblingPair: &struct{}{}} }), []Need{{"SMT", "groups[0].affinity.smtSiblingPair"}}},
		"a cache":               {group(func(g *Group) { g.Affinity = &Affinity{LLCAligned: &struct{}{}} }), nil},
		"a cgroup":              {cgroup(Cgroup{}), []Need{v2}},
		"a threaded cgroup":     {cgroup(Cgroup{Name: "a/b", Threaded: true}), []Need{v2, {"CgroupThreaded", "cgroups[0].threaded"}}},
		"a cpuset":              {cgroup(Cgroup{Cpuset: &Cpuset{Mems: "0"}}), []Need{v2, {"CgroupCpuset", "cgroups[0].cpuset"}}},
		"a partition":           {cgroup(Cgroup{Cpuset: &Cpuset{Exact: "0", Partition: "Root"}}), []Need{v2, {"CgroupCpuset", "cgroups[0].cpuset"}, {"CgroupCpusetPartition", "cgroups[0].cpuset.partition"}}},
		"a weight":              {cgroup(Cgroup{CPU: &CgroupCPU{Weight: new(1)}}), []Need{v2, {"CgroupCPU", "cgroups[0].cpu"}}},
		"an idle cgroup":        {cgroup(Cgroup{CPU: &CgroupCPU{Idle: true}}), []Need{v2, {"CgroupCPU", "cgroups[0].cpu"}, {"CgroupCPUIdle", "cgroups[0].cpu.idle"}}},
		"a quota with a burst":  {cgroup(Cgroup{CPU: &CgroupCPU{Quota: length(1e9), Burst: length(1e9)}}), []Need{v2, {"CgroupCPU", "cgroups[0].cpu"}, {"CgroupCPUBurst", "cgroups[0].cpu.burst"}}},
		"a clamp from below":    {cgroup(Cgroup{CPU: &CgroupCPU{UclampMinPercent: new(1)}}), []Need{v2, {"CgroupCPU", "cgroups[0].cpu"}, {"CgroupUclamp", "cgroups[0].cpu.uclampMinPercent"}}},
		"a clamp from above":    {cgroup(Cgroup{CPU: &CgroupCPU{UclampMaxPercent: new(1)}}), []Need{v2, {"CgroupCPU", "cgroups[0].cpu"}, {"CgroupUclamp", "cgroups[0].cpu.uclampMaxPercent"}}},
		"memory":                {cgroup(Cgroup{Memory: &CgroupMemory{Min: new(quantity.Bytes(0))}}), []Need{v2, {"CgroupMemory", "cgroups[0].memory"}}},
		"swap":                  {cgroup(Cgroup{Memory: &CgroupMemory{SwapMax: new(quantity.Bytes(0))}}), []Need{v2, {"CgroupMemory", "cgroups[0].memory"}, {"CgroupSwap", "cgroups[0].memory.swapMax"}}},
		"a weight of io":        {cgroup(Cgroup{IO: &CgroupIO{Weight: new(1)}}), []Need{v2, {"CgroupIO", "cgroups[0].io"}, {"CgroupIOWeight", "cgroups[0].io.weight"}}},
		"limits of io":          {cgroup(Cgroup{IO: &CgroupIO{Limits: []IOLimit{{Device: "8:0", ReadOperationsPerSecond: new(int64(1))}}}}), []Need{v2, {"CgroupIO", "cgroups[0].io"}, {"CgroupIOMax", "cgroups[0].io.limits"}}},
		"tasks":                 {cgroup(Cgroup{PidsMax: new(int64(4))}), []Need{v2, {"CgroupPids", "cgroups[0].pidsMax"}}},
		"FIFO":                  {withPolicy(SchedulingPolicy{FIFO: &Realtime{1}}), []Need{{"Realtime", "schedulingPolicies[0].fifo"}}},
		"round robin":           {withPolicy(SchedulingPolicy{RoundRobin: &Realtime{1}}), []Need{{"Realtime", "schedulingPolicies[0].roundRobin"}}},
		"a deadline":            {withDeadline(1e6, 1e6, nil), []Need{{"Deadline", "schedulingPolicies[0].deadline"}}},
		"ext":                   {withPolicy(SchedulingPolicy{Ext: &struct{}{}}), []Need{{"SchedExt", "schedulingPolicies[0].ext"}}},
		"batch":                 {withPolicy(SchedulingPolicy{Batch: &struct{}{}}), nil},
		"preferred nodes":       {withMemory("PreferredMany", "0"), []Need{{"MempolicyPreferredMany", "memoryPolicies[0].mode"}}},
		"weighted nodes":        {withMemory("WeightedInterleave", "0"), []Need{{"MempolicyWeightedInterleave", "memoryPolicies[0].mode"}}},
		"other memory policies": {withMemory("Bind", "0"), nil},
		"pressure on memory":    {limits(Interference{MaxMemoryPressurePercent: new(0)}), []Need{{"PSI", "interference.maxMemoryPressurePercent"}}},
		"pressure on io":        {limits(Interference{MaxIOPressurePercent: new(0)}), []Need{{"PSI", "interference.maxIOPressurePercent"}}},
		"a frequency":           {limits(Interference{MinFrequencyPercent: new(1)}), []Need{{"Cpufreq", "interference.minFrequencyPercent"}}},
		"heat":                  {limits(Interference{MaxThermalEvents: new(int64(0))}), []Need{{"ThermalThrottle", "interference.maxThermalEvents"}}},
		"limits anyone can tell": {limits(Interference{MaxOtherCPU: new(quantity.CPUs(0)), MaxSteal: new(quantity.CPUs(0)), MaxInterruptCPU: new(quantity.CPUs(0)),
			MaxClockStep: length(1)}), nil},
		"throttling, beyond the quota": {valid(func(r *Run) {
			r.Interference = &Interference{MaxThrottledPercent: new(0)}
			r.Cgroups = []Cgroup{{Name: "a", CPU: &CgroupCPU{Quota: length(1e9)}}}
		}), []Need{v2, {"CgroupCPU", "cgroups[0].cpu"}}},
		"the first field that needs it is named": {withCgroups(Cgroup{}, Cgroup{CPU: &CgroupCPU{Weight: new(1)}}, Cgroup{CPU: &CgroupCPU{Weight: new(1)}}), []Need{v2, {"CgroupCPU", "cgroups[1].cpu"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.run.Validate(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, tc.run.Needs()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What nobody knows is not what is not there, and both keep a machine out.
func TestUnfitTellsOfTheFeature(t *testing.T) {
	run := withCgroups(Cgroup{CPU: &CgroupCPU{Quota: length(1e9)}})
	has := func(cpu ...capability.State) map[string]capability.State {
		states := map[string]capability.State{"CgroupV2": capability.Present}
		for _, s := range cpu {
			states["CgroupCPU"] = s
		}
		return states
	}
	for name, tc := range map[string]struct {
		has  map[string]capability.State
		want string // "" fits
	}{
		"it is there":          {has(capability.Present), ""},
		"it is not there":      {has(capability.Absent), "lacks the feature CgroupCPU, which cgroups[0].cpu needs"},
		"it could not be told": {has(capability.Unknown), "cannot tell whether it has the feature CgroupCPU, which cgroups[0].cpu needs"},
		"it was not told":      {has(), "does not tell of the feature CgroupCPU, which cgroups[0].cpu needs"},
		"nothing was told":     {map[string]capability.State{}, "does not tell of the feature CgroupV2, which cgroups[0] needs"},
		"nobody looked":        {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := errorText(run.Unfit(Machine{CPUs: cpuset.New(0), Capabilities: tc.has})); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestNeedsOfOps(t *testing.T) {
	for name, tc := range map[string]struct {
		ops  []Op
		want []Need
	}{
		"an op that moves":     {[]Op{{MoveGroup: &MoveGroupOp{Group: "g"}}}, []Need{{"CgroupV2", "steps[0].ops[0].moveGroup"}}},
		"an op that freezes":   {[]Op{{FreezeCgroup: &CgroupOp{"c"}}}, []Need{{"CgroupFreeze", "steps[0].ops[0].freezeCgroup"}}},
		"an op that thaws":     {[]Op{{ThawCgroup: &CgroupOp{"c"}}}, []Need{{"CgroupFreeze", "steps[0].ops[0].thawCgroup"}}},
		"an op of a cpuset":    {[]Op{{SetCpuset: &SetCpusetOp{Cgroup: "c"}}}, []Need{{"CgroupCpuset", "steps[0].ops[0].setCpuset.cpuset"}}},
		"an op of the CPU":     {[]Op{{SetCgroup: &SetCgroupOp{CPU: &CgroupCPU{Idle: true}}}}, []Need{{"CgroupCPU", "steps[0].ops[0].setCgroup.cpu"}, {"CgroupCPUIdle", "steps[0].ops[0].setCgroup.cpu.idle"}}},
		"an op of memory":      {[]Op{{SetCgroup: &SetCgroupOp{Memory: &CgroupMemory{SwapMax: new(quantity.Bytes(0))}}}}, []Need{{"CgroupMemory", "steps[0].ops[0].setCgroup.memory"}, {"CgroupSwap", "steps[0].ops[0].setCgroup.memory.swapMax"}}},
		"an op of io":          {[]Op{{SetCgroup: &SetCgroupOp{IO: &CgroupIO{Weight: new(1)}}}}, []Need{{"CgroupIO", "steps[0].ops[0].setCgroup.io"}, {"CgroupIOWeight", "steps[0].ops[0].setCgroup.io.weight"}}},
		"an op of tasks":       {[]Op{{SetCgroup: &SetCgroupOp{PidsMax: new(int64(4))}}}, []Need{{"CgroupPids", "steps[0].ops[0].setCgroup.pidsMax"}}},
		"an op of siblings":    {[]Op{{SetAffinity: &SetAffinityOp{Group: "g", Affinity: Affinity{SMTSiblingPair: &struct{}{}}}}}, []Need{{"SMT", "steps[0].ops[0].setAffinity.affinity.smtSiblingPair"}}},
		"a nice op":            {[]Op{{SetNice: &SetNiceOp{"g", 3}}}, nil},
		"a nice op below 0":    {[]Op{{SetNice: &SetNiceOp{"g", -1}}}, []Need{{"NegativeNice", "steps[0].ops[0].setNice.nice"}}},
		"a nice op back to 0":  {[]Op{{SetNice: &SetNiceOp{"g", 3}}, {SetNice: &SetNiceOp{"g", 0}}}, []Need{{"NegativeNice", "steps[0].ops[1].setNice.nice"}}},
		"a nice op of another": {[]Op{{SetNice: &SetNiceOp{"h", 3}}, {SetNice: &SetNiceOp{"g", 0}}}, nil},
		"an op on CPUs":        {[]Op{{OfflineCPUs: &CPUsOp{Last: new(1)}}, {OnlineCPUs: &CPUsOp{Last: new(1)}}}, []Need{{"CPUHotplug", "steps[0].ops[0].offlineCPUs"}}},
	} {
		t.Run(name, func(t *testing.T) {
			run := valid(func(r *Run) { r.Steps = []Step{{Ops: tc.ops}} })
			if diff := cmp.Diff(tc.want, run.Needs()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
