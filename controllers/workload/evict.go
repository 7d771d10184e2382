// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
)

// maxEviction bounds spec.eviction, as in the schema.
const maxEviction = 400

// evict cancels NodeRuns for the sake of their nodes: what runs on a node that is to
// be drained, and what would only begin on one that nothing new is to begin on. place
// repeats them elsewhere once they have ended.
func (r *Reconciler) evict(ctx context.Context, s *scope) (bool, error) {
	var leaving []*v1alpha1.NodeRun
	why := map[*v1alpha1.NodeRun]string{}
	for _, run := range s.tally.active {
		node := &v1alpha1.TestNode{}
		err := r.Client.Get(ctx, client.ObjectKey{Name: run.Spec.NodeName}, node, client.UnsafeDisableDeepCopy)
		if apierrors.IsNotFound(err) {
			continue // its heartbeat tells what to think of it
		}
		if err != nil {
			return true, fmt.Errorf("reading test node %s: %w", run.Spec.NodeName, err)
		}
		if text := placement.Unwelcome(node, &s.workload.Spec.Placement, run.Started()); text != "" {
			leaving = append(leaving, run)
			why[run] = bounded(fmt.Sprintf("test node %s %s", node.Name, text), maxEviction)
		}
	}
	if len(leaving) == 0 {
		return false, nil
	}
	err := each(ctx, leaving, func(run *v1alpha1.NodeRun) error { return r.evictOne(ctx, s.workload, run, why[run]) })
	return err != nil, err
}

// evictOne fails if the NodeRun has changed: its agent may have taken it after all.
func (r *Reconciler) evictOne(ctx context.Context, w *v1alpha1.Workload, run *v1alpha1.NodeRun, why string) error {
	evicted := run.DeepCopy()
	evicted.Spec.Cancel, evicted.Spec.Eviction = true, why
	patch := client.MergeFromWithOptions(run, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Patch(ctx, evicted, patch, fieldOwner); err != nil {
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return err
		}
		return fmt.Errorf("evicting NodeRun %s: %w", run.Name, err)
	}
	logf.FromContext(ctx).Info("NodeRun evicted", "node", run.Spec.NodeName, "nodeRun", run.Name, "why", why)
	r.Recorder.Eventf(w, evicted, corev1.EventTypeNormal, string(v1alpha1.VoidEvicted), "Evict", "%s", why)
	return nil
}
