// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"fmt"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// maxRows bounds the rows of the map: on larger machines several CPUs share one.
const maxRows = 512

// cpuRow is a row of the map of CPUs by time.
type cpuRow struct {
	cpus []int
	// llc and node are what a row begins a new one of, in words; empty where it does not.
	llc, node string
}

func (r *cpuRow) label() string { return cpuset.New(r.cpus...).String() }

// rowsOf are the rows of a machine: its CPUs, those of a core beside each other, by
// cache, by node. CPUs that are not in the topology come last.
func rowsOf(rep *report.Report) []cpuRow {
	var rows []cpuRow
	left := usedCPUs(rep)
	if rep.Host != nil && rep.Host.Topology != nil {
		rows = rowsOfMachine(rep.Host.Topology)
		left = left.Difference(rep.Host.Topology.Online())
	}
	for i, cpu := range left.List() {
		row := cpuRow{cpus: []int{cpu}}
		if i == 0 && len(rows) > 0 {
			row.node = "others"
		}
		rows = append(rows, row)
	}
	return fold(rows)
}

func rowsOfMachine(m *topology.Machine) []cpuRow {
	var rows []cpuRow
	for i := range m.Nodes {
		node := fmt.Sprintf("node %d", m.Nodes[i].ID)
		for n := range m.LLCs {
			llc := ""
			if len(m.LLCs) > len(m.Nodes) {
				llc = fmt.Sprintf("LLC %d", n)
			}
			for _, core := range m.LLCs[n].Cores {
				for _, cpu := range core.CPUs.Intersection(m.Nodes[i].CPUs).List() {
					rows = append(rows, cpuRow{cpus: []int{cpu}, llc: llc, node: node})
					llc, node = "", ""
				}
			}
		}
	}
	return rows
}

// fold puts CPUs that follow each other into one row where there are too many.
func fold(rows []cpuRow) []cpuRow {
	each := (len(rows) + maxRows - 1) / maxRows
	if each <= 1 {
		return rows
	}
	var out []cpuRow
	for i := range rows {
		if i%each == 0 {
			out = append(out, cpuRow{})
		}
		last := &out[len(out)-1]
		last.cpus = append(last.cpus, rows[i].cpus...)
		if last.node == "" {
			last.node = rows[i].node
		}
		if last.llc == "" {
			last.llc = rows[i].llc
		}
	}
	return out
}

// usedCPUs are the CPUs that any group used.
func usedCPUs(rep *report.Report) cpuset.CPUSet {
	all := cpuset.New()
	for i := range rep.Groups {
		if set, err := cpuset.Parse(rep.Groups[i].CPUs); err == nil {
			all = all.Union(set)
		}
	}
	return all
}
