// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package telemetry defines the histograms workers fill and how they are merged.
package telemetry

import "math/bits"

// Bins are laid out as HdrHistogram lays them out for two significant digits and
// a lowest value of 1: every value below 256 has a bin of its own, and from there
// on every power of two is cut into 128 bins. A bin is thus never wider than
// 1/128 of its values. With the same layout nothing is lost in an exchange.
const (
	subBits   = 8
	subCount  = 1 << subBits
	subHalf   = subCount / 2
	octaves   = 35
	BinCount  = (octaves + 1) * subHalf
	MaxValue  = 3_600_000_000_000 // 1 h in ns; larger values are counted in its bin
	digits    = 2
	lowestBin = 1
)

// Bin is the number of the bin that counts a value in nanoseconds.
func Bin(value uint64) int {
	if value > MaxValue {
		value = MaxValue
	}
	octave := bits.Len64(value|(subCount-1)) - subBits
	return (octave+1)*subHalf + int(value>>octave) - subHalf
}

// binLow is the smallest value a bin counts, binHigh the largest.
func binLow(bin int) uint64 {
	octave := bin/subHalf - 1
	sub := bin%subHalf + subHalf
	if octave < 0 {
		octave, sub = 0, bin
	}
	return uint64(sub) << octave
}

func binHigh(bin int) uint64 { return binLow(bin+1) - 1 }
