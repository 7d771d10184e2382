// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// PipeIO exchanges one byte with a partner over a pair of pipes. Both spin and write
// first, so no one has to begin. Its wake latency is from the end of the worker's
// own write to the partner's byte being readable.
//
// With an Arrival the first of a pair is a client, whose requests are due by the
// schedule, and the other a server, which answers: each spins before it writes.
// Round trips and response times are the client's.
type PipeIO struct {
	BurstIters *int64   `json:"burstIters"`
	Arrival    *Arrival `json:"arrival,omitempty"`
}

// Name implements Kind.
func (*PipeIO) Name() string { return "pipeIo" }

// Shape implements Kind.
func (k *PipeIO) Shape() Shape { return pairShape(k.Arrival) }

// pairShape is the shape of a pair that exchanges bytes.
func pairShape(arrival *Arrival) Shape {
	s := Shape{
		SetSize: 2, Opens: Opens{Ring: true}, Progress: ProgressIterations, Quiet: arrival.quiet(),
		Metrics: arrival.measures(Measure{MetricWake, SampleRoundTrip}),
	}
	if arrival != nil {
		s.Roles = []Role{{Name: "client", Workers: 1}, {Name: "server", Workers: 1}}
	}
	return s
}

// Validate implements Kind.
func (k *PipeIO) Validate() error {
	if err := validIters("burstIters", k.BurstIters); err != nil {
		return err
	}
	return k.Arrival.validate()
}

// Run implements Kind.
func (k *PipeIO) Run(w *Worker) {
	if k.Arrival != nil && w.Position == 1 {
		k.serve(w)
		return
	}
	requests := k.Arrival.schedule(w)
	for {
		due, ok := requests.await(w)
		if !ok {
			return
		}
		w.Spin(*k.BurstIters)
		if !w.exchange() {
			return
		}
		requests.respond(w, due)
		w.ResetGap()
		w.EndIteration()
	}
}

// serve answers requests.
func (k *PipeIO) serve(w *Worker) {
	for {
		if _, ok := w.awaitByte(); !ok {
			return
		}
		w.Spin(*k.BurstIters)
		if !w.passByte() {
			return
		}
		w.ResetGap()
		w.EndIteration()
	}
}

// exchange trades a byte with the partner; false means to leave the loop.
func (w *Worker) exchange() bool {
	if !w.passByte() {
		return false
	}
	waited, ok := w.awaitByte()
	if ok {
		w.Record(0, waited)
	}
	return ok
}

// passByte writes a byte to the worker behind; false means to leave the loop.
func (w *Worker) passByte() bool {
	errno := sys.WriteByte(w.FDs[1])
	return errno == 0 || w.partnerGone(errno)
}

// awaitByte takes a byte from the worker before and says how long it waited for it;
// false means to leave the loop.
func (w *Worker) awaitByte() (waited int64, ok bool) {
	began := sys.Monotonic()
	for !w.Stopped() {
		ready, errno := sys.PollRead(w.FDs[0], tick)
		if errno != 0 && errno != sys.Interrupted {
			return 0, w.partnerGone(errno)
		}
		if !ready {
			continue
		}
		waited = sys.Monotonic() - began
		if n, errno := sys.ReadByte(w.FDs[0]); n != 1 || errno != 0 {
			return 0, w.partnerGone(errno)
		}
		return waited, !w.Stopped() // then what the partner did first may have been cut short
	}
	return 0, false
}

// partnerGone says why there is nobody to exchange bytes with; it is false.
func (w *Worker) partnerGone(errno sys.Errno) bool {
	switch {
	case w.Stopped(): // then a partner may be gone first
	case errno == 0 || errno == unix.EPIPE:
		w.Leave("its partner closed the pipe")
	default:
		w.LeaveErrno("exchanging bytes with its partner", errno)
	}
	return false
}
