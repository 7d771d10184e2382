// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "github.com/schedfleet/schedfleet/pkg/workload/sys"

// ForkExit forks a child that ends at once, and waits for it. The child is a copy of the
// worker with a memory map of its own, the making of which is part of the cost. Its wake latency is
// the wait for the child to end. A fork that fails is counted and is an iteration, too, but neither a
// work unit, as it is in the original, nor a response: who never forks makes no progress.
type ForkExit struct {
	Arrival *Arrival `json:"arrival,omitempty"`
}

// The counters of ForkExit.
const (
	forkFailures = iota
	childrenCPU
)

// noForkFromThreads is why kinds that fork cannot be threads.
const noForkFromThreads = "it forks, and a fork of one of several threads would copy what the others are in the middle of"

// Name implements Kind.
func (*ForkExit) Name() string { return "forkExit" }

// Shape implements Kind.
func (k *ForkExit) Shape() Shape {
	return Shape{
		SetSize: 1, ForkOnly: noForkFromThreads, Progress: ProgressUnits, Quiet: k.Arrival.quiet(),
		Metrics:  k.Arrival.measures(Measure{MetricWake, SampleReap}),
		Counters: []string{forkFailures: "forkFailures", childrenCPU: "childrenCPUNanoseconds"},
	}
}

// Validate implements Kind.
func (k *ForkExit) Validate() error { return k.Arrival.validate() }

// Prepare implements Preparer.
func (*ForkExit) Prepare(w *Worker) sys.Errno { return w.reapOwnChildren() }

// Run implements Kind.
func (k *ForkExit) Run(w *Worker) {
	requests := k.Arrival.schedule(w)
	for {
		due, ok := requests.await(w)
		if !ok {
			return
		}
		if pid, errno := sys.RawForkExit(); errno != 0 {
			w.Count(forkFailures, 1)
		} else {
			used, ok := w.reap(pid)
			if !ok {
				return
			}
			w.Count(childrenCPU, used)
			requests.respond(w, due)
			w.AddUnits(1)
		}
		w.EndIteration()
	}
}

// reapOwnChildren makes sure that reap works, whatever a worker inherited.
func (w *Worker) reapOwnChildren() sys.Errno {
	errno := sys.RawReapChildren(false)
	if errno != 0 {
		w.Leave("giving SIGCHLD its default action")
	}
	return errno
}

// reap waits for a child and records how long; false means to leave the loop. used is the
// CPU time that the child had.
func (w *Worker) reap(pid int) (used uint64, ok bool) {
	began := sys.Monotonic()
	used, errno := sys.WaitChild(pid)
	if errno != 0 {
		w.LeaveErrno("waiting for its child", errno)
		return 0, false
	}
	w.Record(0, sys.Monotonic()-began)
	return used, true
}
