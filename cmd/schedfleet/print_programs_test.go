// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

func TestPrintPrograms(t *testing.T) {
	exit := func(class payload.Class, text string) payload.Exit { return payload.Exit{Class: class, Text: text} }
	var out strings.Builder
	printPrograms(&out, []report.Group{
		{Name: "plain"},
		{Name: "io", Programs: []report.Program{
			{Name: "fio", Exit: exit(payload.Succeeded, "exited with 0"), Ran: 2e9, Metrics: []payload.Value{{Name: "iops", Value: new(1.5)}, {Name: "p99", Missing: "x is not there"}}},
			{Name: "fio", Worker: 1, Exit: exit(payload.Failed, "exited with 1"), Ran: 1e6, Stderr: "fio: hello\nfio: no such job\n\n", Metrics: []payload.Value{{Name: "iops", Missing: "y"}}},
			{Name: "fio", Worker: 2, Exit: exit(payload.Stopped, "stopped with SIGINT: exited with 128"), Ran: 3e9, Note: "something was left", Metrics: []payload.Value{{Name: "p99", Missing: "x is not there"}}},
		}},
	})
	want := `
  GROUP  WORKER  PROGRAM  RAN  SUCCESS                                   END
     io       0      fio   2s     true                         exited with 0
     io       1      fio  1ms    false                         exited with 1
     io       2      fio   3s     true  stopped with SIGINT: exited with 128
note: group io, worker 1: fio: at last it said: fio: no such job
note: group io, worker 2: fio: something was left
note: group io: 2 of 3 programs without p99: x is not there
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
}

func TestPrintFigures(t *testing.T) {
	var out strings.Builder
	printGroups(&out, []v1alpha1.GroupResult{{Name: "io", Kind: "exec", Workers: 2, Completed: 2, ProgramMetrics: []v1alpha1.ProgramMetric{
		{Name: "iops", Unit: "1/s", Polarity: v1alpha1.PolarityHigher, Count: 2, Sum: "3", Min: "1", Max: "2"},
		{Name: "ctx", Polarity: v1alpha1.PolarityNeither, Count: 1, Sum: "7", Min: "7", Max: "7"},
	}}})
	for _, want := range []string{
		"io  exec        2           -           -",
		"  GROUP  FIGURE  UNIT  BETTER  PROGRAMS  MEAN  MIN  MAX\n" +
			"     io    iops   1/s  higher         2   1.5    1    2\n" +
			"     io     ctx     -       -         1     7    7    7\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got:\n%s\nwant in it:\n%s", out.String(), want)
		}
	}
}

func TestAProblemIsToldOnce(t *testing.T) {
	for want, w := range map[string]v1alpha1.WorkerResult{
		"sh: exited with 3":                       {Problem: "sh: exited with 3", Outcome: "exited with 3"},
		"executing /x: no such file (killed)":     {Problem: "executing /x: no such file", Outcome: "killed"},
		"the run was over before (exited with 0)": {Problem: "the run was over before", Outcome: "exited with 0"},
	} {
		if got := problemOf(&w); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
