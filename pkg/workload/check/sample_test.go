// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

func TestSample(t *testing.T) {
	good := func(change func(*report.Report)) *report.Report {
		r := &report.Report{
			Hold: 1e9, Planned: 1e9,
			Groups:  []report.Group{{Name: "g", Quiet: 5e8}},
			Workers: []report.Worker{{Group: "g", Completed: true, Figures: report.Figures{Iterations: 1}}, {Group: "g", Index: 1, Completed: true, Figures: report.Figures{WorkUnits: 1}}},
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
		"killed and cancelled":                {good(func(r *report.Report) { r.Cancelled = true; r.Workers[0].Completed = false }), Cancelled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Sample(tc.report)
			if got.Valid != (tc.reason == "") || got.Reason != tc.reason || !strings.Contains(got.Message, tc.says) {
				t.Errorf("got %+v, want reason %q and %q", got, tc.reason, tc.says)
			}
		})
	}
}
