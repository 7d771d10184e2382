// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

// SpinWait burns CPU in user space.
type SpinWait struct{}

const spinWaitUnits = 1024

// Name implements Kind.
func (*SpinWait) Name() string { return "spinWait" }

// Shape implements Kind.
func (*SpinWait) Shape() Shape { return Shape{SetSize: 1, Progress: ProgressUnits} }

// Validate implements Kind.
func (*SpinWait) Validate() error { return nil }

// Run implements Kind.
func (*SpinWait) Run(w *Worker) {
	for !w.Stopped() {
		w.Spin(spinWaitUnits)
		w.EndIteration()
	}
}
