// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"fmt"
	"strings"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// machine is the topology, for boxes in boxes.
type machine struct {
	Summary  string
	Nodes    []machineNode
	Offline  string
	Isolated string
	NohzFull string
}

type machineNode struct {
	Name, Memory string
	// MemoryOnly says that it has no CPU.
	MemoryOnly bool
	LLCs       []machineLLC
}

type machineLLC struct {
	Name  string
	Cores []machineCore
}

type machineCore struct{ CPUs []machineCPU }

// machineCPU is a CPU with the group that used most of it.
type machineCPU struct {
	ID    int
	Class string
	Title string
}

func newMachine(rep *report.Report) *machine {
	if rep.Host == nil || rep.Host.Topology == nil {
		return nil
	}
	t := rep.Host.Topology
	m := &machine{
		Summary: fmt.Sprintf("%d NUMA nodes, %d last-level caches, %d cores, %d CPUs", len(t.Nodes), len(t.LLCs), t.Cores(), len(t.CPUs)),
		Offline: t.Offline.String(), Isolated: t.Isolated.String(), NohzFull: t.NohzFull.String(),
	}
	users := usersOf(rep)
	for i := range t.Nodes {
		node := &t.Nodes[i]
		out := machineNode{Name: fmt.Sprintf("node %d", node.ID), MemoryOnly: node.MemoryOnly()}
		if node.MemoryTotalKiB > 0 {
			out.Memory = figure.Bytes(node.MemoryTotalKiB << 10)
		}
		for n := range t.LLCs {
			if llc := llcOf(t, n, node.CPUs, users); len(llc.Cores) > 0 {
				out.LLCs = append(out.LLCs, llc)
			}
		}
		m.Nodes = append(m.Nodes, out)
	}
	return m
}

func llcOf(t *topology.Machine, n int, of cpuset.CPUSet, users map[int]machineCPU) machineLLC {
	cache := &t.LLCs[n]
	out := machineLLC{Name: fmt.Sprintf("LLC %d", n)}
	if cache.Level > 0 {
		out.Name = fmt.Sprintf("L%d %d", cache.Level, n)
	}
	if cache.SizeKiB > 0 {
		out.Name += ", " + figure.Bytes(cache.SizeKiB<<10)
	}
	for _, core := range cache.Cores {
		var c machineCore
		for _, id := range core.CPUs.Intersection(of).List() {
			cpu, used := users[id]
			if !used {
				cpu = machineCPU{Class: "unused", Title: fmt.Sprintf("CPU %d: no group used it", id)}
			}
			cpu.ID = id
			c.CPUs = append(c.CPUs, cpu)
		}
		if len(c.CPUs) > 0 {
			out.Cores = append(out.Cores, c)
		}
	}
	return out
}

// usersOf are the CPUs that were used, each with the group that used most of it.
func usersOf(rep *report.Report) map[int]machineCPU {
	o := newOccupancy(rep)
	if o == nil {
		return nil
	}
	all := map[int]machineCPU{}
	for n := range o.rows {
		best, most, used := -1, 0.0, 0.0
		var parts []string
		for g, share := range o.shares[n] {
			if share <= 0 {
				continue
			}
			used += share
			parts = append(parts, fmt.Sprintf("%s %.1f %%", rep.Groups[g].Name, 100*share))
			if share > most {
				best, most = g, share
			}
		}
		if best < 0 {
			continue
		}
		for _, id := range o.rows[n].cpus {
			all[id] = machineCPU{Class: fmt.Sprintf("level%d %s", levelOf(used), colorOf(best)), Title: fmt.Sprintf("CPU %d: %s", id, strings.Join(parts, ", "))}
		}
	}
	return all
}
