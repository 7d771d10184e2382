// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package cases arranges a report as test cases, for formats that know nothing else.
package cases

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// Validity is the name of the first of all checks: whether the sample counts.
const Validity = "validity"

// Check is a check of the run with its cases, of which it has at least one.
type Check struct {
	Name, Metric string
	Verdict      report.Verdict
	// Expected says that it was to fail, and did.
	Expected bool
	Message  string
	Cases    []Case
}

// Case is what a check says of one place. Its name is unique in the check.
type Case struct {
	Name     string
	Verdict  report.Verdict
	Expected bool
	Message  string
	// Details are its figures, each with what it is.
	Details []string
}

// Of is the validity and the checks of a report. In a void sample no check passes or
// fails: what would have passed is skipped, and what would have failed is inconclusive.
func Of(rep *report.Report) []Check {
	sample := check.Sample(rep)
	list := []Check{validity(rep, sample)}
	for i := range rep.Checks {
		c := checked(rep, &rep.Checks[i])
		if !sample.Valid {
			c.discount(sample.Reason)
		}
		list = append(list, c)
	}
	return list
}

func validity(rep *report.Report, sample check.Validity) Check {
	c := Check{Name: Validity, Metric: "Validity", Verdict: report.Pass, Message: sample.Message}
	if !sample.Valid {
		c.Verdict, c.Message = report.Inconclusive, fmt.Sprintf("void (%s): %s", sample.Reason, sample.Message)
	}
	c.Cases = []Case{{Name: "the sample is valid", Verdict: c.Verdict, Message: c.Message,
		Details: []string{"worked for " + figure.Nanos(rep.Hold)}}}
	return c
}

// checked is a check with a case for each finding. One that has to fail is a case in whole:
// its findings are what it was to find.
func checked(rep *report.Report, c *report.Check) Check {
	out := Check{Name: c.Name, Metric: string(c.Metric), Verdict: c.Verdict, Message: c.Message}
	toFail := ToFail(c)
	out.Expected = toFail && c.Verdict == report.Pass
	names := map[string]int{}
	left := map[report.Verdict]int{}
	maps.Copy(left, c.Findings)
	var all []string
	for i := range rep.Findings {
		f := &rep.Findings[i]
		if f.Check != c.Name {
			continue
		}
		left[f.Verdict]--
		all = append(all, fmt.Sprintf("%s: %s", f.Verdict, sentence(f)))
		name := Where(f)
		if names[name]++; names[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, names[name])
		}
		out.Cases = append(out.Cases, Case{Name: name, Verdict: f.Verdict, Message: f.Message, Details: details(f)})
	}
	if toFail || len(out.Cases) == 0 {
		out.Cases = []Case{{Name: "as a whole", Verdict: c.Verdict, Expected: out.Expected, Message: c.Message, Details: all}}
		return out
	}
	out.Cases = append(out.Cases, unlisted(left)...)
	return out
}

// ToFail says that a check was declared to fail.
func ToFail(c *report.Check) bool { return c.Expect == spec.ExpectFail }

// unlisted are cases for the findings that a report has no room for.
func unlisted(left map[report.Verdict]int) []Case {
	var list []Case
	for _, verdict := range []report.Verdict{report.Fail, report.Inconclusive, report.Pass, report.Skip} {
		if n := left[verdict]; n > 0 {
			list = append(list, Case{Name: fmt.Sprintf("%d more: %s", n, verdict), Verdict: verdict, Message: fmt.Sprintf("%d that the report does not list one by one", n)})
		}
	}
	return list
}

func (c *Check) discount(reason string) {
	c.Expected = false
	c.Verdict, c.Message = discounted(c.Verdict, c.Message, reason)
	for i := range c.Cases {
		k := &c.Cases[i]
		k.Expected = false
		k.Verdict, k.Message = discounted(k.Verdict, k.Message, reason)
	}
}

func discounted(v report.Verdict, message, reason string) (report.Verdict, string) {
	text := strings.TrimSuffix(fmt.Sprintf("the sample is void (%s); it would be %s: %s", reason, v, message), ": ")
	switch v {
	case report.Skip:
		return v, message
	case report.Pass:
		return report.Skip, text
	default:
		return report.Inconclusive, text
	}
}

// Where is the place that a finding is about.
func Where(f *report.Finding) string {
	parts := About(f)
	if f.Step != "" {
		parts = append([]string{"step " + f.Step}, parts...)
	}
	return cmp.Or(strings.Join(parts, ", "), "the whole run")
}

// About is what a finding is about beside its step.
func About(f *report.Finding) []string {
	var parts []string
	if f.Group != "" {
		parts = append(parts, "group "+f.Group)
	}
	if f.Worker != nil {
		parts = append(parts, fmt.Sprintf("worker %d", *f.Worker))
	}
	if f.Cgroup != "" {
		parts = append(parts, "cgroup "+f.Cgroup)
	}
	if f.CPU != nil {
		parts = append(parts, fmt.Sprintf("CPU %d", *f.CPU))
	}
	return parts
}

func details(f *report.Finding) []string {
	var list []string
	if f.Value != "" {
		list = append(list, "value "+f.Value)
	}
	if f.Limit != "" {
		list = append(list, "limit "+f.Limit)
	}
	if f.At != nil {
		list = append(list, fmt.Sprintf("at %s after the start", figure.Nanos(*f.At)))
	}
	return list
}

func sentence(f *report.Finding) string {
	return strings.Join(append([]string{f.Message}, details(f)...), "; ")
}

// Headline says what a verdict comes from.
func Headline(rep *report.Report) string {
	if sample := check.Sample(rep); !sample.Valid {
		return fmt.Sprintf("the sample is void (%s)", sample.Reason)
	}
	counts := map[report.Verdict]int{}
	for i := range rep.Checks {
		counts[rep.Checks[i].Verdict]++
	}
	all := fmt.Sprintf("%d checks", len(rep.Checks))
	if len(rep.Checks) == 1 {
		all = "1 check"
	}
	switch {
	case len(rep.Checks) == 0:
		return "nothing was checked"
	case counts[report.Fail] > 0 && counts[report.Inconclusive] > 0:
		return fmt.Sprintf("%d of %s failed, %d inconclusive", counts[report.Fail], all, counts[report.Inconclusive])
	case counts[report.Fail] > 0:
		return fmt.Sprintf("%d of %s failed", counts[report.Fail], all)
	case counts[report.Inconclusive] > 0:
		return fmt.Sprintf("%d of %s inconclusive", counts[report.Inconclusive], all)
	case counts[report.Pass] == 0:
		return fmt.Sprintf("%s skipped", all)
	case counts[report.Skip] > 0:
		return fmt.Sprintf("%d of %s passed, %d skipped", counts[report.Pass], all, counts[report.Skip])
	default:
		return all + " passed"
	}
}

// Reasons are the findings that a verdict comes from, the worst first: those that failed
// or are inconclusive, without those of checks that have to fail.
func Reasons(rep *report.Report) []*report.Finding {
	expected := map[string]bool{}
	for i := range rep.Checks {
		expected[rep.Checks[i].Name] = ToFail(&rep.Checks[i])
	}
	var list []*report.Finding
	for _, verdict := range []report.Verdict{report.Fail, report.Inconclusive} {
		for i := range rep.Findings {
			if f := &rep.Findings[i]; f.Verdict == verdict && !expected[f.Check] {
				list = append(list, f)
			}
		}
	}
	return list
}
