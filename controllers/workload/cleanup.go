// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// cleanUp lets go of a deleted Workload once its NodeRuns have ended on their
// nodes. It waits no longer than the clean-up timeout, and says for which nodes
// it did so in vain.
func (r *Reconciler) cleanUp(ctx context.Context, s *scope) (bool, error) {
	w := s.workload
	if w.DeletionTimestamp.IsZero() {
		return false, nil
	}
	if !controllerutil.ContainsFinalizer(w, v1alpha1.FinalizerCleanup) {
		return true, nil
	}
	unfinished := s.tally.unfinished()
	letGo := w.DeletionTimestamp.Add(r.Timings.CleanupTimeout)
	if len(unfinished) > 0 && s.now.Before(letGo) {
		s.wakeAt(letGo)
		return true, r.cancelActive(ctx, s)
	}
	if len(unfinished) > 0 { // told first: a pass that is killed below finds no NodeRuns to tell of
		r.Recorder.Eventf(w, nil, corev1.EventTypeWarning, v1alpha1.ReasonNotConfirmedClean, "CleanUp",
			"%s", notConfirmedClean(unfinished))
	}
	// Nobody else does: not every control plane has a garbage collector.
	if err := r.Client.DeleteAllOf(ctx, &v1alpha1.NodeRun{}, client.InNamespace(w.Namespace),
		client.MatchingLabels{v1alpha1.LabelWorkload: w.Name}); err != nil {
		return true, fmt.Errorf("deleting the NodeRuns of Workload %s/%s: %w", w.Namespace, w.Name, err)
	}
	if err := r.setFinalizer(ctx, s, controllerutil.RemoveFinalizer); client.IgnoreNotFound(err) != nil {
		return true, err
	}
	s.gone = true
	return true, nil
}

// setFinalizer adds or removes the finalizer. The status in s stays as it is.
func (r *Reconciler) setFinalizer(ctx context.Context, s *scope, change func(client.Object, string) bool) error {
	changed := s.workload.DeepCopy()
	if !change(changed, v1alpha1.FinalizerCleanup) {
		return nil
	}
	patch := client.MergeFromWithOptions(s.workload, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Patch(ctx, changed, patch, fieldOwner); err != nil {
		if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
			return err
		}
		return fmt.Errorf("changing the finalizer of Workload %s/%s: %w", s.workload.Namespace, s.workload.Name, err)
	}
	s.workload.Finalizers = changed.Finalizers
	s.workload.ResourceVersion = changed.ResourceVersion
	return nil
}

// sweepOrphans deletes NodeRuns whose Workload is no more, such as those of one
// whose finalizer was removed by hand. Unfinished, they would occupy their
// nodes for ever.
func (r *Reconciler) sweepOrphans(ctx context.Context, key types.NamespacedName, orphans []*v1alpha1.NodeRun) error {
	if len(orphans) == 0 {
		return nil
	}
	// The cache of Workloads may be behind that of NodeRuns.
	live := &v1alpha1.Workload{}
	if err := r.Live.Get(ctx, key, live); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading Workload %s: %w", key, err)
	}
	return each(ctx, orphans, func(run *v1alpha1.NodeRun) error {
		if run.Spec.Workload.UID == string(live.UID) {
			return nil
		}
		logf.FromContext(ctx).Info("deleting NodeRun without Workload", "nodeRun", run.Name, "uid", run.Spec.Workload.UID)
		if err := r.Client.Delete(ctx, run, client.Preconditions{UID: &run.UID}); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting NodeRun %s without Workload: %w", run.Name, err)
		}
		return nil
	})
}
