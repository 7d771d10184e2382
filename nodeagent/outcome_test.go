// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
)

const testRunID = "run-0001"

func goodReport() *report.Report {
	return &report.Report{
		RunID: testRunID, Planned: int64(time.Second), Hold: int64(time.Second),
		Groups:  []report.Group{{Name: "g", Kind: "yieldHeavy", Workers: 1, Completed: 1, Figures: report.Figures{Iterations: 7}}},
		Workers: []report.Worker{{Group: "g", Completed: true, Figures: report.Figures{Iterations: 7, WorkUnits: 7}}},
	}
}

func cancelledReport() *report.Report {
	rep := goodReport()
	rep.Cancelled, rep.Hold = true, int64(250*time.Millisecond)
	return rep
}

func TestAnEvictionIsToldFromACancellation(t *testing.T) {
	for name, tc := range map[string]struct {
		run  *v1alpha1.NodeRun
		want verdict
	}{
		"cancelled": {nodeRun("x", 0, cancelled), verdict{v1alpha1.VoidCancelled, "cancelled before it started"}},
		"evicted":   {nodeRun("x", 0, evicted), verdict{v1alpha1.VoidEvicted, "drain; cancelled before it started"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := beforeStart(tc.run); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	foreign := goodReport()
	foreign.RunID = "run-0002"
	lost := goodReport()
	lost.Workers[0].Completed, lost.Workers[0].Problem = false, "killed by signal 9"
	failedStep := goodReport()
	failedStep.StepError = "step two, ops[0] setCpuset: EBUSY"
	failedCheck := goodReport()
	failedCheck.Verdict = report.Fail
	setup := &runner.SetupError{Message: "SCHED_FIFO: operation not permitted"}
	for name, tc := range map[string]struct {
		ending      ending
		want        v1alpha1.VoidReason
		wantMessage string
	}{
		"a good report":                      {ending{report: goodReport()}, "", "all 1 workers"},
		"a worker that was lost":             {ending{report: lost}, v1alpha1.VoidMissingSamples, "killed by signal 9"},
		"a step that failed":                 {ending{report: failedStep}, v1alpha1.VoidStepFailed, "step two, ops[0] setCpuset: EBUSY"},
		"a check that failed":                {ending{report: failedCheck}, "", "all 1 workers"},
		"a set-up that failed":               {ending{err: fmt.Errorf("running: %w", setup)}, v1alpha1.VoidSetupFailed, "SCHED_FIFO"},
		"a runner that failed":               {ending{err: errors.New("exit status 2; it said: oops")}, v1alpha1.VoidRunnerFailed, "it said: oops"},
		"neither report nor error":           {ending{}, v1alpha1.VoidRunnerFailed, "without a report"},
		"a report of another run":            {ending{report: foreign}, v1alpha1.VoidRunnerFailed, "run-0002 instead of run-0001"},
		"a cancelled run":                    {ending{report: cancelledReport(), stopped: errCancelled}, v1alpha1.VoidCancelled, "250ms of 1s"},
		"cancelled during the set-up":        {ending{err: setup, stopped: errCancelled}, v1alpha1.VoidCancelled, "before the workers started"},
		"cancelled a moment after its end":   {ending{report: goodReport(), stopped: errCancelled}, "", "all 1 workers"},
		"an evicted run":                     {ending{report: cancelledReport(), stopped: evictedError{"test node n is drained"}}, v1alpha1.VoidEvicted, "test node n is drained; cancelled after 250ms of 1s"},
		"evicted a moment after its end":     {ending{report: goodReport(), stopped: evictedError{"test node n is drained"}}, "", "all 1 workers"},
		"an agent that was stopped":          {ending{report: cancelledReport(), stopped: context.Canceled}, v1alpha1.VoidAgentRestart, "the agent was stopped"},
		"an agent stopped during the set-up": {ending{err: setup, stopped: context.Canceled}, v1alpha1.VoidAgentRestart, "the agent was stopped"},
		"an agent stopped when all was done": {ending{report: goodReport(), stopped: context.Canceled}, "", "all 1 workers"},
		"a runner that was told by nobody":   {ending{report: cancelledReport()}, v1alpha1.VoidCancelled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			run := &v1alpha1.NodeRun{Spec: v1alpha1.NodeRunSpec{RunID: testRunID}}
			got := judge(run, tc.ending)
			if got.reason != tc.want || !strings.Contains(got.message, tc.wantMessage) {
				t.Errorf("%s: %q; want %s with %q", got.reason, got.message, tc.want, tc.wantMessage)
			}
		})
	}
}

func TestStatuses(t *testing.T) {
	run := &v1alpha1.NodeRun{ObjectMeta: metav1.ObjectMeta{Generation: 3}, Spec: v1alpha1.NodeRunSpec{RunID: testRunID}}
	began := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	run.Status = taken(run, "me", began)
	if !run.Started() || run.Finished() {
		t.Errorf("a taken run: started %v, finished %v", run.Started(), run.Finished())
	}
	result := manifest.Result(goodReport())
	for name, tc := range map[string]struct {
		verdict verdict
		want    []string
	}{
		"valid": {verdict{"", "fine"}, []string{"Started=True TakenByAgent", "Complete=True Reported", "Valid=True Valid"}},
		"void":  {verdict{v1alpha1.VoidSetupFailed, "no"}, []string{"Started=True TakenByAgent", "Failed=True SetupFailed", "Valid=False SetupFailed"}},
	} {
		t.Run(name, func(t *testing.T) {
			done := began.Add(time.Minute)
			status := ended(run.Status, 4, tc.verdict, result, done)
			var got []string
			for _, c := range status.Conditions {
				got = append(got, fmt.Sprintf("%s=%s %s", c.Type, c.Status, c.Reason))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			if status.AgentInstance != "me" || !status.StartTime.Time.Equal(began) || !status.CompletionTime.Time.Equal(done) ||
				status.ObservedGeneration != 4 || status.Result != result {
				t.Errorf("status %+v: want instance, times, generation and result", status)
			}
			if len(run.Status.Conditions) != 1 {
				t.Errorf("the status before was changed: %v", run.Status.Conditions)
			}
		})
	}
}

// TestStatusIsBounded builds the largest status there can be.
func TestStatusIsBounded(t *testing.T) {
	rep := goodReport()
	rep.Groups, rep.Workers = nil, nil
	for i := range 12 {
		rep.Groups = append(rep.Groups, report.Group{Name: fmt.Sprintf("group-%025d", i), Kind: "futexPingPong",
			Figures: report.Figures{CPUs: "0-8191", Iterations: 1e17, WorkUnits: 1e17, Wall: 1e17, CPU: 1e17}})
	}
	for i := range 20000 {
		rep.Workers = append(rep.Workers, report.Worker{Group: rep.Groups[0].Name, Index: i, Problem: strings.Repeat("p", 300), Exit: strings.Repeat("e", 300)})
	}
	run := &v1alpha1.NodeRun{Spec: v1alpha1.NodeRunSpec{RunID: testRunID}}
	run.Status = taken(run, strings.Repeat("i", 64), time.Now())
	for name, e := range map[string]ending{
		"a large report":      {report: rep},
		"a talkative failure": {err: errors.New(strings.Repeat("\xff long ", 10_000))},
	} {
		var result *v1alpha1.RunResult
		if e.report != nil {
			result = manifest.Result(e.report)
		}
		text, err := json.Marshal(ended(run.Status, 1, judge(run, e), result, time.Now()))
		if err != nil || len(text) > 10_000 {
			t.Errorf("%s: a status of %d bytes (%v)", name, len(text), err)
		}
		t.Logf("%s: %d bytes", name, len(text))
	}
}

func TestCut(t *testing.T) {
	for name, tc := range map[string]struct {
		give, want string
		limit      int
	}{
		"short enough":       {"as it is", "as it is", 8},
		"the middle goes":    {"beginning and end", "be ... nd", 9},
		"damaged characters": {"a\xffb", "a?b", 10},
		"whole characters":   {"ääääääääää", "ä ... ä", 11},
	} {
		got := cut(tc.give, tc.limit)
		if got != tc.want || !utf8.ValidString(got) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestBackoff(t *testing.T) {
	timings := Timings{FirstRetry: time.Second, LastRetry: 8 * time.Second}
	for failures, most := range map[int]time.Duration{1: 1, 2: 2, 3: 4, 4: 8, 5: 8, 1000: 8} {
		most *= time.Second
		if got := timings.backoff(failures); got < most/2 || got > most {
			t.Errorf("after %d failures: %v, want %v to %v", failures, got, most/2, most)
		}
	}
}
