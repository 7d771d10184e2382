// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	// mergedBytes bounds the groups in a Workload's status, which is to stay below 100 kB
	// with findings, failures and machines.
	mergedBytes = 70_000
	// maxGroups and maxDistributions are what the API takes.
	maxGroups        = 12
	maxDistributions = 4
)

// Merge adds up the group results of several nodes. Sums are added, populations
// merged, percentiles computed anew; nothing is averaged, and values of different samples
// are never put together. The order of the nodes does not matter, nor which of them are merged first.
// A distribution of which
// some node's histogram is missing is left out, since its percentiles cannot be
// known; truncated then says so, as it does when the result itself had to drop
// histograms to stay below 70 kB. Distances of migrations and run delays are left out likewise.
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
	if len(m.groups) > maxGroups {
		return nil, false, fmt.Errorf("there are %d groups on all nodes together, at most %d are possible", len(m.groups), maxGroups)
	}
	groups, err = m.finish()
	if err != nil {
		return nil, false, err
	}
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
	if tellsDelay(sum) && tellsDelay(g) {
		sum.RunDelayNanoseconds = plus(sum.RunDelayNanoseconds, g.RunDelayNanoseconds)
	} else {
		sum.RunDelayNanoseconds = nil
	}
	sum.Workers = int32(min(add(int64(sum.Workers), int64(g.Workers)), math.MaxInt32))
	sum.Completed = int32(min(add(int64(sum.Completed), int64(g.Completed)), math.MaxInt32))
	for _, of := range []struct {
		to *int64
		n  int64
	}{
		{&sum.Iterations, g.Iterations}, {&sum.WorkUnits, g.WorkUnits}, {&sum.WallNanoseconds, g.WallNanoseconds},
		{&sum.CPUNanoseconds, g.CPUNanoseconds}, {&sum.VoluntarySwitches, g.VoluntarySwitches},
		{&sum.InvoluntarySwitches, g.InvoluntarySwitches}, {&sum.Migrations, g.Migrations},
	} {
		*of.to = add(*of.to, of.n)
	}
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

// tellsDelay says whether all the time that passed for a group is covered by its run delay. The
// delay of some nodes beside the time of all would look like a shorter one.
func tellsDelay(g *v1alpha1.GroupResult) bool {
	return g.RunDelayNanoseconds != nil || g.WallNanoseconds <= 0
}

func total(by *v1alpha1.MigrationDistances) int64 {
	if by == nil {
		return 0
	}
	var sum int64
	for _, n := range []*int64{by.SMT, by.LLC, by.Node, by.Remote, by.Unknown} {
		if n != nil {
			sum = add(sum, *n)
		}
	}
	return sum
}

// add adds counts and times, none of which is negative. One that has come to its end stays
// there, so that the order does not matter.
func add(a, b int64) int64 {
	a, b = max(a, 0), max(b, 0)
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// plus adds what is there.
func plus(a, b *int64) *int64 {
	switch {
	case b == nil:
		return a
	case a == nil:
		return new(add(0, *b))
	default:
		return new(add(*a, *b))
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

func (m *merger) finish() ([]v1alpha1.GroupResult, error) {
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
		if n := len(g.Distributions); n > maxDistributions {
			return nil, fmt.Errorf("group %s: there are %d distributions on all nodes together, at most %d are possible", g.Name, n, maxDistributions)
		}
	}
	return m.groups, nil
}

// inOrder is the order of distributions in a merged group: that of metrics, then
// of samples.
func inOrder(a, b work.Measure) int {
	return cmp.Or(cmp.Compare(slices.Index(metrics, a.Metric), slices.Index(metrics, b.Metric)), cmp.Compare(a.Sample, b.Sample))
}

var metrics = []work.Metric{work.MetricWake, work.MetricTimer, work.MetricCost, work.MetricResponse, work.MetricRate}
