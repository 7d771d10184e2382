// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// maxCPUs is the most that Linux can be built for.
const maxCPUs = 8192

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
