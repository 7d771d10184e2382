// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"slices"

	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// figure is which figure a check bounds. Checks of the same one compete.
type figure struct {
	metric                          spec.CheckMetric
	statistic, percentile, distance string
	program                         string
}

func figureOf(c *spec.Check) figure {
	f := figure{metric: c.Metric, program: c.ProgramMetric}
	if rule, _ := c.Metric.Rule(); rule.Distribution != "" {
		f.statistic, f.percentile = c.StatisticOrDefault(), c.Percentile
	}
	if c.Metric == spec.CheckMigrationRatio {
		f.distance = cmp.Or(c.Distance, "SMT")
	}
	return f
}

// covers says whether a check is about a group or cgroup in a hold.
func covers(c *spec.Check, h *hold, subject string) bool {
	return chosen(c.Steps, h.name) && chosen(subjects(c), subject)
}

func chosen(names []string, name string) bool { return len(names) == 0 || slices.Contains(names, name) }

// subjects are the groups or cgroups that a check names.
func subjects(c *spec.Check) []string {
	if rule, _ := c.Metric.Rule(); rule.Scope == spec.ScopeCgroup {
		return c.Cgroups
	}
	return c.Groups
}

// holding is the check that holds of those that bound the same figure of a subject
// in a hold: one that names steps before one that does not, then one that names
// groups or cgroups before one that does not, then the later one. It reports false if there is none.
func holding(checks []spec.Check, of figure, h *hold, subject string) (int, bool) {
	best := -1
	for i := range checks {
		c := &checks[i]
		if figureOf(c) == of && covers(c, h, subject) && (best < 0 || precedence(c) >= precedence(&checks[best])) {
			best = i
		}
	}
	return best, best >= 0
}

func precedence(c *spec.Check) int {
	p := 0
	if len(c.Steps) > 0 {
		p += 2
	}
	if len(subjects(c)) > 0 {
		p++
	}
	return p
}
