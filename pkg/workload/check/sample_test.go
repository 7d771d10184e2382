// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func TestSample(t *testing.T) {
	good := func(change func(*report.Report)) *report.Report {
		r := &report.Report{
			Hold: 1e9, Planned: 1e9,
			Groups:  []report.Group{{Name: "g", Workers: 2, Progress: work.ProgressIterations, Quiet: 5e8}},
			Workers: []report.Worker{{Group: "g", Completed: true, Figures: report.Figures{Iterations: 1}}, {Group: "g", Index: 1, Completed: true, Figures: report.Figures{Iterations: 1}}},
		}
		change(r)
		return r
	}
	for name, tc := range map[string]struct {
		report *report.Report
		reason string
		says   string
	}{
		"all worked":                          {good(func(*report.Report) {}), "", "all 2 workers worked"},
		"cancelled":                           {good(func(r *report.Report) { r.Cancelled = true }), Cancelled, "of 1s"},
		"one was killed":                      {good(func(r *report.Report) { r.Workers[1].Completed = false; r.Workers[1].Problem = "why" }), MissingSamples, "1 of 2 workers did not work until the stop; group g, worker 1: why"},
		"one did nothing":                     {good(func(r *report.Report) { r.Workers[0].Iterations = 0 }), LoadAbsent, "group g, worker 0 made no progress in 1s"},
		"one had no time to finish its pause": {good(func(r *report.Report) { r.Workers[0].Iterations = 0; r.Hold = 4e8 }), "", ""},
		"one had just the time for its pause": {good(func(r *report.Report) { r.Workers[0].Iterations = 0; r.Hold = 5e8 + 1e6 }), "", ""},
		"one had time to get on":              {good(func(r *report.Report) { r.Workers[0].Iterations = 0; r.Hold = 5e8 + 5e7 + 1e8 + 1 }), LoadAbsent, "worker 0 made no progress"},
		"units are not what counts":           {good(func(r *report.Report) { r.Workers[0].Figures = report.Figures{WorkUnits: 1} }), LoadAbsent, "(Iterations: 0)"},
		"units are what counts":               {good(func(r *report.Report) { r.Groups[0].Progress = work.ProgressUnits }), LoadAbsent, "(WorkUnits: 0)"},
		"CPU time is what counts": {good(func(r *report.Report) {
			r.Groups[0].Progress = work.ProgressCPU
			r.Workers[0].Figures, r.Workers[1].Figures = report.Figures{CPU: 1}, report.Figures{CPU: 1}
		}), "", ""},
		"to starve is its role": {good(func(r *report.Report) {
			r.Groups[0].Roles = []report.Role{{Name: "hog"}, {Name: "fair", MayStarve: true}}
			r.Workers[0].Role, r.Workers[1].Role, r.Workers[1].Iterations = "hog", "fair", 0
		}), "", ""},
		"whoever may starve, somebody must not": {good(func(r *report.Report) {
			r.Groups[0].Roles = []report.Role{{Name: "high", MayStarve: true}}
			for i := range r.Workers {
				r.Workers[i].Role, r.Workers[i].Iterations = "high", 0
			}
		}), LoadAbsent, "none of its workers made progress"},
		"to starve is the other's role": {good(func(r *report.Report) {
			r.Groups[0].Roles = []report.Role{{Name: "hog"}, {Name: "fair", MayStarve: true}}
			r.Workers[0].Role, r.Workers[1].Role, r.Workers[0].Iterations = "hog", "fair", 0
		}), LoadAbsent, "group g, worker 0"},
		"killed and cancelled": {good(func(r *report.Report) { r.Cancelled = true; r.Workers[0].Completed = false }), Cancelled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Sample(tc.report)
			if got.Valid != (tc.reason == "") || got.Reason != tc.reason || !strings.Contains(got.Message, tc.says) {
				t.Errorf("got %+v, want reason %q and %q", got, tc.reason, tc.says)
			}
		})
	}
}
