// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// PreemptStorm has one worker in SCHED_FIFO wake up all the time and take the CPU from fair
// workers, of the group's own class, which never give it up. It preempts what shares its CPU:
// pin the group to one for full effect. Gaps of fair workers are not forgotten: they were
// preempted.
type PreemptStorm struct {
	FairWorkers  int32             `json:"fairWorkers"`
	RTBurstIters *int64            `json:"rtBurstIters"`
	RTSleep      quantity.Duration `json:"rtSleep"`
}

// preemptPriority is enough to preempt all fair tasks, and no other real-time task.
const preemptPriority = 1

// Name implements Kind.
func (*PreemptStorm) Name() string { return "preemptStorm" }

// Shape implements Kind.
func (k *PreemptStorm) Shape() Shape {
	return Shape{
		SetSize: max(1+int(k.FairWorkers), 1), Dangerous: true, Needs: []string{capability.Realtime}, Progress: ProgressUnits, Quiet: k.RTSleep.D(),
		Roles: []Role{
			{Name: "rt", Workers: 1, Class: &Class{Policy: sys.PolicyFIFO, Priority: preemptPriority}},
			{Name: "fair", Workers: int(k.FairWorkers), MayStarve: true},
		},
	}
}

// Validate implements Kind.
func (k *PreemptStorm) Validate() error {
	if err := validFairWorkers(k.FairWorkers); err != nil {
		return err
	}
	if k.RTSleep.D() < time.Microsecond || k.RTSleep.D() > maxPhase {
		return errors.New("rtSleep must be at least 1us and at most 1h")
	}
	return validIters("rtBurstIters", k.RTBurstIters)
}

// Run implements Kind.
func (k *PreemptStorm) Run(w *Worker) {
	for !w.Stopped() {
		w.Spin(*k.RTBurstIters)
		if w.Position == 0 {
			w.SleepUntil(sys.Monotonic() + k.RTSleep.Nanoseconds())
			w.ResetGap()
		}
		w.EndIteration()
	}
}
