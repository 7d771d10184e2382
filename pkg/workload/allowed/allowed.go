// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package allowed reads and sets which CPUs a task may use, and reads which memory.
package allowed

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"
)

// maxCPUs is the most that Linux can be built for.
const maxCPUs = 8192

// CPUs are the CPUs that a task (0 is the caller) may use.
func CPUs(tid int) (cpuset.CPUSet, error) { return (&Reader{}).CPUs(tid) }

// Reader reads the CPUs of task after task. Most have those of the one before,
// and then share the set.
type Reader struct {
	mask, before unix.CPUSetDynamic
	set          cpuset.CPUSet
}

// CPUs are the CPUs that a task (0 is the caller) may use.
func (r *Reader) CPUs(tid int) (cpuset.CPUSet, error) {
	if r.mask == nil {
		r.mask, r.before = unix.NewCPUSet(maxCPUs), unix.NewCPUSet(maxCPUs)
	}
	r.mask.Zero()
	if err := unix.SchedGetaffinityDynamic(tid, r.mask); err != nil {
		return cpuset.CPUSet{}, os.NewSyscallError("sched_getaffinity", err)
	}
	if !slices.Equal(r.mask, r.before) {
		var cpus []int
		for cpu := range maxCPUs {
			if r.mask.IsSet(cpu) {
				cpus = append(cpus, cpu)
			}
		}
		r.set = cpuset.New(cpus...)
		r.mask, r.before = r.before, r.mask
	}
	return r.set, nil
}

// SetCPUs lets a task (0 is the caller) use the CPUs and no others.
func SetCPUs(tid int, cpus cpuset.CPUSet) error {
	mask := unix.NewCPUSet(maxCPUs)
	for _, cpu := range cpus.UnsortedList() {
		mask.Set(cpu)
	}
	return os.NewSyscallError("sched_setaffinity", unix.SchedSetaffinityDynamic(tid, mask))
}

// MemoryNodes are the NUMA nodes whose memory this process may use. A kernel
// without cpusets does not tell: none then.
func MemoryNodes() (cpuset.CPUSet, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return cpuset.CPUSet{}, err
	}
	return memoryNodes(string(status))
}

func memoryNodes(status string) (cpuset.CPUSet, error) {
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
