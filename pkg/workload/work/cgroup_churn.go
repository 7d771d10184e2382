// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// CgroupChurn has each worker move itself to the next of Groups cgroups every Cycle. The
// cgroups are the run's own and go with it. A move that fails ends the worker.
type CgroupChurn struct {
	Groups int32             `json:"groups"`
	Cycle  quantity.Duration `json:"cycle"`
}

const (
	// churnSpin is what a worker spins in each cgroup.
	churnSpin = 256
	// movesProcesses is why kinds that write to cgroup.procs cannot be threads.
	movesProcesses = "a move between cgroups takes all threads of a process along"
)

// Name implements Kind.
func (*CgroupChurn) Name() string { return "cgroupChurn" }

// Shape implements Kind.
func (k *CgroupChurn) Shape() Shape {
	return Shape{
		SetSize: 1, ForkOnly: movesProcesses, Dangerous: true, Needs: []string{capability.CgroupV2},
		Opens: Opens{Leaves: int(k.Groups)}, Progress: ProgressUnits, Quiet: k.Cycle.D(),
	}
}

// Validate implements Kind.
func (k *CgroupChurn) Validate() error {
	if k.Groups < 1 || k.Groups > MaxFDs {
		return fmt.Errorf("groups must be 1 to %d, not %d", MaxFDs, k.Groups)
	}
	if k.Cycle <= 0 || k.Cycle.D() > maxPhase {
		return errors.New("cycle must be above 0s and at most 1h")
	}
	return nil
}

// Run implements Kind.
func (k *CgroupChurn) Run(w *Worker) {
	for target := 0; !w.Stopped(); target = (target + 1) % int(k.Groups) {
		// 0 is the writer.
		if errno := sys.RawWriteNumber(w.FDs[target], 0); errno != 0 {
			w.LeaveErrno("moving to its next cgroup", errno)
			return
		}
		w.SleepUntil(sys.Monotonic() + k.Cycle.Nanoseconds())
		w.Spin(churnSpin)
		w.ResetGap()
		w.EndIteration()
	}
}
