// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"strings"
)

const (
	// defaultMemoryMiB is enough for a kernel, our binaries and their tests.
	defaultMemoryMiB = 512
	// maxCPUs is what emulation can still boot in reasonable time.
	maxCPUs = 64
)

// Shape is the topology of a guest. CPUs are numbered node by node, cache by
// cache, core by core. A node is a socket, a last-level cache a die of it.
type Shape struct {
	Nodes          int // NUMA nodes with CPUs
	LLCsPerNode    int
	CoresPerLLC    int
	ThreadsPerCore int
	// MemoryMiB is the memory of each node; 0 stands for 512.
	MemoryMiB int
	// MemoryOnlyNodes is the number of NUMA nodes without CPUs. They come last.
	MemoryOnlyNodes int
}

// ParseShape reads the notation of "schedfleet topo": 2n4l1c2t is two nodes,
// four last-level caches in all, one core per cache and two threads per core.
func ParseShape(s string) (Shape, error) {
	var n, l, c, t int
	var rest string
	if got, _ := fmt.Sscanf(s+" .", "%dn%dl%dc%dt %s", &n, &l, &c, &t, &rest); got != 5 || rest != "." {
		return Shape{}, fmt.Errorf("%q is no shape such as 2n4l1c2t: nodes, last-level caches in all, cores per cache, threads per core", s)
	}
	if n < 1 || l%n != 0 {
		return Shape{}, fmt.Errorf("shape %s: %d last-level caches cannot be shared out evenly among %d nodes", s, l, n)
	}
	shape := Shape{Nodes: n, LLCsPerNode: l / n, CoresPerLLC: c, ThreadsPerCore: t}
	return shape, shape.check()
}

// String is what "schedfleet topo" calls the machine.
func (s Shape) String() string {
	return fmt.Sprintf("%dn%dl%dc%dt", s.Nodes+s.MemoryOnlyNodes, s.Nodes*s.LLCsPerNode, s.CoresPerLLC, s.ThreadsPerCore)
}

// CPUs is the number of logical CPUs.
func (s Shape) CPUs() int { return s.Nodes * s.cpusPerNode() }

func (s Shape) cpusPerNode() int { return s.LLCsPerNode * s.CoresPerLLC * s.ThreadsPerCore }

func (s Shape) memoryMiB() int {
	if s.MemoryMiB == 0 {
		return defaultMemoryMiB
	}
	return s.MemoryMiB
}

func (s Shape) check() error {
	if min(s.Nodes, s.LLCsPerNode, s.CoresPerLLC, s.ThreadsPerCore) < 1 || min(s.MemoryMiB, s.MemoryOnlyNodes) < 0 {
		return fmt.Errorf("shape %s: there is at least one of each, and nothing negative", s)
	}
	if s.CPUs() > maxCPUs {
		return fmt.Errorf("shape %s: has %d CPUs, at most %d are emulated", s, s.CPUs(), maxCPUs)
	}
	return nil
}

// arguments describe the shape to the emulator.
func (s Shape) arguments() []string {
	nodes := s.Nodes + s.MemoryOnlyNodes
	args := []string{
		"-smp", fmt.Sprintf("%d,sockets=%d,dies=%d,cores=%d,threads=%d",
			s.CPUs(), s.Nodes, s.LLCsPerNode, s.CoresPerLLC, s.ThreadsPerCore),
		"-m", fmt.Sprintf("%dM", nodes*s.memoryMiB()),
	}
	for i := range nodes {
		node := []string{"node", fmt.Sprintf("nodeid=%d", i), fmt.Sprintf("memdev=node%d", i)}
		if first := i * s.cpusPerNode(); i < s.Nodes {
			node = append(node, fmt.Sprintf("cpus=%d-%d", first, first+s.cpusPerNode()-1))
		}
		args = append(args,
			"-object", fmt.Sprintf("memory-backend-ram,id=node%d,size=%dM", i, s.memoryMiB()),
			"-numa", strings.Join(node, ","))
	}
	return args
}
