// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "github.com/schedfleet/schedfleet/pkg/workload/sys"

// AffinityChurn pins itself to a random CPU of those it may use, over and over. Its wake
// latency is one sched_yield after that. With one CPU there would be nothing to change,
// and the run is refused.
type AffinityChurn struct {
	SpinIters *int64 `json:"spinIters"`
}

// Name implements Kind.
func (*AffinityChurn) Name() string { return "affinityChurn" }

// Shape implements Kind.
func (k *AffinityChurn) Shape() Shape {
	return Shape{SetSize: 1, Metrics: []Measure{{MetricWake, SampleYield}}, Progress: spinProgress(k.SpinIters)}
}

// Validate implements Kind.
func (k *AffinityChurn) Validate() error { return validIters("spinIters", k.SpinIters) }

// Prepare implements Preparer.
func (*AffinityChurn) Prepare(w *Worker) sys.Errno { return w.noteCPUs() }

// Run implements Kind.
func (k *AffinityChurn) Run(w *Worker) {
	var one cpuMask
	rng, n := newRandom(w.Seed), uint64(w.own.count())
	for !w.Stopped() {
		w.Spin(*k.SpinIters)
		cpu := w.own.nth(int(rng.below(n)))
		one.set(cpu)
		errno := sys.RawSetAffinity(0, one[:])
		one.unset(cpu)
		if errno != 0 {
			w.LeaveErrno("pinning itself to a CPU", errno)
			return
		}
		w.timedYield()
		w.endMove()
	}
	w.restoreCPUs()
}
