// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
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
	return eachThread(func(tid int) error {
		if errno := sys.RawSetScheduler(tid, sys.PolicyRR, supervisorPriority); errno != 0 {
			return fmt.Errorf("SCHED_RR for thread %d: %w", tid, errno)
		}
		return nil
	})
}

// eachThread changes every thread of this process, those included that others
// make meanwhile before they are changed themselves. A thread that has just ended
// does not count. It goes on past an error and returns the first.
func eachThread(change func(tid int) error) error {
	var first error
	changed := map[string]bool{}
	for before := -1; before < len(changed); {
		before = len(changed)
		entries, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, e := range entries {
			if changed[e.Name()] {
				continue
			}
			changed[e.Name()] = true
			tid, err := strconv.Atoi(e.Name())
			if err == nil {
				err = change(tid)
			}
			if first == nil && !errors.Is(err, unix.ESRCH) {
				first = err
			}
		}
	}
	return first
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
	had, err := allowed.CPUs(0)
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
	return eachThread(func(tid int) error {
		if err := allowed.SetCPUs(tid, cpus); err != nil {
			return fmt.Errorf("restricting thread %d to CPUs %s: %w", tid, cpus, err)
		}
		return nil
	})
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
