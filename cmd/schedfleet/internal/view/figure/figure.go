// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package figure writes the figures of reports for people.
package figure

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Absent stands where there is nothing to compute a figure from.
const Absent = "-"

// Nanos writes a duration with three significant digits.
func Nanos(ns int64) string {
	d := time.Duration(ns)
	if d > 0 {
		step := math.Pow(10, math.Floor(math.Log10(float64(ns)))-2)
		d = d.Round(time.Duration(max(step, 1)))
	}
	return strings.Replace(d.String(), "µ", "u", 1)
}

// Percent writes a part of a whole.
func Percent(part, whole int64) string {
	if whole == 0 {
		return Absent
	}
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(whole))
}

// PerSecond writes how many of something there were in a second of a time.
func PerSecond(n uint64, ns int64) string {
	if ns <= 0 {
		return Absent
	}
	return fmt.Sprintf("%.1f", float64(n)/(float64(ns)/1e9))
}

// Count writes a whole number with its thousands apart.
func Count(n uint64) string {
	text := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteRune('\u202f') // a narrow space that is not broken
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// prefixes are those of the SI for powers of a thousand.
var prefixes = []string{"", "k", "M", "G", "T", "P", "E"}

// Short writes a number with three significant digits and a prefix of the SI.
func Short(v float64) string {
	n, scaled := 0, math.Abs(v)
	for scaled >= 999.5 && n < len(prefixes)-1 {
		scaled /= 1000
		n++
	}
	return strconv.FormatFloat(math.Copysign(scaled, v), 'g', 3, 64) + prefixes[n]
}

// Bytes writes an amount of memory in powers of 1024.
func Bytes(n int64) string {
	const step = 1024
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	unit, v := 0, float64(n)
	for math.Abs(v) >= step && unit < len(units)-1 {
		v /= step
		unit++
	}
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) + " " + units[unit]
}
