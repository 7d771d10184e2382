// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "github.com/schedfleet/schedfleet/pkg/workload/sys"

// PipeIO exchanges one byte with a partner over a pair of pipes. Both write
// first, so no one has to begin. Its wake latency is from the end of the worker's
// own write to the partner's byte being readable.
type PipeIO struct {
	BurstIters *int64 `json:"burstIters"`
}

// Name implements Kind.
func (*PipeIO) Name() string { return "pipeIo" }

// Shape implements Kind.
func (*PipeIO) Shape() Shape {
	return Shape{SetSize: 2, Pipes: true, Metrics: []Metric{MetricWake}}
}

// Validate implements Kind.
func (k *PipeIO) Validate() error { return validIters("burstIters", k.BurstIters) }

// Run implements Kind.
func (k *PipeIO) Run(w *Worker) {
	for !w.Stopped() {
		w.Spin(*k.BurstIters)
		if !w.exchange() {
			return
		}
		w.ResetGap()
		w.EndIteration()
	}
}

// exchange trades a byte with the partner; false means to leave the loop.
func (w *Worker) exchange() bool {
	if errno := sys.WriteByte(w.WriteFD); errno != 0 {
		return w.partnerGone()
	}
	began := sys.Monotonic()
	for !w.Stopped() {
		ready, errno := sys.PollRead(w.ReadFD, tick)
		if errno != 0 && errno != sys.Interrupted {
			return w.partnerGone()
		}
		if !ready {
			continue
		}
		waited := sys.Monotonic() - began
		if n, errno := sys.ReadByte(w.ReadFD); n != 1 || errno != 0 {
			return w.partnerGone()
		}
		w.Record(0, waited)
		return true
	}
	return false
}

func (w *Worker) partnerGone() bool {
	// At the stop a partner may be gone first.
	if !w.Stopped() {
		w.Leave("its partner closed the pipe")
	}
	return false
}
