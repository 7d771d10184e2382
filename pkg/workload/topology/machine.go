// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package topology reads the shape of a machine: CPUs, cores, caches, NUMA nodes.
package topology

import (
	"fmt"

	"k8s.io/utils/cpuset"
)

// unknownDistance is the distance from or to a node the machine does not have.
const unknownDistance = 255

// Machine is the shape of a machine. Only online CPUs are in it.
type Machine struct {
	// CPUs are in ascending order.
	CPUs []CPU
	// LLCs are the last-level caches, in ascending order of their ids. An LLC is
	// referred to by its index in this slice.
	LLCs []LLC
	// Nodes are the NUMA nodes in ascending order, those without CPUs included.
	Nodes []Node
	// Warnings say where the kernel did not tell and what was assumed instead.
	Warnings []string
}

// CPU is one online logical CPU.
type CPU struct {
	ID int
	// Package is the physical package, -1 where the kernel does not know.
	Package int
	// LLC is the index of its last-level cache in Machine.LLCs.
	LLC int
	// Node is the id of its NUMA node.
	Node int
}

// LLC is a last-level cache and the CPUs that share it.
type LLC struct {
	// ID is the kernel's id of the cache, or its lowest CPU where there is none.
	ID int
	// Level is the cache level, 0 if unknown.
	Level int
	// Node is the id of the NUMA node of its lowest CPU.
	Node int
	// SizeKiB is 0 if unknown.
	SizeKiB int64
	CPUs    cpuset.CPUSet
	// Cores are in ascending order of their lowest CPU.
	Cores []Core
}

// Core is a physical core: the CPUs that are threads of it.
type Core struct {
	// ID is the kernel's core id. It may repeat on another package or cluster.
	ID   int
	CPUs cpuset.CPUSet
}

// Node is a NUMA node.
type Node struct {
	ID             int
	CPUs           cpuset.CPUSet
	MemoryTotalKiB int64
	MemoryFreeKiB  int64
	// Distances are those to Machine.Nodes, in the same order.
	Distances []int
}

// MemoryOnly says that the node has no online CPU.
func (n *Node) MemoryOnly() bool { return n.CPUs.IsEmpty() }

// Online is the set of online CPUs.
func (m *Machine) Online() cpuset.CPUSet {
	ids := make([]int, 0, len(m.CPUs))
	for _, c := range m.CPUs {
		ids = append(ids, c.ID)
	}
	return cpuset.New(ids...)
}

// MemoryNodes is the set of NUMA nodes that have memory.
func (m *Machine) MemoryNodes() cpuset.CPUSet {
	var ids []int
	for i := range m.Nodes {
		if m.Nodes[i].MemoryTotalKiB > 0 {
			ids = append(ids, m.Nodes[i].ID)
		}
	}
	return cpuset.New(ids...)
}

// Cores is the number of cores with an online CPU.
func (m *Machine) Cores() int {
	n := 0
	for i := range m.LLCs {
		n += len(m.LLCs[i].Cores)
	}
	return n
}

// SMT says whether some core has two or more online threads.
func (m *Machine) SMT() bool { return m.threadsPerCore() > 1 }

// Siblings is the set of CPUs on the same core as cpu, cpu included. It is
// empty for a CPU that is not online.
func (m *Machine) Siblings(cpu int) cpuset.CPUSet {
	for i := range m.LLCs {
		for _, core := range m.LLCs[i].Cores {
			if core.CPUs.Contains(cpu) {
				return core.CPUs
			}
		}
	}
	return cpuset.New()
}

// Distance is the kernel's distance between two NUMA nodes: 10 to itself, 255
// if the machine lacks one of them.
func (m *Machine) Distance(from, to int) int {
	for i := range m.Nodes {
		if m.Nodes[i].ID != from {
			continue
		}
		for j := range m.Nodes {
			if m.Nodes[j].ID == to {
				return m.Nodes[i].Distances[j]
			}
		}
	}
	return unknownDistance
}

// Shape sums the machine up: NUMA nodes, last-level caches, cores per cache,
// threads per core, such as 1n2l4c2t. Where caches or cores differ in size,
// the largest is meant.
func (m *Machine) Shape() string {
	cores := 0
	for i := range m.LLCs {
		cores = max(cores, len(m.LLCs[i].Cores))
	}
	return fmt.Sprintf("%dn%dl%dc%dt", len(m.Nodes), len(m.LLCs), cores, m.threadsPerCore())
}

func (m *Machine) threadsPerCore() int {
	threads := 0
	for i := range m.LLCs {
		for _, core := range m.LLCs[i].Cores {
			threads = max(threads, core.CPUs.Size())
		}
	}
	return threads
}
