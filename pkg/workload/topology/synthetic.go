// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"

	"k8s.io/utils/cpuset"
)

const (
	// maxSyntheticCPUs is the most CPUs that Linux can be built for.
	maxSyntheticCPUs   = 8192
	syntheticMemoryKiB = 16 << 20 // of each node
	syntheticCacheKiB  = 32 << 10 // of each last-level cache
)

// Synthetic is the machine that a shape such as 2n4l1c2t describes: two NUMA
// nodes, four last-level caches in all, one core per cache, two threads per
// core. CPUs are numbered cache by cache, with the threads of a core side by
// side. Each node is a package of its own and has memory.
func Synthetic(shape string) (*Machine, error) {
	nodes, llcs, cores, threads, err := parseShape(shape)
	if err != nil {
		return nil, err
	}
	m := &Machine{Offline: cpuset.New(), Isolated: cpuset.New(), NohzFull: cpuset.New()}
	for id := range llcs {
		m.addCache(id, id*nodes/llcs, cores, threads)
	}
	distances := assumedDistances(nodes)
	perNode := len(m.CPUs) / nodes
	for id := range nodes {
		m.Nodes = append(m.Nodes, Node{
			ID: id, CPUs: sequence(id*perNode, perNode), Distances: distances[id],
			MemoryTotalKiB: syntheticMemoryKiB, MemoryFreeKiB: syntheticMemoryKiB,
		})
	}
	m.Classes = []Class{{Name: classUniform, CPUs: m.Online()}}
	return m, nil
}

// addCache adds a last-level cache and its CPUs, numbered on from those there are.
func (m *Machine) addCache(id, node, cores, threads int) {
	first := len(m.CPUs)
	llc := LLC{ID: id, Level: 3, Node: node, SizeKiB: syntheticCacheKiB, CPUs: sequence(first, cores*threads)}
	for core := range cores {
		llc.Cores = append(llc.Cores, Core{ID: first/threads + core, CPUs: sequence(first+core*threads, threads)})
	}
	for cpu := range cores * threads {
		m.CPUs = append(m.CPUs, CPU{ID: first + cpu, Package: node, LLC: id, Node: node})
	}
	m.LLCs = append(m.LLCs, llc)
}

func parseShape(shape string) (nodes, llcs, cores, threads int, err error) {
	const notation = "%dn%dl%dc%dt"
	_, scanErr := fmt.Sscanf(shape, notation, &nodes, &llcs, &cores, &threads)
	switch {
	case scanErr != nil || fmt.Sprintf(notation, nodes, llcs, cores, threads) != shape:
		err = fmt.Errorf("%q is no shape such as 2n4l1c2t: nodes, last-level caches in all, cores per cache, threads per core", shape)
	case min(nodes, llcs, cores, threads) < 1:
		err = fmt.Errorf("shape %s: there is at least one of each", shape)
	case llcs%nodes != 0:
		err = fmt.Errorf("shape %s: %d last-level caches cannot be shared out evenly among %d nodes", shape, llcs, nodes)
	case max(llcs, cores, threads) > maxSyntheticCPUs || llcs*cores*threads > maxSyntheticCPUs:
		err = fmt.Errorf("shape %s: has more than %d CPUs", shape, maxSyntheticCPUs)
	}
	return nodes, llcs, cores, threads, err
}

// sequence is the set of n numbers from first.
func sequence(first, n int) cpuset.CPUSet {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = first + i
	}
	return cpuset.New(ids...)
}
