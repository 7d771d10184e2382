// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// The methods below change a worker that works, and read back what the kernel then has. That it has
// ended is an error that is ESRCH. Of a program they change the first task alone.

// SetAffinity restricts a worker to the CPUs, now.
func (h *Handle) SetAffinity(group string, index int, cpus cpuset.CPUSet) error {
	mask := maskOf(cpus.List())
	err := h.change(group, index, func(tid int) error {
		if errno := sys.RawSetAffinity(tid, mask); errno != 0 {
			return errno
		}
		got, err := allowed.CPUs(tid)
		if err == nil && (got.IsEmpty() || !got.IsSubsetOf(cpus)) {
			err = fmt.Errorf("the kernel has %q", got)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("group %s, worker %d: setting the CPU affinity to %q: %w", group, index, cpus, err)
	}
	return nil
}

// CPUs are those that the kernel lets a worker use now.
func (h *Handle) CPUs(group string, index int) (cpus cpuset.CPUSet, err error) {
	err = h.change(group, index, func(tid int) (err error) {
		cpus, err = allowed.CPUs(tid)
		return err
	})
	if err != nil {
		return cpus, fmt.Errorf("group %s, worker %d: reading its CPUs: %w", group, index, err)
	}
	return cpus, nil
}

// SetNice gives a worker another nice value.
func (h *Handle) SetNice(group string, index, nice int) error {
	err := h.change(group, index, func(tid int) error {
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, nice); err != nil {
			return err
		}
		if got, err := niceOf(tid); err != nil || got != nice {
			return readBackError(err, "the kernel has %d", got)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("group %s, worker %d: setting the nice value to %d: %w%s", group, index, nice, err, changeHint(arena.StepNice, err))
	}
	return nil
}

// SetClass gives a worker another scheduling class. Its nice value stays what it is.
func (h *Handle) SetClass(group string, index int, class work.Class) error {
	err := h.change(group, index, func(tid int) error { return setClass(tid, class) })
	if err != nil {
		return fmt.Errorf("group %s, worker %d: setting the scheduling policy: %w%s", group, index, err, changeHint(arena.StepPolicy, err))
	}
	return nil
}

func setClass(tid int, class work.Class) error {
	nice, err := niceOf(tid)
	if err != nil {
		return err
	}
	attr := unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: uint32(class.Policy), Priority: uint32(class.Priority),
		Runtime: class.Runtime, Deadline: class.Deadline, Period: class.Period,
	}
	fair := class.Policy == sys.PolicyOther || class.Policy == sys.PolicyBatch || class.Policy == sys.PolicyExt
	if fair {
		attr.Nice = int32(nice)
	}
	if err := unix.SchedSetAttr(tid, &attr, 0); err != nil {
		return err
	}
	got, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		return err
	}
	if got.Policy != attr.Policy || got.Priority != attr.Priority || fair && got.Nice != attr.Nice {
		return fmt.Errorf("the kernel has policy %d with priority %d and nice %d", got.Policy, got.Priority, got.Nice)
	}
	if class.Policy == sys.PolicyDeadline && (got.Runtime != attr.Runtime || got.Deadline != attr.Deadline || got.Period != attr.Period) {
		return fmt.Errorf("the kernel has %d ns of %d ns every %d ns", got.Runtime, got.Deadline, got.Period)
	}
	return nil
}

// niceOf is the nice value of a task, which one of a real-time class keeps for later.
func niceOf(tid int) (int, error) {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, tid) // 1 to 40
	return 20 - raw, os.NewSyscallError("getpriority", err)
}

func readBackError(err error, format string, got int) error {
	if err != nil {
		return err
	}
	return fmt.Errorf(format, got)
}

func changeHint(step arena.SetupStep, err error) string {
	if errno, ok := err.(unix.Errno); ok { //nolint:errorlint // x/sys/unix returns errnos as they are
		return setupHint(step, errno)
	}
	return ""
}

// change calls f with the id of a worker's task while its process cannot be reaped.
func (h *Handle) change(group string, index int, f func(tid int) error) error {
	i, err := h.find(group, index)
	if err != nil {
		return err
	}
	err = errGone
	h.reaper.whileThere(h.processOf[i], func() {
		block := h.arena.Block(i)
		if stage := block.Stage(); stage != arena.StageParked && stage != arena.StageRunning {
			return
		}
		err = f(block.TID())
	})
	if err == unix.ESRCH { //nolint:errorlint // x/sys/unix returns errnos as they are
		return errGone
	}
	return err
}

// errGone is about a worker that has ended.
var errGone = fmt.Errorf("it is not there any more (%w)", unix.ESRCH)
