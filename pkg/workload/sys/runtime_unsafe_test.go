// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// stackPreempt is what the runtime puts into stackGuard0 to ask a goroutine to yield.
const stackPreempt = ^uintptr(1313)

// The monitor of the Go runtime asks a goroutine to yield that has run for 10 ms.
// Where it does so is what a fork has to take back.
func TestPreemptionIsAskedForWhereAForkLooks(t *testing.T) {
	if os.Getenv("SCHEDFLEET_SPIN") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=30s")
		// Without signals the request stays until the next function call.
		cmd.Env = append(os.Environ(), "SCHEDFLEET_SPIN=1", "GODEBUG=asyncpreemptoff=1")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, text)
		}
		return
	}
	if err := checkRuntime(); err != nil {
		t.Fatal(err)
	}
	g := (*runtimeG)(currentG())
	before := g.preempt
	asked, after := spinUntilAsked(g)
	if before || !asked || !after {
		t.Errorf("preempt was %v; asked: %v; then it was %v", before, asked, after)
	}
}

// spinUntilAsked calls nothing that would follow the request.
func spinUntilAsked(g *runtimeG) (asked, preempt bool) {
	for end := Monotonic() + int64(10*time.Second); !asked && Monotonic() < end; {
		for range 1 << 20 {
			if asked = g.stackGuard0 == stackPreempt; asked {
				break
			}
		}
	}
	preempt = g.preempt
	forgetPreemption()
	return asked, preempt && !g.preempt
}
