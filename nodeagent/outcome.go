// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
)

// Bounds on texts of the status.
const (
	maxMessage = 512
	maxVersion = 128
)

// ending is how a run ended.
type ending struct {
	report *report.Report
	err    error
	// stopped is why the run was stopped, nil if it was not.
	stopped error
}

// verdict is what an ending comes to: valid, or void with a reason.
type verdict struct {
	reason  v1alpha1.VoidReason // empty: valid
	message string
}

// judge says what a run came to. It looks for the reason that explains the
// others: one that was stopped need not have been set up, and one without a
// report need not have been cancelled.
func judge(run *v1alpha1.NodeRun, e ending) verdict {
	var setup *runner.SetupError
	cutShort := e.stopped != nil && (e.report == nil || e.report.Cancelled)
	switch {
	case e.report != nil && e.report.RunID != run.Spec.RunID:
		return verdict{v1alpha1.VoidRunnerFailed, fmt.Sprintf("the runner reported run %s instead of %s", e.report.RunID, run.Spec.RunID)}
	case cutShort && errors.Is(e.stopped, errCancelled):
		return cancelVerdict(e.stopped, cancelledMessage(e.report))
	case cutShort:
		return verdict{v1alpha1.VoidAgentRestart, "the agent was stopped during the run"}
	case errors.As(e.err, &setup):
		return verdict{v1alpha1.VoidSetupFailed, e.err.Error()}
	case e.err != nil:
		return verdict{v1alpha1.VoidRunnerFailed, e.err.Error()}
	case e.report == nil:
		return verdict{v1alpha1.VoidRunnerFailed, "the runner ended without a report"}
	}
	valid, reason, message := manifest.Verdict(e.report)
	if valid {
		reason = ""
	}
	return verdict{reason, message}
}

// cancelVerdict is that on a run that was cancelled, and when.
func cancelVerdict(why error, when string) verdict {
	if evicted := (evictedError{}); errors.As(why, &evicted) {
		return verdict{v1alpha1.VoidEvicted, fmt.Sprintf("%s; %s", evicted.why, when)}
	}
	return verdict{v1alpha1.VoidCancelled, when}
}

// beforeStart is that on a run that was cancelled before the agent took it.
func beforeStart(run *v1alpha1.NodeRun) verdict {
	return cancelVerdict(cancelledBy(run), "cancelled before it started")
}

func cancelledMessage(rep *report.Report) string {
	if rep == nil {
		return "cancelled before the workers started"
	}
	return fmt.Sprintf("cancelled after %v of %v", time.Duration(rep.Hold).Round(time.Millisecond), time.Duration(rep.Planned))
}

// taken is the status of a run that the agent has just taken.
func taken(run *v1alpha1.NodeRun, instance string, now time.Time) v1alpha1.NodeRunStatus {
	status := *run.Status.DeepCopy()
	status.ObservedGeneration = run.Generation
	status.AgentInstance = instance
	status.StartTime = &metav1.MicroTime{Time: now}
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionStarted, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonTaken,
		Message: "taken by the node's agent", ObservedGeneration: run.Generation, LastTransitionTime: metav1.NewTime(now),
	})
	return status
}

// prepared is the status of a taken run whose workers are parked.
func prepared(status v1alpha1.NodeRunStatus, generation int64, now time.Time) v1alpha1.NodeRunStatus {
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionPrepared, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonParked,
		Message: "the workers are parked until spec.startTime", ObservedGeneration: generation, LastTransitionTime: metav1.NewTime(now),
	})
	return status
}

// ended is the status of a run that has ended. status is the one it had.
func ended(status v1alpha1.NodeRunStatus, generation int64, v verdict, result *v1alpha1.RunResult, now time.Time) v1alpha1.NodeRunStatus {
	status = *status.DeepCopy()
	status.ObservedGeneration = generation
	status.CompletionTime = &metav1.MicroTime{Time: now}
	status.Result = result
	end := metav1.Condition{
		Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReported,
		Message: cut(v.message, maxMessage), ObservedGeneration: generation, LastTransitionTime: metav1.NewTime(now),
	}
	valid := end
	valid.Type, valid.Reason = v1alpha1.ConditionValid, v1alpha1.ReasonValid
	if v.reason != "" {
		end.Type, end.Reason = v1alpha1.ConditionFailed, string(v.reason)
		valid.Status, valid.Reason = metav1.ConditionFalse, string(v.reason)
	}
	meta.SetStatusCondition(&status.Conditions, end)
	meta.SetStatusCondition(&status.Conditions, valid)
	return status
}

// cut bounds a text. What matters of a runner's last words stands at their end,
// and of other messages at their beginning, so the middle goes.
func cut(s string, limit int) string {
	const gap = " ... "
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= limit {
		return s
	}
	keep := (limit - len(gap)) / 2
	return strings.ToValidUTF8(s[:keep]+gap+s[len(s)-keep:], "")
}
