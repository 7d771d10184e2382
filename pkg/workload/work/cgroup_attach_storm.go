// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// CgroupAttachStorm forks children that end at once and attaches each to a cgroup, so that
// the kernel has to move tasks that are dying. To come too late is normal and counted; any other
// failure ends the worker. A fork that fails is counted and is an iteration, but, other than in the
// original, no work unit: who never forks makes no progress.
type CgroupAttachStorm struct {
	// Destination is a cgroup of the run; empty, one is made for it.
	Destination string `json:"destination,omitempty"`
	// Reap is who reaps the children: with Ignore the kernel does at once, with Wait the
	// worker, which then records how long it waited.
	Reap string `json:"reap"`
}

// The values of CgroupAttachStorm.Reap.
const (
	ReapIgnore = "Ignore"
	ReapWait   = "Wait"
)

// The counters of CgroupAttachStorm. The kernel takes a child that is dead and not yet
// reaped, and moves nothing: it counts as attached.
const (
	stormAttached = iota
	stormAlreadyDead
	stormForkFailures
)

// Name implements Kind.
func (*CgroupAttachStorm) Name() string { return "cgroupAttachStorm" }

// Shape implements Kind.
func (k *CgroupAttachStorm) Shape() Shape {
	s := Shape{
		SetSize: 1, ForkOnly: noForkFromThreads, Dangerous: true, Needs: []string{capability.CgroupV2},
		Opens: Opens{Cgroup: k.Destination}, Progress: ProgressUnits,
		Counters: []string{stormAttached: "attached", stormAlreadyDead: "alreadyDead", stormForkFailures: "forkFailures"},
	}
	if k.Destination == "" {
		s.Opens = Opens{Leaves: 1}
	}
	if k.Reap == ReapWait {
		s.Metrics = []Measure{{MetricWake, SampleReap}}
	}
	return s
}

// Validate implements Kind. Whether the destination is a cgroup of the run is for the
// run to say.
func (k *CgroupAttachStorm) Validate() error {
	if k.Reap != ReapIgnore && k.Reap != ReapWait {
		return fmt.Errorf("reap must be %s or %s, not %q", ReapIgnore, ReapWait, k.Reap)
	}
	return nil
}

// Prepare implements Preparer.
func (k *CgroupAttachStorm) Prepare(w *Worker) sys.Errno {
	if k.Reap == ReapWait {
		return w.reapOwnChildren()
	}
	errno := sys.RawReapChildren(true)
	if errno != 0 {
		w.Leave("ignoring SIGCHLD")
	}
	return errno
}

// Run implements Kind.
func (k *CgroupAttachStorm) Run(w *Worker) {
	for !w.Stopped() && k.forkAndAttach(w) {
		w.EndIteration()
	}
	// Children that end after the worker would be left to whoever adopts them. Where
	// the kernel reaps, this returns when there are none any more.
	_, _ = sys.WaitChild(-1)
}

// forkAndAttach is a pass; false means to leave the loop.
func (k *CgroupAttachStorm) forkAndAttach(w *Worker) bool {
	pid, errno := sys.RawForkExit()
	if errno != 0 {
		w.Count(stormForkFailures, 1)
		sys.RawYield()
		return true
	}
	attached := sys.RawWriteNumber(w.FDs[0], pid)
	if k.Reap == ReapWait {
		if _, ok := w.reap(pid); !ok {
			return false
		}
	}
	switch attached {
	case 0:
		w.Count(stormAttached, 1)
	case unix.ESRCH:
		w.Count(stormAlreadyDead, 1)
	default:
		w.LeaveErrno("attaching its child to the cgroup", attached)
		return false
	}
	w.AddUnits(1)
	return true
}
