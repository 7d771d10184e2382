// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/viewtest"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// told are checks with their cases, a line each.
func told(list []Check) []string {
	var lines []string
	for _, c := range list {
		for _, k := range c.Cases {
			expected := ""
			if k.Expected {
				expected = " as expected"
			}
			lines = append(lines, fmt.Sprintf("%s %s / %s %s%s", c.Name, c.Verdict, k.Name, k.Verdict, expected))
		}
	}
	return lines
}

func TestOf(t *testing.T) {
	changed := func(change func(*report.Report)) *report.Report {
		rep := viewtest.Report(viewtest.Small)
		rep.Checks, rep.Findings = rep.Checks[:1], rep.Findings[:1]
		rep.Checks[0].Findings = map[report.Verdict]int{report.Fail: 1}
		change(rep)
		return rep
	}
	const valid = "validity Pass / the sample is valid Pass"
	for name, tc := range map[string]struct {
		rep  *report.Report
		want []string
	}{
		"nothing is checked": {viewtest.Whole(), []string{valid}},
		"a finding":          {changed(func(*report.Report) {}), []string{valid, "gap Fail / step squeeze, group burner, worker 3, CPU 2 Fail"}},
		"two of one place": {changed(func(r *report.Report) { r.Findings = append(r.Findings, r.Findings[0]) }), []string{
			valid, "gap Fail / step squeeze, group burner, worker 3, CPU 2 Fail", "gap Fail / step squeeze, group burner, worker 3, CPU 2 (2) Fail"}},
		"one of a cgroup in a run without steps": {changed(func(r *report.Report) {
			r.Findings[0] = report.Finding{Check: "gap", Cgroup: "app", Verdict: report.Fail}
		}), []string{
			valid, "gap Fail / cgroup app Fail"}},
		"one of everything": {changed(func(r *report.Report) { r.Findings[0] = report.Finding{Check: "gap", Verdict: report.Fail} }), []string{
			valid, "gap Fail / the whole run Fail"}},
		"more than are listed": {changed(func(r *report.Report) {
			r.Checks[0].Findings = map[report.Verdict]int{report.Fail: 3, report.Inconclusive: 1, report.Pass: 9}
		}), []string{
			valid, "gap Fail / step squeeze, group burner, worker 3, CPU 2 Fail", "gap Fail / 2 more: Fail Fail", "gap Fail / 1 more: Inconclusive Inconclusive", "gap Fail / 9 more: Pass Pass"}},
		"a failure that was expected": {changed(func(r *report.Report) { r.Checks[0].Expect, r.Checks[0].Verdict = spec.ExpectFail, report.Pass }), []string{
			valid, "gap Pass / as a whole Pass as expected"}},
		"a failure that was expected and did not come": {changed(func(r *report.Report) { r.Checks[0].Expect, r.Findings = spec.ExpectFail, nil }), []string{
			valid, "gap Fail / as a whole Fail"}},
		"a void sample": {changed(func(r *report.Report) {
			r.Workers[0].Completed = false
			r.Findings = append(r.Findings, report.Finding{Check: "gap", Verdict: report.Pass, Group: "ping"})
			r.Checks = append(r.Checks, report.Check{Check: spec.Check{Name: "other", Expect: spec.ExpectFail}, Verdict: report.Pass})
		}), []string{
			"validity Inconclusive / the sample is valid Inconclusive", "gap Inconclusive / step squeeze, group burner, worker 3, CPU 2 Inconclusive",
			"gap Inconclusive / group ping Skip", "other Skip / as a whole Skip"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, told(Of(tc.rep))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeadline(t *testing.T) {
	with := func(verdicts ...report.Verdict) *report.Report {
		rep := viewtest.Whole()
		for _, v := range verdicts {
			rep.Checks = append(rep.Checks, report.Check{Verdict: v})
		}
		return rep
	}
	for want, rep := range map[string]*report.Report{
		"nothing was checked":                  with(),
		"1 check passed":                       with(report.Pass),
		"2 checks passed":                      with(report.Pass, report.Pass),
		"1 of 2 checks passed, 1 skipped":      with(report.Pass, report.Skip),
		"2 checks skipped":                     with(report.Skip, report.Skip),
		"1 of 2 checks inconclusive":           with(report.Pass, report.Inconclusive),
		"1 of 2 checks failed":                 with(report.Pass, report.Fail),
		"1 of 2 checks failed, 1 inconclusive": with(report.Inconclusive, report.Fail),
		"the sample is void (MissingSamples)":  viewtest.Void(),
	} {
		if got := Headline(rep); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestReasonsAreTheWorstFirst(t *testing.T) {
	rep := viewtest.Report(viewtest.Small)
	slices.Reverse(rep.Findings)
	var got []string
	for _, f := range Reasons(rep) {
		got = append(got, f.Check+" "+string(f.Verdict))
	}
	if want := "gap Fail, gap Fail, wakes Inconclusive"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
