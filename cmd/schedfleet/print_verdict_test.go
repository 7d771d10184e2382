// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/viewtest"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

func TestPrintVerdict(t *testing.T) {
	ended := viewtest.Void()
	ended.StepError = "step churn, ops[1] setCpuset: no space left on device"
	many := viewtest.Report(viewtest.Small)
	for range 30 {
		many.Findings = append(many.Findings, many.Findings[0])
	}
	for name, tc := range map[string]struct {
		rep  *report.Report
		want string
	}{
		"nothing is checked": {viewtest.Whole(), "verdict Skip: nothing was checked\n"},
		"what failed, what could not tell, and what had to fail": {viewtest.Report(viewtest.Small), `verdict Fail: 1 of 5 checks failed, 1 inconclusive
check gap: Fail: 2 of 42 failed
check wakes: Inconclusive: no figure of group burner
check hog: Pass (it has to fail): it failed, as expected
check pressure: Skip: no cgroup was chosen

  CHECK       VERDICT     STEP            WHERE  VALUE  LIMIT  WHEN
    gap          Fail  squeeze  burner[3] CPU 2   3.1s     2s    3s
    gap          Fail  squeeze  burner[5] CPU 1   2.4s     2s    3s
  wakes  Inconclusive        -           burner      -      -     -
`},
		"a step that failed":          {ended, "ended early: step churn, ops[1] setCpuset: no space left on device\n"},
		"more than there is room for": {many, "and 13 more findings: -o json has them\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			printVerdict(&out, tc.rep)
			if !strings.Contains(out.String(), tc.want) {
				t.Errorf("(-want +got):\n%s", cmp.Diff(tc.want, out.String()))
			}
		})
	}
}

func TestPrintSteps(t *testing.T) {
	var out strings.Builder
	rep := viewtest.Report(viewtest.Small)
	rep.Steps[3].Ops = []report.Op{{Name: "stopGroup", Target: "ping", At: 7e9, Took: 1e6, Times: 1, Error: "no such process"}}
	rep.Groups[1].Phases = rep.Groups[1].Phases[:3]
	rep.Groups[2].Phases[0] = report.Phase{Step: 0} // it was not there
	printSteps(&out, rep)
	if n := strings.Count(out.String(), " timer "); n != 3 {
		t.Errorf("a group that was there in three steps has %d rows", n)
	}
	for _, want := range []string{
		"      STEP  HOLD   GROUP  ITERATIONS  PER SECOND    CPU  MIGRATIONS  MAX GAP     P99\n",
		"  baseline  1.9s  burner ",
		"                    ping ",
		"step squeeze: held for 1.9s of 2s: the transition took longer than it may\n",
		"step squeeze: setCpuset app CPUs 0-3 at 2.02s, took 210us\n",
		"step throttle: setNice burner nice 10 at 4.5s, took 3.1ms in 15 times\n",
		"step throttle: frozen for some of it: timer\n",
		"step recover: stopGroup ping at 7s, took 1ms: failed: no such process\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
	_, last, _ := strings.Cut(out.String(), "  recover ")
	if last, _, _ = strings.Cut(last, "\nstep"); strings.Contains(last, "ping") {
		t.Errorf("a group that was not there has a row:\n%s", last)
	}
	for line := range strings.Lines(out.String()) {
		if len(line) > 100 {
			t.Errorf("it is wider than a terminal: %s", line)
		}
	}
}

func TestPrintRestored(t *testing.T) {
	var out strings.Builder
	printRestored(&out, viewtest.Report(viewtest.Small).Restored)
	want := "put back: CPU 3 online: was 1, was set to 0, is 1\nNOT put back: CPU 5 online: was 1, was set to 0, is 0\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPrintFleetVerdict(t *testing.T) {
	for name, tc := range map[string]struct {
		status v1alpha1.WorkloadStatus
		want   string
	}{
		"none yet": {v1alpha1.WorkloadStatus{}, ""},
		"of several nodes": {v1alpha1.WorkloadStatus{
			Verdict: v1alpha1.VerdictFail, Verdicts: &v1alpha1.VerdictCounts{Fail: 1, Pass: 2},
			Findings: []v1alpha1.Finding{{Node: "node-b", Check: "gap", Verdict: v1alpha1.VerdictFail, Step: "noisy", Group: "g", Worker: new(int32(3)), Value: "3s", Limit: "2s", AtNanoseconds: new(int64(5e9))}},
		}, `verdict Fail: Fail on 1, Pass on 2

    NODE  CHECK  VERDICT   STEP  WHERE  VALUE  LIMIT  WHEN
  node-b    gap     Fail  noisy   g[3]     3s     2s    5s
`},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			printFleetVerdict(&out, &tc.status)
			if diff := cmp.Diff(tc.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOutputsHaveNames(t *testing.T) {
	for _, o := range outputs {
		write, err := outputNamed(o.name)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := write(&out, viewtest.Report(viewtest.Small)); err != nil || !strings.Contains(out.String(), "squeeze") {
			t.Errorf("%s: %v\n%s", o.name, err, out.String())
		}
	}
	_, err := outputNamed("xml")
	if bad := (badCall{}); !errors.As(err, &bad) || err.Error() != `--output must be table, json, yaml, junit, ktap or html, not "xml"` {
		t.Errorf("got %v", err)
	}
}
