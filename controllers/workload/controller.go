// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package workload is the controller of Workloads: it places them on test
// nodes, follows their NodeRuns and sums these up.
//
// A pass reads the world into a scope, takes the steps of the object's life in
// order, and reports. Steps look at the world and not at what an earlier pass
// wrote, so each can be killed anywhere and run again. Only two things are read
// back from the status: that a Workload has ended, which is final, and how many
// nodes "all nodes" were.
package workload

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// +kubebuilder:rbac:groups=schedfleet.dev,resources=workloads,verbs=get;list;watch;patch;delete
// +kubebuilder:rbac:groups=schedfleet.dev,resources=workloads/status,verbs=patch
// +kubebuilder:rbac:groups=schedfleet.dev,resources=noderuns,verbs=get;list;watch;create;patch;delete;deletecollection
// +kubebuilder:rbac:groups=schedfleet.dev,resources=noderuns/status,verbs=patch
// +kubebuilder:rbac:groups=schedfleet.dev,resources=testnodes,verbs=get;list;watch
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=get;list;watch,namespace=schedfleet-system
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconciler moves Workloads through their life. It is the only writer of a
// Workload's status and of a NodeRun's spec.
type Reconciler struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// Live reads from the API server, for what must not be decided from a cache.
	Live     client.Reader
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	// LeaseNamespace is where agents renew their heartbeats.
	LeaseNamespace string
	Timings        Timings
	// Metrics is where metrics are registered. Nil: nowhere.
	Metrics prometheus.Registerer

	ledger     *ledger
	contenders *contenders
	plan       *plan
	// told is when the first in the queue were last woken for their messages.
	told       time.Time
	memory     *memory
	metrics    *metrics
	heartbeats *heartbeats
	contact    contact
	// queue is the controller's own.
	queue queue
}

// step is one part of a Workload's life. It says whether the pass ends with it.
type step func(context.Context, *scope) (done bool, err error)

// Reconcile is one pass over one Workload, or a round among those that want nodes.
func (r *Reconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	if req == roundRequest {
		return r.gatherRound(ctx)
	}
	s, err := r.read(ctx, req.NamespacedName)
	if err != nil {
		return reconcile.Result{}, err
	}
	if err := r.sweepOrphans(ctx, req.NamespacedName, s.orphans); err != nil {
		return reconcile.Result{}, err
	}
	if s.workload == nil {
		r.memory.forget(req.NamespacedName)
		return reconcile.Result{}, nil
	}
	for _, next := range []step{
		r.declareLost, // NodeRuns on nodes whose heartbeat stopped
		r.cleanUp,     // after it was deleted
		r.expire,      // after it has ended
		r.accept,      // refuse what cannot be run
		r.bound,       // stop at the deadline
		r.suspend,     // hold back while spec.suspend is set
		r.evict,       // take NodeRuns off nodes that are to be drained
		r.place,       // choose nodes, create NodeRuns
		r.synchronize, // start a gang
	} {
		var done bool
		if done, err = next(ctx, s); done || err != nil {
			break
		}
	}
	// What a failed step found out is reported all the same.
	return r.result(ctx, s, errors.Join(err, r.report(ctx, s)))
}

// result asks for the next pass when the soonest step wants it.
func (r *Reconciler) result(ctx context.Context, s *scope, err error) (reconcile.Result, error) {
	switch {
	case errors.Is(err, errNoContact):
		// Asked often, to know when it was back.
		logf.FromContext(ctx).Info("cannot tell whether nodes are lost", "reason", err.Error())
		return reconcile.Result{RequeueAfter: contactRetry}, nil
	case apierrors.IsConflict(err), apierrors.IsNotFound(err), errors.Is(err, errStaleCache):
		// The cache was behind. Nothing is wrong; it needs a moment.
		return reconcile.Result{RequeueAfter: staleCacheRetry}, nil
	case err != nil || s.wake.IsZero():
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: max(s.wake.Sub(r.Clock.Now()), time.Millisecond)}, nil
}

var _ reconcile.Reconciler = (*Reconciler)(nil)
