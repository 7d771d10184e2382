// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// expire ends the pass for a Workload that has ended, and deletes it once its
// spec.ttlAfterFinished is over.
func (r *Reconciler) expire(ctx context.Context, s *scope) (bool, error) {
	w := s.workload
	if !w.Finished() {
		return false, nil
	}
	if w.Spec.TTLAfterFinished == nil || w.Status.CompletionTime == nil {
		return true, nil
	}
	due := w.Status.CompletionTime.Add(w.Spec.TTLAfterFinished.Duration)
	if s.now.Before(due) {
		s.wakeAt(due)
		return true, nil
	}
	s.gone = true
	same := client.Preconditions{UID: new(w.UID)}
	if err := r.Client.Delete(ctx, w, same); client.IgnoreNotFound(err) != nil {
		return true, fmt.Errorf("deleting Workload %s/%s after its TTL: %w", w.Namespace, w.Name, err)
	}
	return true, nil
}
