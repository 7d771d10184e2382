// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import "testing"

func TestBarsAreThePopulation(t *testing.T) {
	var h Histogram
	const first = 1001 // not the low end of its bin
	for v := uint64(first); v < 5_000_000_000; v = v*5/3 + 1 {
		h.Record(v, v%7+1)
	}
	var count, last uint64
	for b := range h.Bars() {
		if b.Low > b.High || b.Low <= last && last > 0 {
			t.Errorf("the bar from %d to %d comes after one to %d", b.Low, b.High, last)
		}
		if count == 0 && b.Low != h.Min() {
			t.Errorf("the first bar begins at %d, not at the minimum %d", b.Low, h.Min())
		}
		count, last = count+b.Count, b.High
	}
	if count != h.Count() || last != h.Max() {
		t.Errorf("%d values up to %d, want %d up to %d", count, last, h.Count(), h.Max())
	}
	for range (&Histogram{}).Bars() {
		t.Error("an empty histogram has a bar")
	}
	for range h.Bars() {
		break
	}
}
