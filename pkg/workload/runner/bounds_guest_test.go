//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// What a program uses, nobody can tell before. A cgroup of the run's own choice does
// not widen what the node gives: it is inside.
func TestMachineHoldsARunToTheMemoryOfItsPolicy(t *testing.T) {
	hog := shell("hog", "exec dd if=/dev/zero of=/dev/null bs=64M count=1")
	hog.Cgroup = "wide"
	for name, tc := range map[string]struct {
		max    quantity.Bytes
		killed bool
	}{"less than it needs": {32 << 20, true}, "enough": {128 << 20, false}} {
		t.Run(name, func(t *testing.T) {
			j := programs(t, 2*time.Second, hog)
			j.Run.Cgroups = []spec.Cgroup{{Name: "wide", Memory: &spec.CgroupMemory{Max: new(quantity.Bytes(1 << 30))}}}
			j.Policy.MaxMemory = &tc.max
			_, ended := runPrograms(t, j)
			if got := ended["hog"]; got == nil || (got.Exit.Signal == "KILL") != tc.killed {
				t.Errorf("it ended as %+v, want killed %v", got, tc.killed)
			}
		})
	}
}
