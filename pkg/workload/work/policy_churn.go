// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// PolicyChurn goes round the scheduling classes: other, batch, idle, FIFO and round robin
// of priority 1. Its wake latency is one sched_yield after each change. It leaves out
// those that it may not enter, or not leave again.
type PolicyChurn struct {
	SpinIters *int64 `json:"spinIters"`
}

// maxRealtimeIters bounds what is spun in a real-time class at once: some tens of milliseconds.
const maxRealtimeIters = 1_000_000

// churnPriority is that of the real-time classes.
const churnPriority = 1

// Name implements Kind.
func (*PolicyChurn) Name() string { return "policyChurn" }

// Shape implements Kind.
func (k *PolicyChurn) Shape() Shape {
	return Shape{
		SetSize: 1, Metrics: []Measure{{MetricWake, SampleYield}}, Progress: spinProgress(k.SpinIters),
		Classes: []Class{{Policy: sys.PolicyFIFO, Priority: churnPriority}, {Policy: sys.PolicyRR, Priority: churnPriority}},
	}
}

// Validate implements Kind.
func (k *PolicyChurn) Validate() error {
	if k.SpinIters == nil || *k.SpinIters < 0 || *k.SpinIters > maxRealtimeIters {
		return fmt.Errorf("spinIters must be 0 to %d: it also spins in real-time classes", maxRealtimeIters)
	}
	return nil
}

// classList is the policies that a worker goes round.
type classList struct {
	policy [5]int
	n      int
}

func (l *classList) add(policy int) {
	l.policy[l.n] = policy
	l.n++
}

// Run implements Kind.
func (k *PolicyChurn) Run(w *Worker) {
	var list classList
	if !w.permittedClasses(&list) {
		return
	}
	for pass := 0; !w.Stopped(); pass++ {
		w.Spin(*k.SpinIters)
		if errno := setClass(list.policy[pass%list.n]); errno != 0 {
			w.LeaveErrno("changing its scheduling class", errno)
			return
		}
		w.timedYield()
		w.EndIteration()
	}
	if errno := setClass(sys.PolicyOther); errno != 0 {
		w.LeaveErrno("returning to the class of normal tasks", errno)
	}
}

// permittedClasses finds out by trial what the worker may do with the rights that it
// works with; false means to leave the loop. Who leaves the idle class needs the right
// to lower a nice value.
func (w *Worker) permittedClasses(list *classList) bool {
	list.add(sys.PolicyOther)
	list.add(sys.PolicyBatch)
	if mayLower, errno := tryLowerNice(); errno != 0 {
		w.LeaveErrno("trying to lower its nice value", errno)
		return false
	} else if mayLower {
		list.add(sys.PolicyIdle)
	}
	errno := setClass(sys.PolicyFIFO)
	if errno == unix.EPERM {
		return true
	}
	if errno == 0 {
		errno = setClass(sys.PolicyOther)
		list.add(sys.PolicyFIFO)
		list.add(sys.PolicyRR)
	}
	if errno != 0 {
		w.LeaveErrno("trying a real-time class", errno)
	}
	return errno == 0
}

func setClass(policy int) sys.Errno {
	priority := 0
	if policy == sys.PolicyFIFO || policy == sys.PolicyRR {
		priority = churnPriority
	}
	return sys.RawSetScheduler(0, policy, priority)
}

// tryLowerNice says whether the calling thread may lower its nice value, which it has
// again afterwards.
func tryLowerNice() (bool, sys.Errno) {
	nice, errno := sys.RawNice()
	if errno != 0 {
		return false, errno
	}
	switch errno := sys.RawSetNice(nice - 1); errno {
	case 0:
		return true, sys.RawSetNice(nice)
	case unix.EACCES, unix.EPERM:
		return false, 0
	default:
		return false, errno
	}
}
