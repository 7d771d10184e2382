// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"fmt"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
)

// mergedBytes bounds the groups in a Workload's status.
const mergedBytes = 80_000

// Merge adds up the group results of several nodes. Sums are added, populations
// merged, percentiles computed anew; nothing is averaged. A distribution of which
// some node's histogram is missing is left out, since its percentiles cannot be
// known; truncated then says so, as it does when the result itself had to drop
// histograms to stay below 80 kB. Distances of migrations are left out likewise.
func Merge(results []*v1alpha1.RunResult) (groups []v1alpha1.GroupResult, truncated bool, err error) {
	m := &merger{index: map[string]int{}}
	for _, r := range results {
		for i := range r.Groups {
			if err := m.add(&r.Groups[i]); err != nil {
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
	histograms []map[v1alpha1.DistributionMetric]*telemetry.Histogram // nil: cannot be known
	index      map[string]int
	incomplete bool
}

func (m *merger) add(g *v1alpha1.GroupResult) error {
	i, known := m.index[g.Name]
	if !known {
		i = len(m.groups)
		m.index[g.Name] = i
		m.groups = append(m.groups, v1alpha1.GroupResult{Name: g.Name, Kind: g.Kind})
		m.histograms = append(m.histograms, map[v1alpha1.DistributionMetric]*telemetry.Histogram{})
	}
	sum := &m.groups[i]
	if sum.Kind != g.Kind {
		return fmt.Errorf("it did %s, on other nodes %s", g.Kind, sum.Kind)
	}
	if sum.CloneMode = cmp.Or(sum.CloneMode, g.CloneMode); g.CloneMode != "" && g.CloneMode != sum.CloneMode {
		return fmt.Errorf("its cloneMode was %s, on other nodes %s", g.CloneMode, sum.CloneMode)
	}
	addFigures(sum, g)
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
		sum, known := m.histograms[i][d.Metric]
		if !known {
			sum = &telemetry.Histogram{}
		}
		if d.Histogram == "" {
			sum, m.incomplete = nil, true
		}
		m.histograms[i][d.Metric] = sum
		if sum == nil {
			continue
		}
		h, err := telemetry.Decode(d.Histogram, uint64(max(d.MinNanoseconds, 0)), uint64(max(d.MaxNanoseconds, 0)))
		if err != nil {
			return fmt.Errorf("%s: %w", d.Metric, err)
		}
		sum.Merge(h)
	}
	return nil
}

// order is the order of distributions in a group.
var order = []v1alpha1.DistributionMetric{v1alpha1.MetricWakeLatency, v1alpha1.MetricTimerLatency}

func (m *merger) finish() []v1alpha1.GroupResult {
	for i := range m.groups {
		if g := &m.groups[i]; total(g.MigrationsByDistance) != g.Migrations {
			g.MigrationsByDistance = nil // some node left its own out
		}
		for _, metric := range order {
			if h := m.histograms[i][metric]; h != nil && h.Count() > 0 {
				m.groups[i].Distributions = append(m.groups[i].Distributions, distribution(metric, h))
			}
		}
	}
	return m.groups
}
