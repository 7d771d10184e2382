// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "github.com/schedfleet/schedfleet/pkg/workload/sys"

// AluHot keeps the multipliers of a CPU busy and times each chain of 1024 steps. The original
// multiplies 64-bit numbers whatever the width and only notes it: this one multiplies vectors of
// that width, refuses a width the machine does not have, and counts the chains of each width. It
// does not offer AMX, whose registers a process has to ask the kernel for. With an arrival, a request
// is a chain.
type AluHot struct {
	Width   string   `json:"width"`
	Arrival *Arrival `json:"arrival,omitempty"`
}

// Name implements Kind.
func (*AluHot) Name() string { return "aluHot" }

// Shape implements Kind.
func (k *AluHot) Shape() Shape {
	return Shape{
		SetSize: 1, Metrics: k.Arrival.measures(Measure{MetricCost, SampleComputation}), Counters: aluCounters,
		Progress: ProgressUnits, Quiet: k.Arrival.quiet(),
	}
}

// Validate implements Kind.
func (k *AluHot) Validate() error {
	if err := validWidth("width", k.Width); err != nil {
		return err
	}
	return k.Arrival.validate()
}

// Prepare implements Preparer.
func (k *AluHot) Prepare(w *Worker) sys.Errno { return prepareWidth(w, k.Width) }

// Run implements Kind.
func (k *AluHot) Run(w *Worker) {
	width, _ := widthOf(k.Width)
	lanes := aluSeeds
	for arrivals := k.Arrival.schedule(w); ; {
		due, ok := arrivals.await(w)
		if !ok {
			return
		}
		w.timedChain(&lanes, width, 0)
		arrivals.respond(w, due)
		w.EndIteration()
	}
}
