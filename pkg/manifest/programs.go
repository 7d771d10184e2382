// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
)

// programMetrics are the figures of a group's programs, each over all that wrote it.
func programMetrics(totals []payload.Total) []v1alpha1.ProgramMetric {
	var list []v1alpha1.ProgramMetric
	for i := range totals {
		t := &totals[i]
		list = append(list, v1alpha1.ProgramMetric{
			Name: t.Name, Unit: t.Unit, Polarity: v1alpha1.MetricPolarity(t.Polarity), Count: count(t.Count),
			Sum: string(t.Sum), Min: string(t.Min), Max: string(t.Max),
		})
	}
	return list
}

// addProgramMetrics adds a node's figures of programs to those of others. They are in the
// order of their names then, since not every node need have all of them.
func addProgramMetrics(sum *[]v1alpha1.ProgramMetric, list []v1alpha1.ProgramMetric) error {
	a, err := totals(*sum)
	if err != nil {
		return err
	}
	b, err := totals(list)
	if err != nil {
		return err
	}
	merged, err := payload.MergeTotals(a, b)
	if err != nil {
		return err
	}
	if len(merged) > payload.MaxMetrics {
		return fmt.Errorf("programMetrics: on all nodes together there are %d, at most %d are possible", len(merged), payload.MaxMetrics)
	}
	slices.SortFunc(merged, func(a, b payload.Total) int { return cmp.Compare(a.Name, b.Name) })
	*sum = programMetrics(merged)
	return nil
}

// totals are the figures as numbers.
func totals(list []v1alpha1.ProgramMetric) ([]payload.Total, error) {
	var all []payload.Total
	for i := range list {
		m := &list[i]
		t := payload.Total{Name: m.Name, Unit: m.Unit, Polarity: payload.Polarity(m.Polarity), Count: uint64(max(m.Count, 0))}
		for _, part := range []struct {
			text string
			to   *payload.Decimal
		}{{m.Sum, &t.Sum}, {m.Min, &t.Min}, {m.Max, &t.Max}} {
			n, err := payload.ParseDecimal(part.text)
			if err != nil {
				return nil, fmt.Errorf("programMetrics %s: %w", m.Name, err)
			}
			*part.to = n
		}
		all = append(all, t)
	}
	return all, nil
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
