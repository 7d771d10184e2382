// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// says gives a valid NodeRun a verdict, and a finding of that verdict for each check.
func says(verdict v1alpha1.Verdict, checks ...string) runOption {
	return func(run *v1alpha1.NodeRun) {
		valid(run)
		run.Status.Result.Verdict = verdict
		for _, c := range checks {
			run.Status.Result.Findings = append(run.Status.Result.Findings, v1alpha1.Finding{Check: c, Verdict: verdict, Message: c + " of " + run.Spec.NodeName})
		}
	}
}

const (
	pass         = v1alpha1.VerdictPass
	fail         = v1alpha1.VerdictFail
	skip         = v1alpha1.VerdictSkip
	inconclusive = v1alpha1.VerdictInconclusive
)

func TestPassed(t *testing.T) {
	for name, tc := range map[string]struct {
		runs []*v1alpha1.NodeRun
		want string
	}{
		"no valid sample":        {nil, "Unknown Inconclusive no NodeRun gave a valid sample to check"},
		"nothing was checked":    {runs(runOn("a", valid), runOn("b", says(skip))), "True Skip nothing was checked"},
		"all passed":             {runs(runOn("a", says(pass)), runOn("b", says(pass))), "True Pass Pass on 2 of 2 nodes"},
		"one had nothing":        {runs(runOn("a", says(skip)), runOn("b", says(pass))), "True Pass Pass on 1, Skip on 1 of 2 nodes"},
		"one could not tell":     {runs(runOn("a", says(inconclusive, "p99")), runOn("b", says(pass))), "Unknown Inconclusive Inconclusive on 1, Pass on 1 of 2 nodes; node a, check p99: p99 of a"},
		"one failed":             {runs(runOn("a", says(inconclusive, "p99")), runOn("b", says(fail, "gaps"))), "False Fail Fail on 1, Inconclusive on 1 of 2 nodes; node b, check gaps: gaps of b"},
		"a verdict nobody knows": {runs(runOn("a", says("Maybe"))), "True Skip nothing was checked"},
	} {
		t.Run(name, func(t *testing.T) {
			want := tc.want
			for _, list := range [][]*v1alpha1.NodeRun{tc.runs, reversed(tc.runs)} {
				if diff := cmp.Diff(want, said(passed(true, 2, opinionOf(list)))); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
			if c := passed(false, 2, opinionOf(tc.runs)); c != nil {
				t.Errorf("before it has ended it says %s", said(c))
			}
		})
	}
}

func reversed(list []*v1alpha1.NodeRun) []*v1alpha1.NodeRun {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

func TestVoidSamplesHaveNoVerdict(t *testing.T) {
	void := func(run *v1alpha1.NodeRun) {
		says(fail, "gaps")(run)
		run.Status.Conditions = nil
		voided(v1alpha1.VoidSteal)(run)
	}
	tally := count(load(2), runs(runOn("a", void), runOn("b", says(pass))))
	o := opinionOf(tally.valid)
	if diff := cmp.Diff(&v1alpha1.VerdictCounts{Pass: 1}, o.counts); diff != "" || o.verdict != pass || len(o.findings) > 0 {
		t.Errorf("got %s, %v (-want +got)\n%s", o.verdict, o.findings, diff)
	}
}

func TestFindingsAreOfAsManyNodesAsPossible(t *testing.T) {
	var list []*v1alpha1.NodeRun
	for i := range 8 {
		list = append(list, runOn(fmt.Sprint("n", i), says(fail, "x", "y", "z")))
	}
	list = append(list, runOn("a", says(inconclusive, "p")), runOn("b", says(pass, "q")))
	var got []string
	for _, f := range opinionOf(reversed(list)).findings {
		got = append(got, f.Node+f.Check)
	}
	want := "n0x n1x n2x n3x n4x n5x n6x n7x n0y n1y"
	if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got = nil
	for _, f := range opinionOf(runs(list[8], list[9], list[7])).findings {
		got = append(got, f.Node+f.Check)
	}
	if diff := cmp.Diff("n7x n7y n7z ap", strings.Join(got, " ")); diff != "" {
		t.Errorf("the worst first, and no passes (-want +got)\n%s", diff)
	}
}

func TestFindingsAreBounded(t *testing.T) {
	long := func(run *v1alpha1.NodeRun) {
		says(fail, "x")(run)
		f := &run.Status.Result.Findings[0]
		f.Message, f.Value, f.Limit = strings.Repeat("é", 128), strings.Repeat("v", 64), strings.Repeat("l", 64)
	}
	var list []*v1alpha1.NodeRun
	for i := range 5000 {
		list = append(list, runOn(fmt.Sprintf("%s-%04d", strings.Repeat("n", 240), i), long))
	}
	o := opinionOf(list)
	text, err := json.Marshal(o.findings)
	if err != nil || len(text) > findingsBytes || len(o.findings) < 5 {
		t.Errorf("%d findings take %d bytes: %v", len(o.findings), len(text), err)
	}
	if o.counts.Fail != 5000 {
		t.Errorf("counted %+v", o.counts)
	}
}
