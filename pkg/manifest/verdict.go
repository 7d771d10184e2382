// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"math"
	"slices"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// severity is the order of verdicts, the worst first.
var severity = []report.Verdict{report.Fail, report.Inconclusive, report.Pass, report.Skip}

// verdictCounts count what all checks found, nil without checks.
func verdictCounts(checks []report.Check) *v1alpha1.VerdictCounts {
	if len(checks) == 0 {
		return nil
	}
	sum := map[report.Verdict]int{}
	for i := range checks {
		for verdict, n := range checks[i].Findings {
			sum[verdict] += n
		}
	}
	of := func(v report.Verdict) int32 { return int32(min(sum[v], math.MaxInt32)) }
	return &v1alpha1.VerdictCounts{Fail: of(report.Fail), Inconclusive: of(report.Inconclusive), Pass: of(report.Pass), Skip: of(report.Skip)}
}

// findings are those that are not a pass, the worst first, and among equally bad ones
// the first of each check before the second of any.
func findings(all []report.Finding) []v1alpha1.Finding {
	type ranked struct{ at, severity, nth int }
	var order []ranked
	seen := map[string]int{}
	for i := range all {
		f := &all[i]
		if bad := slices.Index(severity, f.Verdict); bad == 0 || bad == 1 {
			key := f.Check + " " + string(f.Verdict)
			order = append(order, ranked{i, bad, seen[key]})
			seen[key]++
		}
	}
	slices.SortStableFunc(order, func(a, b ranked) int { return cmp.Or(a.severity-b.severity, a.nth-b.nth) })
	var list []v1alpha1.Finding
	for _, o := range order[:min(len(order), maxFindings)] {
		list = append(list, finding(&all[o.at]))
	}
	return list
}

func finding(f *report.Finding) v1alpha1.Finding {
	out := v1alpha1.Finding{
		Check: f.Check, Metric: v1alpha1.CheckMetric(f.Metric), Verdict: v1alpha1.Verdict(f.Verdict), Step: f.Step, Group: f.Group, Cgroup: f.Cgroup,
		Value: cut(f.Value, maxValue), Limit: cut(f.Limit, maxValue), AtNanoseconds: f.At, Message: cut(f.Message, maxFinding),
	}
	if f.Worker != nil {
		out.Worker = new(int32(*f.Worker))
	}
	if f.CPU != nil {
		out.CPU = new(int32(*f.CPU))
	}
	return out
}

// stepResults are the steps that were begun, with the groups that ran in them.
func stepResults(rep *report.Report) []v1alpha1.StepResult {
	var list []v1alpha1.StepResult
	for i := range rep.Steps[:min(len(rep.Steps), maxSteps)] {
		s := &rep.Steps[i]
		out := v1alpha1.StepResult{
			Name: s.Name, StartNanoseconds: s.Start, HoldNanoseconds: max(s.End-s.Start, 0), Truncated: cut(s.Truncated, maxNote),
		}
		for g := range rep.Groups {
			group := &rep.Groups[g]
			if at := slices.IndexFunc(group.Phases, func(p report.Phase) bool { return p.Step == i }); at >= 0 {
				out.Groups = append(out.Groups, stepGroup(group.Name, &group.Phases[at]))
			}
		}
		list = append(list, out)
	}
	return list
}

func stepGroup(name string, p *report.Phase) v1alpha1.StepGroupResult {
	out := v1alpha1.StepGroupResult{
		Name: name, Iterations: count(p.Iterations), CPUNanoseconds: p.CPU, Migrations: count(p.Migrations), MaxGapNanoseconds: p.MaxGap,
	}
	for _, d := range p.Distributions {
		if d.Metric != work.MetricRate && d.Histogram.Count() > 0 {
			out.P99Nanoseconds = new(count(d.Histogram.Quantile(0.99)))
			break
		}
	}
	return out
}
