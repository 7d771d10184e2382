// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBinsHoldTheirValues(t *testing.T) {
	values := []uint64{0, 1, 127, 128, 255, 256, 257, 511, 512, 1023, 1_000_000, 999_999_999_999, MaxValue}
	for range 10_000 {
		values = append(values, rand.Uint64N(MaxValue))
	}
	for _, v := range values {
		bin := Bin(v)
		if bin < 0 || bin >= BinCount {
			t.Fatalf("Bin(%d) = %d, outside 0..%d", v, bin, BinCount-1)
		}
		lo, hi := binLow(bin), binHigh(bin)
		if v < lo || v > hi {
			t.Errorf("Bin(%d) = %d, which counts %d..%d", v, bin, lo, hi)
		}
		if width := hi - lo; float64(width) > float64(lo)/128 {
			t.Errorf("bin %d (%d..%d) is wider than 1/128 of its values", bin, lo, hi)
		}
	}
	for bin := 1; bin < BinCount; bin++ {
		if binLow(bin) != binHigh(bin-1)+1 {
			t.Fatalf("bin %d begins at %d, the one before ends at %d", bin, binLow(bin), binHigh(bin-1))
		}
	}
	if got, want := Bin(1<<63), Bin(MaxValue); got != want {
		t.Errorf("a value above the largest is counted in bin %d, want %d", got, want)
	}
}

func TestQuantileIsNearestRank(t *testing.T) {
	var h Histogram
	var all []uint64
	for range 5_000 {
		v := rand.Uint64N(10_000_000)
		all = append(all, v)
		h.Record(v, 1)
	}
	slices.Sort(all)
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[max(int(q*float64(len(all))+0.999999)-1, 0)]
		got := h.Quantile(q)
		if diff := float64(got) - float64(want); diff < 0 || diff > float64(want)/128+1 {
			t.Errorf("Quantile(%v) = %d, exactly %d", q, got, want)
		}
	}
	if h.Min() != all[0] || h.Max() != all[len(all)-1] {
		t.Errorf("extremes %d..%d, want %d..%d", h.Min(), h.Max(), all[0], all[len(all)-1])
	}
	var empty Histogram
	if empty.Quantile(0.5) != 0 {
		t.Errorf("the median of nothing is %d", empty.Quantile(0.5))
	}
}

// Merging in any order, and through the encoding, gives the same population.
func TestMergeIsExactAndAssociative(t *testing.T) {
	parts := make([]Histogram, 5)
	var whole Histogram
	for i := range parts {
		for range rand.IntN(2_000) {
			v := rand.Uint64N(1 << rand.IntN(42))
			parts[i].Record(v, 1)
			whole.Record(v, 1)
		}
	}
	var forward, backward Histogram
	for i := range parts {
		forward.Merge(&parts[i])
		text, err := parts[len(parts)-1-i].Encode()
		if err != nil {
			t.Fatal(err)
		}
		p := &parts[len(parts)-1-i]
		decoded, err := Decode(text, p.Min(), p.Max())
		if err != nil {
			t.Fatal(err)
		}
		backward.Merge(decoded)
	}
	for name, got := range map[string]*Histogram{"forward": &forward, "backward, encoded": &backward} {
		if !slices.Equal(got.counts, whole.counts) || got.count != whole.count || got.min != whole.min || got.max != whole.max {
			t.Errorf("%s: %d values %d..%d, want %d values %d..%d, or bins differ",
				name, got.count, got.min, got.max, whole.count, whole.min, whole.max)
		}
	}
}

// Whatever is read can be written and read again, with the same values.
func FuzzDecode(f *testing.F) {
	var h Histogram
	h.Record(12345, 3)
	text, err := h.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, uint64(12345), uint64(12345))
	f.Add("", uint64(0), uint64(0))
	f.Add(encoded(f, 1, math.MaxInt64, 5, 1), uint64(1), uint64(1))
	f.Add(encoded(f, 1, MaxValue, 2, 1, 1<<40), uint64(1), uint64(1<<40))
	f.Fuzz(func(t *testing.T, text string, minimum, maximum uint64) {
		h, err := Decode(text, minimum, maximum)
		if err != nil {
			return
		}
		h.Mean()
		h.Stddev()
		again, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		same, err := Decode(again, h.Min(), h.Max())
		if err != nil || same.Count() != h.Count() || same.Quantile(0.5) != h.Quantile(0.5) {
			t.Fatalf("%d values are %d after they were written: %v", h.Count(), same.Count(), err)
		}
	})
}
