// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package arena

import (
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// The first thread of a host notes steps in the block of a worker that is setting
// itself up.
func TestTwoMayNoteStepsAtOnce(t *testing.T) {
	for range 2000 {
		var b Block
		var both sync.WaitGroup
		for first := range SetupStep(2) {
			both.Go(func() {
				for s := StepParentCheck + first; s < SetupSteps; s += 2 {
					b.SetSetup(s, unix.EPERM)
				}
			})
		}
		both.Wait()
		if steps, errs := len(b.SetupSteps()), len(b.SetupErrors()); steps != int(SetupSteps)-1 || errs != steps {
			t.Fatalf("%d steps and %d errors of %d", steps, errs, int(SetupSteps)-1)
		}
	}
}
