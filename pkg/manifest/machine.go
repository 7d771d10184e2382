// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// Unfit says why a node cannot execute the run, as what could follow the node's
// name; "" if it can. Preconditions: the run is valid.
func Unfit(run *spec.Run, node *v1alpha1.TestNodeStatus) string {
	machine, err := Machine(node)
	if err == nil {
		err = run.Unfit(machine)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// MachineDigest tells machines apart by all that Unfit looks at. In a fleet most
// nodes are alike, and a run need be resolved only once for all that are.
type MachineDigest [sha256.Size]byte

// DigestOf is the digest of the machine that a node's status describes.
func DigestOf(node *v1alpha1.TestNodeStatus) MachineDigest {
	like := v1alpha1.TestNodeStatus{Topology: node.Topology, Features: slices.Clone(node.Features), Realtime: node.Realtime, Policy: node.Policy}
	for i := range like.Features {
		like.Features[i].Message = ""
	}
	if like.Topology != nil {
		shape := *like.Topology
		shape.Nodes = slices.Clone(shape.Nodes)
		for i := range shape.Nodes {
			// The kernel keeps some memory for itself, each time a bit more or less.
			shape.Nodes[i].MemoryKiB = min(shape.Nodes[i].MemoryKiB, 1)
		}
		like.Topology = &shape
	}
	text, _ := json.Marshal(like) // all of these types have JSON
	return sha256.Sum256(text)
}

// Machine is the machine that a node's status describes, with all that a run is
// resolved by. An error says what is wrong with the status, as what could follow
// the node's name.
func Machine(node *v1alpha1.TestNodeStatus) (spec.Machine, error) {
	published := node.Topology
	if published == nil {
		return spec.Machine{}, errors.New("has not published its topology")
	}
	policy, err := policyOf(node.Policy)
	if err != nil {
		return spec.Machine{}, err
	}
	in := &lists{}
	m := spec.Machine{
		CPUs:         in.parse(published.OnlineCPUs, "its CPUs"),
		MemoryNodes:  in.parse(published.MemoryNodes, "its NUMA nodes with memory"),
		Capabilities: capabilities(node.Features),
		Policy:       policy,
	}
	if published.AllowedCPUs != "" {
		m.CPUs = m.CPUs.Intersection(in.parse(published.AllowedCPUs, "CPUs that runs may use"))
	}
	if b := node.Realtime; b != nil {
		m.Realtime = &spec.Bandwidth{Runtime: micros(b.RuntimeMicroseconds), Period: micros(b.PeriodMicroseconds)}
	}
	if len(published.Caches) > 0 && len(published.Nodes) > 0 {
		m.Topology = rebuilt(published, in)
	}
	return m, in.err
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// capabilities are the node's features. What it does not tell of is not there to
// be found, and so cannot be told.
func capabilities(features []v1alpha1.Feature) map[string]capability.State {
	found := make(map[string]capability.State, len(features))
	for _, f := range features {
		found[f.Name] = capability.State(f.State)
	}
	return found
}

// lists parses lists of CPUs and nodes, and keeps the first error.
type lists struct{ err error }

func (l *lists) parse(text, of string) cpuset.CPUSet {
	set, err := cpuset.Parse(text)
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("publishes %q as %s", text, of)
	}
	return set
}

// rebuilt is the topology that was published. Not published, and so not in it, are
// packages, the kernel's core ids, and how much memory is free.
func rebuilt(published *v1alpha1.Topology, in *lists) *topology.Machine {
	m := &topology.Machine{
		Offline:  in.parse(published.OfflineCPUs, "its offline CPUs"),
		Isolated: in.parse(published.IsolatedCPUs, "its isolated CPUs"),
		NohzFull: in.parse(published.NohzFullCPUs, "its CPUs without a tick"),
	}
	nodeOf := map[int]int{}
	for _, n := range published.Nodes {
		node := topology.Node{ID: int(n.ID), CPUs: in.parse(n.CPUs, "CPUs of a NUMA node"), MemoryTotalKiB: n.MemoryKiB}
		for _, d := range n.Distances {
			node.Distances = append(node.Distances, int(d))
		}
		for _, cpu := range node.CPUs.UnsortedList() {
			nodeOf[cpu] = node.ID
		}
		m.Nodes = append(m.Nodes, node)
	}
	for _, c := range published.Classes {
		m.Classes = append(m.Classes, topology.Class{Name: c.Name, Capacity: int(c.Capacity), CPUs: in.parse(c.CPUs, "CPUs of a class")})
	}
	siblings := siblingsOf(published.Siblings, in)
	for i, c := range published.Caches {
		llc := topology.LLC{ID: int(c.ID), Level: int(c.Level), Node: int(c.Node), SizeKiB: c.SizeKiB, CPUs: in.parse(c.CPUs, "CPUs of a last-level cache")}
		llc.Cores = coresOf(llc.CPUs, siblings)
		m.LLCs = append(m.LLCs, llc)
		for _, cpu := range llc.CPUs.UnsortedList() {
			m.CPUs = append(m.CPUs, topology.CPU{ID: cpu, Package: -1, LLC: i, Node: nodeOf[cpu]})
		}
	}
	slices.SortFunc(m.CPUs, func(a, b topology.CPU) int { return a.ID - b.ID })
	return m
}

// siblingsOf maps each CPU that shares its core to all CPUs of the core.
func siblingsOf(published []string, in *lists) map[int]cpuset.CPUSet {
	of := map[int]cpuset.CPUSet{}
	for _, text := range published {
		set := in.parse(text, "CPUs of a core")
		for _, cpu := range set.UnsortedList() {
			of[cpu] = set
		}
	}
	return of
}

// coresOf are the cores of a cache, by their lowest CPU, which also stands for
// their ids.
func coresOf(cache cpuset.CPUSet, siblings map[int]cpuset.CPUSet) []topology.Core {
	var cores []topology.Core
	seen := map[int]bool{}
	for _, cpu := range cache.List() {
		if seen[cpu] {
			continue
		}
		core := topology.Core{ID: cpu, CPUs: cpuset.New(cpu)}
		if shared, ok := siblings[cpu]; ok {
			core.CPUs = shared
		}
		for _, sibling := range core.CPUs.UnsortedList() {
			seen[sibling] = true
		}
		cores = append(cores, core)
	}
	return cores
}
