// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"fmt"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Histogram is a population of durations in nanoseconds. The zero value is empty.
type Histogram struct {
	counts   []uint64 // BinCount of them, or none
	count    uint64
	min, max uint64
}

// NewHistogram takes over counts read from a worker, with its exact extremes.
func NewHistogram(counts []uint64, minimum, maximum uint64) *Histogram {
	h := &Histogram{counts: counts, min: minimum, max: maximum}
	for _, n := range counts {
		h.count += n
	}
	return h
}

// Count is the number of values.
func (h *Histogram) Count() uint64 { return h.count }

// Min is the smallest value, 0 when there is none.
func (h *Histogram) Min() uint64 { return h.min }

// Max is the largest value, 0 when there is none.
func (h *Histogram) Max() uint64 { return h.max }

// Record adds n values.
func (h *Histogram) Record(value, n uint64) {
	if n == 0 {
		return
	}
	h.ensure()
	h.counts[Bin(value)] += n
	h.extremes(value, value)
	h.count += n
}

// Merge adds another population. It is associative and loses nothing.
func (h *Histogram) Merge(other *Histogram) {
	if other.count == 0 {
		return
	}
	h.ensure()
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.extremes(other.min, other.max)
	h.count += other.count
}

func (h *Histogram) ensure() {
	if h.counts == nil {
		h.counts = make([]uint64, BinCount)
	}
}

// extremes widens the range; Preconditions: h.count does not yet hold the new values.
func (h *Histogram) extremes(minimum, maximum uint64) {
	if h.count == 0 || minimum < h.min {
		h.min = minimum
	}
	if maximum > h.max {
		h.max = maximum
	}
}

// Quantile is the nearest-rank quantile: the value below or at which a share q of
// the population lies. It is the upper end of that value's bin, but never outside
// the exact extremes. 0 when there is no value.
func (h *Histogram) Quantile(q float64) uint64 {
	rank := uint64(math.Ceil(q * float64(h.count)))
	rank = max(rank, 1)
	var seen uint64
	for bin, n := range h.counts {
		seen += n
		if n > 0 && seen >= rank {
			return min(max(binHigh(bin), h.min), h.max)
		}
	}
	return h.max
}

// Encode is HdrHistogram's compressed V2 encoding in base64.
func (h *Histogram) Encode() (string, error) {
	ex := hdrhistogram.New(lowestBin, MaxValue, digits)
	for bin, n := range h.counts {
		if n == 0 {
			continue
		}
		if err := ex.RecordValues(int64(min(binLow(bin), MaxValue)), int64(n)); err != nil {
			return "", fmt.Errorf("encoding histogram bin %d: %w", bin, err)
		}
	}
	text, err := ex.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encoding histogram: %w", err)
	}
	return string(text), nil
}

// Decode reads what Encode wrote. The exact extremes are not part of the
// encoding and are given beside it.
func Decode(text string, minimum, maximum uint64) (*Histogram, error) {
	ex, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("decoding histogram: %w", err)
	}
	if ex.SignificantFigures() != digits || ex.LowestTrackableValue() != lowestBin {
		return nil, fmt.Errorf("decoding histogram: it has %d significant digits from %d on, not %d from %d",
			ex.SignificantFigures(), ex.LowestTrackableValue(), digits, lowestBin)
	}
	h := &Histogram{}
	for _, bar := range ex.Distribution() {
		if bar.Count > 0 {
			h.Record(uint64(max(bar.From, 0)), uint64(bar.Count))
		}
	}
	if h.count > 0 {
		h.min, h.max = minimum, maximum
	}
	return h, nil
}
