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
	"sigs.k8s.io/controller-runtime/pkg/source"

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
	r.ledger, r.contenders, r.memory, r.metrics, r.heartbeats = newLedger(), newContenders(), newMemory(), newMetrics(), newHeartbeats()
	if r.Metrics != nil {
		if err := r.register(r.Metrics); err != nil {
			return err
		}
	}
	if err := mgr.Add(pulse{r}); err != nil {
		return fmt.Errorf("adding the pulse: %w", err)
	}
	err := ctrl.NewControllerManagedBy(mgr).
		Named("workload").
		// Its own status writes do not concern it. Deletion changes the generation.
		For(&v1alpha1.Workload{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.Workload{}, r.whenQueueChanges()).
		Watches(&v1alpha1.NodeRun{}, r.whenNodeRunChanges()).
		Watches(&v1alpha1.TestNode{}, r.whenNodeChanges()).
		Watches(&coordinationv1.Lease{}, r.whenHeartbeat()).
		WatchesRawSource(source.Func(func(_ context.Context, q queue) error {
			r.queue = q
			return nil
		})).
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

// replan asks for a round soon, since there may be more to give away.
func (r *Reconciler) replan(q queue) {
	r.ledger.mu.Lock()
	if r.plan != nil {
		r.plan.dated = true
	}
	r.ledger.mu.Unlock()
	q.AddAfter(roundRequest, gatherDelay)
}

// nodesChanged gives up a plan that counts on nodes as they were.
func (r *Reconciler) nodesChanged(q queue) {
	r.ledger.mu.Lock()
	if r.plan != nil {
		r.plan.wrong = true
	}
	r.ledger.mu.Unlock()
	q.AddAfter(roundRequest, gatherDelay)
}

// misplanned gives up a plan by which a NodeRun stands where it does not, or the other way round.
func (r *Reconciler) misplanned(run *v1alpha1.NodeRun, q queue) {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	r.contenders.changed(types.UID(run.Spec.Workload.UID))
	if r.plan != nil {
		r.plan.wrong = true
	}
	if q != nil { // nil in tests of single passes
		q.AddAfter(roundRequest, gatherDelay)
	}
}

// whenNodeRunChanges looks at its Workload, and at who gets its node if it leaves that.
func (r *Reconciler) whenNodeRunChanges() handler.EventHandler {
	changed := func(obj client.Object, q queue) (awaited bool) {
		run := obj.(*v1alpha1.NodeRun)
		awaited = r.ledger.see(run)
		r.ledger.mu.Lock()
		r.contenders.changed(types.UID(run.Spec.Workload.UID))
		r.ledger.mu.Unlock()
		key := types.NamespacedName{Namespace: run.Namespace, Name: run.Spec.Workload.Name}
		q.AddAfter(reconcile.Request{NamespacedName: key}, r.memory.passAfter(key))
		return awaited
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) {
			if run := e.Object.(*v1alpha1.NodeRun); !changed(run, q) && !run.Finished() {
				r.misplanned(run, q) // somebody else's
			}
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			changed(e.ObjectNew, q)
			if run := e.ObjectNew.(*v1alpha1.NodeRun); !e.ObjectOld.(*v1alpha1.NodeRun).Finished() && run.Finished() {
				r.metrics.end(run)
				r.replan(q)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) {
			changed(e.Object, q)
			if !e.Object.(*v1alpha1.NodeRun).Finished() {
				r.replan(q)
			}
		},
	}
}

// whenNodeChanges holds a round if the node may fit differently now.
func (r *Reconciler) whenNodeChanges() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(_ context.Context, _ event.CreateEvent, q queue) { r.nodesChanged(q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			before, after := e.ObjectOld.(*v1alpha1.TestNode), e.ObjectNew.(*v1alpha1.TestNode)
			if fitsDifferently(before, after) || before.Class() != after.Class() {
				r.nodesChanged(q)
			}
			if !equality.Semantic.DeepEqual(before.Spec, after.Spec) {
				r.wakeThoseOn(ctx, after.Name, q)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) {
			r.ledger.forgetNode(e.Object.GetName())
			r.nodesChanged(q) // messages count nodes
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

// whenHeartbeat takes note of it, and holds a round when a node's begins, or begins again.
func (r *Reconciler) whenHeartbeat() handler.EventHandler {
	seen := func(obj client.Object, stoodThere bool, q queue) {
		lease, now := obj.(*coordinationv1.Lease), r.Clock.Now()
		before := r.heartbeats.alive(lease.Name, now)
		r.heartbeats.observe(lease, stoodThere, now, r.Timings.LeaseDuration)
		if !before && r.heartbeats.alive(lease.Name, now) {
			r.nodesChanged(q)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { seen(e.Object, e.IsInInitialList, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { seen(e.ObjectNew, false, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, _ queue) {
			r.heartbeats.forget(e.Object.GetName())
		},
	}
}

// whenQueueChanges keeps the queue, and holds a round when somebody comes or leaves:
// nodes were kept for those ahead.
func (r *Reconciler) whenQueueChanges() handler.EventHandler {
	held := func(w *v1alpha1.Workload) bool {
		return !w.Finished() && !w.Spec.Suspend && w.DeletionTimestamp.IsZero()
	}
	put := func(obj client.Object) *v1alpha1.Workload {
		r.ledger.mu.Lock()
		defer r.ledger.mu.Unlock()
		w := obj.(*v1alpha1.Workload)
		r.contenders.put(w)
		return w
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) {
			if held(put(e.Object)) {
				r.replan(q)
			}
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			old := e.ObjectOld.(*v1alpha1.Workload)
			if old.UID != e.ObjectNew.GetUID() { // deleted and made anew while the watch was interrupted
				r.ledger.mu.Lock()
				r.contenders.remove(old)
				r.ledger.mu.Unlock()
			}
			if held(old) != held(put(e.ObjectNew)) {
				r.replan(q)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) {
			w := e.Object.(*v1alpha1.Workload)
			r.ledger.mu.Lock()
			r.contenders.remove(w)
			r.ledger.mu.Unlock()
			if held(w) {
				r.replan(q)
			}
		},
	}
}
