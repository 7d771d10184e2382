// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"time"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// bound stops a Workload at its deadline. What does not end within the grace
// is not waited for; see judge.
func (r *Reconciler) bound(ctx context.Context, s *scope) (bool, error) {
	due, ok := deadline(s.workload)
	if !ok || s.tally.satisfied() {
		return false, nil
	}
	if s.now.Before(due) {
		s.wakeAt(due)
		return false, nil
	}
	if grace := due.Add(r.Timings.DeadlineGrace); s.now.Before(grace) {
		s.wakeAt(grace)
	}
	return true, r.cancelActive(ctx, s)
}

// deadline is when spec.deadline passes, if there is one.
func deadline(w *v1alpha1.Workload) (time.Time, bool) {
	if w.Spec.Deadline == nil {
		return time.Time{}, false
	}
	return w.CreationTimestamp.Add(w.Spec.Deadline.Duration), true
}

func overdue(w *v1alpha1.Workload, now time.Time) bool {
	due, ok := deadline(w)
	return ok && !now.Before(due)
}
