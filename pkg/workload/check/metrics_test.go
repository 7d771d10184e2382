// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"math"
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

type change = func(*report.Report)

func TestMetricsOfWorkers(t *testing.T) {
	worker := func(i int, f func(*report.Worker)) change { return func(r *report.Report) { f(&r.Workers[i]) } }
	idle := func(w *report.Worker) { w.Figures = report.Figures{} }
	gap := func(ns int64) change {
		return worker(1, func(w *report.Worker) { w.MaxGap, w.MaxGapAt, w.MaxGapCPU = ns, 3*second, 7 })
	}
	for name, tc := range map[string]struct {
		check   spec.Check
		change  change
		verdict report.Verdict
		says    string
	}{
		"nobody starves": {spec.Check{Metric: spec.CheckStarvation}, func(*report.Report) {}, report.Pass, "all 2 held"},
		"one starves": {spec.Check{Metric: spec.CheckStarvation}, worker(1, func(w *report.Worker) { idle(w); w.State = "R" }), report.Fail,
			"1 of 2 failed: group g, worker 1: no progress in 1s (Iterations: 0), at the end it was runnable (R)"},
		"one pauses for longer than the run": {spec.Check{Metric: spec.CheckStarvation}, func(r *report.Report) { idle(&r.Workers[1]); r.Groups[0].Quiet = second }, report.Inconclusive,
			"no progress in 1s, and its work may pause for 1s"},

		"a gap as long as the limit":  {bounded(spec.CheckMaxGap, "3s"), gap(3 * second), report.Pass, "all 2 held"},
		"a gap of 1 ns more":          {bounded(spec.CheckMaxGap, "3s"), gap(3*second + 1), report.Fail, "worker 1: the longest time between two checkpoints is 3.000000001s, more than 3s, from CPU 7 on, until 3s"},
		"a gap within the default":    {bounded(spec.CheckMaxGap, ""), gap(2 * second), report.Pass, ""},
		"a gap beyond the default":    {bounded(spec.CheckMaxGap, ""), gap(3100 * second / 1000), report.Fail, "is 3.1s, more than 2s"},
		"no checkpoint at all":        {bounded(spec.CheckMaxGap, "500ms"), worker(1, idle), report.Fail, "is 1s, more than 500ms, as there was none"},
		"no checkpoint, high limit":   {bounded(spec.CheckMaxGap, "5s"), worker(1, idle), report.Pass, ""},
		"progress without checkpoint": {bounded(spec.CheckMaxGap, "5s"), gap(0), report.Inconclusive, "it came to no checkpoint"},

		"on its CPUs":          {spec.Check{Metric: spec.CheckIsolation}, func(*report.Report) {}, report.Pass, "all 2 held"},
		"on another CPU":       {spec.Check{Metric: spec.CheckIsolation}, worker(1, func(w *report.Worker) { w.CPUs = "0-3" }), report.Fail, "worker 1: it ran on CPUs 2-3, and might on 0-1 only"},
		"on no CPU":            {spec.Check{Metric: spec.CheckIsolation}, worker(1, func(w *report.Worker) { w.CPUs = "" }), report.Inconclusive, "seen on no CPU"},
		"CPUs are not known":   {spec.Check{Metric: spec.CheckIsolation}, worker(1, func(w *report.Worker) { w.Allowed = "" }), report.Inconclusive, "not known"},
		"CPUs cannot be read":  {spec.Check{Metric: spec.CheckIsolation}, worker(1, func(w *report.Worker) { w.Allowed = "x" }), report.Inconclusive, "not known"},
		"rate at the floor":    {floor(spec.CheckWorkRate, "2000"), func(*report.Report) {}, report.Pass, "all 2 held"},
		"rate below the floor": {floor(spec.CheckWorkRate, "2000"), worker(0, func(w *report.Worker) { w.WorkUnits = 999 }), report.Fail, "worker 0: work units per second of CPU time is 1998, less than 2000"},
		"rate without CPU":     {floor(spec.CheckWorkRate, "1"), worker(0, func(w *report.Worker) { w.CPU = 0 }), report.Inconclusive, "used no CPU time"},
		"rate of nothing":      {floor(spec.CheckWorkRate, "1"), worker(0, func(w *report.Worker) { w.WorkUnits = 0 }), report.Fail, "is 0, less than 1"},
		"iterations at floor":  {floor(spec.CheckIterationRate, "100"), func(*report.Report) {}, report.Pass, ""},
		"iterations below":     {floor(spec.CheckIterationRate, "100.5"), func(*report.Report) {}, report.Fail, "2 of 2 failed: group g, worker 0: iterations per second is 100, less than 100.5"},
		"iterations above":     {bounded(spec.CheckIterationRate, "99"), func(*report.Report) {}, report.Fail, "is 100, more than 99"},
		"no time passed":       {floor(spec.CheckIterationRate, "1"), worker(0, func(w *report.Worker) { w.Wall = 0 }), report.Inconclusive, "no time passed"},
		"rows were cut":        {floor(spec.CheckIterationRate, "1"), func(r *report.Report) { r.Groups[0].Workers = 5 }, report.Inconclusive, "3 of its 5 workers have no row"},
		"programs have none":   {floor(spec.CheckIterationRate, "1"), func(r *report.Report) { r.Groups[0].Progress = work.ProgressCPU }, report.Skip, "a program counts for itself"},
		"named programs have none": {spec.Check{Metric: spec.CheckMaxGap, Groups: []string{"g"}}, func(r *report.Report) { r.Groups[0].Progress = work.ProgressCPU }, report.Inconclusive,
			"group g: a program counts for itself"},
	} {
		t.Run(name, func(t *testing.T) { evaluates(t, oneGroup(2, tc.change), tc.check, tc.verdict, tc.says) })
	}
}

// evaluates holds a check against a report.
func evaluates(t *testing.T, r *report.Report, c spec.Check, verdict report.Verdict, says string) {
	t.Helper()
	c.Name = "c"
	Evaluate(r, []spec.Check{c})
	if got := r.Checks[0]; got.Verdict != verdict || !strings.Contains(got.Message, says) {
		t.Errorf("got %s: %s\nwant %s: %s\nfindings: %+v", got.Verdict, got.Message, verdict, says, r.Findings)
	}
}

func TestMetricsOfGroups(t *testing.T) {
	group := func(f func(*report.Group)) change { return func(r *report.Report) { f(&r.Groups[0]) } }
	// cpu gives the workers their CPU time in ms of a second.
	cpu := func(ms ...int64) change {
		return func(r *report.Report) {
			for i := range ms {
				r.Workers[i].CPU = ms[i] * 1e6
			}
		}
	}
	rate := func(units ...uint64) change {
		return func(r *report.Report) {
			for i := range units {
				r.Workers[i].CPU, r.Workers[i].WorkUnits = second, units[i]
			}
		}
	}
	migrations := func(n uint64, by map[string]uint64) change {
		return group(func(g *report.Group) { g.Figures = atWork(); g.Migrations, g.MigrationsBy = n, by })
	}
	far := func(distance string) spec.Check {
		return spec.Check{Metric: spec.CheckMigrationRatio, Max: "0.1", Distance: distance}
	}
	latency := func(values ...uint64) change {
		return group(func(g *report.Group) {
			g.Distributions = []report.Distribution{recorded(work.MetricCost, work.SampleComputation, 1), recorded(work.MetricWake, work.SampleWakeup, values...)}
		})
	}
	wake := func(percentile, statistic, limit string) spec.Check {
		return spec.Check{Metric: spec.CheckWakeLatency, Percentile: percentile, Statistic: statistic, Max: limit}
	}
	for name, tc := range map[string]struct {
		check   spec.Check
		change  change
		verdict report.Verdict
		says    string
	}{
		"spread at the default":      {bounded(spec.CheckOffCPUSpread, ""), cpu(500, 650, 600), report.Pass, "is 15%"},
		"spread beyond it":           {bounded(spec.CheckOffCPUSpread, ""), cpu(500, 651, 600), report.Fail, "the spread of the shares of time off the CPU is 15.1%, more than 15%, from 34.9% of worker 1 to 50% of worker 0"},
		"more CPU than time":         {bounded(spec.CheckOffCPUSpread, "1%"), cpu(1001, 1002, 1000), report.Pass, "is 0%"},
		"one has no time":            {bounded(spec.CheckOffCPUSpread, ""), func(r *report.Report) { r.Workers[2].Wall = 0 }, report.Pass, ""},
		"one alone has time":         {bounded(spec.CheckOffCPUSpread, ""), func(r *report.Report) { r.Workers[2].Wall, r.Workers[1].Wall = 0, 0 }, report.Inconclusive, "it takes two workers for which time passed, and there were 1 of 3"},
		"one is alone":               {bounded(spec.CheckOffCPUSpread, ""), func(r *report.Report) { r.Workers, r.Groups[0].Workers = r.Workers[:1], 1 }, report.Skip, "it compares workers, and there is one"},
		"spread of a part":           {bounded(spec.CheckOffCPUSpread, ""), func(r *report.Report) { r.Groups[0].Workers = 4 }, report.Inconclusive, "1 of its 4 workers have no row"},
		"equal throughput":           {bounded(spec.CheckThroughputCV, "0"), rate(5, 5, 5), report.Pass, "is 0"},
		"variation of a population":  {bounded(spec.CheckThroughputCV, "0.81"), rate(10, 10, 100), report.Fail, "is 1.06, more than 0.81, over 3 workers"},
		"variation of 2 to 1":        {bounded(spec.CheckThroughputCV, "0.3333333333333333"), func(r *report.Report) { rate(20, 10)(r); r.Workers[2].CPU = 0 }, report.Pass, "is 0.333, over 2"},
		"throughput of nothing":      {bounded(spec.CheckThroughputCV, "1"), rate(0, 0, 0), report.Inconclusive, "counted no work units"},
		"throughput without CPU":     {bounded(spec.CheckThroughputCV, "1"), cpu(0, 0, 0), report.Inconclusive, "there were 0 of 3"},
		"delay at the limit":         {bounded(spec.CheckRunDelay, "10%"), group(func(g *report.Group) { g.Figures = atWork(); g.RunDelay = new(second / 10) }), report.Pass, "is 10%"},
		"delay beyond it":            {bounded(spec.CheckRunDelay, "10%"), group(func(g *report.Group) { g.Figures = atWork(); g.RunDelay = new(second/10 + 1) }), report.Fail, "is 10.0000001%, more than 10%"},
		"delay not told":             {bounded(spec.CheckRunDelay, "10%"), func(*report.Report) {}, report.Inconclusive, "the kernel did not tell"},
		"delay of no time":           {bounded(spec.CheckRunDelay, "10%"), group(func(g *report.Group) { g.RunDelay, g.Iterations = new(int64(0)), 1 }), report.Inconclusive, "no time passed"},
		"migrations at the limit":    {far(""), migrations(10, nil), report.Pass, "migrations per iteration is 0.1, 10 in 100"},
		"migrations beyond it":       {far("SMT"), migrations(11, nil), report.Fail, "is 0.11, more than 0.1, 11 in 100"},
		"only near ones":             {far("LLC"), migrations(100, map[string]uint64{"SMT": 90, "LLC": 5, "Remote": 5}), report.Pass, "is 0.1"},
		"far ones count":             {far("Node"), migrations(100, map[string]uint64{"LLC": 80, "Node": 10, "Remote": 10}), report.Fail, "is 0.2"},
		"only remote ones":           {far("Remote"), migrations(100, map[string]uint64{"Node": 95, "Remote": 5}), report.Pass, "is 0.05"},
		"distances that matter":      {far("LLC"), migrations(20, map[string]uint64{"LLC": 5, "Unknown": 15}), report.Inconclusive, "how far 15 of its migrations went"},
		"distances that do not":      {far("LLC"), migrations(100, map[string]uint64{"LLC": 50, "Unknown": 50}), report.Fail, "is 0.5"},
		"migrations of no iteration": {far(""), group(func(g *report.Group) { g.Wall = 1 }), report.Inconclusive, "counted no iterations"},
		"a percentile at the limit":  {wake("50", "", "100ns"), latency(50, 100, 101, 200), report.Pass, "P50 of WakeLatency is 100ns (Wakeup), of 4 values"},
		"a percentile beyond it":     {wake("51", "", "100ns"), latency(50, 100, 101, 200), report.Fail, "P51 of WakeLatency is 101ns, more than 100ns"},
		"the largest value":          {wake("", "Max", "199ns"), latency(50, 100, 101, 200), report.Fail, "the largest WakeLatency is 200ns, more than 199ns"},
		"a variation":                {wake("", "CV", "0.5"), latency(100, 300), report.Pass, "the coefficient of variation of WakeLatency is 0.5"},
		"a variation of one value":   {wake("", "CV", "0.5"), latency(100), report.Inconclusive, "the variation of 1 values"},
		"a variation of zeros":       {wake("", "CV", "0.5"), latency(0, 0), report.Inconclusive, "with a mean of 0"},
		"no values":                  {wake("99", "", "1s"), latency(), report.Inconclusive, "no value was recorded"},
		"not recorded":               {wake("99", "", "1s"), func(*report.Report) {}, report.Skip, "group"},
		"not recorded, but named":    {spec.Check{Metric: spec.CheckWakeLatency, Percentile: "9", Max: "1s", Groups: []string{"g"}}, func(*report.Report) {}, report.Inconclusive, "does not record it"},
		"requests per second": {spec.Check{Metric: spec.CheckRequestRate, Percentile: "50", Min: "100"}, group(func(g *report.Group) {
			g.Distributions = []report.Distribution{recorded(work.MetricRate, work.SampleSecond, 99)}
		}), report.Fail, "is 99, less than 100"},
	} {
		t.Run(name, func(t *testing.T) { evaluates(t, oneGroup(3, tc.change), tc.check, tc.verdict, tc.says) })
	}
}

func TestSamplesOfOneMetricAreJudgedApart(t *testing.T) {
	r := oneGroup(1, func(r *report.Report) {
		r.Groups[0].Distributions = []report.Distribution{
			recorded(work.MetricWake, work.SampleSleep, 10), recorded(work.MetricWake, work.SampleYield, 1000), recorded(work.MetricWake, work.SampleOvershoot),
		}
	})
	evaluates(t, r, spec.Check{Metric: spec.CheckWakeLatency, Percentile: "50", Max: "100ns"}, report.Fail, "1 of 2 failed: group g: P50 of WakeLatency is 1us, more than 100ns (Yield), of 1 values")
}

func TestMetricsOfMemory(t *testing.T) {
	pages := func(allowed string, by ...map[int]uint64) change {
		return func(r *report.Report) {
			r.Host = twoNodes()
			for i := range by {
				r.Workers[i].Pages, r.Workers[i].Allowed = by[i], allowed
			}
		}
	}
	both := func(a, b change) change { return func(r *report.Report) { a(r); b(r) } }
	moved := func(n uint64) change { return func(r *report.Report) { r.NUMAPagesMigrated = &n } }
	local := floor(spec.CheckPageLocality, "80%")
	for name, tc := range map[string]struct {
		check   spec.Check
		change  change
		verdict report.Verdict
		says    string
	}{
		"at the floor":          {local, pages("0-1", map[int]uint64{0: 80, 1: 20}), report.Pass, "is 80%, 80 of 100"},
		"below the floor":       {local, pages("0-1", map[int]uint64{0: 80, 1: 20}, map[int]uint64{1: 1}), report.Fail, "is 79.2%, less than 80%, 80 of 101"},
		"on the other node":     {local, pages("2", map[int]uint64{0: 1, 1: 99}), report.Pass, "is 99%"},
		"CPUs of both nodes":    {local, pages("1-2", map[int]uint64{0: 50, 1: 50}), report.Pass, "is 100%"},
		"no pages":              {local, pages("0"), report.Inconclusive, "no pages of its workers were counted"},
		"no pages, but bound":   {local, both(pages("0"), func(r *report.Report) { r.Groups[0].MemoryBound = true }), report.Fail, "it has no pages, although its memory policy binds them"},
		"no topology":           {local, both(pages("0", map[int]uint64{0: 1}), func(r *report.Report) { r.Host = nil }), report.Inconclusive, "which NUMA nodes its CPUs are on is not known"},
		"CPUs are not known":    {local, pages("", map[int]uint64{0: 1}), report.Inconclusive, "is not known"},
		"moved at the limit":    {bounded(spec.CheckCrossNodeMigration, "0.5"), both(pages("0", map[int]uint64{0: 100}), moved(50)), report.Pass, "is 0.5, 50 by 100"},
		"moved beyond it":       {bounded(spec.CheckCrossNodeMigration, "0.5"), both(pages("0", map[int]uint64{0: 100}), moved(51)), report.Fail, "is 0.51, more than 0.5"},
		"moved is not told":     {bounded(spec.CheckCrossNodeMigration, "0.5"), pages("0", map[int]uint64{0: 100}), report.Inconclusive, "the kernel did not tell"},
		"moved, but no pages":   {bounded(spec.CheckCrossNodeMigration, "0.5"), both(pages("0"), moved(7)), report.Inconclusive, "no pages"},
		"nothing moved is zero": {bounded(spec.CheckCrossNodeMigration, "0"), both(pages("0", map[int]uint64{0: 100}), moved(0)), report.Pass, "is 0"},
	} {
		t.Run(name, func(t *testing.T) { evaluates(t, oneGroup(2, tc.change), tc.check, tc.verdict, tc.says) })
	}
}

func TestMetricsOfPrograms(t *testing.T) {
	programs := func(values ...*float64) *report.Report {
		return oneGroup(1, func(r *report.Report) {
			r.Groups[0].Progress = work.ProgressCPU
			for _, v := range values {
				m := payload.Value{Name: "iops", Value: v}
				if v == nil {
					m.Missing = "no such leaf"
				}
				r.Groups[0].Programs = append(r.Groups[0].Programs, report.Program{Metrics: []payload.Value{{Name: "bw", Value: new(1.0)}, m}})
			}
		})
	}
	check := spec.Check{Metric: spec.CheckProgramMetric, ProgramMetric: "iops", Min: "100"}
	named := check
	named.Groups = []string{"g"}
	evaluates(t, programs(new(90.0), new(110.0)), check, report.Pass, "the mean of iops is 100, of 2 programs")
	evaluates(t, programs(new(90.0), new(109.0)), check, report.Fail, "is 99.5, less than 100")
	evaluates(t, programs(new(90.0), nil), check, report.Inconclusive, "programs did not write iops: no such leaf")
	evaluates(t, programs(new(math.NaN())), check, report.Inconclusive, "is not a number")
	evaluates(t, programs(new(math.Inf(1))), check, report.Inconclusive, "is not a number")
	evaluates(t, programs(), check, report.Skip, "")
	evaluates(t, programs(), named, report.Inconclusive, `none of its programs has a figure "iops"`)
	// Programs are in no hold, but their figures are the run's.
	stepped := inSteps([]string{"a", "b"}, 1)
	p := programs(new(50.0))
	p.Groups[0].Name = "p"
	stepped.Groups = append(stepped.Groups, p.Groups[0])
	evaluates(t, stepped, check, report.Fail, "1 of 1 failed: group p: the mean of iops is 50")
}

func TestMetricsOfCgroups(t *testing.T) {
	with := func(c report.Cgroup) *report.Report {
		return oneGroup(1, func(r *report.Report) { c.Name = "c"; r.Cgroups = []report.Cgroup{c} })
	}
	quota := map[string]string{"cpu.max": "50000 100000"}
	for name, tc := range map[string]struct {
		check   spec.Check
		cgroup  report.Cgroup
		verdict report.Verdict
		says    string
	}{
		"pressure at the limit":      {bounded(spec.CheckCPUPressure, "20%"), report.Cgroup{CPUPressure: new(second / 5)}, report.Pass, "cgroup c: the share of the time in which some task waited for a CPU is 20%"},
		"pressure beyond it":         {bounded(spec.CheckCPUPressure, "20%"), report.Cgroup{CPUPressure: new(second / 4)}, report.Fail, "is 25%, more than 20%"},
		"pressure is not told":       {bounded(spec.CheckCPUPressure, "20%"), report.Cgroup{MemoryPressure: new(second)}, report.Inconclusive, "waited for a CPU"},
		"memory pressure":            {bounded(spec.CheckMemoryPressure, "0%"), report.Cgroup{MemoryPressure: new(second / 1000), CPUPressure: new(int64(0))}, report.Fail, "waited for memory is 0.1%, more than 0%"},
		"no memory pressure":         {bounded(spec.CheckMemoryPressure, "0%"), report.Cgroup{MemoryPressure: new(int64(0))}, report.Pass, "is 0%"},
		"I/O pressure":               {bounded(spec.CheckIOPressure, "1%"), report.Cgroup{IOPressure: new(second / 50)}, report.Fail, "waited for I/O is 2%"},
		"throttled at the limit":     {bounded(spec.CheckThrottling, "30%"), report.Cgroup{Periods: new(uint64(10)), Throttled: new(uint64(3)), Files: quota}, report.Pass, "is 30%, 3 of 10"},
		"throttled beyond it":        {bounded(spec.CheckThrottling, "30%"), report.Cgroup{Periods: new(uint64(10)), Throttled: new(uint64(4)), Files: quota}, report.Fail, "is 40%, more than 30%, 4 of 10"},
		"throttled enough":           {floor(spec.CheckThrottling, "30%"), report.Cgroup{Periods: new(uint64(10)), Throttled: new(uint64(4)), Files: quota}, report.Pass, "is 40%"},
		"no period":                  {bounded(spec.CheckThrottling, "30%"), report.Cgroup{Periods: new(uint64(0)), Throttled: new(uint64(0)), Files: quota}, report.Inconclusive, "no period of its quota passed"},
		"a quota without statistics": {bounded(spec.CheckThrottling, "30%"), report.Cgroup{Files: quota}, report.Inconclusive, "did not tell how often"},
		"no quota":                   {bounded(spec.CheckThrottling, "30%"), report.Cgroup{Periods: new(uint64(0)), Throttled: new(uint64(0)), Files: map[string]string{"cpu.max": "max 100000"}}, report.Skip, "c: it has no quota"},
		"no quota, but named":        {spec.Check{Metric: spec.CheckThrottling, Max: "1%", Cgroups: []string{"c"}}, report.Cgroup{}, report.Inconclusive, "cgroup c: it has no quota"},
		"no such cgroup":             {spec.Check{Metric: spec.CheckThrottling, Max: "1%", Cgroups: []string{"d"}}, report.Cgroup{}, report.Inconclusive, "cgroup d: nothing was measured of it"},
	} {
		t.Run(name, func(t *testing.T) { evaluates(t, with(tc.cgroup), tc.check, tc.verdict, tc.says) })
	}
}
