// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// SignalStorm has two workers send each other SIGUSR2, whose handler does nothing,
// and spin in between. A signal is a work unit and is counted as such.
type SignalStorm struct {
	SignalsPerIter int64  `json:"signalsPerIter"`
	WorkIters      *int64 `json:"workIters"`
}

const maxSignals = 1_000_000

// Name implements Kind.
func (*SignalStorm) Name() string { return "signalStorm" }

// Shape implements Kind.
func (*SignalStorm) Shape() Shape {
	return Shape{SetSize: 2, RegionBytes: 16, Progress: ProgressUnits, Counters: []string{"signals"}}
}

// Validate implements Kind.
func (k *SignalStorm) Validate() error {
	if k.SignalsPerIter < 1 || k.SignalsPerIter > maxSignals {
		return fmt.Errorf("signalsPerIter must be 1 to %d, not %d", maxSignals, k.SignalsPerIter)
	}
	return validIters("workIters", k.WorkIters)
}

// Prepare implements Preparer: whoever starts first does not end the other.
func (*SignalStorm) Prepare(w *Worker) sys.Errno {
	errno := sys.RawCatchUserSignal()
	if errno != 0 {
		w.Leave("handling SIGUSR2")
	}
	return errno
}

// Run implements Kind. The set shares, for each position, the worker's task id and
// the id of its process, which are 0 while it does not run.
func (k *SignalStorm) Run(w *Worker) {
	own, partner := w.Region.Word32(8*w.Position), w.Region.Word32(8*(1-w.Position))
	store(w.Region.Word32(8*w.Position+4), uint32(sys.RawPID()))
	store(own, uint32(sys.RawTID()))
	process := w.Region.Word32(8*(1-w.Position) + 4)
	for !w.Stopped() && k.storm(w, partner, process) {
		w.Spin(*k.WorkIters)
		w.ResetGap()
		w.EndIteration()
	}
	store(own, 0)
}

// storm sends a pass's signals; false means to leave the loop.
func (k *SignalStorm) storm(w *Worker, partner, process *uint32) bool {
	for left := k.SignalsPerIter; left > 0; left-- {
		if left%lookEvents == 0 {
			w.LookAround()
		}
		// A partner that leaves says so first: its id may soon be another task's.
		to := load(partner)
		if to == 0 || w.Stopped() {
			return true
		}
		if errno := sys.RawSendUserSignal(int(load(process)), int(to)); errno != 0 {
			if !w.Stopped() {
				w.LeaveErrno("signalling its partner", errno)
			}
			return false
		}
		w.AddUnits(1)
		w.Count(0, 1)
	}
	return true
}
