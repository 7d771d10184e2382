// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "github.com/schedfleet/schedfleet/pkg/workload/sys"

// YieldHeavy does nothing but yield the CPU.
type YieldHeavy struct{}

// Name implements Kind.
func (*YieldHeavy) Name() string { return "yieldHeavy" }

// Shape implements Kind.
func (*YieldHeavy) Shape() Shape { return Shape{SetSize: 1, Progress: ProgressUnits} }

// Validate implements Kind.
func (*YieldHeavy) Validate() error { return nil }

// Run implements Kind.
func (*YieldHeavy) Run(w *Worker) {
	for !w.Stopped() {
		w.AddUnits(1)
		sys.RawYield()
		w.EndIteration()
	}
}
