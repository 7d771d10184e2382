// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// checked is a run of two steps with groups of several kinds and the checks.
func checked(checks ...Check) *Run {
	second, zero := quantity.Duration(1e9), quantity.Duration(0)
	group := func(name string, workers int, cgroup string, kind work.Kind) Group {
		return Group{Name: name, Workers: workers, CloneMode: CloneModeFork, Cgroup: cgroup, Work: work.SpecOf(kind)}
	}
	return &Run{
		Duration: second,
		Groups: []Group{
			group("spin", 2, "a", &work.SpinWait{}),
			group("alone", 1, "a", &work.SpinWait{}),
			group("timer", 2, "b", &work.TimerLatency{Interval: quantity.Duration(1e6)}),
			group("fio", 1, "b", &work.Exec{Program: "fio", Metrics: []payload.Metric{{Name: "iops", From: payload.Stdout, JSON: "a", Polarity: payload.Neither}}}),
		},
		Cgroups: []Cgroup{{Name: "a", CPU: &CgroupCPU{Quota: &second}}, {Name: "b"}},
		Steps:   []Step{{Name: "one", Hold: Hold{Percent: new(50)}}, {Name: "none", Hold: Hold{Fixed: &zero}}},
		Checks:  checks,
	}
}

func TestValidateChecks(t *testing.T) {
	many := make([]Check, maxChecks+1)
	for i := range many {
		many[i] = Check{Name: fmt.Sprint("c", i), Metric: CheckStarvation}
	}
	p99 := func(change func(*Check)) Check {
		c := Check{Metric: CheckTimerLatency, Percentile: "99", Max: "1ms"}
		change(&c)
		return c
	}
	for name, tc := range map[string]struct {
		check Check
		want  string // "" is valid
	}{
		"starvation":                {Check{Metric: CheckStarvation}, ""},
		"everything that is said":   {Check{Metric: CheckMaxGap, Max: "1.5ms", Groups: []string{"spin"}, Steps: []string{"one"}, Expect: ExpectFail}, ""},
		"a default":                 {Check{Metric: CheckOffCPUSpread}, ""},
		"no such metric":            {Check{Metric: "Luck"}, `checks[0].metric: there is no metric "Luck"`},
		"no such expectation":       {Check{Metric: CheckStarvation, Expect: "Hope"}, `checks[0].expect: must be Pass or Fail, not "Hope"`},
		"a limit of starvation":     {Check{Metric: CheckStarvation, Max: "1"}, "checks[0].max: Starvation has no limit"},
		"a floor of isolation":      {Check{Metric: CheckIsolation, Min: "1"}, "checks[0].min: Isolation has no limit"},
		"no limit":                  {Check{Metric: CheckRunDelay}, "checks[0].max: RunDelay needs a max or a min"},
		"a number for a duration":   {Check{Metric: CheckMaxGap, Max: "5"}, `checks[0].max: must be a duration such as 500us or 2s, not "5"`},
		"zero for a duration":       {Check{Metric: CheckMaxGap, Max: "0"}, "must be a duration"},
		"a percentage for one":      {Check{Metric: CheckMaxGap, Max: "5%"}, "must be a duration"},
		"a number for a percentage": {Check{Metric: CheckRunDelay, Max: "0.15"}, `checks[0].max: must be a percentage such as 15%, not "0.15"`},
		"a duration for a number":   {Check{Metric: CheckThroughputCV, Max: "1s"}, `checks[0].max: must be a number such as 0.25, not "1s"`},
		"not a number":              {Check{Metric: CheckThroughputCV, Max: "NaN"}, "must be a number"},
		"infinity":                  {Check{Metric: CheckThroughputCV, Max: "Inf"}, "must be a number"},
		"a negative number":         {Check{Metric: CheckWorkRate, Min: "-1"}, "checks[0].min: must be a number"},
		"a floor of a gap":          {Check{Metric: CheckMaxGap, Min: "1s"}, "checks[0].min: MaxGap takes max only: the smaller the better"},
		"limits that exclude all":   {Check{Metric: CheckRunDelay, Max: "5%", Min: "6%"}, "checks[0].min: must be at most max, which is 5%, not 6%"},
		"limits that leave one":     {Check{Metric: CheckRunDelay, Max: "5%", Min: "5%"}, ""},
		"what cannot be broken":     {Check{Metric: CheckRunDelay, Max: "100%"}, "checks[0].max: must be below 100%, since RunDelay is never above that"},
		"what cannot be kept":       {Check{Metric: CheckRunDelay, Min: "101%"}, "checks[0].min: must be at most 100%"},
		"a floor of 0":              {Check{Metric: CheckWorkRate, Min: "0"}, "checks[0].min: must be above 0, since WorkRate is never below"},
		"more than the share":       {Check{Metric: CheckCPUShare, Max: "150%"}, ""},

		"a percentile":                 {p99(func(*Check) {}), ""},
		"no percentile":                {p99(func(c *Check) { c.Percentile = "" }), "checks[0].percentile: must be 0 to 100, such as 99.9"},
		"a percentile beyond all":      {p99(func(c *Check) { c.Percentile = "100.1" }), "checks[0].percentile: must be 0 to 100"},
		"a percentile of nothing":      {p99(func(c *Check) { c.Percentile = "NaN" }), "checks[0].percentile: must be 0 to 100"},
		"the maximum":                  {p99(func(c *Check) { c.Percentile, c.Statistic = "", StatisticMax }), ""},
		"the maximum and a percentile": {p99(func(c *Check) { c.Statistic = StatisticMax }), "checks[0].percentile: cannot be set together with the statistic Max"},
		"a variation is a number":      {p99(func(c *Check) { c.Percentile, c.Statistic, c.Max = "", StatisticCV, "0.5" }), ""},
		"and no duration":              {p99(func(c *Check) { c.Percentile, c.Statistic = "", StatisticCV }), "checks[0].max: must be a number"},
		"no such statistic":            {p99(func(c *Check) { c.Statistic = "Mode" }), `checks[0].statistic: must be Percentile, Max or CV, not "Mode"`},
		"a statistic of no population": {Check{Metric: CheckMaxGap, Statistic: StatisticMax}, "checks[0].statistic: MaxGap is no distribution"},
		"a percentile of none":         {Check{Metric: CheckMaxGap, Percentile: "9"}, "checks[0].percentile: MaxGap is no distribution"},
		"nobody records it":            {Check{Metric: CheckResponseTime, Percentile: "9", Max: "1s"}, "checks[0].metric: no group has ResponseTime: spinWait does not record it"},
		"the named does not":           {p99(func(c *Check) { c.Groups = []string{"timer", "spin"} }), "checks[0].groups[1]: groups[0] (spin) has no TimerLatency: spinWait does not record it"},
		"no such group":                {p99(func(c *Check) { c.Groups = []string{"x"} }), `checks[0].groups[0]: there is no "x" in groups`},
		"one worker alone":             {Check{Metric: CheckOffCPUSpread, Groups: []string{"alone"}}, "checks[0].groups[0]: groups[1] (alone) has no OffCPUSpread: it compares workers, and there is one"},
		"a program has no gaps":        {Check{Metric: CheckMaxGap, Groups: []string{"fio"}}, "a program counts for itself: use ProgramMetric"},
		"a program may starve":         {Check{Metric: CheckStarvation, Groups: []string{"fio"}}, ""},
		"nobody counts pages":          {Check{Metric: CheckPageLocality, Min: "50%"}, "checks[0].metric: no group has PageLocality: workers of spinWait have no memory of their own"},
		"a distance":                   {Check{Metric: CheckMigrationRatio, Max: "1", Distance: "LLC"}, ""},
		"no such distance":             {Check{Metric: CheckMigrationRatio, Max: "1", Distance: "Moon"}, "checks[0].distance: must be one of SMT, LLC, Node, Remote"},
		"a distance of no migration":   {Check{Metric: CheckMaxGap, Distance: "LLC"}, "checks[0].distance: is for MigrationRatio, not MaxGap"},

		"a figure of programs":     {Check{Metric: CheckProgramMetric, ProgramMetric: "iops", Min: "1"}, ""},
		"none is named":            {Check{Metric: CheckProgramMetric, Min: "1"}, "checks[0].programMetric: must be the name of a figure"},
		"one that is not written":  {Check{Metric: CheckProgramMetric, ProgramMetric: "bw", Min: "1", Groups: []string{"fio"}}, `its metrics are iops, and not "bw"`},
		"of work that is none":     {Check{Metric: CheckProgramMetric, ProgramMetric: "iops", Min: "1", Groups: []string{"spin"}}, "spinWait runs no programs"},
		"of another metric":        {Check{Metric: CheckMaxGap, ProgramMetric: "iops"}, "checks[0].programMetric: is for ProgramMetric, not MaxGap"},
		"of a step":                {Check{Metric: CheckProgramMetric, ProgramMetric: "iops", Min: "1", Steps: []string{"one"}}, "checks[0].steps: programs write their figures once"},
		"no such step":             {Check{Metric: CheckMaxGap, Steps: []string{"one", "two"}}, `checks[0].steps[1]: there is no "two" in steps`},
		"a step without a hold":    {Check{Metric: CheckMaxGap, Steps: []string{"none"}}, "checks[0].steps[0]: steps[1] (none) has a hold of 0s"},
		"a share":                  {Check{Metric: CheckCPUShare, Cgroups: []string{"a"}}, ""},
		"groups of a share":        {Check{Metric: CheckCPUShare, Groups: []string{"spin"}}, "checks[0].groups: CPUShare is a figure of cgroups"},
		"cgroups of a gap":         {Check{Metric: CheckMaxGap, Cgroups: []string{"a"}}, "checks[0].cgroups: MaxGap is a figure of groups"},
		"no such cgroup":           {Check{Metric: CheckIOPressure, Max: "1%", Cgroups: []string{"x"}}, `checks[0].cgroups[0]: there is no "x" in cgroups`},
		"a cgroup without a quota": {Check{Metric: CheckThrottling, Max: "1%", Cgroups: []string{"b"}}, "checks[0].cgroups[0]: cgroups[1] (b) has no Throttling: neither its cpu.quota"},
		"some cgroup has a quota":  {Check{Metric: CheckThrottling, Max: "1%"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tc.check.Name = "c"
			run := checked(tc.check)
			errs := errorText(errors.Join(run.validateChecks()...))
			if tc.want == "" && errs != "" || !strings.Contains(errs, tc.want) {
				t.Errorf("got %q, want %q", errs, tc.want)
			}
		})
	}
	for name, tc := range map[string]struct {
		run  *Run
		want string
	}{
		"too many":        {checked(many...), "checks: at most 64, not 65"},
		"two of one name": {checked(many[0], many[0]), `checks[1].name: "c0" is already taken`},
		"no name":         {checked(Check{Metric: CheckStarvation}), "checks[0].name: must not be empty"},
		"no cgroups": {func() *Run {
			r := checked(Check{Name: "c", Metric: CheckCPUPressure, Max: "1%"})
			r.Cgroups = nil
			return r
		}(), "there are none"},
		"nobody sets a weight": {func() *Run { r := checked(Check{Name: "c", Metric: CheckCPUShare}); r.Cgroups[0].CPU = nil; return r }(), "set a cpu.weight"},
		"a quota set by an op": {func() *Run {
			r := checked(Check{Name: "c", Metric: CheckThrottling, Max: "1%", Cgroups: []string{"b"}})
			r.Steps[0].Ops = []Op{{SetCgroup: &SetCgroupOp{Cgroup: "b", CPU: &CgroupCPU{Quota: new(quantity.Duration(1e6))}}}}
			return r
		}(), ""},
		"nobody to share with": {func() *Run {
			r := checked(Check{Name: "c", Metric: CheckCPUShare})
			r.Cgroups = r.Cgroups[:1]
			return r
		}(), "no cgroup beside it"},
		"groups that name none": {func() *Run {
			r := checked(Check{Name: "c", Metric: CheckCPUShare})
			r.Cgroups, r.Groups[2].Cgroup = r.Cgroups[:1], ""
			return r
		}(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			errs := errorText(errors.Join(tc.run.validateChecks()...))
			if tc.want == "" && errs != "" || !strings.Contains(errs, tc.want) {
				t.Errorf("got %q, want %q", errs, tc.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		check    Check
		min, max float64
	}{
		"a duration":          {Check{Metric: CheckWakeLatency, Percentile: "99", Max: "1.5us"}, -1, 1500},
		"a percentage":        {Check{Metric: CheckPageLocality, Min: "80.5%"}, 80.5, -1},
		"a number":            {Check{Metric: CheckMigrationRatio, Max: "0.25", Min: "0.1"}, 0.1, 0.25},
		"a default gap":       {Check{Metric: CheckMaxGap}, -1, 2e9},
		"a default spread":    {Check{Metric: CheckOffCPUSpread}, -1, 15},
		"a default share":     {Check{Metric: CheckCPUShare}, -1, 10},
		"instead of one":      {Check{Metric: CheckCPUShare, Max: "3%"}, -1, 3},
		"none":                {Check{Metric: CheckStarvation}, -1, -1},
		"variation of a rate": {Check{Metric: CheckRequestRate, Statistic: StatisticCV, Max: "2"}, -1, 2},
	} {
		limits, err := tc.check.Limits()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		value := func(v *float64) float64 {
			if v == nil {
				return -1
			}
			return *v
		}
		if diff := cmp.Diff([2]float64{tc.min, tc.max}, [2]float64{value(limits.Min), value(limits.Max)}); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}
