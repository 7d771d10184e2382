// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkMerge is what a manager does for each group of each node's report.
func BenchmarkMerge(b *testing.B) {
	var h Histogram
	for range 100_000 {
		h.Record(1000+rand.Uint64N(1<<rand.IntN(24)), 1)
	}
	text, err := h.Encode()
	if err != nil {
		b.Fatal(err)
	}
	var sum Histogram
	for b.Loop() {
		decoded, err := Decode(text, h.Min(), h.Max())
		if err != nil {
			b.Fatal(err)
		}
		sum.Merge(decoded)
	}
	b.ReportMetric(float64(len(text)), "bytes")
}
