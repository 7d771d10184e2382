// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/nodeagent/spool"
	"github.com/schedfleet/schedfleet/pkg/sink"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

func TestRawReportIsBounded(t *testing.T) {
	rep := &report.Report{RunID: "abcdefgh", Notes: []string{"a note of the run"}}
	for i := range 2000 {
		rep.Workers = append(rep.Workers, report.Worker{Group: "g", Index: i, Problem: strings.Repeat("x", i/10)})
	}
	whole, note, err := rawReport(rep, 32<<20)
	if err != nil || note != "" {
		t.Fatalf("a report that fits: note %q, %v", note, err)
	}
	for title, limit := range map[string]int{
		"a byte too large": len(whole) - 1,
		"twice too large":  len(whole) / 2,
		"far too large":    len(whole) / 50,
	} {
		t.Run(title, func(t *testing.T) {
			text, note, err := rawReport(rep, limit)
			if err != nil || len(text) > limit || note == "" {
				t.Fatalf("%d bytes, note %q, %v; want at most %d and a note", len(text), note, err, limit)
			}
			got := &report.Report{}
			if err := json.Unmarshal(text, got); err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(got.Notes, note) || !slices.Contains(got.Notes, rep.Notes[0]) {
				t.Errorf("notes %q, want the run's and %q", got.Notes, note)
			}
			if n := len(got.Workers); n == 0 || n >= len(rep.Workers) || len(text) < limit/2 {
				t.Errorf("%d rows in %d of %d bytes: too few are left", n, len(text), limit)
			}
		})
	}
	if len(rep.Workers) != 2000 || len(rep.Notes) != 1 {
		t.Error("the report itself was changed")
	}
	if _, _, err := rawReport(rep, 10); err == nil {
		t.Error("a report that does not fit without any row: no error")
	}
}

func TestRowsThatMakeASampleVoidStay(t *testing.T) {
	all := make([]report.Worker, 10)
	for i := range all {
		all[i] = report.Worker{Index: i, Completed: true}
	}
	all[6].Completed = false
	all[8].State = "S"
	all[9].Phases = []report.Phase{{}, {State: "R"}}
	for rows, want := range map[int][]int{10: {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 5: {0, 1, 6, 8, 9}, 3: {6, 8, 9}, 1: {6}, 0: nil} {
		var got []int
		for _, w := range fewer(all, rows) {
			got = append(got, w.Index)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d rows (-want +got):\n%s", rows, diff)
		}
	}
}

func TestAddNote(t *testing.T) {
	result := &v1alpha1.RunResult{Notes: []string{"1", "2", "3", "4"}}
	addNote(result, strings.Repeat("x", 200))
	if len(result.Notes) != maxNotes || len(result.Notes[3]) > maxNote || result.Notes[2] != "3" {
		t.Errorf("notes %q, want the new one in place of the last, and cut", result.Notes)
	}
	addNote(result, "")
	addNote(nil, "nobody reads it")
}

func TestWhatAPublishedStatusLacks(t *testing.T) {
	result := func(ref *v1alpha1.ReportReference, notes ...string) *v1alpha1.RunResult {
		return &v1alpha1.RunResult{Report: ref, Notes: notes}
	}
	ref := &v1alpha1.ReportReference{URL: "file:///r"}
	for name, tc := range map[string]struct {
		ours, theirs *v1alpha1.RunResult
		want         bool
	}{
		"nothing":                         {result(nil, "a"), result(nil, "a"), false},
		"the reference":                   {result(ref), result(nil), true},
		"a note":                          {result(nil, "a", "b"), result(nil, "a"), true},
		"a note in place of another":      {result(nil, "1", "2", "3", "new"), result(nil, "1", "2", "3", "4"), true},
		"nothing, and it has the note":    {result(nil, "a"), result(nil, "a", "b"), false},
		"everything, as it has no result": {result(ref), nil, false},
		"nothing of a letter without one": {nil, result(nil), false},
	} {
		l := &letter{Entry: &spool.Entry{Status: v1alpha1.NodeRunStatus{Result: tc.ours}}}
		if got := l.addsTo(&v1alpha1.NodeRun{Status: v1alpha1.NodeRunStatus{Result: tc.theirs}}); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestRawNames(t *testing.T) {
	for runID, want := range map[string]string{
		"abc-123.x": "ns/w/run-abc-123.x.json",
		"../ü /x":   "ns/w/run-..____x.json",
	} {
		got := rawName(&spool.Entry{Namespace: "ns", Name: "run", Workload: "w", RunID: runID})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("name of %q (-want +got):\n%s", runID, diff)
		}
		if err := sink.CheckName(got); err != nil {
			t.Error(err)
		}
	}
	long := rawName(&spool.Entry{Namespace: strings.Repeat("n", 63), Name: strings.Repeat("r", 253), Workload: strings.Repeat("w", 63), RunID: strings.Repeat("i", 63)})
	if err := sink.CheckName(long); err != nil {
		t.Errorf("the longest names there are: %v", err)
	}
}
