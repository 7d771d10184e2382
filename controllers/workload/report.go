// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"
	"hash/fnv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// report writes what the pass found out, at most once per status interval.
func (r *Reconciler) report(ctx context.Context, s *scope) error {
	if s.gone {
		return nil
	}
	if due := r.statusDue(s); r.Clock.Now().Before(due) {
		s.wakeAt(due)
		return nil
	}
	before := s.workload.Finished()
	sum := r.aggregate(s)
	o := judge(r.factsOf(s, sum))
	if err := r.writeStatus(ctx, s, statusOf(s, o, sum)); err != nil {
		return err
	}
	if !before && s.workload.Finished() {
		s.wakeAt(r.statusDue(s)) // its own writes do not wake it, and expire is next
	}
	return nil
}

func (r *Reconciler) factsOf(s *scope, sum aggregate) facts {
	f := facts{tally: s.tally, refusal: s.refusal, mergeErr: sum.err, noneFits: s.noneFits}
	if due, ok := deadline(s.workload); ok {
		f.overdue = !s.now.Before(due)
		f.overdueGrace = !s.now.Before(due.Add(r.Timings.DeadlineGrace))
		f.deadline = s.workload.Spec.Deadline.Duration
	}
	return f
}

// aggregate merges the results of the valid NodeRuns, unless they are the ones
// that were merged last.
func (r *Reconciler) aggregate(s *scope) aggregate {
	if s.workload.Finished() {
		return aggregate{}
	}
	key := client.ObjectKeyFromObject(s.workload)
	set := fnv.New64a()
	var results []*v1alpha1.RunResult
	for _, run := range s.tally.valid {
		set.Write([]byte(run.Spec.RunID))
		results = append(results, run.Status.Result)
	}
	if len(results) == 0 {
		return aggregate{}
	}
	n := r.memory.of(key)
	if n.merged == set.Sum64() && int(s.workload.Status.MergedNodeRuns) == len(results) {
		return aggregate{groups: s.workload.Status.Groups, truncated: s.workload.Status.HistogramTruncated}
	}
	groups, truncated, err := manifest.Merge(results)
	if err == nil {
		n.merged = set.Sum64()
		r.memory.keep(key, n)
	}
	return aggregate{groups: groups, truncated: truncated, err: err}
}

// writeStatus writes a status that differs from the recorded one, and tells of
// the transitions in it once that has succeeded. A status made from an outdated
// Workload is refused by the API server.
func (r *Reconciler) writeStatus(ctx context.Context, s *scope, status *v1alpha1.WorkloadStatus) error {
	if equality.Semantic.DeepEqual(&s.workload.Status, status) {
		return nil
	}
	before := s.workload
	after := before.DeepCopy()
	after.Status = *status
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	switch err := r.Client.Status().Patch(ctx, after, patch, fieldOwner); {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return err
	case err != nil:
		return fmt.Errorf("writing the status of Workload %s/%s: %w", before.Namespace, before.Name, err)
	}
	key := client.ObjectKeyFromObject(after)
	n := r.memory.of(key)
	n.written = r.Clock.Now()
	r.memory.keep(key, n)
	s.workload = after
	r.tell(ctx, after, before.Status.Conditions)
	return nil
}

// tell emits an event for every condition that has changed.
func (r *Reconciler) tell(ctx context.Context, w *v1alpha1.Workload, before []metav1.Condition) {
	for _, c := range transitions(before, w.Status.Conditions) {
		kind := corev1.EventTypeNormal
		if warns(c) {
			kind = corev1.EventTypeWarning
		}
		r.Recorder.Eventf(w, nil, kind, c.Reason, c.Type, "%s", c.Message)
		logf.FromContext(ctx).Info("condition changed", "condition", c.Type, "status", c.Status, "reason", c.Reason, "message", c.Message)
	}
}

// transitions are the conditions worth an event: those with a new status or
// reason that say something the others do not. Complete=False is told by
// Failed, a refusal by Failed, that it goes on by Placed, and that nothing was checked by no event.
func transitions(before, after []metav1.Condition) []metav1.Condition {
	var changed []metav1.Condition
	for _, c := range after {
		old := meta.FindStatusCondition(before, c.Type)
		if old != nil && old.Status == c.Status && old.Reason == c.Reason {
			continue
		}
		switch {
		case c.Type == v1alpha1.ConditionAccepted && c.Status == metav1.ConditionTrue,
			c.Type == v1alpha1.ConditionPlaced && c.Reason != v1alpha1.ReasonSuspended && c.Reason != v1alpha1.ReasonFinished && c.Reason != v1alpha1.ReasonWaiting,
			c.Type == v1alpha1.ConditionProgressing && c.Reason == v1alpha1.ReasonSuspended,
			c.Type == v1alpha1.ConditionProgressing && c.Reason == v1alpha1.ReasonDeleting,
			c.Type == v1alpha1.ConditionComplete && c.Status == metav1.ConditionTrue,
			c.Type == v1alpha1.ConditionFailed && c.Status == metav1.ConditionTrue,
			c.Type == v1alpha1.ConditionPassed && c.Reason != string(v1alpha1.VerdictSkip) && !nothingCounts(after, c):
			changed = append(changed, c)
		}
	}
	return changed
}

// nothingCounts says whether there is no verdict because the Workload failed, which
// Failed tells.
func nothingCounts(all []metav1.Condition, passed metav1.Condition) bool {
	return passed.Status == metav1.ConditionUnknown && meta.IsStatusConditionTrue(all, v1alpha1.ConditionFailed)
}

func warns(c metav1.Condition) bool {
	return c.Type == v1alpha1.ConditionFailed || c.Reason == v1alpha1.ReasonNoFittingNode ||
		c.Type == v1alpha1.ConditionPassed && c.Status != metav1.ConditionTrue
}
