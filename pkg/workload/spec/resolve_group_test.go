// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func TestResolveTheAffinityOfGroups(t *testing.T) {
	yes := &struct{}{}
	lacksTopology := func(m *Machine) { m.Topology = nil }
	smt := machineOf(t, "2n4l2c2t")
	for name, tc := range map[string]struct {
		machine  Machine
		cpus     string // of the cgroup; "" there is none
		node     *int
		affinity *Affinity
		pool     string
		want     string // affinity of each worker, "" inherited
		err      string // "" fits
	}{
		"inherited":                         {smt, "", nil, nil, "0-15", "", ""},
		"inherited from the cpuset":         {smt, "2-5", nil, nil, "2-5", "", ""},
		"the CPUs of a node":                {smt, "", new(1), nil, "8-15", "8-15", ""},
		"those of the cpuset on a node":     {smt, "6-9", new(1), nil, "8-9", "8-9", ""},
		"none of the cpuset on a node":      {smt, "6-7", new(1), nil, "", "", "has no CPU of 6-7 on NUMA node 1, which groups[0].numaNode names"},
		"a node that is not there":          {smt, "", new(2), nil, "", "", "lacks NUMA node 2 of groups[0].numaNode"},
		"a node of memory only":             {machineOf(t, "1n1l2c1t", withMemoryOnlyNode), "", new(1), nil, "", "", "has no CPU of 0-1 on NUMA node 1, which groups[0].numaNode names"},
		"a node nobody knows of":            {machineOf(t, "1n1l2c1t", lacksTopology), "", new(0), nil, "", "", "has not published its topology, which groups[0].numaNode needs"},
		"a list":                            {smt, "", nil, &Affinity{Exact: "1,15"}, "0-15", "1,15", ""},
		"a list cut to the cpuset":          {smt, "2-5", nil, &Affinity{Exact: "4-9"}, "2-5", "4-5", ""},
		"a list cut to the node":            {smt, "", new(0), &Affinity{Exact: "7-8"}, "0-7", "7", ""},
		"a list beside the cpuset":          {smt, "2-5", nil, &Affinity{Exact: "0,8"}, "", "", "has no CPU of groups[0].affinity.exact among those the group can have, 2-5"},
		"a list beyond the machine":         {smt, "2-5", nil, &Affinity{Exact: "4,16"}, "", "", "lacks CPU 16 of groups[0].affinity.exact (it has 0-15)"},
		"the lowest CPU":                    {smt, "5-9", nil, &Affinity{SingleCPU: yes}, "5-9", "5", ""},
		"the lowest CPU of a node":          {smt, "5-9", new(1), &Affinity{SingleCPU: yes}, "8-9", "8", ""},
		"the cache with most CPUs":          {smt, "2-9", nil, &Affinity{LLCAligned: yes}, "2-9", "4-7", ""},
		"the first cache with most CPUs":    {smt, "", nil, &Affinity{LLCAligned: yes}, "0-15", "0-3", ""},
		"the only cache":                    {machineOf(t, "1n1l4c1t"), "1-2", nil, &Affinity{LLCAligned: yes}, "1-2", "1-2", ""},
		"the first of 14 caches on a node":  {machineOf(t, "2n14l9c2t"), "", new(1), &Affinity{LLCAligned: yes}, "126-251", "126-143", ""},
		"a cache nobody knows of":           {machineOf(t, "1n1l2c1t", lacksTopology), "", nil, &Affinity{LLCAligned: yes}, "", "", "has not published its topology, which groups[0].affinity.llcAligned needs"},
		"CPUs nobody knows of":              {machineOf(t, "1n1l2c1t", only("0-5")), "4-5", nil, &Affinity{LLCAligned: yes}, "", "", "does not say which last-level cache CPUs 4-5 share, which groups[0].affinity.llcAligned needs"},
		"two threads of a core":             {smt, "1-4,7-9", nil, &Affinity{SMTSiblingPair: yes}, "1-4,7-9", "2-3", ""},
		"two threads of a core on a node":   {smt, "1-4,7-9", new(1), &Affinity{SMTSiblingPair: yes}, "8-9", "8-9", ""},
		"no two threads of a core":          {smt, "1,3,5,7", nil, &Affinity{SMTSiblingPair: yes}, "", "", "has no two threads of one core among CPUs 1,3,5,7, which groups[0].affinity.smtSiblingPair needs"},
		"cores of one thread":               {machineOf(t, "1n3l2c1t"), "", nil, &Affinity{SMTSiblingPair: yes}, "", "", "has no two threads of one core among CPUs 0-5, which groups[0].affinity.smtSiblingPair needs"},
		"threads nobody knows of":           {machineOf(t, "1n1l2c2t", lacksTopology), "", nil, &Affinity{SMTSiblingPair: yes}, "", "", "has not published its topology, which groups[0].affinity.smtSiblingPair needs"},
		"beyond the cpuset":                 {smt, "2-5", nil, &Affinity{CrossCgroup: yes}, "2-5", "0-15", ""},
		"beyond the cpuset, but for a node": {smt, "2-9", new(1), &Affinity{CrossCgroup: yes}, "8-9", "8-15", ""},
		"all of the pool drawn":             {smt, "2-5", nil, &Affinity{RandomSubset: &RandomSubset{Count: 99}}, "2-5", "2-5", ""},
		"all of the node drawn":             {smt, "6-9", new(0), &Affinity{RandomSubset: &RandomSubset{Count: 2}}, "6-7", "6-7", ""},
		"a list to draw from":               {smt, "2-5", nil, &Affinity{RandomSubset: &RandomSubset{From: "4-9", Count: 2}}, "2-5", "4-5", ""},
		"a list beside the pool":            {smt, "2-5", nil, &Affinity{RandomSubset: &RandomSubset{From: "6-9", Count: 2}}, "", "", "has no CPU of groups[0].affinity.randomSubset.from among those the group can have, 2-5"},
	} {
		t.Run(name, func(t *testing.T) {
			run := valid(func(r *Run) {
				r.Groups[0].NUMANode, r.Groups[0].Affinity = tc.node, tc.affinity
				if tc.cpus != "" {
					r.Cgroups, r.Groups[0].Cgroup = []Cgroup{{Name: "a", Cpuset: &Cpuset{Exact: tc.cpus}}}, "a"
				}
			})
			got, err := run.Resolve(tc.machine)
			if errorText(err) != tc.err {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if unfit := errorText(run.Unfit(tc.machine)); unfit != tc.err {
				t.Errorf("Unfit says %q, want %q", unfit, tc.err)
			}
			if err != nil {
				return
			}
			g := got.Groups[0]
			if g.Pool.String() != tc.pool {
				t.Errorf("the pool is %s, want %s", g.Pool, tc.pool)
			}
			for w := range g.Workers {
				if cpus := g.WorkerCPUs(w).String(); cpus != tc.want {
					t.Errorf("worker %d gets %q, want %q", w, cpus, tc.want)
				}
			}
		})
	}
}

// Each group has the cache of its own pool, and the domain of its own cgroup.
func TestGroupsAreResolvedApart(t *testing.T) {
	run := withCgroups(Cgroup{Name: "a/b", Threaded: true, Cpuset: &Cpuset{LLC: new(1)}}, Cgroup{Name: "a/c", Threaded: true, Cpuset: &Cpuset{LLC: new(2)}})
	run.Groups[0].Affinity = &Affinity{LLCAligned: &struct{}{}}
	run.Groups = append(run.Groups, run.Groups[0], run.Groups[0])
	run.Groups[1].Name, run.Groups[1].Cgroup, run.Groups[2].Name, run.Groups[2].Cgroup = "h", "a/c", "i", ""
	got, err := run.Resolve(machineOf(t, "1n3l2c1t"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ cpus, domain string }{{"2-3", "a"}, {"4-5", "a"}, {"0-1", ""}} {
		if g := got.Groups[i]; g.CPUs[0].String() != want.cpus || g.Domain != want.domain {
			t.Errorf("%s has CPUs %s and the domain %q, want %s and %q", g.Name, g.CPUs[0], g.Domain, want.cpus, want.domain)
		}
	}
}

func TestResolveSharesOfWorkers(t *testing.T) {
	alone := work.Spec{SpinWait: &work.SpinWait{}}
	pairs := valid(func(*Run) {}).Groups[0].Work
	threes := work.Spec{FutexFanOut: &work.FutexFanOut{FanOut: 2, SpinIters: new(int64(0))}}
	for name, tc := range map[string]struct {
		cpus    string // of the cgroup
		percent int
		work    work.Spec
		want    int
	}{
		"one for each CPU":         {"0-6", 100, alone, 7},
		"half, rounded up":         {"0-6", 50, alone, 4},
		"a hundredth is one":       {"0-6", 1, alone, 1},
		"a hundredth is one pair":  {"0-6", 1, pairs, 2},
		"rounded up to a pair":     {"0-6", 100, pairs, 8},
		"a whole number of pairs":  {"0-5", 100, pairs, 6},
		"rounded up to threes":     {"0-6", 100, threes, 9},
		"rounded up, then to sets": {"0-6", 86, threes, 9},
		"more than there are":      {"0-6", 250, alone, 18},
		"all there can be":         {"0-1", 100_000, alone, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			run := withCgroups(Cgroup{Cpuset: &Cpuset{Exact: tc.cpus}})
			run.Groups[0].Workers, run.Groups[0].WorkersPercent, run.Groups[0].Work = 0, tc.percent, tc.work
			run.Groups[0].Affinity = &Affinity{RandomSubset: &RandomSubset{Count: 1}}
			got, err := run.Resolve(machineOf(t, "1n1l8c1t"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]int{tc.want, tc.want}, []int{got.Groups[0].Workers, len(got.Groups[0].CPUs)}); diff != "" {
				t.Errorf("workers and affinities drawn (-want +got):\n%s", diff)
			}
		})
	}
	run := withCgroups(Cgroup{})
	run.Groups = append(run.Groups, run.Groups[0])
	run.Groups[0].Workers, run.Groups[0].WorkersPercent, run.Groups[0].Work = 0, 100_000, alone
	run.Groups[1].Name, run.Groups[1].Workers = "h", 12_002
	const want = "would have 20002 workers in groups, with what depends on its CPUs; at most 20000 are possible"
	if _, err := run.Resolve(machineOf(t, "1n1l8c1t")); errorText(err) != want {
		t.Errorf("got %v, want %q", err, want)
	}
}
