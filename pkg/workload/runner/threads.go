// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// supervisorPriority is the highest there is. Workers may have the ones below, so
// that none of them can keep the supervisor from stopping it: Linux 6.12 and later
// do not take the CPU away from real-time tasks for the sake of lower ones.
const supervisorPriority = 99

// BecomeRealtime puts all threads of this process into SCHED_RR, so that neither
// a scheduler under test that starves normal tasks nor a real-time worker starves
// their supervisor. Threads and processes made later inherit it.
func BecomeRealtime() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The caller last: it makes new threads, which must not be missed.
	for changed := true; changed; {
		changed = false
		err := eachThread(func(tid int) error {
			attr, err := unix.SchedGetAttr(tid, 0)
			if err != nil || attr.Policy == sys.PolicyRR && attr.Priority == supervisorPriority {
				return nil //nolint:nilerr // gone, or done
			}
			changed = true
			if errno := sys.RawSetScheduler(tid, sys.PolicyRR, supervisorPriority); errno != 0 {
				return fmt.Errorf("SCHED_RR: %w", errno)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachThread visits the threads of this process, as far as they can be seen.
func eachThread(visit func(tid int) error) error {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, e := range entries {
		tid, err := strconv.Atoi(e.Name())
		if err != nil {
			return err
		}
		if err := visit(tid); err != nil {
			return err
		}
	}
	return nil
}

// housekeeping is the CPU that cpusets relative to the machine leave to the
// supervisor: the highest one, if there are more than two.
func housekeeping(cpus, usable cpuset.CPUSet) cpuset.CPUSet { return cpus.Difference(usable) }

// moveTo moves the threads of this process to the CPUs, and returns what moves
// them back. Without CPUs they stay. A thread that has just ended does not count.
func moveTo(to, from cpuset.CPUSet) (back func()) {
	if to.IsEmpty() {
		return func() {}
	}
	_ = restrict(to) // a kindness to the workers: where it cannot be had, nothing is wrong
	return func() { _ = restrict(from) }
}

// StandAside keeps this process on the housekeeping CPU, where there is one, and
// returns the CPUs it had: Job.CPUs of the runners it starts, which inherit its place.
func StandAside() (cpuset.CPUSet, error) {
	had, err := spawn.AllowedCPUs(0)
	if err != nil {
		return had, err
	}
	machine, err := topology.Read("/")
	if err != nil {
		return had, err
	}
	moveTo(housekeeping(had, machine.Usable(had)), had)
	return had, nil
}

func restrict(cpus cpuset.CPUSet) error {
	mask := unix.NewCPUSet(maxCPUs)
	for _, cpu := range cpus.UnsortedList() {
		mask.Set(cpu)
	}
	return eachThread(func(tid int) error {
		if err := unix.SchedSetaffinityDynamic(tid, mask); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("restricting thread %d to CPUs %s: %w", tid, cpus, err)
		}
		return nil
	})
}

// maxCPUs is the most that Linux can be built for.
const maxCPUs = 8192

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
