// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// various is the policy of groups that ran under different ones.
const various = "various"

// MergeGroups adds up the groups of several reports by their names: of repetitions, or of several
// nodes. The order of the reports does not matter, nor does it matter which are
// merged first, except for the order of the groups; nothing is rounded. Rates and percentiles are to be computed from the
// result. Programs are left out, as are workers: their figures are in the sums. CPUs and nodes are united by their
// numbers, which mean something on machines of one shape only.
func MergeGroups(reports ...[]Group) ([]Group, error) {
	var merged []Group
	for _, groups := range reports {
		for i := range groups {
			g := &groups[i]
			at := slices.IndexFunc(merged, func(m Group) bool { return m.Name == g.Name })
			if at < 0 {
				at = len(merged)
				merged = append(merged, Group{Name: g.Name})
			}
			if err := merged[at].merge(g); err != nil {
				return nil, fmt.Errorf("group %s: %w", g.Name, err)
			}
		}
	}
	return merged, nil
}

// merge adds another group, of which nothing is kept but copies.
func (g *Group) merge(other *Group) error {
	if err := g.mergeNature(other); err != nil {
		return err
	}
	g.Workers += other.Workers
	g.Completed += other.Completed
	g.Starts += other.Starts
	if err := g.Figures.merge(&other.Figures); err != nil {
		return err
	}
	g.PerWorker.merge(&other.PerWorker)
	for name, n := range other.Counters {
		count(&g.Counters, name, n)
	}
	if err := unite(&g.AskedCPUs, other.AskedCPUs); err != nil {
		return err
	}
	if err := unite(&g.AllowedCPUs, other.AllowedCPUs); err != nil {
		return err
	}
	var err error
	if g.ProgramMetrics, err = payload.MergeTotals(g.ProgramMetrics, other.ProgramMetrics); err != nil {
		return err
	}
	slices.SortFunc(g.ProgramMetrics, func(a, b payload.Total) int { return cmp.Compare(a.Name, b.Name) })
	g.Setup = mergeSetup(g.Setup, other.Setup)
	g.Distributions = mergeDistributions(g.Distributions, other.Distributions)
	if err := g.mergeRoles(other.Roles); err != nil {
		return err
	}
	return g.mergePhases(other.Phases)
}

// mergeNature takes what a group is, which must be the same everywhere.
func (g *Group) mergeNature(other *Group) error {
	for _, of := range []struct {
		what string
		to   *string
		from string
	}{{"kind", &g.Kind, other.Kind}, {"cloneMode", &g.CloneMode, other.CloneMode}, {"progress", (*string)(&g.Progress), string(other.Progress)}} {
		if *of.to = cmp.Or(*of.to, of.from); of.from != "" && of.from != *of.to {
			return fmt.Errorf("its %s is %s and %s", of.what, *of.to, of.from)
		}
	}
	g.Policy = eitherPolicy(g.Policy, other.Policy)
	g.MemoryBound = g.MemoryBound || other.MemoryBound
	g.Quiet = max(g.Quiet, other.Quiet)
	return nil
}

func eitherPolicy(a, b string) string {
	if a != "" && b != "" && a != b {
		return various
	}
	return cmp.Or(a, b)
}

// merge adds figures with the CPUs. What schedstat tells of some of the time only is left
// out, since beside the whole of the time it would be too little.
func (f *Figures) merge(other *Figures) error {
	told := f.hasSchedstat() && other.hasSchedstat()
	f.add(other)
	if !told {
		f.RunDelay, f.SchedCPU, f.TimesScheduled = nil, nil, nil
	}
	return unite(&f.CPUs, other.CPUs)
}

// hasSchedstat says whether schedstat told of all the time there is.
func (f *Figures) hasSchedstat() bool { return f.RunDelay != nil || f.Wall <= 0 }

// unite adds a list of CPUs to another.
func unite(to *string, list string) error {
	if list == "" || list == *to {
		return nil
	}
	var union cpuset.CPUSet
	for _, text := range []string{*to, list} {
		set, err := topology.ParseList(text)
		if err != nil {
			return err
		}
		union = union.Union(set)
	}
	*to = union.String()
	return nil
}

// mergeSetup adds up the steps in the order in which they are taken.
func mergeSetup(a, b []Setup) []Setup {
	sum := slices.Clone(a)
	for _, s := range b {
		if i := slices.IndexFunc(sum, func(have Setup) bool { return have.Step == s.Step }); i >= 0 {
			sum[i].Workers += s.Workers
		} else {
			sum = append(sum, s)
		}
	}
	slices.SortFunc(sum, func(x, y Setup) int {
		return cmp.Or(setupOrder(x.Step)-setupOrder(y.Step), cmp.Compare(x.Step, y.Step))
	})
	return sum
}

func setupOrder(name string) int {
	for step := range arena.SetupSteps {
		if step.Name() == name {
			return int(step)
		}
	}
	return int(arena.SetupSteps)
}

// mergeDistributions merges what is of the same metric and the same sample.
func mergeDistributions(a, b []Distribution) []Distribution {
	for i := range b {
		at := slices.IndexFunc(a, func(d Distribution) bool { return d.Measure == b[i].Measure })
		if at < 0 {
			at = len(a)
			a = append(a, Distribution{Measure: b[i].Measure, Histogram: &telemetry.Histogram{}})
		}
		a[at].Histogram.Merge(b[i].Histogram)
	}
	slices.SortFunc(a, func(x, y Distribution) int {
		return cmp.Or(cmp.Compare(x.Metric, y.Metric), cmp.Compare(x.Sample, y.Sample))
	})
	return a
}

func (g *Group) mergeRoles(roles []Role) error {
	for i := range roles {
		role := &roles[i]
		at := slices.IndexFunc(g.Roles, func(r Role) bool { return r.Name == role.Name })
		if at < 0 {
			at = len(g.Roles)
			g.Roles = append(g.Roles, Role{Name: role.Name})
		}
		sum := &g.Roles[at]
		sum.Workers += role.Workers
		sum.Policy = eitherPolicy(sum.Policy, role.Policy)
		sum.MayStarve = sum.MayStarve || role.MayStarve
		if err := sum.Figures.merge(&role.Figures); err != nil {
			return err
		}
	}
	slices.SortFunc(g.Roles, func(a, b Role) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

func (g *Group) mergePhases(phases []Phase) error {
	for i := range phases {
		p := &phases[i]
		at := slices.IndexFunc(g.Phases, func(have Phase) bool { return have.Step == p.Step })
		if at < 0 {
			at = len(g.Phases)
			g.Phases = append(g.Phases, Phase{Step: p.Step})
		}
		sum := &g.Phases[at]
		sum.Workers += p.Workers
		sum.PerWorker.merge(&p.PerWorker)
		sum.Distributions = mergeDistributions(sum.Distributions, p.Distributions)
		if err := sum.Figures.merge(&p.Figures); err != nil {
			return err
		}
		if err := unite(&sum.Allowed, p.Allowed); err != nil {
			return err
		}
	}
	slices.SortFunc(g.Phases, func(a, b Phase) int { return a.Step - b.Step })
	return nil
}
