// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "slices"

// spread is a sample in five numbers.
type spread struct{ min, q1, median, q3, max float64 }

// spreadOf summarizes at least one value.
func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	at := func(q float64) float64 {
		pos := q * float64(len(sorted)-1)
		i := min(int(pos), len(sorted)-1)
		next := min(i+1, len(sorted)-1)
		return sorted[i] + (pos-float64(i))*(sorted[next]-sorted[i])
	}
	return spread{at(0), at(0.25), at(0.5), at(0.75), at(1)}
}
