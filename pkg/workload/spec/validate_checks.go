// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const maxChecks = 64

// distances are those of migrations, the nearest first.
var distances = []string{"SMT", "LLC", "Node", "Remote"}

// validateChecks checks that what is asked for can be told of this run.
func (r *Run) validateChecks() []error {
	if len(r.Checks) > maxChecks {
		return []error{fmt.Errorf("checks: at most %d, not %d", maxChecks, len(r.Checks))}
	}
	var errs []error
	seen := map[string]bool{}
	for i := range r.Checks {
		c := &r.Checks[i]
		errs = append(errs, at(r.validateCheck(c), "checks[%d]", i), unique(seen, c.Name, "checks[%d]", i))
	}
	return errs
}

func (r *Run) validateCheck(c *Check) error {
	if c.Name == "" {
		return errors.New("name: must not be empty")
	}
	rule, ok := c.Metric.Rule()
	if !ok {
		return fmt.Errorf("metric: there is no metric %q", c.Metric)
	}
	if c.Expect != "" && c.Expect != ExpectPass && c.Expect != ExpectFail {
		return fmt.Errorf("expect: must be %s or %s, not %q", ExpectPass, ExpectFail, c.Expect)
	}
	for _, err := range []error{c.validateParameters(rule), c.validateLimits(rule), r.validateSteps(c), r.validateSubjects(c, rule)} {
		if err != nil {
			return err
		}
	}
	return nil
}

// validateParameters checks what says which figure is meant.
func (c *Check) validateParameters(rule CheckRule) error {
	if c.Distance != "" && c.Metric != CheckMigrationRatio {
		return fmt.Errorf("distance: is for %s, not %s", CheckMigrationRatio, c.Metric)
	}
	if c.Distance != "" && !slices.Contains(distances, c.Distance) {
		return fmt.Errorf("distance: must be one of %s, not %q", strings.Join(distances, ", "), c.Distance)
	}
	if (c.ProgramMetric != "") != (c.Metric == CheckProgramMetric) {
		if c.ProgramMetric == "" {
			return errors.New("programMetric: must be the name of a figure that the programs write")
		}
		return fmt.Errorf("programMetric: is for %s, not %s", CheckProgramMetric, c.Metric)
	}
	if rule.Distribution == "" {
		if c.Statistic != "" {
			return fmt.Errorf("statistic: %s is no distribution", c.Metric)
		}
		if c.Percentile != "" {
			return fmt.Errorf("percentile: %s is no distribution", c.Metric)
		}
		return nil
	}
	return c.validateStatistic()
}

func (c *Check) validateStatistic() error {
	switch statistic := c.StatisticOrDefault(); statistic {
	case StatisticPercentile:
		if percent, err := strconv.ParseFloat(c.Percentile, 64); err != nil || !(percent >= 0 && percent <= 100) {
			return fmt.Errorf("percentile: must be 0 to 100, such as 99.9, not %q", c.Percentile)
		}
		return nil
	case StatisticMax, StatisticCV:
		if c.Percentile != "" {
			return fmt.Errorf("percentile: cannot be set together with the statistic %s", statistic)
		}
		return nil
	default:
		return fmt.Errorf("statistic: must be %s, %s or %s, not %q", StatisticPercentile, StatisticMax, StatisticCV, statistic)
	}
}

// validateLimits checks that the limits are in the metric's unit, and that there
// is something that breaks them.
func (c *Check) validateLimits(rule CheckRule) error {
	switch {
	case rule.Unit == UnitNone && c.Max+c.Min != "":
		field := "max"
		if c.Max == "" {
			field = "min"
		}
		return fmt.Errorf("%s: %s has no limit: a worker either breaks it or does not", field, c.Metric)
	case rule.Unit == UnitNone:
		return nil
	case rule.DefaultMax != "" && c.Min != "":
		return fmt.Errorf("min: %s takes max only: the smaller the better", c.Metric)
	case rule.DefaultMax == "" && c.Max+c.Min == "":
		return fmt.Errorf("max: %s needs a max or a min", c.Metric)
	}
	return c.validateRange(rule)
}

// validateRange checks that there are values on both sides of the limits.
func (c *Check) validateRange(rule CheckRule) error {
	limits, err := c.Limits()
	if err != nil {
		return err
	}
	switch {
	case limits.Min != nil && limits.Max != nil && *limits.Min > *limits.Max:
		return fmt.Errorf("min: must be at most max, which is %s, not %s", c.Max, c.Min)
	case rule.Share && limits.Max != nil && *limits.Max >= 100 && c.Unit() == UnitPercent:
		return fmt.Errorf("max: must be below 100%%, since %s is never above that, not %s", c.Metric, c.Max)
	case rule.Share && limits.Min != nil && *limits.Min > 100:
		return fmt.Errorf("min: must be at most 100%%, not %s", c.Min)
	case limits.Min != nil && *limits.Min == 0:
		return fmt.Errorf("min: must be above 0, since %s is never below, not %s", c.Metric, c.Min)
	}
	return nil
}

// validateSteps checks the steps that a check names.
func (r *Run) validateSteps(c *Check) error {
	if c.Metric == CheckProgramMetric && len(c.Steps) > 0 {
		return errors.New("steps: programs write their figures once, so that they belong to no step")
	}
	for i, name := range c.Steps {
		at := slices.IndexFunc(r.Steps, func(s Step) bool { return s.Name == name })
		if at < 0 {
			return fmt.Errorf("steps[%d]: there is no %q in steps", i, name)
		}
		if fixed := r.Steps[at].Hold.Fixed; fixed != nil && *fixed == 0 {
			return fmt.Errorf("steps[%d]: steps[%d] (%s) has a hold of 0s, in which nothing is measured", i, at, name)
		}
	}
	return nil
}

// validateSubjects checks the groups or cgroups that a check is about: those it
// names must have the figure, and if it names none, some must.
func (r *Run) validateSubjects(c *Check, rule CheckRule) error {
	if rule.Scope == ScopeCgroup {
		if len(c.Groups) > 0 {
			return fmt.Errorf("groups: %s is a figure of cgroups", c.Metric)
		}
		return r.validateCheckedCgroups(c)
	}
	if len(c.Cgroups) > 0 {
		return fmt.Errorf("cgroups: %s is a figure of groups", c.Metric)
	}
	for i, name := range c.Groups {
		at := slices.IndexFunc(r.Groups, func(g Group) bool { return g.Name == name })
		if at < 0 {
			return fmt.Errorf("groups[%d]: there is no %q in groups", i, name)
		}
		if why := c.lacking(&r.Groups[at], rule); why != "" {
			return fmt.Errorf("groups[%d]: groups[%d] (%s) has no %s: %s", i, at, name, c.Metric, why)
		}
	}
	if len(c.Groups) == 0 && len(r.Groups) > 0 && !slices.ContainsFunc(r.Groups, func(g Group) bool { return c.lacking(&g, rule) == "" }) {
		return fmt.Errorf("metric: no group has %s: %s", c.Metric, c.lacking(&r.Groups[0], rule))
	}
	return nil
}

// lacking says why a group cannot have the figure, empty if it can. A kind that is
// wrong is told elsewhere.
func (c *Check) lacking(g *Group, rule CheckRule) string {
	kind, err := g.Work.Kind()
	if err != nil {
		return ""
	}
	shape := kind.Shape()
	alone := g.Workers == 1 && shape.SetSize == 1
	program := shape.Progress == work.ProgressCPU
	switch {
	case rule.Distribution != "":
		if !slices.ContainsFunc(shape.Metrics, func(m work.Measure) bool { return m.Metric == rule.Distribution }) {
			return fmt.Sprintf("%s does not record it", kind.Name())
		}
	case c.Metric == CheckProgramMetric:
		return c.notWritten(kind)
	case (c.Metric == CheckOffCPUSpread || c.Metric == CheckThroughputCV) && alone:
		return "it compares workers, and there is one"
	case (c.Metric == CheckPageLocality || c.Metric == CheckCrossNodeMigration) && shape.MemoryBytes == 0:
		return fmt.Sprintf("workers of %s have no memory of their own whose pages are counted", kind.Name())
	case program && c.Metric != CheckStarvation && c.Metric != CheckOffCPUSpread:
		return "a program counts for itself: use ProgramMetric"
	}
	return ""
}

// notWritten says why programs of a kind do not write the figure, empty if they do.
func (c *Check) notWritten(kind work.Kind) string {
	exec, ok := kind.(*work.Exec)
	if !ok {
		return fmt.Sprintf("%s runs no programs", kind.Name())
	}
	var names []string
	for _, m := range exec.Figures() {
		names = append(names, m.Name)
	}
	switch {
	case slices.Contains(names, c.ProgramMetric):
		return ""
	case len(names) == 0:
		return "its metrics are not said"
	default:
		return fmt.Sprintf("its metrics are %s, and not %q", strings.Join(names, ", "), c.ProgramMetric)
	}
}

func (r *Run) validateCheckedCgroups(c *Check) error {
	for i, name := range c.Cgroups {
		at := r.cgroup(name)
		if at == none {
			return fmt.Errorf("cgroups[%d]: there is no %q in cgroups", i, name)
		}
		if why := r.withoutFigure(c, name); why != "" {
			return fmt.Errorf("cgroups[%d]: cgroups[%d] (%s) has no %s: %s", i, at, name, c.Metric, why)
		}
	}
	if len(c.Cgroups) > 0 {
		return nil
	}
	if len(r.Cgroups) == 0 {
		return fmt.Errorf("metric: %s is a figure of cgroups, and there are none", c.Metric)
	}
	if !slices.ContainsFunc(r.Cgroups, func(cg Cgroup) bool { return r.withoutFigure(c, cg.Name) == "" }) {
		return fmt.Errorf("metric: no cgroup has %s: %s", c.Metric, r.withoutFigure(c, r.Cgroups[0].Name))
	}
	return nil
}

// withoutFigure says why a cgroup cannot have the figure, empty if it can.
func (r *Run) withoutFigure(c *Check, cgroup string) string {
	switch {
	case c.Metric == CheckThrottling && !r.everLimited(cgroup):
		return "neither its cpu.quota nor that of a setCgroup is set"
	case c.Metric == CheckCPUShare && !r.everWeighed():
		return "no cgroup sets cpu, so that the kernel shares CPUs between tasks and not cgroups: set a cpu.weight"
	case c.Metric == CheckCPUShare && !r.hasSibling(cgroup):
		return "there is no cgroup beside it, nor beside one above it, to share CPUs with"
	}
	return ""
}

// everWeighed says whether the controller cpu is on for some cgroup.
func (r *Run) everWeighed() bool {
	return slices.ContainsFunc(r.Cgroups, func(c Cgroup) bool { return c.CPU != nil }) ||
		slices.ContainsFunc(r.Steps, func(s Step) bool {
			return slices.ContainsFunc(s.Ops, func(op Op) bool { return op.SetCgroup != nil && op.SetCgroup.CPU != nil })
		})
}

// everLimited says whether a cgroup has a quota at some time of the run.
func (r *Run) everLimited(cgroup string) bool {
	if i := r.cgroup(cgroup); i != none && r.Cgroups[i].CPU != nil && r.Cgroups[i].CPU.Quota != nil {
		return true
	}
	for i := range r.Steps {
		for _, op := range r.Steps[i].Ops {
			if set := op.SetCgroup; set != nil && set.Cgroup == cgroup && set.CPU != nil && set.CPU.Quota != nil {
				return true
			}
		}
	}
	return false
}

// hasSibling says whether there is another cgroup below the same one, for the
// cgroup or one above it. Groups that name no cgroup have one below the run's own.
func (r *Run) hasSibling(cgroup string) bool {
	if slices.ContainsFunc(r.Groups, func(g Group) bool { return g.Cgroup == "" }) {
		return true
	}
	for ; cgroup != ""; cgroup = parentOf(cgroup) {
		parent := parentOf(cgroup)
		for i := range r.Cgroups {
			if name := r.Cgroups[i].Name; name != cgroup && below(name, parent) && !below(name, cgroup) {
				return true
			}
		}
	}
	return false
}
