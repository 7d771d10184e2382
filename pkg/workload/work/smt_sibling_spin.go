// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "github.com/schedfleet/schedfleet/pkg/workload/sys"

// SMTSiblingSpin burns CPU in pairs and times each 1024 spins, which take longer while the other
// hardware thread of a core is at work. It pins nothing: the affinity smtSiblingPair does.
type SMTSiblingSpin struct{}

// Name implements Kind.
func (*SMTSiblingSpin) Name() string { return "smtSiblingSpin" }

// Shape implements Kind.
func (*SMTSiblingSpin) Shape() Shape {
	return Shape{SetSize: 2, Metrics: []Measure{{MetricCost, SampleComputation}}, Progress: ProgressUnits}
}

// Validate implements Kind.
func (*SMTSiblingSpin) Validate() error { return nil }

// Run implements Kind.
func (*SMTSiblingSpin) Run(w *Worker) {
	for {
		began := sys.Monotonic()
		w.Spin(spinChunk)
		cost := sys.Monotonic() - began
		if w.Stopped() {
			return // perhaps before the spins
		}
		w.Record(0, cost)
		w.EndIteration()
	}
}
