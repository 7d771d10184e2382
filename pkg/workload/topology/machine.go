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
	// Classes are the kinds of CPUs by how much they can do, largest capacity
	// first. A uniform machine has one.
	Classes []Class
	// Offline are the CPUs that are there but switched off. They are in none of
	// the other members.
	Offline cpuset.CPUSet
	// Isolated are the CPUs that the kernel's command line keeps from the load
	// balancer (isolcpus=), NohzFull those that it keeps from the tick (nohz_full=).
	Isolated, NohzFull cpuset.CPUSet
	// Warnings say where the kernel did not tell and what was assumed instead.
	Warnings []string
}

// CPU is one online logical CPU.
type CPU struct {
	ID int `json:"cpu"`
	// Package is the physical package, -1 where the kernel does not know.
	Package int `json:"package"`
	// LLC is the index of its last-level cache in Machine.LLCs.
	LLC int `json:"llc"`
	// Node is the id of its NUMA node.
	Node int `json:"node"`
}

// LLC is a last-level cache and the CPUs that share it.
type LLC struct {
	// ID is the kernel's id of the cache, or its lowest CPU where there is none.
	// Ids may repeat on another package.
	ID int `json:"id"`
	// Level is the cache level, 0 if unknown.
	Level int `json:"level"`
	// SizeKiB is 0 if unknown.
	SizeKiB int64 `json:"sizeKiB"`
	// Node is the id of the NUMA node of its lowest CPU. Other CPUs may be on
	// other nodes: with sub-NUMA clustering one cache serves several.
	Node int           `json:"node"`
	CPUs cpuset.CPUSet `json:"-"`
	// Cores are in ascending order of their lowest CPU.
	Cores []Core `json:"cores"`
}

// Core is a physical core: the CPUs that are threads of it.
type Core struct {
	// ID is the kernel's core id. It may repeat on another package or cluster.
	ID   int           `json:"id"`
	CPUs cpuset.CPUSet `json:"-"`
}

// Node is a NUMA node.
type Node struct {
	ID   int           `json:"id"`
	CPUs cpuset.CPUSet `json:"-"`
	// MemoryTotalKiB is 0 if the node has none, or the kernel does not tell.
	MemoryTotalKiB int64 `json:"memoryKiB"`
	MemoryFreeKiB  int64 `json:"memoryFreeKiB"`
	// Distances are those to Machine.Nodes, in the same order.
	Distances []int `json:"distances"`
}

// Class is the CPUs of one kind on a machine that has several, or all of them.
type Class struct {
	// Name is "core", "atom" or "lowpower" on x86, "capacity 446" on arm64,
	// "uniform" where the kernel tells no kinds apart, "other" for CPUs it says
	// nothing of while it does of others.
	Name string `json:"name"`
	// Capacity is how much work a CPU does in a time, of 1024 for the machine's
	// best; 0 if unknown.
	Capacity int           `json:"capacity"`
	CPUs     cpuset.CPUSet `json:"-"`
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
