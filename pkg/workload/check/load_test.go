// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func TestSampleOfSteps(t *testing.T) {
	idle := func(state string, workers ...int) change {
		return func(r *report.Report) {
			for _, i := range workers {
				r.Workers[i].Phases[1].Figures, r.Workers[i].Phases[1].State = report.Figures{}, state
			}
		}
	}
	checked := func(checks ...spec.Check) change {
		return func(r *report.Report) {
			for _, c := range checks {
				r.Checks = append(r.Checks, report.Check{Check: c})
			}
		}
	}
	limits := func(limits spec.Interference, in interference.Figures) change {
		return func(r *report.Report) {
			r.Limits, r.Interference = &limits, &interference.Figures{Elapsed: 2 * second, OtherCPU: new(int64(0)), ClockStep: new(int64(0)), Suspended: new(int64(0))}
			r.Steps[1].Interference = &in
		}
	}
	other := spec.Interference{MaxOtherCPU: new(quantity.CPUs(500))}
	starvation := spec.Check{Name: "s", Metric: spec.CheckStarvation}
	for name, tc := range map[string]struct {
		changes []change
		reason  string
		says    string
	}{
		"all worked in all steps":       {nil, "", "all 2 workers worked until they were stopped; holds of 2s in 2 steps"},
		"one slept through a step":      {[]change{idle("S", 1)}, LoadAbsent, "step b, group g, worker 1 made no progress in 1s (Iterations: 0), at the end it was asleep (S)"},
		"one got no CPU in a step":      {[]change{idle("R", 1)}, LoadAbsent, "at the end it was runnable (R)"},
		"and a check covers it":         {[]change{idle("R", 1), checked(starvation)}, "", ""},
		"all got none, and one does":    {[]change{idle("R", 0, 1), checked(starvation)}, "", ""},
		"it slept, a check covers it":   {[]change{idle("S", 1), checked(starvation)}, LoadAbsent, "asleep"},
		"it was stopped, and covered":   {[]change{idle("T", 1), checked(starvation)}, LoadAbsent, "stopped (T)"},
		"of one got none, one slept":    {[]change{idle("R", 0), idle("S", 1), checked(starvation)}, LoadAbsent, "worker 1 made no progress"},
		"a check of another step":       {[]change{idle("R", 1), checked(spec.Check{Metric: spec.CheckStarvation, Steps: []string{"a"}})}, LoadAbsent, ""},
		"a check of another group":      {[]change{idle("R", 1), checked(spec.Check{Metric: spec.CheckStarvation, Groups: []string{"h"}})}, LoadAbsent, ""},
		"a gap that breaks its limit":   {[]change{idle("R", 1), checked(bounded(spec.CheckMaxGap, "900ms"))}, "", ""},
		"a gap that is within it":       {[]change{idle("R", 1), checked(bounded(spec.CheckMaxGap, "1s"))}, LoadAbsent, ""},
		"a gap check that is overruled": {[]change{idle("R", 1), checked(bounded(spec.CheckMaxGap, "1ms"), bounded(spec.CheckMaxGap, "1s"))}, LoadAbsent, ""},
		"its run delay tells": {[]change{idle("", 1), checked(starvation), func(r *report.Report) {
			r.Workers[1].Phases[1].RunDelay = new(9 * second / 10)
		}}, "", ""},
		"its run delay is too short": {[]change{idle("", 1), checked(starvation), func(r *report.Report) {
			r.Workers[1].Phases[1].RunDelay = new(9*second/10 - 1)
		}}, LoadAbsent, ""},
		"an op froze it":         {[]change{idle("S", 0, 1), func(r *report.Report) { r.Steps[1].Frozen = []string{"g"} }}, "", ""},
		"an op froze another":    {[]change{idle("S", 0, 1), func(r *report.Report) { r.Steps[1].Frozen = []string{"h"} }}, LoadAbsent, ""},
		"it was there in part":   {[]change{idle("S", 0, 1), func(r *report.Report) { r.Steps[1].Groups = nil }}, "", ""},
		"the hold was too short": {[]change{idle("S", 1), func(r *report.Report) { r.Groups[0].Quiet = second }}, "", ""},
		"it may starve": {[]change{idle("S", 1), func(r *report.Report) {
			r.Groups[0].Roles, r.Workers[1].Role = []report.Role{{Name: "fair", MayStarve: true}}, "fair"
		}}, "", ""},
		"all may starve, all do": {[]change{idle("S", 0, 1), func(r *report.Report) {
			r.Groups[0].Roles, r.Workers[0].Role, r.Workers[1].Role = []report.Role{{Name: "fair", MayStarve: true}}, "fair", "fair"
		}}, LoadAbsent, "step b, group g: none of its workers made progress in 1s"},
		"programs are in no hold": {[]change{idle("S", 0, 1), func(r *report.Report) { r.Groups[0].Progress = work.ProgressCPU }}, "", ""},
		"programs that did nothing": {[]change{func(r *report.Report) {
			r.Groups = append(r.Groups, report.Group{Name: "p", Starts: 1, Progress: work.ProgressCPU})
		}}, LoadAbsent, "group p: none of its workers made progress in the run"},
		"a group that never started": {[]change{func(r *report.Report) {
			r.Groups = append(r.Groups, report.Group{Name: "p", Progress: work.ProgressUnits})
		}}, "", ""},

		"a step failed":                {[]change{func(r *report.Report) { r.StepError = "step b, ops[0] setCpuset: EBUSY" }}, StepFailed, "step b, ops[0] setCpuset: EBUSY"},
		"it failed for a lost worker":  {[]change{func(r *report.Report) { r.StepError = "e"; r.Workers[0].Completed = false }}, StepFailed, ""},
		"it failed and was cancelled":  {[]change{func(r *report.Report) { r.StepError = "e"; r.Cancelled = true }}, Cancelled, ""},
		"it failed before others":      {[]change{func(r *report.Report) { r.StepError = "e"; r.Steps = r.Steps[:1] }}, StepFailed, ""},
		"a step was not reached":       {[]change{func(r *report.Report) { r.Steps = r.Steps[:1] }}, MissingSamples, "1 of 2 steps were reached"},
		"cancelled before it":          {[]change{func(r *report.Report) { r.Steps = r.Steps[:1]; r.Cancelled = true }}, Cancelled, ""},
		"nothing is left of a hold":    {[]change{func(r *report.Report) { r.Steps[1].End, r.Steps[1].Truncated = r.Steps[1].Start, "too late" }}, MissingSamples, "step b: nothing is left of its hold of 1s: too late"},
		"a hold of 0s":                 {[]change{func(r *report.Report) { r.Steps[1].End, r.Steps[1].Planned = r.Steps[1].Start, 0 }}, "", ""},
		"something is left of a hold":  {[]change{func(r *report.Report) { r.Steps[1].End -= second / 2; r.Steps[1].Truncated = "why" }}, "", ""},
		"limits kept":                  {[]change{limits(other, interference.Figures{Elapsed: second, OtherCPU: new(second / 2)})}, "", ""},
		"a limit broken in one hold":   {[]change{limits(other, interference.Figures{Elapsed: second, OtherCPU: new(6 * second / 10)})}, Disturbed, "step b: other processes used 0.6 CPUs on average, more than the 0.5 allowed by interference.maxOtherCPU"},
		"broken by what ticks may err": {[]change{limits(other, interference.Figures{Elapsed: second, OtherCPU: new(6 * second / 10), Resolution: second / 10})}, "", ""},
		"not told of one hold":         {[]change{limits(other, interference.Figures{Elapsed: second})}, "", ""},
		"a clock that stepped":         {[]change{limits(spec.Interference{MaxClockStep: new(quantity.Duration(1e6))}, interference.Figures{ClockStep: new(second)})}, ClockStep, "step b: the wall clock moved 1s"},
		"a quota that held back": {[]change{limits(spec.Interference{MaxThrottledPercent: new(10)}, interference.Figures{}), func(r *report.Report) {
			r.Steps[1].Cgroups = []report.Cgroup{{Name: "c", Periods: new(uint64(10)), Throttled: new(uint64(2))}}
		}}, Throttled, "step b: cgroup c was throttled in 20 % of its 10 periods"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Sample(inSteps([]string{"a", "b"}, 2, tc.changes...))
			if got.Valid != (tc.reason == "") || got.Reason != tc.reason || !strings.Contains(got.Message, tc.says) {
				t.Errorf("got %+v, want reason %q and %q", got, tc.reason, tc.says)
			}
		})
	}
}

func TestRemarksOfSteps(t *testing.T) {
	r := inSteps([]string{"a", "b"}, 2, func(r *report.Report) {
		r.Steps[1].Truncated, r.Steps[1].End = "the ops took too long", r.Steps[1].End-second/2
		for i := range r.Workers { // each is where it may be in each step, and not where it might be at the start
			r.Workers[i].Allowed = "7"
		}
		r.Workers[1].Phases[1].CPUs = "5"
	})
	got := strings.Join(Remarks(r), "\n")
	want := "step b: its hold was 500ms of 1s: the ops took too long\n1 of 2 workers ran outside of their CPUs: step b, group g, worker 1 on CPUs 5, not in 0-1"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
