// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import "math"

// A value counts here as the middle of its bin, which is at most 1/256 of the value away
// from it; below 256 it is exact. So the mean is off by at most 0.4 %, and the standard
// deviation by at most 0.4 % of the root of the mean square. Values above MaxValue count
// as about that. Both depend on the counts only, not on how they came together.

// Mean is the mean, 0 when there is no value.
func (h *Histogram) Mean() float64 {
	if h.count == 0 {
		return 0
	}
	var sum float64
	for bin, n := range h.counts {
		if n > 0 {
			sum += h.middle(bin) * float64(n)
		}
	}
	return sum / float64(h.count)
}

// Stddev is the standard deviation of the population.
func (h *Histogram) Stddev() float64 {
	if h.count == 0 {
		return 0
	}
	mean := h.Mean()
	var sum float64
	for bin, n := range h.counts {
		if n > 0 {
			off := h.middle(bin) - mean
			sum += off * off * float64(n)
		}
	}
	return math.Sqrt(sum / float64(h.count))
}

// middle is that of a bin, never outside the exact extremes.
func (h *Histogram) middle(bin int) float64 {
	low, high := max(binLow(bin), h.min), min(binHigh(bin), h.max)
	if low > high { // values above MaxValue
		return float64(h.max)
	}
	return (float64(low) + float64(high)) / 2
}
