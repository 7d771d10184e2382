// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// CrossAffinityChurn changes the affinities of the other workers of the run in its
// cgroup: to all the CPUs it may use itself and to all but the last, in turn. Whom it
// changes is known from the start, in whatever order they began. What the workers had
// is not restored. Its wake latency is one sched_yield after each round. Alone, or with
// one CPU, it could do nothing, and the run is refused.
type CrossAffinityChurn struct {
	SpinIters *int64 `json:"spinIters"`
}

const (
	// countAffinityChanges is the counter of the changes made.
	countAffinityChanges = 0
	// maxTracked is more workers than a run can have.
	maxTracked = 20_480
)

// Name implements Kind.
func (*CrossAffinityChurn) Name() string { return "crossAffinityChurn" }

// Shape implements Kind.
func (k *CrossAffinityChurn) Shape() Shape {
	return Shape{SetSize: 1, Metrics: []Measure{{MetricWake, SampleYield}}, Counters: []string{"affinityChanges"},
		Progress: spinProgress(k.SpinIters)}
}

// Validate implements Kind.
func (k *CrossAffinityChurn) Validate() error { return validIters("spinIters", k.SpinIters) }

// Prepare implements Preparer.
func (*CrossAffinityChurn) Prepare(w *Worker) sys.Errno {
	others := -1
	for _, p := range w.Peers {
		others += p[1] - p[0]
	}
	if others < 1 {
		w.Leave("there is no other worker in its cgroup whose affinity it could change")
		return unix.EINVAL
	}
	return w.noteCPUs()
}

// Run implements Kind.
func (k *CrossAffinityChurn) Run(w *Worker) {
	fewer := w.own
	fewer.unset(fewer.nth(fewer.count() - 1))
	masks := [2]*cpuMask{&w.own, &fewer}
	var gone [maxTracked / 64]uint64
	for pass := 0; !w.Stopped(); pass++ {
		w.Spin(*k.SpinIters)
		if !w.changePeers(masks[pass%2], &gone) {
			return
		}
		w.timedYield()
		w.EndIteration()
	}
}

// changePeers gives the worker's peers an affinity; false means to leave the loop. One that
// ended is noted and left alone: its id may become that of a stranger.
func (w *Worker) changePeers(mask *cpuMask, gone *[maxTracked / 64]uint64) bool {
	for _, p := range w.Peers {
		for i := p[0]; i < min(p[1], maxTracked) && !w.Stopped(); i++ {
			tid := w.PeerTID(i)
			if tid == 0 || gone[i/64]&(1<<(i%64)) != 0 || w.arena.Block(i).Stage() != arena.StageRunning {
				continue
			}
			switch errno := sys.RawSetAffinity(tid, mask[:]); errno {
			case 0:
				w.Count(countAffinityChanges, 1)
			case unix.ESRCH:
				gone[i/64] |= 1 << (i % 64)
			default:
				w.LeaveErrno("changing the affinity of a worker in its cgroup", errno)
				return false
			}
		}
	}
	return true
}
