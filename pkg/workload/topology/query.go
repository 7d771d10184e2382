// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"slices"

	"k8s.io/utils/cpuset"
)

// Usable is the set without its highest CPU, which is left for who supervises
// the run. A set of two or fewer is kept whole.
func (m *Machine) Usable(of cpuset.CPUSet) cpuset.CPUSet {
	cpus := of.List()
	if len(cpus) > 2 {
		cpus = cpus[:len(cpus)-1]
	}
	return cpuset.New(cpus...)
}

// NodeCPUs is the set of online CPUs of a NUMA node, empty for one that has
// memory only. It reports false if there is no such node.
func (m *Machine) NodeCPUs(node int) (cpuset.CPUSet, bool) {
	for i := range m.Nodes {
		if m.Nodes[i].ID == node {
			return m.Nodes[i].CPUs.Clone(), true
		}
	}
	return cpuset.New(), false
}

// CacheCPUs is the set of CPUs that share the last-level cache of an index. It
// reports false if there is no such cache.
func (m *Machine) CacheCPUs(llc int) (cpuset.CPUSet, bool) {
	if llc < 0 || llc >= len(m.LLCs) {
		return cpuset.New(), false
	}
	return m.LLCs[llc].CPUs.Clone(), true
}

// NodesOf is the set of NUMA nodes the CPUs are on. CPUs that are not online
// count for nothing. Where a cache spans nodes, as with sub-NUMA clustering,
// the nodes of the CPUs are meant and not that of the cache.
func (m *Machine) NodesOf(cpus cpuset.CPUSet) cpuset.CPUSet {
	var nodes []int
	for _, c := range m.CPUs {
		if cpus.Contains(c.ID) {
			nodes = append(nodes, c.Node)
		}
	}
	return cpuset.New(nodes...)
}

// LargestOverlap finds the last-level cache that has the most CPUs in common
// with the pool, the one of the lowest index among equals, and the CPUs they
// share. Without a CPU in common the index is -1 and the set is empty.
func (m *Machine) LargestOverlap(pool cpuset.CPUSet) (llc int, shared cpuset.CPUSet) {
	llc = -1
	most := 0
	for i := range m.LLCs {
		n := 0
		for _, cpu := range m.LLCs[i].CPUs.UnsortedList() {
			if pool.Contains(cpu) {
				n++
			}
		}
		if n > most {
			llc, most = i, n
		}
	}
	if llc < 0 {
		return llc, cpuset.New()
	}
	return llc, m.LLCs[llc].CPUs.Intersection(pool)
}

// SiblingPair is the lowest two threads, among those in the pool, of the first
// core that has at least two there. Cores are taken cache by cache. It reports
// false if there is no such core.
func (m *Machine) SiblingPair(pool cpuset.CPUSet) (cpuset.CPUSet, bool) {
	for i := range m.LLCs {
		for _, core := range m.LLCs[i].Cores {
			if core.CPUs.Size() < 2 {
				continue
			}
			threads := slices.DeleteFunc(core.CPUs.List(), func(cpu int) bool { return !pool.Contains(cpu) })
			if len(threads) >= 2 {
				return cpuset.New(threads[:2]...), true
			}
		}
	}
	return cpuset.New(), false
}

// OverlappingSets cuts CPUs into n sets of the same size, each of which has
// about the given percentage of its CPUs in common with the next. If there are
// more sets than CPUs, each is one CPU, and they start over at the end.
func OverlappingSets(cpus cpuset.CPUSet, n, percent int) []cpuset.CPUSet {
	all := cpus.List()
	if n < 1 || len(all) == 0 {
		return nil
	}
	base := len(all) / n
	common := (base*max(percent, 0) + 99) / 100
	stride := max(base-common, 1)
	sets := make([]cpuset.CPUSet, n)
	for i := range sets {
		start := i * stride % len(all)
		sets[i] = cpuset.New(all[start : start+max(base, 1)]...)
	}
	return sets
}
