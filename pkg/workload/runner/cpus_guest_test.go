//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// allCPUs is what a run may use of each machine.
var allCPUs = on{manyNodes: "0-7", manyCaches: "0-5", smallest: "0"}

func TestMachineCpusets(t *testing.T) {
	const parts = "!lacks usable CPUs for the 3 parts of cgroups[0].cpuset"
	trials, want := map[string]trial{}, map[string]string{}
	for name, tc := range map[string]struct {
		set  spec.Cpuset
		cpus on
	}{
		"a list":                         {spec.Cpuset{Exact: "0"}, onAll("0")},
		"a list across two caches":       {spec.Cpuset{Exact: "1-2"}, on{manyNodes: "1-2", manyCaches: "1-2", smallest: "!lacks CPU 1-2 of cgroups[0].cpuset.exact (it has 0)"}},
		"the first cache":                {spec.Cpuset{LLC: new(0)}, on{manyNodes: "0-1", manyCaches: "0-1", smallest: "0"}},
		"the third cache":                {spec.Cpuset{LLC: new(2)}, on{manyNodes: "4-5", manyCaches: "4-5", smallest: "!lacks the last-level cache 2 that cgroups[0].cpuset.llc names"}},
		"a cache too many":               {spec.Cpuset{LLC: new(4)}, on{manyNodes: "!lacks the last-level cache 4 that cgroups[0].cpuset.llc names", manyCaches: "!(it has 3, counted from 0)", smallest: "!(it has 1, counted from 0)"}},
		"the first node":                 {spec.Cpuset{NUMANode: new(0)}, on{manyNodes: "0-3", manyCaches: "0-5", smallest: "0"}},
		"the second node":                {spec.Cpuset{NUMANode: new(1)}, on{manyNodes: "4-7", manyCaches: "!lacks NUMA node 1 of cgroups[0].cpuset.numaNode", smallest: "!lacks NUMA node 1 of cgroups[0].cpuset.numaNode"}},
		"the first half":                 {spec.Cpuset{Range: &spec.CPURange{EndPercent: 50}}, on{manyNodes: "0-2", manyCaches: "0-1", smallest: "!lacks a usable CPU in cgroups[0].cpuset.range, 0% to 50% (it has 1)"}},
		"the second half":                {spec.Cpuset{Range: &spec.CPURange{StartPercent: 50, EndPercent: 100}}, on{manyNodes: "3-6", manyCaches: "2-4", smallest: "0"}},
		"the first of three":             {spec.Cpuset{Disjoint: &spec.CPUPart{Index: 0, Of: 3}}, on{manyNodes: "0-1", manyCaches: "0", smallest: parts}},
		"the last of three":              {spec.Cpuset{Disjoint: &spec.CPUPart{Index: 2, Of: 3}}, on{manyNodes: "4-6", manyCaches: "2-4", smallest: parts}},
		"overlapping halves, the first":  {spec.Cpuset{Overlap: &spec.CPUOverlap{Index: 0, Of: 2, Percent: 50}}, on{manyNodes: "0-3", manyCaches: "0-2", smallest: "!lacks usable CPUs for the 2 parts of cgroups[0].cpuset.overlap"}},
		"overlapping halves, the second": {spec.Cpuset{Overlap: &spec.CPUOverlap{Index: 1, Of: 2, Percent: 50}}, on{manyNodes: "2-6", manyCaches: "1-4", smallest: "!lacks usable CPUs for the 2 parts of cgroups[0].cpuset.overlap"}},
		"memory alone":                   {spec.Cpuset{Mems: "0"}, allCPUs},
	} {
		cpus, refusal := tc.cpus.here(t)
		want[name] = cpus
		trials[name] = trial{group: sleepers("", 2), cpuset: &tc.set, refusal: refusal}
	}
	try(t, trials, nil, func(t *testing.T, name string, o outcome) {
		assertPlaced(t, o.tasks, 2, o.group.Name, want[name])
		assertReported(t, o.report, o.group, want[name], want[name])
		if o.cgroup.CPUs != want[name] || o.cgroup.Type != "domain" {
			t.Errorf("cgroup %+v, want CPUs %s", o.cgroup, want[name])
		}
	})
}

// assertPlaced checks what the kernel says of workers while they work.
func assertPlaced(t *testing.T, tasks []task, workers int, cgroup, cpus string) {
	t.Helper()
	if len(tasks) != workers {
		t.Errorf("%d workers, want %d", len(tasks), workers)
	}
	for _, tk := range tasks {
		if tk.cpus != cpus || tk.cgroup != cgroup {
			t.Errorf("worker %d may use the CPUs %s and is in the cgroup %s, want %s and %s", tk.tid, tk.cpus, tk.cgroup, cpus, cgroup)
		}
	}
}

// assertReported checks that a report says which CPUs were asked for and which the
// kernel gave, and that the workers of the group were on no other.
func assertReported(t *testing.T, rep *report.Report, g *report.Group, asked, allowed string) {
	t.Helper()
	if g.AskedCPUs != asked || g.AllowedCPUs != allowed {
		t.Errorf("reported are the CPUs %s as asked for and %s as allowed, want %s and %s", g.AskedCPUs, g.AllowedCPUs, asked, allowed)
	}
	if g.CPUs == "" || !isWithin(t, g.CPUs, allowed) {
		t.Errorf("the workers were on the CPUs %q, allowed are %s", g.CPUs, allowed)
	}
	for i := range rep.Workers {
		if w := &rep.Workers[i]; w.Group == g.Name && !isWithin(t, w.Allowed, allowed) {
			t.Errorf("worker %d was allowed the CPUs %s, all of them %s", w.Index, w.Allowed, allowed)
		}
	}
}

func TestMachineMemoryOfACpuset(t *testing.T) {
	want, refusal := on{manyNodes: "1", manyCaches: "!lacks NUMA node 1 of cgroups[0].cpuset.mems (it has 0)", smallest: "!lacks NUMA node 1 of cgroups[0].cpuset.mems (it has 0)"}.here(t)
	g := sleepers("tick", 1)
	g.Cgroup = "far"
	run := spec.Run{Groups: []spec.Group{g}, Cgroups: []spec.Cgroup{{Name: "far", Cpuset: &spec.Cpuset{Exact: "0", Mems: "1"}}}}
	rep, err := onMachine(t, run, func(_ Job, tasks map[string][]task) {
		assertPlaced(t, tasks["tick"], 1, "far", "0")
		for _, tk := range tasks["tick"] {
			if tk.mems != want {
				t.Errorf("the worker may have memory on %s, want %s", tk.mems, want)
			}
		}
	})
	if refusal != "" {
		assertRefused(t, rep, err, refusal)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if c := cgroupOf(t, rep, "far"); c.Mems != want {
		t.Errorf("cgroup %+v, want memory on %s", c, want)
	}
}

// A partition takes its CPUs away from everything else, also from workers beside it.
func TestMachinePartitions(t *testing.T) {
	for name, tc := range map[string]struct {
		partition, state string
		set              spec.Cpuset
		cpus, others     on
	}{
		"a root domain of its own": {spec.PartitionRoot, "root", spec.Cpuset{Exact: "0-1"},
			on{manyNodes: "0-1", manyCaches: "0-1", smallest: "!lacks CPU 1 of cgroups[0].cpuset.exact"}, on{manyNodes: "2-7", manyCaches: "2-5"}},
		"CPUs that are not balanced": {spec.PartitionIsolated, "isolated", spec.Cpuset{LLC: new(1)},
			on{manyNodes: "2-3", manyCaches: "2-3", smallest: "!lacks the last-level cache 1 that cgroups[0].cpuset.llc names"}, on{manyNodes: "0-1,4-7", manyCaches: "0-1,4-5"}},
		"all there is": {spec.PartitionRoot, "root", spec.Cpuset{Range: &spec.CPURange{EndPercent: 100}},
			on{manyNodes: "0-6", manyCaches: "0-4", smallest: "!has CPUs 0 only, all of which go to partitions"}, on{manyNodes: "7", manyCaches: "5"}},
	} {
		t.Run(name, func(t *testing.T) {
			want, refusal := tc.cpus.here(t)
			inside, outside := sleepers("inside", 1), sleepers("outside", 1)
			inside.Cgroup, tc.set.Partition = "part", tc.partition
			run := spec.Run{Groups: []spec.Group{inside, outside}, Cgroups: []spec.Cgroup{{Name: "part", Cpuset: &tc.set}}}
			rep, err := onMachine(t, run, func(_ Job, tasks map[string][]task) {
				assertPlaced(t, tasks["inside"], 1, "part", want)
				assertPlaced(t, tasks["outside"], 1, defaultLeaf, tc.others[shapeHere(t)])
			})
			if refusal != "" {
				assertRefused(t, rep, err, refusal)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			assertReported(t, rep, &rep.Groups[0], want, want)
			if c := cgroupOf(t, rep, "part"); c.CPUs != want || c.Partition != tc.state {
				t.Errorf("cgroup %+v, want the CPUs %s as %s", c, want, tc.state)
			}
		})
	}
}

func TestMachineAffinities(t *testing.T) {
	none := &struct{}{}
	const noPair = "!has no two threads of one core among CPUs"
	trials, asked, allowed := map[string]trial{}, map[string]string{}, map[string]string{}
	for name, tc := range map[string]struct {
		cpuset   string // of the group's cgroup; none if it is empty
		affinity *spec.Affinity
		node     *int
		asked    on
		allowed  on // as asked for, if it is nil
	}{
		"inherited":               {"", nil, nil, allCPUs, nil},
		"inherited from a cpuset": {"0", nil, nil, onAll("0"), nil},
		"a list":                  {"", &spec.Affinity{Exact: "0"}, nil, onAll("0"), nil},
		"a list that a cpuset cuts": {"0-3", &spec.Affinity{Exact: "1,4"}, nil,
			on{manyNodes: "1", manyCaches: "1", smallest: "!lacks CPU 1-3 of cgroups[0].cpuset.exact (it has 0)"}, nil},
		"a list that a cpuset leaves nothing of": {"0-1", &spec.Affinity{Exact: "2-3"}, nil,
			on{manyNodes: "!has no CPU of groups[0].affinity.exact among those the group can have, 0-1", manyCaches: "!has no CPU of groups[0].affinity.exact among those the group can have, 0-1", smallest: "!lacks CPU 1 of"}, nil},
		"one CPU":                             {"", &spec.Affinity{SingleCPU: none}, nil, onAll("0"), nil},
		"one CPU of a cpuset":                 {"2-3", &spec.Affinity{SingleCPU: none}, nil, on{manyNodes: "2", manyCaches: "2", smallest: "!lacks CPU 2-3"}, nil},
		"one cache, of equals the first":      {"", &spec.Affinity{LLCAligned: none}, nil, on{manyNodes: "0-1", manyCaches: "0-1", smallest: "0"}, nil},
		"the cache with the most of a cpuset": {"1-3", &spec.Affinity{LLCAligned: none}, nil, on{manyNodes: "2-3", manyCaches: "2-3", smallest: "!lacks CPU 1-3"}, nil},
		"threads of one core":                 {"", &spec.Affinity{SMTSiblingPair: none}, nil, on{manyNodes: "0-1", manyCaches: noPair + " 0-5, which groups[0].affinity.smtSiblingPair needs", smallest: noPair + " 0,"}, nil},
		"threads of one core in a cpuset":     {"1-3", &spec.Affinity{SMTSiblingPair: none}, nil, on{manyNodes: "2-3", manyCaches: noPair + " 1-3,", smallest: "!lacks CPU 1-3"}, nil},
		"threads of two cores":                {"1-2", &spec.Affinity{SMTSiblingPair: none}, nil, on{manyNodes: noPair + " 1-2,", manyCaches: noPair + " 1-2,", smallest: "!lacks CPU 1-2"}, nil},
		"beyond a cpuset":                     {"0", &spec.Affinity{CrossCgroup: none}, nil, allCPUs, onAll("0")},
		"the CPUs of a node":                  {"", nil, new(1), on{manyNodes: "4-7", manyCaches: "!lacks NUMA node 1 of groups[0].numaNode", smallest: "!lacks NUMA node 1 of groups[0].numaNode"}, nil},
		"one cache of a node":                 {"", &spec.Affinity{LLCAligned: none}, new(1), on{manyNodes: "4-5", manyCaches: "!lacks NUMA node 1", smallest: "!lacks NUMA node 1"}, nil},
		"a node outside the cpuset":           {"0-1", nil, new(1), on{manyNodes: "!has no CPU of 0-1 on NUMA node 1, which groups[0].numaNode names", manyCaches: "!lacks NUMA node 1", smallest: "!lacks CPU 1 of"}, nil},
	} {
		set, refusal := tc.asked.here(t)
		asked[name], allowed[name] = set, set
		if tc.allowed != nil {
			allowed[name], _ = tc.allowed.here(t)
		}
		tr := trial{group: sleepers("", 2), refusal: refusal}
		tr.group.Affinity, tr.group.NUMANode = tc.affinity, tc.node
		if tc.cpuset != "" {
			tr.cpuset = &spec.Cpuset{Exact: tc.cpuset}
		}
		trials[name] = tr
	}
	try(t, trials, nil, func(t *testing.T, name string, o outcome) {
		in := defaultLeaf
		if o.cgroup != nil {
			in = o.group.Name
		}
		assertPlaced(t, o.tasks, 2, in, allowed[name])
		assertReported(t, o.report, o.group, asked[name], allowed[name])
	})
}

// Each worker of a random subset has one of its own, which the report tells.
func TestMachineRandomSubsets(t *testing.T) {
	from, refusal := on{manyNodes: "2-5", manyCaches: "2-5", smallest: "!lacks CPU 2-5 of groups[0].affinity.randomSubset.from (it has 0)"}.here(t)
	g := sleepers("tick", 6)
	g.Affinity = &spec.Affinity{RandomSubset: &spec.RandomSubset{From: "2-5", Count: 2}}
	found := map[int]string{}
	rep, err := onMachine(t, spec.Run{Groups: []spec.Group{g}}, func(_ Job, tasks map[string][]task) {
		for _, tk := range tasks["tick"] {
			found[tk.tid] = tk.cpus
		}
	})
	if refusal != "" {
		assertRefused(t, rep, err, refusal)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	different := map[string]bool{}
	for i := range rep.Workers {
		w := &rep.Workers[i]
		different[w.Allowed] = true
		if w.Allowed != found[w.TID] || w.Affinity != w.Allowed || parsed(t, w.Allowed).Size() != 2 || !isWithin(t, w.Allowed, from) || !isWithin(t, w.CPUs, w.Allowed) {
			t.Errorf("worker %d asked for the CPUs %s, was allowed %s, by the kernel %s, and was on %s; want two of %s",
				w.Index, w.Affinity, w.Allowed, found[w.TID], w.CPUs, from)
		}
	}
	if len(rep.Workers) != 6 || len(different) < 2 {
		t.Errorf("%d workers with the subsets %v", len(rep.Workers), different)
	}
}

// Threads of one process are in cgroups of their own, each with its CPUs.
func TestMachineThreadedCgroups(t *testing.T) {
	left, right := sleepers("left", 2), sleepers("right", 1)
	for _, g := range []*spec.Group{&left, &right} {
		g.CloneMode, g.ProcessName, g.Cgroup = spec.CloneModeThread, "app", "app/"+g.Name
	}
	second, _ := on{manyNodes: "5-6", manyCaches: "4-5", smallest: "0"}.here(t)
	run := spec.Run{Groups: []spec.Group{left, right}, Cgroups: []spec.Cgroup{
		{Name: "app"},
		{Name: "app/left", Threaded: true, Cpuset: &spec.Cpuset{Exact: "0"}},
		{Name: "app/right", Threaded: true, Cpuset: &spec.Cpuset{Exact: second}},
	}}
	rep, err := onMachine(t, run, func(_ Job, tasks map[string][]task) {
		assertPlaced(t, tasks["left"], 2, "app/left", "0")
		assertPlaced(t, tasks["right"], 1, "app/right", second)
		if len(tasks["left"]) > 0 && len(tasks["right"]) > 0 && tasks["left"][0].pid != tasks["right"][0].pid {
			t.Errorf("the threads are in the processes %d and %d, want one", tasks["left"][0].pid, tasks["right"][0].pid)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	assertReported(t, rep, &rep.Groups[0], "0", "0")
	for name, want := range map[string]string{"app": "domain threaded", "app/left": "threaded", "app/right": "threaded"} {
		if c := cgroupOf(t, rep, name); c.Type != want {
			t.Errorf("cgroup %s is of the type %s, want %s", name, c.Type, want)
		}
	}
}
