// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func TestWorst(t *testing.T) {
	order := []report.Verdict{report.Fail, report.Inconclusive, report.Pass, report.Skip}
	for i, worse := range order {
		for _, better := range order[i:] {
			if got := Worst(better, worse); got != worse {
				t.Errorf("of %s and %s the worst is %s", better, worse, got)
			}
		}
	}
	if got := Worst(); got != report.Skip {
		t.Errorf("of nothing it is %s", got)
	}
}

func TestEvaluate(t *testing.T) {
	starved := func(r *report.Report) { r.Workers[0].Figures, r.Workers[0].State = report.Figures{}, "R" }
	pass, fails := bounded(spec.CheckMaxGap, "5s"), bounded(spec.CheckMaxGap, "1ms")
	unknown, skipped := bounded(spec.CheckRunDelay, "5%"), bounded(spec.CheckWakeLatency, "1s")
	expected := func(c spec.Check) spec.Check { c.Expect = spec.ExpectFail; return c }
	rates := floor(spec.CheckIterationRate, "1")
	for name, tc := range map[string]struct {
		checks  []spec.Check
		change  change
		verdict report.Verdict
		each    string
	}{
		"no checks":                       {nil, func(*report.Report) {}, report.Skip, ""},
		"no checks, void":                 {nil, starved, report.Inconclusive, ""},
		"one passes":                      {[]spec.Check{pass}, func(*report.Report) {}, report.Pass, "Pass"},
		"one passes, one finds nothing":   {[]spec.Check{pass, skipped}, func(*report.Report) {}, report.Pass, "Pass Skip"},
		"one finds nothing":               {[]spec.Check{skipped}, func(*report.Report) {}, report.Skip, "Skip"},
		"one cannot tell":                 {[]spec.Check{pass, unknown}, func(*report.Report) {}, report.Inconclusive, "Pass Inconclusive"},
		"one fails":                       {[]spec.Check{rates, unknown, fails}, func(*report.Report) {}, report.Fail, "Pass Inconclusive Fail"},
		"one fails in a void sample":      {[]spec.Check{fails}, func(r *report.Report) { r.Cancelled = true }, report.Inconclusive, "Fail"},
		"one fails as expected":           {[]spec.Check{expected(fails)}, func(*report.Report) {}, report.Pass, "Pass"},
		"one passes, which is unexpected": {[]spec.Check{expected(pass)}, func(*report.Report) {}, report.Fail, "Fail"},
		"one cannot tell as ever":         {[]spec.Check{expected(unknown)}, func(*report.Report) {}, report.Inconclusive, "Inconclusive"},
		"one finds nothing as ever":       {[]spec.Check{expected(skipped)}, func(*report.Report) {}, report.Skip, "Skip"},
		"starving is a result":            {[]spec.Check{{Metric: spec.CheckStarvation}}, starved, report.Fail, "Fail"},
		"starving is what was expected":   {[]spec.Check{expected(spec.Check{Metric: spec.CheckStarvation})}, starved, report.Pass, "Pass"},
	} {
		t.Run(name, func(t *testing.T) {
			r := oneGroup(2, tc.change)
			for i := range tc.checks {
				tc.checks[i].Name = fmt.Sprint("c", i)
			}
			Evaluate(r, tc.checks)
			var each []string
			for _, c := range r.Checks {
				each = append(each, string(c.Verdict))
			}
			if got := strings.Join(each, " "); r.Verdict != tc.verdict || got != tc.each {
				t.Errorf("got %s of %s, want %s of %s\n%+v", r.Verdict, got, tc.verdict, tc.each, r.Checks)
			}
		})
	}
}

func TestWhatAFindingSays(t *testing.T) {
	r := inSteps([]string{"calm", "storm"}, 2, func(r *report.Report) {
		f := &r.Workers[1].Phases[1].Figures
		f.MaxGap, f.MaxGapCPU, f.MaxGapAt = 1500*second/1000, 3, 2*second
	})
	Evaluate(r, []spec.Check{{Name: "gaps", Metric: spec.CheckMaxGap, Max: "1s"}})
	want := []report.Finding{{
		Check: "gaps", Metric: "MaxGap", Verdict: report.Fail, Step: "storm", Group: "g", Worker: new(1), CPU: new(3), Value: "1.5s", Limit: "1s",
		Figure: new(1.5e9), Unit: "ns", At: new(2 * second),
		Message: "step storm, group g, worker 1: the longest time between two checkpoints is 1.5s, more than 1s, from CPU 3 on, until 2s",
	}}
	if diff := cmp.Diff(want, failures(r)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[report.Verdict]int{report.Fail: 1, report.Pass: 3}, r.Checks[0].Findings); diff != "" {
		t.Errorf("counts (-want +got)\n%s", diff)
	}
}

// failures are the findings that are no passes.
func failures(r *report.Report) (list []report.Finding) {
	for _, f := range r.Findings {
		if f.Verdict != report.Pass {
			list = append(list, f)
		}
	}
	return list
}

func TestTheMoreSpecificCheckHolds(t *testing.T) {
	limit := func(name, limit string, steps, groups string) spec.Check {
		return spec.Check{Name: name, Metric: spec.CheckMaxGap, Max: limit, Steps: strings.Fields(steps), Groups: strings.Fields(groups)}
	}
	const tight, wide = "1ms", "1m"
	for name, tc := range map[string]struct {
		checks []spec.Check
		want   string // the checks that failed, by step
	}{
		"steps before none":                  {[]spec.Check{limit("x", tight, "", ""), limit("y", wide, "b", "")}, "x/a"},
		"whichever is first":                 {[]spec.Check{limit("y", wide, "b", ""), limit("x", tight, "", "")}, "x/a"},
		"groups before none":                 {[]spec.Check{limit("x", tight, "", "g"), limit("y", wide, "", "")}, "x/a x/b"},
		"steps before groups":                {[]spec.Check{limit("x", tight, "", "g"), limit("y", wide, "a", "")}, "x/b"},
		"steps and groups before steps":      {[]spec.Check{limit("x", tight, "a", "g"), limit("y", wide, "a", "")}, "x/a"},
		"the later of equals":                {[]spec.Check{limit("x", tight, "", ""), limit("y", wide, "", "")}, ""},
		"the later of equals is the tighter": {[]spec.Check{limit("y", wide, "", ""), limit("x", tight, "", "")}, "x/a x/b"},
		"a check of another figure": {[]spec.Check{{Name: "x", Metric: spec.CheckIterationRate, Max: "1"}, limit("y", wide, "a", "g")},
			"x/a x/b"},
	} {
		t.Run(name, func(t *testing.T) {
			r := inSteps([]string{"a", "b"}, 1)
			Evaluate(r, tc.checks)
			var got []string
			for _, f := range failures(r) {
				got = append(got, f.Check+"/"+f.Step)
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	r := inSteps([]string{"a"}, 1)
	Evaluate(r, []spec.Check{limit("x", tight, "", ""), limit("y", wide, "", "")})
	if c := r.Checks[0]; c.Verdict != report.Skip || c.Message != "a more specific check of the same figure holds everywhere" {
		t.Errorf("the check that is overruled says %+v", c)
	}
}

func TestPercentilesAreFiguresOfTheirOwn(t *testing.T) {
	r := oneGroup(1, func(r *report.Report) {
		r.Groups[0].Distributions = []report.Distribution{recorded(work.MetricWake, work.SampleWakeup, 10, 1000)}
	})
	Evaluate(r, []spec.Check{
		{Name: "median", Metric: spec.CheckWakeLatency, Percentile: "50", Max: "1ns"},
		{Name: "tail", Metric: spec.CheckWakeLatency, Percentile: "99", Max: "1s"},
		{Name: "max", Metric: spec.CheckWakeLatency, Statistic: spec.StatisticMax, Max: "1s"},
	})
	if len(failures(r)) != 1 || r.Verdict != report.Fail {
		t.Errorf("got %s, %+v", r.Verdict, r.Findings)
	}
}

func TestStepsThatWereNotReached(t *testing.T) {
	cut := func(r *report.Report) { r.Steps[1].End = r.Steps[1].Start }
	for name, tc := range map[string]struct {
		check   spec.Check
		verdict report.Verdict
		says    string
	}{
		"of all steps":             {spec.Check{Metric: spec.CheckMaxGap}, report.Pass, "group g, worker 0"},
		"of the one not reached":   {spec.Check{Metric: spec.CheckMaxGap, Steps: []string{"b"}}, report.Inconclusive, "step b: its hold was not reached"},
		"of one that never was":    {spec.Check{Metric: spec.CheckMaxGap, Steps: []string{"a", "z"}}, report.Inconclusive, "step z: its hold was not reached"},
		"of a group in it":         {spec.Check{Metric: spec.CheckMaxGap, Steps: []string{"b"}, Groups: []string{"g"}}, report.Inconclusive, "1 of 1 could not be told: step b: its hold"},
		"of a group of none":       {spec.Check{Metric: spec.CheckMaxGap, Groups: []string{"h"}}, report.Inconclusive, "group h: nothing was measured of it"},
		"of a group not in a step": {spec.Check{Metric: spec.CheckMaxGap, Steps: []string{"a"}, Groups: []string{"g", "h"}}, report.Inconclusive, "step a, group h: nothing was measured of it"},
	} {
		t.Run(name, func(t *testing.T) {
			evaluates(t, inSteps([]string{"a", "b"}, 1, cut), tc.check, tc.verdict, tc.says)
		})
	}
	none := inSteps([]string{"a"}, 1, func(r *report.Report) { r.Steps = nil })
	evaluates(t, none, spec.Check{Metric: spec.CheckMaxGap}, report.Skip, "the run came to no hold")
}

func TestChecksOfFrozenGroups(t *testing.T) {
	// g is frozen in the first step; the gap ends when it is thawed, and stands in both records.
	frozen := func(r *report.Report) {
		r.Steps[0].Frozen = []string{"g"}
		r.Workers[0].Phases[0].Figures = report.Figures{MaxGap: second, MaxGapAt: second + second/100}
		r.Workers[0].Phases[1].MaxGap, r.Workers[0].Phases[1].MaxGapAt = second, second+second/100
	}
	gaps := bounded(spec.CheckMaxGap, "100ms")
	starve := spec.Check{Metric: spec.CheckStarvation}
	named := spec.Check{Metric: spec.CheckStarvation, Steps: []string{"a"}, Groups: []string{"g"}, Expect: spec.ExpectFail}
	again := func(r *report.Report) { // a gap of the second step alone
		frozen(r)
		r.Workers[0].Phases[1].MaxGap, r.Workers[0].Phases[1].MaxGapAt = second/2, 2*second
	}
	evaluates(t, inSteps([]string{"a", "b"}, 1, frozen), starve, report.Pass, "all 1 held")
	evaluates(t, inSteps([]string{"a", "b"}, 1, frozen), named, report.Pass, "as expected, 1 of 1 failed")
	evaluates(t, inSteps([]string{"a", "b"}, 1, frozen), gaps, report.Skip, "an op had frozen it")
	evaluates(t, inSteps([]string{"a", "b"}, 1, again), gaps, report.Fail, "1 of 1 failed: step b, group g, worker 0")
}

func TestTheWorstOfEachCheckComesFirst(t *testing.T) {
	r := oneGroup(400, func(r *report.Report) {
		for i := range r.Workers {
			r.Workers[i].MaxGap = int64(i+1) * second
		}
	})
	Evaluate(r, []spec.Check{
		{Name: "gaps", Metric: spec.CheckMaxGap, Max: "1ms"}, {Name: "delay", Metric: spec.CheckRunDelay, Max: "1%"}, {Name: "rate", Metric: spec.CheckIterationRate, Max: "1"},
	})
	if len(r.Findings) != report.MaxFindings || r.Checks[0].Findings[report.Fail] != 400 {
		t.Fatalf("%d findings of %v", len(r.Findings), r.Checks[0].Findings)
	}
	var first []string
	for _, f := range r.Findings[:4] {
		first = append(first, fmt.Sprintf("%s %d", f.Check, *f.Worker))
	}
	if diff := cmp.Diff([]string{"gaps 399", "rate 0", "gaps 398", "rate 1"}, first); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// some is a random report with the checks of it.
func some(rng *rand.Rand) (*report.Report, []spec.Check) {
	r := inSteps([]string{"a", "b", "c"}, 1+rng.IntN(5), func(r *report.Report) {
		for i := range r.Workers {
			for s := range r.Workers[i].Phases {
				p := &r.Workers[i].Phases[s]
				p.MaxGap, p.MaxGapAt, p.WorkUnits = rng.Int64N(3*second), rng.Int64N(3*second), uint64(rng.IntN(3))
				p.CPU, p.Iterations, p.Wall = rng.Int64N(2)*second, uint64(1+rng.IntN(100)), rng.Int64N(3)*second
				p.CPUs = []string{"0", "1", "2", ""}[rng.IntN(4)]
			}
		}
	})
	checks := []spec.Check{
		{Metric: spec.CheckStarvation}, bounded(spec.CheckMaxGap, ""), {Metric: spec.CheckIsolation}, bounded(spec.CheckOffCPUSpread, ""), bounded(spec.CheckThroughputCV, "0.5"),
		floor(spec.CheckWorkRate, "1"), floor(spec.CheckIterationRate, "20"), bounded(spec.CheckMigrationRatio, "0.1"), bounded(spec.CheckRunDelay, "1%"),
	}
	for i := range checks {
		checks[i].Name = fmt.Sprint("c", i)
	}
	return r, checks
}

func TestEvaluateDoesNotDependOnTheOrderOfWorkers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		r, checks := some(rng)
		Evaluate(r, checks)
		findings, each, verdict := r.Findings, r.Checks, r.Verdict
		for range 3 {
			rng.Shuffle(len(r.Workers), func(i, j int) { r.Workers[i], r.Workers[j] = r.Workers[j], r.Workers[i] })
			Evaluate(r, checks)
			if diff := cmp.Diff(findings, r.Findings) + cmp.Diff(each, r.Checks); diff != "" || verdict != r.Verdict {
				t.Fatalf("after a shuffle it is %s, not %s (-before +after)\n%s", r.Verdict, verdict, diff)
			}
		}
	}
}

func TestAFailureNeverImprovesAVerdict(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		r, checks := some(rng)
		checks = checks[:rng.IntN(len(checks)+1)]
		Evaluate(r, checks)
		before, valid := r.Verdict, Sample(r).Valid
		i, s := rng.IntN(len(r.Workers)), rng.IntN(len(r.Steps))
		r.Workers[i].Phases[s].CPUs = "77"
		Evaluate(r, append(checks, spec.Check{Name: "more", Metric: spec.CheckIsolation}))
		if want := report.Fail; valid && r.Verdict != want || severity(r.Verdict) < severity(before) {
			t.Fatalf("from %s it came to %s by a failure (valid: %t)", before, r.Verdict, valid)
		}
	}
}

func TestStepsGoBeforeGroupsWhicheverIsLater(t *testing.T) {
	r := inSteps([]string{"a", "b"}, 1)
	Evaluate(r, []spec.Check{
		{Name: "steps", Metric: spec.CheckMaxGap, Max: "1m", Steps: []string{"a"}}, {Name: "groups", Metric: spec.CheckMaxGap, Max: "1ms", Groups: []string{"g"}},
	})
	if list := failures(r); len(list) != 1 || list[0].Step != "b" {
		t.Errorf("got %+v", list)
	}
}

func TestWhatIsOverruledWasNotPromised(t *testing.T) {
	r := inSteps([]string{"a"}, 1)
	Evaluate(r, []spec.Check{
		{Name: "x", Metric: spec.CheckMaxGap, Max: "1m", Groups: []string{"g"}}, {Name: "y", Metric: spec.CheckMaxGap, Max: "1m", Steps: []string{"a"}, Groups: []string{"g"}},
	})
	if got := r.Checks[0]; got.Verdict != report.Skip {
		t.Errorf("got %+v", got)
	}
}

func TestGroupsThatWereThereInPart(t *testing.T) {
	part := func(r *report.Report) { r.Steps[0].Groups = nil }
	away := func(r *report.Report) {
		part(r)
		r.Groups[0].Phases[0].Figures, r.Workers[0].Phases[0].Figures = report.Figures{}, report.Figures{}
	}
	evaluates(t, inSteps([]string{"a"}, 1, part), floor(spec.CheckIterationRate, "1"), report.Pass, "")
	evaluates(t, inSteps([]string{"a"}, 1, part), spec.Check{Metric: spec.CheckStarvation}, report.Skip, "for a part of the hold only")
	evaluates(t, inSteps([]string{"a"}, 1, away), floor(spec.CheckIterationRate, "1"), report.Skip, "there was nothing to check")
}

func TestExpectedFailuresCountAsPasses(t *testing.T) {
	r := oneGroup(2)
	Evaluate(r, []spec.Check{{Name: "c", Metric: spec.CheckMaxGap, Max: "1ns", Expect: spec.ExpectFail}})
	if diff := cmp.Diff(map[report.Verdict]int{report.Pass: 2}, r.Checks[0].Findings); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
