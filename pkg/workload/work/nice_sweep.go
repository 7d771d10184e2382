// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// NiceSweep goes through the nice values in order: from -20 to 19, or from 0 where the
// worker may not go below. Its wake latency is one sched_yield after each change.
type NiceSweep struct{}

const (
	minNice, maxNice = -20, 19
	// niceSpin is what is spun at each value.
	niceSpin = 512
)

// Name implements Kind.
func (*NiceSweep) Name() string { return "niceSweep" }

// Shape implements Kind.
func (*NiceSweep) Shape() Shape {
	return Shape{SetSize: 1, Metrics: []Measure{{MetricWake, SampleYield}}, Progress: ProgressUnits, LowestNice: -20}
}

// Validate implements Kind.
func (*NiceSweep) Validate() error { return nil }

// Run implements Kind.
func (*NiceSweep) Run(w *Worker) {
	lowest, errno := lowestNice()
	if errno != 0 {
		w.LeaveErrno("lowering its nice value again, which CAP_SYS_NICE or a limit on nice values allows", errno)
		return
	}
	for nice := lowest; !w.Stopped(); nice++ {
		if nice > maxNice {
			nice = lowest
		}
		w.Spin(niceSpin)
		if errno := sys.RawSetNice(nice); errno != 0 {
			w.LeaveErrno("setting its nice value", errno)
			return
		}
		w.timedYield()
		w.EndIteration()
	}
	if errno := sys.RawSetNice(0); errno != 0 {
		w.LeaveErrno("returning to a nice value of 0", errno)
	}
}

// lowestNice finds out by trial where a worker, with the rights that it works with, can
// begin again and again. It leaves the nice value at 0.
func lowestNice() (int, sys.Errno) {
	switch errno := sys.RawSetNice(minNice); errno {
	case 0:
		return minNice, sys.RawSetNice(0)
	case unix.EACCES, unix.EPERM:
	default:
		return 0, errno
	}
	if errno := sys.RawSetNice(1); errno != 0 {
		return 0, errno
	}
	return 0, sys.RawSetNice(0)
}
