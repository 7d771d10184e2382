// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"k8s.io/utils/ptr"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/cases"
	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// maxFindingRows is how many findings a table shows.
const maxFindingRows = 20

// printVerdict prints what the checks say, and the findings that it comes from.
func printVerdict(w io.Writer, rep *report.Report) {
	fmt.Fprintf(w, "verdict %s: %s\n", cmp.Or(rep.Verdict, report.Skip), cases.Headline(rep))
	if rep.StepError != "" {
		fmt.Fprintln(w, "ended early:", rep.StepError)
	}
	for i := range rep.Checks {
		c := &rep.Checks[i]
		if c.Verdict == report.Pass && !cases.ToFail(c) {
			continue
		}
		expected := ""
		if cases.ToFail(c) {
			expected = " (it has to fail)"
		}
		fmt.Fprintf(w, "check %s: %s%s: %s\n", c.Name, c.Verdict, expected, c.Message)
	}
	all := cases.Reasons(rep)
	t := &optionalTable{}
	for _, f := range all[:min(len(all), maxFindingRows)] {
		t.add("CHECK", f.Check)
		t.add("VERDICT", string(f.Verdict))
		t.add("STEP", f.Step)
		t.add("WHERE", where(f.Group, f.Worker, f.Cgroup, f.CPU))
		t.add("VALUE", f.Value)
		t.add("LIMIT", f.Limit)
		t.add("WHEN", optional(f.At, figure.Nanos))
		t.end()
	}
	t.print(w)
	if more := len(all) - maxFindingRows; more > 0 {
		fmt.Fprintf(w, "and %d more findings: -o json has them\n", more)
	}
}

// where is what a finding is about, as short as can be.
func where[N int | int32](group string, worker *N, cgroup string, cpu *N) string {
	var parts []string
	if group != "" && worker != nil {
		parts = append(parts, fmt.Sprintf("%s[%d]", group, *worker))
	} else if group != "" {
		parts = append(parts, group)
	}
	if cgroup != "" {
		parts = append(parts, "cgroup "+cgroup)
	}
	if cpu != nil {
		parts = append(parts, fmt.Sprintf("CPU %d", *cpu))
	}
	return cmp.Or(strings.Join(parts, " "), "the run")
}

// printFleetVerdict prints what the checks say on all nodes together.
func printFleetVerdict(w io.Writer, status *v1alpha1.WorkloadStatus) {
	if status.Verdict == "" {
		return
	}
	counts := ptr.Deref(status.Verdicts, v1alpha1.VerdictCounts{})
	var parts []string
	for _, c := range []struct {
		verdict v1alpha1.Verdict
		nodes   int32
	}{
		{v1alpha1.VerdictFail, counts.Fail}, {v1alpha1.VerdictInconclusive, counts.Inconclusive}, {v1alpha1.VerdictPass, counts.Pass}, {v1alpha1.VerdictSkip, counts.Skip},
	} {
		if c.nodes > 0 {
			parts = append(parts, fmt.Sprintf("%s on %d", c.verdict, c.nodes))
		}
	}
	fmt.Fprintf(w, "verdict %s: %s\n", status.Verdict, cmp.Or(strings.Join(parts, ", "), "no node counts"))
	t := &optionalTable{}
	for i := range status.Findings {
		f := &status.Findings[i]
		t.add("NODE", f.Node)
		t.add("CHECK", f.Check)
		t.add("VERDICT", string(f.Verdict))
		t.add("STEP", f.Step)
		t.add("WHERE", where(f.Group, f.Worker, f.Cgroup, f.CPU))
		t.add("VALUE", f.Value)
		t.add("LIMIT", f.Limit)
		t.add("WHEN", optional(f.AtNanoseconds, figure.Nanos))
		t.end()
	}
	t.print(w)
}
