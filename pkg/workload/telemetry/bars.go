// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import "iter"

// Bar is a bin that holds values: how many from Low to High, both included.
type Bar struct{ Low, High, Count uint64 }

// Bars are the bins that hold values, in ascending order. Their ends are those of the
// bins, but never outside the exact extremes.
func (h *Histogram) Bars() iter.Seq[Bar] {
	return func(yield func(Bar) bool) {
		for bin, n := range h.counts {
			if n == 0 {
				continue
			}
			if !yield(Bar{Low: min(max(binLow(bin), h.min), h.max), High: min(max(binHigh(bin), h.min), h.max), Count: n}) {
				return
			}
		}
	}
}
