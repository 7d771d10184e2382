// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"
)

func TestResolveCpusets(t *testing.T) {
	lacksTopology := func(m *Machine) { m.Topology = nil }
	for name, tc := range map[string]struct {
		set     Cpuset
		machine Machine
		cpus    string
		err     string // "" fits
	}{
		"a list":                      {Cpuset{Exact: "0,3"}, machineOf(t, "1n1l4c1t"), "0,3", ""},
		"the CPU left for others":     {Cpuset{Exact: "3"}, machineOf(t, "1n1l4c1t"), "3", ""},
		"a CPU that is not there":     {Cpuset{Exact: "3-5"}, machineOf(t, "1n1l4c1t"), "", "lacks CPU 4-5 of cgroups[0].cpuset.exact (it has 0-3)"},
		"a CPU a run may not use":     {Cpuset{Exact: "3"}, machineOf(t, "1n1l4c1t", only("0-2")), "", "lacks CPU 3 of cgroups[0].cpuset.exact (it has 0-2)"},
		"the only cache":              {Cpuset{LLC: new(0)}, machineOf(t, "1n1l4c1t"), "0-3", ""},
		"the last of 3 caches":        {Cpuset{LLC: new(2)}, machineOf(t, "1n3l2c2t"), "8-11", ""},
		"one of 14 caches":            {Cpuset{LLC: new(13)}, machineOf(t, "2n14l9c2t"), "234-251", ""},
		"a cache beyond the last":     {Cpuset{LLC: new(1)}, machineOf(t, "1n1l4c1t"), "", "lacks the last-level cache 1 that cgroups[0].cpuset.llc names (it has 1, counted from 0)"},
		"a cache beyond several":      {Cpuset{LLC: new(5)}, machineOf(t, "1n5l1c1t"), "", "lacks the last-level cache 5 that cgroups[0].cpuset.llc names (it has 5, counted from 0)"},
		"a part of a cache":           {Cpuset{LLC: new(1)}, machineOf(t, "1n3l4c1t", only("0-5")), "4-5", ""},
		"no part of a cache":          {Cpuset{LLC: new(2)}, machineOf(t, "1n3l4c1t", only("0-5")), "", "has no CPU to use in last-level cache 2, which cgroups[0].cpuset.llc names"},
		"a cache nobody knows of":     {Cpuset{LLC: new(0)}, machineOf(t, "1n1l1c1t", lacksTopology), "", "has not published its topology, which cgroups[0].cpuset.llc needs"},
		"the second node of 2":        {Cpuset{NUMANode: new(1)}, machineOf(t, "2n4l2c2t"), "8-15", ""},
		"the third node of 4":         {Cpuset{NUMANode: new(2)}, machineOf(t, "4n4l2c1t"), "4-5", ""},
		"a part of a node":            {Cpuset{NUMANode: new(1)}, machineOf(t, "2n4l2c2t", only("7-8")), "8", ""},
		"a node that is not there":    {Cpuset{NUMANode: new(2)}, machineOf(t, "2n4l2c2t"), "", "lacks NUMA node 2 of cgroups[0].cpuset.numaNode"},
		"a node of memory only":       {Cpuset{NUMANode: new(2)}, machineOf(t, "2n2l1c1t", withMemoryOnlyNode), "", "has no CPU of 0-1 on NUMA node 2, which cgroups[0].cpuset.numaNode names"},
		"a node nobody knows of":      {Cpuset{NUMANode: new(0)}, machineOf(t, "1n1l1c1t", lacksTopology), "", "has not published its topology, which cgroups[0].cpuset.numaNode needs"},
		"the first half of 7 usable":  {Cpuset{Range: &CPURange{0, 50}}, machineOf(t, "1n1l8c1t"), "0-2", ""},
		"the second half of them":     {Cpuset{Range: &CPURange{50, 100}}, machineOf(t, "1n1l8c1t"), "3-6", ""},
		"all of 2":                    {Cpuset{Range: &CPURange{0, 100}}, machineOf(t, "1n1l2c1t"), "0-1", ""},
		"all of 3":                    {Cpuset{Range: &CPURange{0, 100}}, machineOf(t, "1n1l3c1t"), "0-1", ""},
		"a range without knowledge":   {Cpuset{Range: &CPURange{0, 100}}, machineOf(t, "1n1l3c1t", lacksTopology), "0-1", ""},
		"a range of some CPUs":        {Cpuset{Range: &CPURange{0, 50}}, machineOf(t, "1n1l8c1t", only("1,3,5,7")), "1", ""},
		"no part of 1":                {Cpuset{Range: &CPURange{0, 99}}, machineOf(t, "1n1l1c1t"), "", "lacks a usable CPU in cgroups[0].cpuset.range, 0% to 99% (it has 1)"},
		"a small share of a few":      {Cpuset{Range: &CPURange{10, 20}}, machineOf(t, "1n1l5c1t"), "", "lacks a usable CPU in cgroups[0].cpuset.range, 10% to 20% (it has 4)"},
		"the first third of 7":        {Cpuset{Disjoint: &CPUPart{0, 3}}, machineOf(t, "1n1l8c1t"), "0-1", ""},
		"the last third of 7":         {Cpuset{Disjoint: &CPUPart{2, 3}}, machineOf(t, "1n1l8c1t"), "4-6", ""},
		"as many parts as CPUs":       {Cpuset{Disjoint: &CPUPart{6, 7}}, machineOf(t, "1n1l8c1t"), "6", ""},
		"more parts than CPUs":        {Cpuset{Disjoint: &CPUPart{0, 8}}, machineOf(t, "1n1l8c1t"), "", "lacks usable CPUs for the 8 parts of cgroups[0].cpuset.disjoint (it has 7)"},
		"two parts of 1":              {Cpuset{Disjoint: &CPUPart{0, 2}}, machineOf(t, "1n1l1c1t"), "", "lacks usable CPUs for the 2 parts of cgroups[0].cpuset.disjoint (it has 1)"},
		"parts that do not overlap":   {Cpuset{Overlap: &CPUOverlap{1, 3, 49}}, machineOf(t, "1n1l8c1t"), "2-3", ""},
		"the first that overlaps":     {Cpuset{Overlap: &CPUOverlap{0, 3, 50}}, machineOf(t, "1n1l8c1t"), "0-2", ""},
		"the second that overlaps":    {Cpuset{Overlap: &CPUOverlap{1, 3, 50}}, machineOf(t, "1n1l8c1t"), "1-4", ""},
		"the last that overlaps":      {Cpuset{Overlap: &CPUOverlap{2, 3, 50}}, machineOf(t, "1n1l8c1t"), "3-6", ""},
		"parts that overlap wholly":   {Cpuset{Overlap: &CPUOverlap{1, 3, 100}}, machineOf(t, "1n1l8c1t"), "0-5", ""},
		"one part that overlaps":      {Cpuset{Overlap: &CPUOverlap{0, 1, 100}}, machineOf(t, "1n1l8c1t"), "0-6", ""},
		"too many parts that overlap": {Cpuset{Overlap: &CPUOverlap{0, 8, 0}}, machineOf(t, "1n1l8c1t"), "", "lacks usable CPUs for the 8 parts of cgroups[0].cpuset.overlap (it has 7)"},
		"parts of 7 caches":           {Cpuset{Disjoint: &CPUPart{1, 2}}, machineOf(t, "1n7l2c1t"), "6-12", ""},
		"nodes with memory alone":     {Cpuset{Mems: "0,2"}, machineOf(t, "2n2l1c1t", withMemoryOnlyNode), "", ""},
		"a node without memory":       {Cpuset{Mems: "0,2"}, machineOf(t, "2n2l1c1t"), "", "lacks NUMA node 2 of cgroups[0].cpuset.mems (it has 0-1)"},
	} {
		t.Run(name, func(t *testing.T) {
			run := withCgroups(Cgroup{Cpuset: &tc.set})
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
			want := ResolvedCgroup{Name: "a", CPUs: set(tc.cpus), Mems: set(tc.set.Mems), Def: &run.Cgroups[0]}
			if diff := cmp.Diff(want, got.Cgroups[0], sameSets); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tc.cpus == "" {
				tc.cpus = tc.machine.CPUs.String()
			}
			if pool := got.Groups[0].Pool.String(); pool != tc.cpus {
				t.Errorf("the pool is %s, want %s", pool, tc.cpus)
			}
		})
	}
}

func TestResolveTheTreeOfCgroups(t *testing.T) {
	exact := func(name, cpus, partition string) Cgroup {
		return Cgroup{Name: name, Cpuset: &Cpuset{Exact: cpus, Partition: partition}}
	}
	inherits := func(name string) Cgroup { return Cgroup{Name: name} }
	empty := func(r *Run) { r.Groups[0].Cgroup = "" }
	for name, tc := range map[string]struct {
		run  *Run
		pool string // of the group
		err  string // "" fits
	}{
		"inherited from the nearest above":    {withCgroups(inherits("a/b/c/d"), exact("a", "0-5", ""), exact("a/b", "1-4", "")), "1-4", ""},
		"inherited from none":                 {withCgroups(inherits("a"), exact("b", "0", "")), "0-7", ""},
		"within those above":                  {withCgroups(exact("a/b/c", "1-2", ""), exact("a", "0-2", "")), "1-2", ""},
		"beyond those above":                  {withCgroups(exact("a/b/c", "1-3", ""), exact("a", "0-2", "")), "", `has CPUs 1-3 for cgroups[0].cpuset (a/b/c), not all of them within 0-2 for cgroups[1].cpuset (a) above it`},
		"beyond those far above":              {withCgroups(exact("a/b/c", "1-3", ""), inherits("a/b"), exact("a", "0-2", "")), "", `has CPUs 1-3 for cgroups[0].cpuset (a/b/c), not all of them within 0-2 for cgroups[2].cpuset (a) above it`},
		"cpusets that share CPUs":             {withCgroups(exact("a", "0-3", ""), exact("b", "2-5", "")), "0-3", ""},
		"a partition":                         {withCgroups(exact("a", "0-3", "Root")), "0-3", ""},
		"beside a partition":                  {withCgroups(inherits("a"), exact("b", "0-3", "Isolated")), "4-7", ""},
		"no cgroup beside a partition":        {change(withCgroups(exact("b", "0-3", "Root"), exact("c", "4-5", "Root")), empty), "6-7", ""},
		"below a partition":                   {withCgroups(inherits("b/c"), exact("b", "0-3", "Root"), exact("c", "5", "Root")), "0-3", ""},
		"above a partition":                   {withCgroups(exact("a", "0-3", ""), exact("b", "4-5", ""), exact("b/c", "4", "Root")), "0-3", ""},
		"a partition that takes its parent's": {change(withCgroups(exact("b/c", "1", "Root"), exact("b", "0-1", ""), inherits("b/d")), func(r *Run) { r.Groups[0].Cgroup = "b/d" }), "0", ""},
		"a partition that leaves none":        {change(withCgroups(exact("b/c", "0-1", "Root"), exact("b", "0-1", ""), inherits("b/d")), func(r *Run) { r.Groups[0].Cgroup = "b/d" }), "", "has no CPU left for groups[0].cgroup: partitions take all"},
		"a partition in a partition":          {change(withCgroups(exact("b/c", "0-1", "Root"), exact("b", "0-3", "Root"), inherits("b/d")), func(r *Run) { r.Groups[0].Cgroup = "b/d" }), "2-3", ""},
		"two partitions that share a CPU":     {withCgroups(exact("a", "0-3", "Root"), exact("b", "3-4", "Isolated")), "", "has CPU 3 for both cgroups[0].cpuset (a), a partition, which takes it away from all others, and cgroups[1].cpuset (b)"},
		"a cpuset that shares a partition's":  {withCgroups(exact("a", "0-3", ""), exact("b", "3-4", "Root")), "", "has CPU 3 for both cgroups[1].cpuset (b), a partition, which takes it away from all others, and cgroups[0].cpuset (a)"},
		"a partition of all CPUs":             {withCgroups(exact("a", "0-7", "Root")), "", "has CPUs 0-7 only, all of which go to partitions with cgroups[0].cpuset.partition: one must be left for everything else"},
		"partitions of all CPUs":              {withCgroups(exact("a", "0-3", "Root"), exact("b", "4-7", "Root")), "", "has CPUs 0-7 only, all of which go to partitions with cgroups[1].cpuset.partition: one must be left for everything else"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.run.Resolve(machineOf(t, "1n1l8c1t"))
			if errorText(err) != tc.err {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if err == nil && got.Groups[0].Pool.String() != tc.pool {
				t.Errorf("the pool is %s, want %s", got.Groups[0].Pool, tc.pool)
			}
		})
	}
}

func change(r *Run, by func(*Run)) *Run {
	by(r)
	return r
}

func TestNoMachineWithoutCPUs(t *testing.T) {
	if got := errorText(valid(func(*Run) {}).Unfit(Machine{MemoryNodes: cpuset.New(0)})); got != "has no CPU to use" {
		t.Errorf("got %q", got)
	}
}
