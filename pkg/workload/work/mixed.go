// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "github.com/schedfleet/schedfleet/pkg/workload/sys"

// Mixed burns CPU in user space and yields, in turn.
type Mixed struct{}

// Name implements Kind.
func (*Mixed) Name() string { return "mixed" }

// Shape implements Kind.
func (*Mixed) Shape() Shape { return Shape{SetSize: 1, Progress: ProgressUnits} }

// Validate implements Kind.
func (*Mixed) Validate() error { return nil }

// Run implements Kind.
func (*Mixed) Run(w *Worker) {
	for !w.Stopped() {
		w.Spin(spinChunk)
		sys.RawYield()
		w.EndIteration()
	}
}
