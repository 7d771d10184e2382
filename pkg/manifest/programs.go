// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// programMetrics are the figures of a group's programs, each over all that wrote it, in
// the order in which the work names them.
func programMetrics(programs []report.Program) []v1alpha1.ProgramMetric {
	var sums figures
	for i := range programs {
		for _, v := range programs[i].Metrics {
			if v.Value != nil {
				sums.add(v.Name, v.Unit, v1alpha1.MetricPolarity(v.Polarity), figure{1, *v.Value, *v.Value, *v.Value})
			}
		}
	}
	return sums.results()
}

// addProgramMetrics adds a node's figures of programs to those of others.
func addProgramMetrics(sum *[]v1alpha1.ProgramMetric, list []v1alpha1.ProgramMetric) error {
	var sums figures
	for _, m := range slices.Concat(*sum, list) {
		f, err := parseFigure(&m)
		if err != nil {
			return fmt.Errorf("programMetrics %s: %w", m.Name, err)
		}
		if i := sums.index(m.Name); i >= 0 && (sums[i].result.Unit != m.Unit || sums[i].result.Polarity != m.Polarity) {
			return fmt.Errorf("programMetrics %s: it is %s in %q, on other nodes %s in %q", m.Name, m.Polarity, m.Unit, sums[i].result.Polarity, sums[i].result.Unit)
		}
		sums.add(m.Name, m.Unit, m.Polarity, f)
	}
	*sum = sums.results()
	return nil
}

// figure is one over several programs.
type figure struct {
	count         int64
	sum, min, max float64
}

// named is a figure with what it is called.
type named struct {
	figure
	result v1alpha1.ProgramMetric
}

// figures are those of a group, each name once.
type figures []named

func (l figures) index(name string) int {
	for i := range l {
		if l[i].result.Name == name {
			return i
		}
	}
	return -1
}

func (l *figures) add(name, unit string, polarity v1alpha1.MetricPolarity, f figure) {
	i := l.index(name)
	if i < 0 {
		*l = append(*l, named{f, v1alpha1.ProgramMetric{Name: name, Unit: unit, Polarity: polarity}})
		return
	}
	to := &(*l)[i]
	to.count += f.count
	to.sum += f.sum
	to.min, to.max = min(to.min, f.min), max(to.max, f.max)
}

func (l figures) results() []v1alpha1.ProgramMetric {
	var list []v1alpha1.ProgramMetric
	for i := range l {
		f := &l[i]
		f.result.Count, f.result.Sum, f.result.Min, f.result.Max = f.count, decimal(f.sum), decimal(f.min), decimal(f.max)
		list = append(list, f.result)
	}
	return list
}

// decimal is the shortest text that gives the same number again, with an exponent where
// it is very large or very small. A sum may be larger than numbers get.
func decimal(n float64) string {
	n = max(-math.MaxFloat64, min(n, math.MaxFloat64))
	if size := math.Abs(n); size != 0 && (size < 1e-6 || size >= 1e21) {
		return strconv.FormatFloat(n, 'e', -1, 64)
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

func parseFigure(m *v1alpha1.ProgramMetric) (figure, error) {
	f := figure{count: m.Count}
	for _, part := range []struct {
		text string
		to   *float64
	}{{m.Sum, &f.sum}, {m.Min, &f.min}, {m.Max, &f.max}} {
		n, err := strconv.ParseFloat(part.text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return f, fmt.Errorf("%q is not a decimal number", part.text)
		}
		*part.to = n
	}
	return f, nil
}

// dropProgramMetrics takes figures of programs away from the last group on until the
// result fits, and reports whether it had to.
func dropProgramMetrics(r *v1alpha1.RunResult, limit int) (truncated bool) {
	for i := range slices.Backward(r.Groups) {
		if fits(r, limit) {
			break
		}
		truncated = truncated || len(r.Groups[i].ProgramMetrics) > 0
		r.Groups[i].ProgramMetrics = nil
	}
	return truncated
}
