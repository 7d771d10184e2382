// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// sameSets compares sets of CPUs by what is in them.
var sameSets = cmp.Comparer(func(a, b cpuset.CPUSet) bool { return a.IsSubsetOf(b) && b.IsSubsetOf(a) })

// machineOf is a machine of the shape, all of whose CPUs a run may use.
func machineOf(t testing.TB, shape string, change ...func(*Machine)) Machine {
	t.Helper()
	top, err := topology.Synthetic(shape)
	if err != nil {
		t.Fatal(err)
	}
	m := Machine{CPUs: top.Online(), MemoryNodes: top.MemoryNodes(), Topology: top, Realtime: &Bandwidth{950 * time.Millisecond, time.Second}}
	for _, c := range change {
		c(&m)
	}
	return m
}

// withMemoryOnlyNode adds a node that has memory and no CPU.
func withMemoryOnlyNode(m *Machine) {
	id := len(m.Topology.Nodes)
	m.Topology.Nodes = append(m.Topology.Nodes, topology.Node{ID: id, CPUs: cpuset.New(), MemoryTotalKiB: 1})
	m.MemoryNodes = m.MemoryNodes.Union(cpuset.New(id))
}

// only keeps a run to some CPUs of the machine.
func only(list string) func(*Machine) {
	return func(m *Machine) { m.CPUs = set(list) }
}

func set(list string) cpuset.CPUSet {
	s, err := cpuset.Parse(list)
	if err != nil {
		panic(err)
	}
	return s
}

// BenchmarkUnfit is what the manager does for each node.
func BenchmarkUnfit(b *testing.B) {
	m := machineOf(b, "4n8l12c2t", func(m *Machine) { m.Capabilities = map[string]capability.State{} })
	for _, name := range []string{capability.CgroupV2, capability.CgroupCpuset, capability.CgroupCPU, capability.Realtime, capability.SMT} {
		m.Capabilities[name] = capability.Present
	}
	partitioned := valid(func(r *Run) {
		like := r.Groups[0]
		r.Groups = nil
		for i := range maxGroups {
			g := like
			g.Name, g.Workers, g.WorkersPercent, g.Cgroup = fmt.Sprint("g", i), 0, 100, fmt.Sprint("c", i)
			g.Affinity = []*Affinity{nil, {LLCAligned: &struct{}{}}, {SMTSiblingPair: &struct{}{}}, {RandomSubset: &RandomSubset{Count: 3}}}[i%4]
			r.Groups = append(r.Groups, g)
			r.Cgroups = append(r.Cgroups, Cgroup{Name: g.Cgroup, CPU: &CgroupCPU{Weight: new(100)}, Cpuset: &Cpuset{Disjoint: &CPUPart{i, maxGroups}}})
		}
	})
	whole := valid(func(r *Run) {
		like := r.Groups[0]
		r.Groups = nil
		for i := range maxGroups {
			g := like
			g.Name = fmt.Sprint("g", i)
			g.Affinity = []*Affinity{{Exact: "0-190"}, {LLCAligned: &struct{}{}}, {SMTSiblingPair: &struct{}{}}, {RandomSubset: &RandomSubset{Count: 3}}}[i%4]
			r.Groups = append(r.Groups, g)
		}
	})
	plain := valid(func(*Run) {})
	for name, run := range map[string]*Run{"12 groups in 12 cgroups": partitioned, "12 groups on all CPUs": whole, "1 group": plain} {
		if err := run.Validate(); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := run.Unfit(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
