//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Where three priorities share a CPU, the middle one keeps the highest from a lock that the
// lowest has, unless the lock lends priority.
func TestMachinePriorityInversion(t *testing.T) {
	for mode, gets := range map[string]string{work.LockPlain: "medium", work.LockPriorityInheritance: "high"} {
		for _, clone := range []spec.CloneMode{spec.CloneModeFork, spec.CloneModeThread} {
			t.Run(mode+" "+string(clone), func(t *testing.T) {
				one := int32(1)
				kind := &work.PriorityInversion{High: &one, Medium: &one, Low: &one, HoldIters: new(int64(4096)), WorkIters: new(int64(1024)), Mode: mode}
				rep, err := onMachine(t, spec.Run{
					Duration: quantity.Duration(time.Second), AllowDangerousWork: true,
					Groups: []spec.Group{{
						Name: "tiers", Workers: 3, CloneMode: clone, Affinity: &spec.Affinity{SingleCPU: &struct{}{}}, Work: work.SpecOf(kind),
					}},
				}, nil)
				if err != nil {
					t.Fatal(err)
				}
				for i := range rep.Workers {
					w := &rep.Workers[i]
					// The first to get on has had its turn before.
					if on := w.Iterations > 1; on != (w.Role == gets) {
						t.Errorf("%s has %d iterations; want those of %s alone", w.Role, w.Iterations, gets)
					}
				}
			})
		}
	}
}
