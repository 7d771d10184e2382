// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// BenchmarkSpawn makes a thousand workers, from nothing to all parked, and ends them.
func BenchmarkSpawn(b *testing.B) {
	const workers = 1000
	run := &spec.Run{Duration: ms(1), Groups: []spec.Group{group("g", workers, work.Spec{YieldHeavy: &work.YieldHeavy{}})}}
	cfg := config(b, run)
	var parked time.Duration
	for b.Loop() {
		began := time.Now()
		h, err := Spawn(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		parked += time.Since(began)
		if err := h.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(parked.Microseconds())/float64(b.N)/workers, "us/worker")
}
