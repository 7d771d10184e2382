// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// mergedBytes bounds the groups in a Workload's status.
const mergedBytes = 80_000

// Merge adds up the group results of several nodes. Sums are added, populations
// merged, percentiles computed anew; nothing is averaged, and values of different samples
// are never put together. A distribution of which
// some node's histogram is missing is left out, since its percentiles cannot be
// known; truncated then says so, as it does when the result itself had to drop
// histograms to stay below 80 kB. Distances of migrations are left out likewise.
func Merge(results []*v1alpha1.RunResult) (groups []v1alpha1.GroupResult, truncated bool, err error) {
	m := &merger{index: map[string]int{}}
	for _, r := range results {
		m.incomplete = m.incomplete || r.HistogramTruncated
		for i := range r.Groups {
			if err := m.add(&r.Groups[i], r.HistogramTruncated); err != nil {
				return nil, false, fmt.Errorf("run %s: group %s: %w", r.RunID, r.Groups[i].Name, err)
			}
		}
	}
	groups = m.finish()
	truncated = dropHistograms(&groups, groups, mergedBytes)
	return groups, truncated || m.incomplete, nil
}

type merger struct {
	groups     []v1alpha1.GroupResult
	histograms []map[work.Measure]*telemetry.Histogram // nil: cannot be known
	// partial are the distributions of results of which some may have been left out.
	partial    [][][]v1alpha1.Distribution
	index      map[string]int
	incomplete bool
}

func (m *merger) add(g *v1alpha1.GroupResult, partial bool) error {
	i, known := m.index[g.Name]
	if !known {
		i = len(m.groups)
		m.index[g.Name] = i
		m.groups = append(m.groups, v1alpha1.GroupResult{Name: g.Name, Kind: g.Kind})
		m.histograms, m.partial = append(m.histograms, map[work.Measure]*telemetry.Histogram{}), append(m.partial, nil)
	}
	sum := &m.groups[i]
	if sum.Kind != g.Kind {
		return fmt.Errorf("it did %s, on other nodes %s", g.Kind, sum.Kind)
	}
	if sum.CloneMode = cmp.Or(sum.CloneMode, g.CloneMode); g.CloneMode != "" && g.CloneMode != sum.CloneMode {
		return fmt.Errorf("its cloneMode was %s, on other nodes %s", g.CloneMode, sum.CloneMode)
	}
	addFigures(sum, g)
	if err := addProgramMetrics(&sum.ProgramMetrics, g.ProgramMetrics); err != nil {
		return err
	}
	if partial {
		m.partial[i] = append(m.partial[i], g.Distributions)
	}
	return m.addDistributions(i, g.Distributions)
}

// addFigures adds what compares between nodes: no CPU numbers.
func addFigures(sum, g *v1alpha1.GroupResult) {
	sum.Workers += g.Workers
	sum.Completed += g.Completed
	sum.Iterations += g.Iterations
	sum.WorkUnits += g.WorkUnits
	sum.WallNanoseconds += g.WallNanoseconds
	sum.CPUNanoseconds += g.CPUNanoseconds
	sum.RunDelayNanoseconds = plus(sum.RunDelayNanoseconds, g.RunDelayNanoseconds)
	sum.VoluntarySwitches += g.VoluntarySwitches
	sum.InvoluntarySwitches += g.InvoluntarySwitches
	sum.Migrations += g.Migrations
	sum.MaxGapNanoseconds = max(sum.MaxGapNanoseconds, g.MaxGapNanoseconds)
	by := g.MigrationsByDistance
	if by == nil {
		return
	}
	if sum.MigrationsByDistance == nil {
		sum.MigrationsByDistance = &v1alpha1.MigrationDistances{}
	}
	to := sum.MigrationsByDistance
	to.SMT, to.LLC, to.Node = plus(to.SMT, by.SMT), plus(to.LLC, by.LLC), plus(to.Node, by.Node)
	to.Remote, to.Unknown = plus(to.Remote, by.Remote), plus(to.Unknown, by.Unknown)
}

func total(by *v1alpha1.MigrationDistances) int64 {
	if by == nil {
		return 0
	}
	var sum int64
	for _, n := range []*int64{by.SMT, by.LLC, by.Node, by.Remote, by.Unknown} {
		if n != nil {
			sum += *n
		}
	}
	return sum
}

// plus adds what is there.
func plus(a, b *int64) *int64 {
	switch {
	case b == nil:
		return a
	case a == nil:
		return new(*b)
	default:
		return new(*a + *b)
	}
}

func (m *merger) addDistributions(i int, list []v1alpha1.Distribution) error {
	for _, d := range list {
		of := measureOf(&d)
		sum, known := m.histograms[i][of]
		if !known {
			sum = &telemetry.Histogram{}
		}
		if d.Histogram == "" {
			sum, m.incomplete = nil, true
		}
		m.histograms[i][of] = sum
		if sum == nil {
			continue
		}
		h, err := telemetry.Decode(d.Histogram, uint64(max(d.Min, 0)), uint64(max(d.Max, 0)))
		if err != nil {
			return fmt.Errorf("%s of %s: %w", d.Metric, d.Sample, err)
		}
		sum.Merge(h)
	}
	return nil
}

// missing says that some node may have left a group's distribution out.
func (m *merger) missing(i int, of work.Measure) bool {
	return slices.ContainsFunc(m.partial[i], func(list []v1alpha1.Distribution) bool {
		return !slices.ContainsFunc(list, func(d v1alpha1.Distribution) bool { return measureOf(&d) == of })
	})
}

func measureOf(d *v1alpha1.Distribution) work.Measure {
	return work.Measure{Metric: work.Metric(d.Metric), Sample: work.Sample(d.Sample)}
}

func (m *merger) finish() []v1alpha1.GroupResult {
	for i := range m.groups {
		g := &m.groups[i]
		if total(g.MigrationsByDistance) != g.Migrations {
			g.MigrationsByDistance = nil // some node left its own out
		}
		for _, of := range slices.SortedFunc(maps.Keys(m.histograms[i]), inOrder) {
			if h := m.histograms[i][of]; h != nil && h.Count() > 0 && !m.missing(i, of) {
				g.Distributions = append(g.Distributions, distribution(of, h))
			}
		}
	}
	return m.groups
}

// inOrder is the order of distributions in a merged group: that of metrics, then
// of samples.
func inOrder(a, b work.Measure) int {
	return cmp.Or(cmp.Compare(slices.Index(metrics, a.Metric), slices.Index(metrics, b.Metric)), cmp.Compare(a.Sample, b.Sample))
}

var metrics = []work.Metric{work.MetricWake, work.MetricTimer, work.MetricCost, work.MetricResponse, work.MetricRate}
