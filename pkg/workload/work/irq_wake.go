// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// IRQWake has one worker send Ethernet frames over a virtual pair to another, which is woken by the
// network's softirq; there is no device, so there are no hardware interrupts. The receiver's wake
// latency is from beginning to wait to having the frame: it contains the sender's interval, and so
// shows that wakes get through rather than how fast.
type IRQWake struct {
	// Interval is what the sender sleeps after each frame.
	Interval   quantity.Duration `json:"interval"`
	FrameBytes int64             `json:"frameBytes"`
}

// Name implements Kind.
func (*IRQWake) Name() string { return "irqWake" }

// Shape implements Kind.
func (k *IRQWake) Shape() Shape {
	return Shape{
		SetSize: 2, Opens: Opens{Packets: true}, Needs: []string{capability.VirtualEthernet}, Progress: ProgressUnits, Quiet: k.Interval.D(),
		Metrics: []Measure{{MetricWake, SampleWait}}, Counters: []string{framesNotSent: "framesNotSent"},
		Roles: []Role{{Name: "sender", Workers: 1}, {Name: "receiver", Workers: 1}},
	}
}

// Validate implements Kind.
func (k *IRQWake) Validate() error {
	if k.Interval.D() < time.Microsecond || k.Interval.D() > maxPhase {
		return errors.New("interval must be at least 1us and at most 1h")
	}
	return validFrame(k.FrameBytes)
}

// Run implements Kind.
func (k *IRQWake) Run(w *Worker) {
	if w.Position == 0 {
		w.sendFrames(int(k.FrameBytes), k.Interval.Nanoseconds())
	} else {
		w.receiveFrames()
	}
}

// receiveFrames receives until the stop. The socket's time limit is a tick; a wait may
// take several.
func (w *Worker) receiveFrames() {
	var f frame
	began := sys.Monotonic()
	for !w.Stopped() {
		switch errno := sys.Receive(w.FDs[0], f[:]); errno {
		case 0:
			w.Record(0, sys.Monotonic()-began)
			w.AddUnits(1)
			began = sys.Monotonic()
		case unix.EAGAIN, unix.EINTR:
		default:
			w.LeaveErrno("receiving a frame", errno)
			return
		}
		w.ResetGap()
		w.EndIteration()
	}
}
