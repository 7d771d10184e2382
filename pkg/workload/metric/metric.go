// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package metric names the figures that follow from a report, and computes them from
// what the report keeps: sums, extremes and whole populations, never averages of averages.
package metric

import (
	"slices"

	"github.com/schedfleet/schedfleet/pkg/workload/payload"
)

// Scope is what a metric is a figure of. Workers, groups and cgroups have their figures over
// the whole run and in the hold of each step.
type Scope string

// Scopes.
const (
	Worker Scope = "worker"
	Group  Scope = "group"
	Cgroup Scope = "cgroup"
	Step   Scope = "step"
	Run    Scope = "run"
)

// Fold is how the figures of several workers, steps, repetitions or nodes make one.
type Fold string

// Folds.
const (
	Sum Fold = "sum"
	// Ratio divides the sums of the parts.
	Ratio Fold = "ratio of the sums"
	// Largest and Lowest take one of the figures, with whose it is.
	Largest Fold = "largest"
	Lowest  Fold = "lowest"
	// Spread computes from the population of all workers.
	Spread Fold = "of all workers together"
	// Population computes from the merged histograms.
	Population Fold = "of the merged histograms"
	// Each is never put together: it is one machine's.
	Each Fold = "none: of each run"
)

// Metric is a figure that can be told of a report.
type Metric struct {
	// Name is as in the report's JSON, where it has the figure or its parts.
	Name string
	// Unit is ns, 1/s, B, % or, for a number, a count and a ratio, 1.
	Unit     string
	Polarity payload.Polarity
	Scopes   []Scope
	Fold     Fold
	// Parts are the members of the report that it is computed from, Formula how.
	Parts   []string
	Formula string
	// Source is where the parts come from.
	Source string

	of func(*Subject) (Value, bool)
}

// Value is a metric of one subject.
type Value struct {
	Metric *Metric
	// Of is which distribution, by its sample, or which figure of programs it is about.
	Of string
	// Unit is the metric's, or that of a figure of programs.
	Unit  string
	Value float64
	// Numerator and Denominator are the parts of a ratio: to put values together, add these.
	Numerator, Denominator *float64
	// Count is how many values a population has.
	Count uint64
	// Worker had an extreme, CPU and At say where and when a gap was.
	Worker, CPU *int
	At          *int64
}

// All are all metrics, in the order in which they are shown.
var All = slices.Concat(figures, spreads, distributions(), programs, cgroups, machines)

// Find is the metric of a name, nil if there is none.
func Find(name string) *Metric {
	for _, m := range All {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Of is the metric of a subject. It is false where the report does not hold what it takes, or
// where it would be a division by nothing: that is not zero.
func (m *Metric) Of(s *Subject) (Value, bool) {
	if !slices.Contains(m.Scopes, s.scope) {
		return Value{}, false
	}
	v, ok := m.of(s)
	if !ok || v.Value != v.Value || v.Value-v.Value != 0 { // not a number, or without end
		return Value{}, false
	}
	v.Metric = m
	if v.Unit == "" {
		v.Unit = m.Unit
	}
	return v, true
}

// number is a figure that is simply there.
func number[T int | int64 | uint64 | float64](n T) (Value, bool) {
	return Value{Value: float64(n)}, true
}

// maybe is a figure that the kernel may not tell.
func maybe[T int | int64 | uint64](n *T) (Value, bool) {
	if n == nil {
		return Value{}, false
	}
	return number(*n)
}

// ratio is a figure of two parts, in units of scale.
func ratio[N, D int | int64 | uint64 | float64](n N, d D, scale float64) (Value, bool) {
	if d <= 0 {
		return Value{}, false
	}
	v := Value{Value: scale * float64(n) / float64(d), Numerator: new(float64(n)), Denominator: new(float64(d))}
	return v, true
}

// share is a ratio of what the kernel may not tell.
func share[N int64 | uint64, D int | int64 | uint64 | float64](n *N, d D) (Value, bool) {
	if n == nil {
		return Value{}, false
	}
	return ratio(*n, d, 1)
}
