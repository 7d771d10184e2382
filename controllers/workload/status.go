// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// Bounds of status.failures, as in the schema.
const (
	maxFailures       = 10
	maxFailureMessage = 512
)

// aggregate is what the valid NodeRuns measured, merged.
type aggregate struct {
	groups    []v1alpha1.GroupResult
	truncated bool
	err       error
}

// statusOf is the status that a pass has found to be true.
func statusOf(s *scope, o outcome, sum aggregate) *v1alpha1.WorkloadStatus {
	w := s.workload
	said := opinionOf(s.tally.valid)
	status := w.Status.DeepCopy()
	status.ObservedGeneration = w.Generation
	if w.Finished() {
		for i := range status.Conditions { // final, but still true of the newest spec
			status.Conditions[i].ObservedGeneration = w.Generation
		}
		return status
	}
	conditions := []*metav1.Condition{
		accepted(s.checked, s.refusal),
		placed(w, s.tally, s.placement, s.refusal),
		progressing(progress{
			tally: s.tally, outcome: o, placement: s.placement,
			deleting: !w.DeletionTimestamp.IsZero(), suspended: w.Spec.Suspend, overdue: overdue(w, s.now),
		}),
		complete(o),
		failed(o),
		passed(o.ended(), s.tally.desired, said),
	}
	for _, c := range conditions {
		if c != nil {
			c.ObservedGeneration = w.Generation
			c.LastTransitionTime = metav1.NewTime(s.now)
			meta.SetStatusCondition(&status.Conditions, *c)
		}
	}
	status.Nodes = nodeCounts(s.tally, o)
	status.StartTime = startTime(status.StartTime, s.runs)
	status.Failures = failures(s.tally, o)
	status.Verdict, status.Verdicts, status.Findings = said.verdict, said.counts, said.findings
	if sum.err == nil {
		status.Groups, status.HistogramTruncated = sum.groups, sum.truncated
		status.MergedNodeRuns = int32(len(s.tally.valid))
		status.SynchronizedStart = fleetStart(s.tally.valid)
		status.Machines, status.MachineKinds = machinesOf(s.tally.valid)
	}
	if o.ended() {
		now := metav1.NewTime(s.now)
		status.CompletionTime = &now
	}
	return status
}

func condition(kind string, status metav1.ConditionStatus, reason, message string) *metav1.Condition {
	return &metav1.Condition{Type: kind, Status: status, Reason: reason, Message: bounded(message, maxMessage)}
}

// accepted says nothing if the pass ended before the spec was checked.
func accepted(checked bool, refusal *manifest.Refusal) *metav1.Condition {
	switch {
	case !checked:
		return nil
	case refusal != nil:
		return condition(v1alpha1.ConditionAccepted, metav1.ConditionFalse, refusal.Reason, refusal.Message)
	}
	return condition(v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonAccepted, "this version can run it")
}

// placed says nothing of what was refused.
func placed(w *v1alpha1.Workload, t tally, d *placement.Decision, refusal *manifest.Refusal) *metav1.Condition {
	no := func(reason, message string) *metav1.Condition {
		return condition(v1alpha1.ConditionPlaced, metav1.ConditionFalse, reason, message)
	}
	switch {
	case refusal != nil:
		return nil
	case len(t.leaving) > 0 && t.missing() == 0 && !t.hopeless():
		return no(v1alpha1.ReasonWaiting, "NodeRuns that were evicted have to end before they are repeated: "+nodeNames(t.leaving))
	case !t.unsettled() && t.unfilled() == 0:
		return condition(v1alpha1.ConditionPlaced, metav1.ConditionTrue, v1alpha1.ReasonPlaced,
			fmt.Sprintf("NodeRuns stand for all nodes asked for (%d)", t.desired))
	case !t.unsettled() && t.missing() == 0 && !t.hopeless():
		return condition(v1alpha1.ConditionPlaced, metav1.ConditionTrue, v1alpha1.ReasonPlaced,
			fmt.Sprintf("NodeRuns stand for %d of %d nodes; the others are given up, %s", t.desired-t.unfilled(), t.desired, retriesText(t)))
	case d != nil && d.Reason != "":
		return no(d.Reason, d.Message)
	case w.Spec.Suspend:
		return no(v1alpha1.ReasonSuspended, "nothing is placed while spec.suspend is set")
	case len(t.stopping) > 0:
		return no(v1alpha1.ReasonWaiting, "NodeRuns that were asked to stop are waited for first: "+nodeNames(t.stopping))
	case t.hopeless():
		return no(v1alpha1.ReasonFinished, "no NodeRun is created any more: "+voidText(t))
	default:
		return no(v1alpha1.ReasonWaiting, fmt.Sprintf("%d of %d NodeRuns are created", t.desired-t.unfilled(), t.desired))
	}
}

// progress is what the condition Progressing tells of.
type progress struct {
	tally                        tally
	outcome                      outcome
	placement                    *placement.Decision
	deleting, suspended, overdue bool
}

func progressing(p progress) *metav1.Condition {
	say := func(status metav1.ConditionStatus, reason, message string) *metav1.Condition {
		return condition(v1alpha1.ConditionProgressing, status, reason, message)
	}
	unfinished := p.tally.unfinished()
	switch {
	case p.deleting && len(unfinished) > 0:
		return say(metav1.ConditionTrue, v1alpha1.ReasonDeleting, "waiting for NodeRuns to end on "+nodeNames(unfinished))
	case p.deleting:
		return say(metav1.ConditionTrue, v1alpha1.ReasonDeleting, "the NodeRuns are removed")
	case p.outcome.ended():
		return say(metav1.ConditionFalse, v1alpha1.ReasonFinished, p.outcome.message)
	case p.suspended && len(unfinished) > 0:
		return say(metav1.ConditionFalse, v1alpha1.ReasonSuspended, "waiting for NodeRuns to end on "+nodeNames(unfinished))
	case p.suspended:
		return say(metav1.ConditionFalse, v1alpha1.ReasonSuspended, "nothing runs; it starts when spec.suspend is false")
	case p.overdue:
		return say(metav1.ConditionTrue, v1alpha1.ReasonRunning, "spec.deadline has passed; waiting for NodeRuns to end on "+nodeNames(unfinished))
	case len(unfinished) > 0:
		return say(metav1.ConditionTrue, v1alpha1.ReasonRunning, runningText(p.tally, p.placement))
	case p.placement != nil && p.placement.Message != "":
		return say(metav1.ConditionTrue, v1alpha1.ReasonWaiting, p.placement.Message)
	default:
		return say(metav1.ConditionTrue, v1alpha1.ReasonWaiting, "NodeRuns are about to be created")
	}
}

func runningText(t tally, d *placement.Decision) string {
	var idle []*v1alpha1.NodeRun
	for _, run := range t.active {
		if !run.Started() {
			idle = append(idle, run)
		}
	}
	parts := []string{fmt.Sprintf("%d of %d NodeRuns are running", len(t.active)-len(idle), t.desired)}
	if waiting := t.parked(); waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d of them with parked workers until all are prepared", waiting))
	}
	if len(idle) > 0 {
		parts = append(parts, "not taken by the agent yet on "+nodeNames(idle))
	}
	if len(t.stopping) > 0 {
		parts = append(parts, "asked to stop on "+nodeNames(t.stopping))
	}
	if len(t.leaving) > 0 {
		parts = append(parts, "evicted, but not ended yet on "+nodeNames(t.leaving))
	}
	if n := len(t.valid); n > 0 {
		parts = append(parts, fmt.Sprintf("%d valid", n))
	}
	if n := len(t.void()); n > 0 {
		parts = append(parts, fmt.Sprintf("%d void", n))
	}
	if d != nil && d.Message != "" {
		parts = append(parts, d.Message)
	}
	return strings.Join(parts, "; ")
}

func complete(o outcome) *metav1.Condition {
	switch {
	case o.complete:
		return condition(v1alpha1.ConditionComplete, metav1.ConditionTrue, o.reason, o.message)
	case o.failed:
		return condition(v1alpha1.ConditionComplete, metav1.ConditionFalse, o.reason, o.message)
	default:
		return condition(v1alpha1.ConditionComplete, metav1.ConditionFalse, v1alpha1.ReasonNotFinished, "")
	}
}

func failed(o outcome) *metav1.Condition {
	switch {
	case o.failed:
		return condition(v1alpha1.ConditionFailed, metav1.ConditionTrue, o.reason, o.message)
	case o.complete:
		return condition(v1alpha1.ConditionFailed, metav1.ConditionFalse, o.reason, o.message)
	default:
		return condition(v1alpha1.ConditionFailed, metav1.ConditionFalse, v1alpha1.ReasonNotFinished, "")
	}
}

func nodeCounts(t tally, o outcome) *v1alpha1.NodeCounts {
	return &v1alpha1.NodeCounts{
		Desired: int32(t.desired),
		Active:  int32(len(t.unfinished())),
		Valid:   int32(len(t.valid)),
		Void:    int32(len(void(t, o))),
	}
}

// void are the NodeRuns that gave nothing. Withdrawn ones are among them only if they
// were needed: then it was the deadline that cancelled them.
func void(t tally, o outcome) []*v1alpha1.NodeRun {
	runs := t.void()
	if o.failed || o.cutShort {
		runs = append(runs, t.withdrawn...)
	}
	return runs
}

func startTime(known *metav1.Time, runs []*v1alpha1.NodeRun) *metav1.Time {
	for _, run := range runs {
		if known == nil || run.CreationTimestamp.Before(known) {
			known = run.CreationTimestamp.DeepCopy()
		}
	}
	return known
}

// failures are the void NodeRuns, the newest first.
func failures(t tally, o outcome) []v1alpha1.NodeFailure {
	runs := void(t, o)
	slices.SortFunc(runs, func(a, b *v1alpha1.NodeRun) int {
		return cmp.Or(endTime(b).Compare(endTime(a)), cmp.Compare(a.Name, b.Name))
	})
	var list []v1alpha1.NodeFailure
	for _, run := range runs[:min(len(runs), maxFailures)] {
		reason, message := voidBecause(run)
		list = append(list, v1alpha1.NodeFailure{
			Node: run.Spec.NodeName, NodeRun: run.Name, Reason: reason, Message: bounded(message, maxFailureMessage),
		})
	}
	return list
}

func endTime(run *v1alpha1.NodeRun) time.Time {
	if run.Status.CompletionTime == nil {
		return time.Time{}
	}
	return run.Status.CompletionTime.Time
}
