// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// maxCPUs is the most that Linux can be built for.
const maxCPUs = 8192

// allowedMachine is what this process may use of the machine.
func allowedMachine() (spec.Machine, error) {
	cpus, err := allowedCPUs()
	if err != nil {
		return spec.Machine{}, err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return spec.Machine{}, err
	}
	nodes, err := allowedMemoryNodes(string(status))
	return spec.Machine{CPUs: cpus, MemoryNodes: nodes}, err
}

// allowedMemoryNodes are the NUMA nodes whose memory a process may use, by its
// /proc/<pid>/status. A kernel without cpusets does not tell: none then.
func allowedMemoryNodes(status string) (cpuset.CPUSet, error) {
	for line := range strings.Lines(status) {
		if list, ok := strings.CutPrefix(line, "Mems_allowed_list:"); ok {
			nodes, err := cpuset.Parse(strings.TrimSpace(list))
			if err != nil {
				return nodes, fmt.Errorf("reading Mems_allowed_list of this process: %w", err)
			}
			return nodes, nil
		}
	}
	return cpuset.New(), nil
}

// allowedCPUs are the CPUs this process may use.
func allowedCPUs() (cpuset.CPUSet, error) {
	mask := unix.NewCPUSet(maxCPUs)
	if err := unix.SchedGetaffinityDynamic(0, mask); err != nil {
		return cpuset.CPUSet{}, os.NewSyscallError("sched_getaffinity", err)
	}
	var cpus []int
	for cpu := range maxCPUs {
		if mask.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpuset.New(cpus...), nil
}

// readPlaces says where the machine's CPUs are, or why that is unknown.
func readPlaces() (*work.Places, error) {
	machine, err := topology.Read("/")
	if err != nil {
		return nil, err
	}
	return placesOf(machine), nil
}

// placesOf numbers cores, caches and nodes so that no number repeats in the machine.
func placesOf(machine *topology.Machine) *work.Places {
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

// becomeRealtime puts all threads of this process into SCHED_RR, so that a
// scheduler under test that starves normal tasks does not starve their
// supervisor. Threads made later inherit it.
func becomeRealtime() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The caller last: it makes new threads, which must not be missed.
	for {
		entries, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		changed := false
		for _, e := range entries {
			tid, err := strconv.Atoi(e.Name())
			if err != nil {
				return err
			}
			attr, err := unix.SchedGetAttr(tid, 0)
			if err != nil || attr.Policy == sys.PolicyRR {
				continue // gone, or done
			}
			if errno := sys.RawSetScheduler(tid, sys.PolicyRR, 1); errno != 0 {
				return fmt.Errorf("SCHED_RR: %w", errno)
			}
			changed = true
		}
		if !changed {
			return nil
		}
	}
}

// schedulingClass is the class of the calling thread.
func schedulingClass() string {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return "unknown"
	}
	switch attr.Policy {
	case sys.PolicyRR:
		return "SCHED_RR"
	case sys.PolicyFIFO:
		return "SCHED_FIFO"
	default:
		return "SCHED_OTHER"
	}
}
