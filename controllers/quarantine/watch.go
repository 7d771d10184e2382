// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package quarantine

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// SetupWithManager registers the controller and what it watches. One node is looked at
// at a time, so that how many are set aside is known.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.Limits = r.Limits.withDefaults()
	err := ctrl.NewControllerManagedBy(mgr).
		Named("quarantine").
		// Annotations are how people have a say. Nothing else of a node matters.
		For(&v1alpha1.TestNode{}, builder.WithPredicates(predicate.AnnotationChangedPredicate{})).
		Watches(&v1alpha1.NodeRun{}, whenNodeRunEnds()).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the controller of quarantine: %w", err)
	}
	return nil
}

// whenNodeRunEnds looks at its node.
func whenNodeRunEnds() handler.EventHandler {
	return handler.Funcs{
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			before, after := e.ObjectOld.(*v1alpha1.NodeRun), e.ObjectNew.(*v1alpha1.NodeRun)
			if !before.Finished() && after.Finished() {
				q.Add(reconcile.Request{NamespacedName: types.NamespacedName{Name: after.Spec.NodeName}})
			}
		},
	}
}
