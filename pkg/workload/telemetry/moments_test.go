// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
)

func TestMeanAndDeviationAreAsNearAsTheyAreSaidToBe(t *testing.T) {
	for name, draw := range map[string]func(*rand.Rand) uint64{
		"small numbers, which are exact": func(r *rand.Rand) uint64 { return r.Uint64N(200) },
		"times of one order":             func(r *rand.Rand) uint64 { return 1_000_000 + r.Uint64N(1_000_000) },
		"times of many orders":           func(r *rand.Rand) uint64 { return r.Uint64N(1 << r.IntN(41)) },
		"nearly one time":                func(r *rand.Rand) uint64 { return 1_000_000 + r.Uint64N(3) },
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			var h Histogram
			var sum, squares float64
			const n = 10_000
			for range n {
				v := draw(r)
				h.Record(v, 1)
				sum += float64(v)
				squares += float64(v) * float64(v)
			}
			mean, root := sum/n, math.Sqrt(squares/n)
			deviation := math.Sqrt(max(squares/n-mean*mean, 0))
			if off := math.Abs(h.Mean() - mean); off > mean/256+1e-9 {
				t.Errorf("the mean is %v, exactly %v", h.Mean(), mean)
			}
			if off := math.Abs(h.Stddev() - deviation); off > root/256+1e-6 {
				t.Errorf("the deviation is %v, exactly %v", h.Stddev(), deviation)
			}
		})
	}
	var few Histogram
	few.Record(10, 1)
	few.Record(30, 1)
	if few.Mean() != 20 || few.Stddev() != 10 {
		t.Errorf("of 10 and 30 they are %v and %v", few.Mean(), few.Stddev())
	}
	var none, one, long Histogram
	one.Record(12345, 3)
	long.Record(2*MaxValue, 2)
	if none.Mean() != 0 || none.Stddev() != 0 || one.Mean() != 12345 || one.Stddev() != 0 || long.Mean() != 2*MaxValue {
		t.Errorf("of nothing %v and %v, of one value %v and %v, of two hours %v", none.Mean(), none.Stddev(), one.Mean(), one.Stddev(), long.Mean())
	}
}

// encoded is a histogram of another layout, as the library writes it.
func encoded(t testing.TB, lowest, highest int64, figures int, values ...int64) string {
	ex := hdrhistogram.New(lowest, highest, figures)
	for _, v := range values {
		if err := ex.RecordValue(v); err != nil {
			t.Fatal(err)
		}
	}
	text, err := ex.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTextsThatAreNoHistogram(t *testing.T) {
	good := encoded(t, 1, MaxValue, 2, 1000, 2000)
	for name, tc := range map[string]struct {
		text             string
		minimum, maximum uint64
		want             string // "" for none
	}{
		"its own":                       {good, 1000, 2000, ""},
		"none":                          {"", 0, 0, "it is cut off"},
		"no base64":                     {"!", 0, 0, "illegal base64"},
		"of another precision":          {encoded(t, 1, MaxValue, 3, 1000), 1000, 1000, "it has 3 significant digits from 1 on"},
		"of another lowest value":       {encoded(t, 64, MaxValue, 2, 1000), 1000, 1000, "it has 2 significant digits from 64 on"},
		"too long":                      {strings.Repeat("A", maxText+4), 0, 0, "at most 65536 are possible"},
		"with a minimum of its own":     {good, 1, 2000, "its values are not from 1 to 2000"},
		"with a maximum of its own":     {good, 1000, 9000, "its values are not from 1000 to 9000"},
		"with extremes the wrong way":   {encoded(t, 1, MaxValue, 2, 1000), 1003, 1001, "its values are not from 1003 to 1001"},
		"with extremes of the same bin": {good, 1001, 2001, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(tc.text, tc.minimum, tc.maximum)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// A text of a few bytes that asks for the largest layout is refused before there is one.
func TestAHostileTextTakesNoMemory(t *testing.T) {
	text := encoded(t, 1, math.MaxInt64, 5, 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Decode(text, 1, 1); err == nil {
		t.Error("it was read")
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes were used for %d", used, len(text))
	}
}

// All bins filled with different counts fit what is read.
func TestAFullHistogramCanBeRead(t *testing.T) {
	counts := make([]uint64, BinCount)
	for i := range Bin(MaxValue) + 1 {
		counts[i] = rand.Uint64N(1 << 20)
	}
	counts[0], counts[Bin(MaxValue)] = 1, 1
	text, err := NewHistogram(counts, 0, MaxValue).Encode()
	if err != nil {
		t.Fatal(err)
	}
	h, err := Decode(text, 0, MaxValue)
	if err != nil || h.Count() != NewHistogram(counts, 0, MaxValue).Count() {
		t.Errorf("%d bytes: %v", len(text), err)
	}
}
