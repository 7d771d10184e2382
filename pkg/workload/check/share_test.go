// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// cgroupOf is a cgroup on two CPUs that used CPU time in ms of a second and waited
// for more all the time; weight "" is none that was set.
func cgroupOf(name, weight string, ms int64, changes ...func(*report.Cgroup)) report.Cgroup {
	c := report.Cgroup{Name: name, CPUs: "0-1", CPU: new(ms * 1e6), CPUPressure: new(second), Periods: new(uint64(0)), Throttled: new(uint64(0))}
	if weight != "" {
		c.Files = map[string]string{"cpu.weight": weight}
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func TestCPUShare(t *testing.T) {
	on := func(cpus string) func(*report.Cgroup) { return func(c *report.Cgroup) { c.CPUs = cpus } }
	waited := func(ms int64) func(*report.Cgroup) {
		return func(c *report.Cgroup) { c.CPUPressure = new(ms * 1e6) }
	}
	noPressure := func(c *report.Cgroup) { c.CPUPressure = nil }
	idle := func(c *report.Cgroup) { c.Files = map[string]string{"cpu.idle": "1"} }
	capped := func(c *report.Cgroup) { c.Throttled = new(uint64(1)) }
	off := func(c *report.Cgroup) { c.Periods, c.Throttled = nil, nil }
	untold := func(c *report.Cgroup) { c.CPU = nil }
	check := spec.Check{Metric: spec.CheckCPUShare}
	of := func(name string) spec.Check { return spec.Check{Metric: spec.CheckCPUShare, Cgroups: []string{name}} }
	for name, tc := range map[string]struct {
		check   spec.Check
		cgroups []report.Cgroup
		verdict report.Verdict
		says    string
	}{
		"as promised":              {of("a"), []report.Cgroup{cgroupOf("a", "300", 1500), cgroupOf("b", "", 500)}, report.Pass, "cgroup a: the deviation of its CPU time from the share that weights promise is 0%: it had 75% of the CPU time and was promised 75%"},
		"at the limit":             {of("b"), []report.Cgroup{cgroupOf("a", "300", 1450), cgroupOf("b", "100", 550)}, report.Pass, "is 10%"},
		"beyond it":                {of("b"), []report.Cgroup{cgroupOf("a", "300", 1449), cgroupOf("b", "100", 551)}, report.Fail, "is 10.2%, more than 10%"},
		"too little":               {of("b"), []report.Cgroup{cgroupOf("a", "100", 1600), cgroupOf("b", "100", 400)}, report.Fail, "is 60%, more than 10%: it had 20% of the CPU time and was promised 50%"},
		"nothing at all":           {of("b"), []report.Cgroup{cgroupOf("a", "100", 2000), cgroupOf("b", "100", 0)}, report.Fail, "is 100%"},
		"both are off":             {check, []report.Cgroup{cgroupOf("a", "100", 1600), cgroupOf("b", "100", 400)}, report.Fail, "2 of 2 failed"},
		"saturated enough":         {of("a"), []report.Cgroup{cgroupOf("a", "100", 950), cgroupOf("b", "100", 950)}, report.Pass, "is 0%"},
		"not saturated":            {of("a"), []report.Cgroup{cgroupOf("a", "100", 949), cgroupOf("b", "100", 950)}, report.Inconclusive, "cgroup a and cgroup b used 94.95% of their CPUs, less than the 95%"},
		"the other wanted less":    {of("a"), []report.Cgroup{cgroupOf("a", "100", 1800), cgroupOf("b", "100", 200, waited(50))}, report.Inconclusive, "cgroup b waited for a CPU in 5% of the time: it did not use what it could have"},
		"the other may want more":  {of("a"), []report.Cgroup{cgroupOf("a", "100", 1800), cgroupOf("b", "100", 200, noPressure)}, report.Fail, "is 80%"},
		"both had what they want":  {of("a"), []report.Cgroup{cgroupOf("a", "100", 1000, waited(0)), cgroupOf("b", "100", 1000, waited(0))}, report.Pass, "is 0%"},
		"the other is idle":        {check, []report.Cgroup{cgroupOf("a", "100", 2000), cgroupOf("b", "100", 0, waited(0))}, report.Skip, "cgroup a: no cgroup beside it wanted its CPUs"},
		"named, the other is idle": {of("a"), []report.Cgroup{cgroupOf("a", "100", 2000), cgroupOf("b", "100", 0, waited(0))}, report.Inconclusive, "no cgroup beside it wanted its CPUs"},
		"named, and idle":          {of("b"), []report.Cgroup{cgroupOf("a", "100", 2000), cgroupOf("b", "100", 0, waited(0))}, report.Inconclusive, "it wanted no CPU time"},
		"idle for all one knows":   {of("b"), []report.Cgroup{cgroupOf("a", "100", 2000), cgroupOf("b", "100", 0, noPressure)}, report.Inconclusive, "whether it wanted some is not known"},
		"groups without a cgroup":  {of("a"), []report.Cgroup{cgroupOf("", "", 500), cgroupOf("a", "300", 1500)}, report.Pass, "promised 75%"},
		"they idle":                {of("a"), []report.Cgroup{cgroupOf("", "", 0, waited(0)), cgroupOf("a", "100", 1000), cgroupOf("b", "100", 1000)}, report.Pass, "promised 50%"},
		"other CPUs":               {of("a"), []report.Cgroup{cgroupOf("a", "100", 1000, on("0")), cgroupOf("b", "100", 1000, on("1"))}, report.Inconclusive, "no cgroup beside it wanted its CPUs"},
		"some CPUs in common":      {of("a"), []report.Cgroup{cgroupOf("a", "100", 1000, on("0-1")), cgroupOf("b", "100", 1000, on("1-2"))}, report.Inconclusive, "cpusets differ: cgroup a has CPUs 0-1, cgroup b has 1-2"},
		"a quota":                  {of("a"), []report.Cgroup{cgroupOf("a", "100", 1500), cgroupOf("b", "100", 500, capped)}, report.Inconclusive, "cgroup b was held back by its quota"},
		"one of its own":           {of("b"), []report.Cgroup{cgroupOf("a", "100", 1500), cgroupOf("b", "100", 500, capped)}, report.Inconclusive, "cgroup b was held back by its quota"},
		"an idle cgroup":           {of("a"), []report.Cgroup{cgroupOf("a", "100", 1990), cgroupOf("b", "", 10, idle)}, report.Inconclusive, "cgroup b is idle"},
		"no controller":            {of("a"), []report.Cgroup{cgroupOf("a", "", 1500, off), cgroupOf("b", "", 500, off)}, report.Inconclusive, "the controller cpu is off"},
		"CPU time is not told":     {of("a"), []report.Cgroup{cgroupOf("a", "100", 1500), cgroupOf("b", "100", 500, untold)}, report.Inconclusive, "did not tell the CPU time of cgroup b"},
		"a weight that is none":    {of("a"), []report.Cgroup{cgroupOf("a", "100", 1500), cgroupOf("b", "x", 500)}, report.Inconclusive, `cgroup b has the weight "x"`},

		// a is promised 3/4, and a/x 1/3 of that.
		"nested":                    {of("a/x"), []report.Cgroup{cgroupOf("a", "300", 1500), cgroupOf("b", "", 500), cgroupOf("a/x", "100", 500), cgroupOf("a/y", "200", 1000)}, report.Pass, "it had 25% of the CPU time and was promised 25%"},
		"nested, off below":         {of("a/x"), []report.Cgroup{cgroupOf("a", "300", 1500), cgroupOf("b", "", 500), cgroupOf("a/x", "100", 1000), cgroupOf("a/y", "200", 500)}, report.Fail, "is 100%, more than 10%: it had 50% of the CPU time and was promised 25%"},
		"nested, off above":         {of("a/x"), []report.Cgroup{cgroupOf("a", "300", 1200), cgroupOf("b", "", 800), cgroupOf("a/x", "100", 400), cgroupOf("a/y", "200", 800)}, report.Fail, "is 20%"},
		"alone below":               {of("a/x"), []report.Cgroup{cgroupOf("a", "300", 1500), cgroupOf("b", "", 500), cgroupOf("a/x", "100", 1500)}, report.Pass, "promised 75%"},
		"alone above":               {of("a/x"), []report.Cgroup{cgroupOf("a", "300", 2000), cgroupOf("a/x", "100", 500), cgroupOf("a/y", "300", 1500)}, report.Pass, "promised 25%"},
		"above is not declared":     {of("a/x"), []report.Cgroup{cgroupOf("b", "", 1000), cgroupOf("a/x", "100", 500), cgroupOf("a/y", "100", 500)}, report.Pass, "promised 25%"},
		"two above are not":         {of("a/b/x"), []report.Cgroup{cgroupOf("b", "100", 1000), cgroupOf("a/b/x", "", 1000)}, report.Pass, "promised 50%"},
		"tasks between":             {of("a/x"), []report.Cgroup{cgroupOf("a", "100", 2000), cgroupOf("a/x", "100", 900), cgroupOf("a/y", "100", 900)}, report.Inconclusive, "has tasks of its own"},
		"fewer CPUs below":          {of("a/x"), []report.Cgroup{cgroupOf("a", "", 1000), cgroupOf("b", "", 1000), cgroupOf("a/x", "100", 500, on("0")), cgroupOf("a/y", "100", 500, on("0"))}, report.Inconclusive, "cpusets differ"},
		"one like another's prefix": {of("a"), []report.Cgroup{cgroupOf("a", "100", 1000), cgroupOf("ab", "100", 1000)}, report.Pass, "promised 50%"},
	} {
		t.Run(name, func(t *testing.T) {
			r := oneGroup(1, func(r *report.Report) { r.Cgroups = tc.cgroups })
			evaluates(t, r, tc.check, tc.verdict, tc.says)
		})
	}
}
