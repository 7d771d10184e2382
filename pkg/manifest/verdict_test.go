// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// worstReport has all that a report can have, as long as it can be.
func worstReport() *report.Report {
	rep := bigReport(12, 20)
	rep.Verdict = report.Fail
	name, long := strings.Repeat("n", 64), strings.Repeat("<", 300) // of which JSON makes six bytes each
	for i := range 64 {
		rep.Checks = append(rep.Checks, report.Check{Check: spec.Check{Name: fmt.Sprintf("%032d", i)}, Verdict: report.Fail, Findings: map[report.Verdict]int{report.Fail: 1000, report.Pass: 1}})
		rep.Findings = append(rep.Findings, report.Finding{
			Check: fmt.Sprintf("%032d", i%20), Metric: "CrossNodeMigration", Verdict: report.Fail, Step: name[:32], Group: name[:32], Worker: new(19999),
			Cgroup: name[:64], CPU: new(8191), Value: long, Limit: long, At: new(int64(1e15)), Message: long,
		})
		rep.Steps = append(rep.Steps, report.Step{Name: fmt.Sprintf("%032d", i), Start: 1e14, End: 2e15, Truncated: long})
		rep.Notes = append(rep.Notes, long)
		for g := range rep.Groups {
			group := &rep.Groups[g]
			p := report.Phase{Step: i, Workers: 20, Figures: group.Figures}
			if g == 0 {
				p.Distributions = group.Distributions
			}
			group.Phases = append(group.Phases, p)
		}
	}
	return rep
}

func TestTheWorstReportFitsAndKeepsItsVerdict(t *testing.T) {
	r := Result(worstReport())
	if !fits(r, maxResultBytes) {
		text, err := json.Marshal(r)
		t.Errorf("the result has %d bytes, %v: %s", len(text), err, text)
	}
	if r.Verdict != v1alpha1.VerdictFail || len(r.Findings) < firstFindings || len(r.Groups) != 12 || r.Checks.Fail != 64_000 || r.Checks.Pass != 64 {
		t.Errorf("verdict %s, %d findings, %d groups, checks %+v", r.Verdict, len(r.Findings), len(r.Groups), r.Checks)
	}
	if !r.HistogramTruncated || !r.StepsTruncated || !r.CgroupsTruncated {
		t.Errorf("it says to be truncated: histograms %v, steps %v, cgroups %v", r.HistogramTruncated, r.StepsTruncated, r.CgroupsTruncated)
	}
	for i, f := range r.Findings[:firstFindings] {
		if f.Check != fmt.Sprintf("%032d", i) {
			t.Errorf("finding %d is of %s", i, f.Check)
		}
	}
}

func TestTheWorstFindingsOfDistinctChecksComeFirst(t *testing.T) {
	var all []report.Finding
	for _, f := range []struct {
		check   string
		verdict report.Verdict
	}{
		{"a", report.Fail}, {"a", report.Fail}, {"a", report.Fail}, {"b", report.Fail}, {"c", report.Pass}, {"c", report.Inconclusive}, {"d", report.Skip},
		{"b", report.Fail}, {"e", report.Inconclusive}, {"a", report.Fail}, {"a", report.Fail}, {"c", report.Fail},
	} {
		all = append(all, report.Finding{Check: f.check, Verdict: f.verdict, Message: fmt.Sprint(len(all))})
	}
	var got []string
	for _, f := range findings(all) {
		got = append(got, f.Check+f.Message)
	}
	if diff := cmp.Diff([]string{"a0", "b3", "c11", "a1", "b7", "a2", "a9", "a10"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = nil
	for _, f := range findings(all[4:9]) {
		got = append(got, f.Check+f.Message)
	}
	if diff := cmp.Diff([]string{"b7", "c5", "e8"}, got); diff != "" {
		t.Errorf("what is no pass (-want +got):\n%s", diff)
	}
	text := strings.Repeat("ü", 200)
	if f := finding(&report.Finding{Message: text, Worker: new(3), CPU: new(0), At: new(int64(5))}); !strings.HasSuffix(f.Message, "ü...") || *f.Worker != 3 || *f.CPU != 0 || *f.AtNanoseconds != 5 {
		t.Errorf("got %+v", f)
	}
}

func TestStepsOfAResult(t *testing.T) {
	phase := func(step int, iterations uint64) report.Phase {
		return report.Phase{Step: step, Figures: report.Figures{Iterations: iterations, CPU: 2, Migrations: 3, MaxGap: 4}}
	}
	timed := phase(1, 7)
	timed.Distributions = []report.Distribution{
		{Measure: work.Measure{Metric: work.MetricRate, Sample: work.SampleSecond}, Histogram: histogram(3)},
		{Measure: work.Measure{Metric: work.MetricWake, Sample: work.SampleSleep}, Histogram: histogram(0)},
		{Measure: work.Measure{Metric: work.MetricCost, Sample: work.SampleComputation}, Histogram: histogram(5)},
	}
	r := Result(&report.Report{
		Steps:  []report.Step{{Name: "calm", Start: 5, End: 15}, {Name: "storm", Start: 20, End: 25, Truncated: "no time was left"}},
		Groups: []report.Group{{Name: "a", Phases: []report.Phase{phase(0, 1), timed}}, {Name: "b", Phases: []report.Phase{phase(1, 9)}}},
	})
	group := func(name string, iterations int64, p99 *int64) v1alpha1.StepGroupResult {
		return v1alpha1.StepGroupResult{Name: name, Iterations: iterations, CPUNanoseconds: 2, Migrations: 3, MaxGapNanoseconds: 4, P99Nanoseconds: p99}
	}
	want := []v1alpha1.StepResult{
		{Name: "calm", StartNanoseconds: 5, HoldNanoseconds: 10, Groups: []v1alpha1.StepGroupResult{group("a", 1, nil)}},
		{Name: "storm", StartNanoseconds: 20, HoldNanoseconds: 5, Truncated: "no time was left",
			Groups: []v1alpha1.StepGroupResult{group("a", 7, new(int64(timed.Distributions[2].Histogram.Quantile(0.99)))), group("b", 9, nil)}},
	}
	if diff := cmp.Diff(want, r.Steps); diff != "" || r.StepsTruncated {
		t.Errorf("truncated %v (-want +got):\n%s", r.StepsTruncated, diff)
	}
}
