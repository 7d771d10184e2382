// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"slices"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// Worst is the worst of verdicts: Fail, then Inconclusive, then Pass, then Skip,
// which is also that of none.
func Worst(verdicts ...report.Verdict) report.Verdict {
	worst := report.Skip
	for _, v := range verdicts {
		if severity(v) > severity(worst) {
			worst = v
		}
	}
	return worst
}

func severity(v report.Verdict) int {
	return slices.Index([]report.Verdict{report.Skip, report.Pass, report.Inconclusive, report.Fail}, v)
}

// Evaluate fills in what the checks of a run say of its report: what they found,
// what each says, and what they say together. A void sample is Inconclusive,
// whatever was found in it: what the machine or the harness did wrong is neither
// a failure of what was tested nor a pass. Preconditions: the checks are valid.
func Evaluate(rep *report.Report, checks []spec.Check) {
	e := evaluation{rep: rep, checks: checks, holds: holdsOf(rep)}
	rep.Checks, rep.Findings = nil, nil
	var byCheck [][]report.Finding
	var verdicts []report.Verdict
	for i := range checks {
		said, findings := e.check(i)
		rep.Checks = append(rep.Checks, said)
		verdicts = append(verdicts, said.Verdict)
		byCheck = append(byCheck, findings)
	}
	rep.Findings = worstOfAll(byCheck)
	rep.Verdict = Worst(verdicts...)
	if !Sample(rep).Valid {
		rep.Verdict = report.Inconclusive
	}
}

// evaluation is a report under its checks.
type evaluation struct {
	rep    *report.Report
	checks []spec.Check
	holds  []*hold
}

// check carries a check out.
func (e *evaluation) check(i int) (report.Check, []report.Finding) {
	c := &e.checks[i]
	seen := &seen{check: c, counts: map[report.Verdict]int{}}
	said := report.Check{Check: *c, Verdict: report.Skip}
	var err error
	if seen.limits, err = c.Limits(); err != nil { // refused before a run; a report from elsewhere may have it
		seen.add(reading{hold: e.whole(), verdict: report.Inconclusive, why: "its limits cannot be read: " + err.Error()})
	} else {
		said.Message = e.look(i, seen)
	}
	findings := seen.findings()
	if len(seen.counts) > 0 {
		said.Verdict, said.Message, said.Findings = seen.verdict(), seen.summary(findings), seen.counts
	}
	if c.Expect == spec.ExpectFail {
		findings = turned(&said, findings)
	}
	return said, findings
}

// turned is what findings are worth to a check that has to fail: each failure is
// what was expected, and if there is none, that is the failure.
func turned(said *report.Check, findings []report.Finding) []report.Finding {
	switch said.Verdict {
	case report.Pass:
		said.Verdict, said.Message = report.Fail, "it was expected to fail, but: "+said.Message
		said.Findings[report.Fail]++
		return slices.Insert(findings, 0, report.Finding{Check: said.Name, Metric: string(said.Metric), Verdict: report.Fail, Message: said.Message})
	case report.Fail:
		said.Verdict, said.Message = report.Pass, "as expected, "+said.Message
		for i := range findings {
			if f := &findings[i]; f.Verdict == report.Fail {
				f.Verdict, f.Message = report.Pass, "as expected, "+f.Message
			}
		}
		said.Findings[report.Pass] += said.Findings[report.Fail]
		delete(said.Findings, report.Fail)
	}
	return findings
}

// whole is the run as one hold, for what belongs to none of its steps.
func (e *evaluation) whole() *hold { return &hold{rep: e.rep, step: wholeRun, end: e.rep.Hold} }

// worstOfAll are the worst findings of all checks: of each check its worst first,
// so that one with many does not hide the others.
func worstOfAll(byCheck [][]report.Finding) []report.Finding {
	type ranked struct {
		*report.Finding
		check, rank int
	}
	var all []ranked
	for check, list := range byCheck {
		for rank := range list {
			all = append(all, ranked{&list[rank], check, rank})
		}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(-cmp.Compare(severity(a.Verdict), severity(b.Verdict)), cmp.Compare(a.rank, b.rank), cmp.Compare(a.check, b.check))
	})
	var list []report.Finding
	for _, f := range all[:min(len(all), report.MaxFindings)] {
		list = append(list, *f.Finding)
	}
	return list
}
