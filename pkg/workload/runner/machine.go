// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
	"github.com/schedfleet/schedfleet/pkg/workload/probe"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// thisMachine is what this process may use of the machine. Without its topology
// only what is relative to it cannot be had.
// unknown says why the topology is not known.
func thisMachine() (m spec.Machine, unknown, err error) {
	m.Realtime = probe.Host{Root: "/"}.RealtimeBandwidth()
	m.Topology, unknown = topology.Read("/")
	if m.CPUs, err = allowed.CPUs(0); err != nil {
		return m, unknown, err
	}
	m.MemoryNodes, err = allowed.MemoryNodes()
	return m, unknown, err
}

// placesOf numbers cores, caches and nodes so that no number repeats in the
// machine; nil where its topology is not known.
func placesOf(machine *topology.Machine) *work.Places {
	if machine == nil {
		return nil
	}
	size := 0
	for _, cpu := range machine.CPUs {
		size = max(size, cpu.ID+1)
	}
	unknown := slices.Repeat([]int32{-1}, size)
	p := &work.Places{Core: slices.Clone(unknown), LLC: slices.Clone(unknown), Node: slices.Clone(unknown)}
	core := int32(0)
	for n := range machine.LLCs {
		for _, c := range machine.LLCs[n].Cores {
			for _, cpu := range c.CPUs.List() {
				p.Core[cpu] = core
			}
			core++
		}
	}
	for _, cpu := range machine.CPUs {
		p.LLC[cpu.ID], p.Node[cpu.ID] = int32(cpu.LLC), int32(cpu.Node)
	}
	return p
}

// numaPagesMigrated is how many pages the kernel moved between NUMA nodes since
// it started, nil where it does not say.
func numaPagesMigrated() *uint64 {
	text, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "numa_pages_migrated "); ok {
			if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err == nil {
				return &n
			}
		}
	}
	return nil
}
