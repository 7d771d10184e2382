// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// RTStarvation has real-time workers in SCHED_FIFO that never block keep fair workers, of the
// group's own class, from running. It starves what shares a CPU: pin the group to one for
// full effect. What the kernel leaves to fair tasks (kernel.sched_rt_runtime_us, or its fair server) they get.
// Gaps are not forgotten: the longest of a fair worker is how long it was starved.
type RTStarvation struct {
	RTWorkers   int32  `json:"rtWorkers"`
	FairWorkers int32  `json:"fairWorkers"`
	RTPriority  int32  `json:"rtPriority"`
	BurstIters  *int64 `json:"burstIters"`
}

const (
	// maxTier is how many workers of a role there may be in a set.
	maxTier = 4096
	// maxRTPriority leaves the highest priority to what has to stop the workers.
	maxRTPriority = 98
)

// Name implements Kind.
func (*RTStarvation) Name() string { return "rtStarvation" }

// Shape implements Kind.
func (k *RTStarvation) Shape() Shape {
	return Shape{
		SetSize: max(int(k.RTWorkers)+int(k.FairWorkers), 1), Dangerous: true, Needs: []string{capability.Realtime}, Progress: ProgressUnits,
		Roles: []Role{
			{Name: "rt", Workers: int(k.RTWorkers), Class: &Class{Policy: sys.PolicyFIFO, Priority: int(k.RTPriority)}},
			{Name: "fair", Workers: int(k.FairWorkers), MayStarve: true},
		},
	}
}

// Validate implements Kind.
func (k *RTStarvation) Validate() error {
	if k.RTWorkers < 1 || k.RTWorkers > maxTier {
		return fmt.Errorf("rtWorkers must be 1 to %d, not %d", maxTier, k.RTWorkers)
	}
	if err := validFairWorkers(k.FairWorkers); err != nil {
		return err
	}
	if k.RTPriority < 1 || k.RTPriority > maxRTPriority {
		return fmt.Errorf("rtPriority must be 1 to %d, not %d", maxRTPriority, k.RTPriority)
	}
	return validIters("burstIters", k.BurstIters)
}

func validFairWorkers(n int32) error {
	if n < 1 || n > maxTier {
		return fmt.Errorf("fairWorkers must be 1 to %d, not %d", maxTier, n)
	}
	return nil
}

// Run implements Kind.
func (k *RTStarvation) Run(w *Worker) {
	for !w.Stopped() {
		w.Spin(*k.BurstIters)
		w.EndIteration()
	}
}
