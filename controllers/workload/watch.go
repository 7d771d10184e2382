// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// Field indexes the controller needs in the cache.
const (
	// IndexNodeRunWorkload is the name of the Workload a NodeRun belongs to.
	IndexNodeRunWorkload = "spec.workload.name"
	// IndexNodeRunUnfinished is "true" for a NodeRun that has not ended.
	IndexNodeRunUnfinished = "unfinished"
)

// maxConcurrentReconciles is how many Workloads are looked at at a time. Most
// of a pass is waiting for the API server.
const maxConcurrentReconciles = 8

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// SetupWithManager registers the controller and what it watches.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.Timings = r.Timings.withDefaults()
	r.ledger, r.memory = newLedger(), newMemory()
	err := ctrl.NewControllerManagedBy(mgr).
		Named("workload").
		// Its own status writes do not concern it. Deletion changes the generation.
		For(&v1alpha1.Workload{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.Workload{}, r.whenWorkloadLeavesQueue()).
		Watches(&v1alpha1.NodeRun{}, r.whenNodeRunChanges()).
		Watches(&v1alpha1.TestNode{}, r.whenNodeChanges()).
		Watches(&coordinationv1.Lease{}, r.whenNodeRevives()).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: maxConcurrentReconciles,
			ReconciliationTimeout:   passTimeout,
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](
				firstErrorBackoff, lastErrorBackoff),
		}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the controller of Workloads: %w", err)
	}
	return nil
}

// wakeWaiting makes all Workloads that wait for nodes look again.
func (r *Reconciler) wakeWaiting(q queue) {
	for _, key := range r.ledger.waitingWorkloads() {
		q.AddAfter(reconcile.Request{NamespacedName: key}, gatherDelay)
	}
}

// whenNodeRunChanges looks at its Workload, and at all that wait if it leaves its node.
func (r *Reconciler) whenNodeRunChanges() handler.EventHandler {
	changed := func(obj client.Object, q queue) {
		run := obj.(*v1alpha1.NodeRun)
		r.ledger.see(run)
		key := types.NamespacedName{Namespace: run.Namespace, Name: run.Spec.Workload.Name}
		q.AddAfter(reconcile.Request{NamespacedName: key}, gatherDelay)
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { changed(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			changed(e.ObjectNew, q)
			if !e.ObjectOld.(*v1alpha1.NodeRun).Finished() && e.ObjectNew.(*v1alpha1.NodeRun).Finished() {
				r.wakeWaiting(q)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) {
			changed(e.Object, q)
			if !e.Object.(*v1alpha1.NodeRun).Finished() {
				r.wakeWaiting(q)
			}
		},
	}
}

// whenNodeChanges looks at the waiting Workloads if the node may fit differently now.
func (r *Reconciler) whenNodeChanges() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(_ context.Context, _ event.CreateEvent, q queue) { r.wakeWaiting(q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			before, after := e.ObjectOld.(*v1alpha1.TestNode), e.ObjectNew.(*v1alpha1.TestNode)
			if fitsDifferently(before, after) {
				r.wakeWaiting(q)
			}
			if !equality.Semantic.DeepEqual(before.Spec, after.Spec) {
				r.wakeThoseOn(ctx, after.Name, q)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) {
			r.ledger.forgetNode(e.Object.GetName())
			r.wakeWaiting(q) // their messages count nodes
		},
	}
}

// wakeThoseOn makes the Workloads that have an unfinished NodeRun on a node look whether
// it may stay there.
func (r *Reconciler) wakeThoseOn(ctx context.Context, node string, q queue) {
	var runs v1alpha1.NodeRunList
	if err := r.Client.List(ctx, &runs, client.MatchingFields{v1alpha1.FieldNodeName: node}, client.UnsafeDisableDeepCopy); err != nil {
		// The cache has the index, or the manager had not started.
		logf.FromContext(ctx).Error(err, "listing the NodeRuns of a node that has changed", "node", node)
		return
	}
	for i := range runs.Items {
		if run := &runs.Items[i]; !run.Finished() {
			q.Add(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: run.Namespace, Name: run.Spec.Workload.Name}})
		}
	}
}

// fitsDifferently ignores all conditions but whether the node is ready and how its
// quarantine stands, and facts, some of which change by themselves.
func fitsDifferently(before, after *v1alpha1.TestNode) bool {
	a, b := before.Status.DeepCopy(), after.Status.DeepCopy()
	for _, s := range []*v1alpha1.TestNodeStatus{a, b} {
		s.ObservedGeneration, s.Conditions, s.Fingerprint, s.Quarantine = 0, nil, nil, nil
	}
	return before.Ready() != after.Ready() ||
		before.Quarantined() != after.Quarantined() || before.OnTrial() != after.OnTrial() ||
		before.Class() != after.Class() ||
		!equality.Semantic.DeepEqual(before.Labels, after.Labels) ||
		!equality.Semantic.DeepEqual(before.Spec, after.Spec) ||
		!equality.Semantic.DeepEqual(a, b)
}

// whenNodeRevives looks at the waiting Workloads when a heartbeat begins, or begins again.
func (r *Reconciler) whenNodeRevives() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(_ context.Context, _ event.CreateEvent, q queue) { r.wakeWaiting(q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			now := r.Clock.Now()
			if !r.alive(e.ObjectOld.(*coordinationv1.Lease), now) && r.alive(e.ObjectNew.(*coordinationv1.Lease), now) {
				r.wakeWaiting(q)
			}
		},
	}
}

// whenWorkloadLeavesQueue looks at the others: nodes were kept for it.
func (r *Reconciler) whenWorkloadLeavesQueue() handler.EventHandler {
	held := func(obj client.Object) bool {
		w := obj.(*v1alpha1.Workload)
		return !w.Finished() && !w.Spec.Suspend && w.DeletionTimestamp.IsZero()
	}
	return handler.Funcs{
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			if held(e.ObjectOld) && !held(e.ObjectNew) {
				r.wakeWaiting(q)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) {
			if held(e.Object) {
				r.wakeWaiting(q)
			}
		},
	}
}
