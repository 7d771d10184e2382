// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package quarantine is the controller that sets test nodes aside which keep spoiling samples.
//
// It decides by the NodeRuns that stand and by what it has written into the node's
// status: the condition Quarantined, and status.quarantine. Nothing is kept in memory,
// so each pass can be killed anywhere and run again.
package quarantine

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// +kubebuilder:rbac:groups=schedfleet.dev,resources=testnodes,verbs=get;list;watch
// +kubebuilder:rbac:groups=schedfleet.dev,resources=testnodes/status,verbs=patch
// +kubebuilder:rbac:groups=schedfleet.dev,resources=noderuns,verbs=get;list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// staleCacheRetry is when to look again after the cache was found behind.
const staleCacheRetry = 100 * time.Millisecond

// reasonWithheld is that of events about nodes that are not set aside, since too many are.
const reasonWithheld = "QuarantineWithheld"

// Reconciler keeps the quarantine of test nodes. It is the only writer of their
// condition Quarantined and of status.quarantine.
type Reconciler struct {
	// Client reads from the cache and writes to the API server.
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	Limits   Limits
}

// Reconcile is one pass over one test node.
func (r *Reconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	node := &v1alpha1.TestNode{}
	if err := r.Client.Get(ctx, req.NamespacedName, node); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	v, err := r.look(ctx, node)
	if err != nil {
		return reconcile.Result{}, err
	}
	d := decide(v)
	if d.withheld != "" {
		r.Recorder.Eventf(node, nil, corev1.EventTypeWarning, reasonWithheld, "Quarantine", "%s", d.withheld)
	}
	switch err := r.write(ctx, node, d); {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return reconcile.Result{RequeueAfter: staleCacheRetry}, nil
	case err != nil || d.wake.IsZero():
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: max(d.wake.Sub(r.Clock.Now()), time.Millisecond)}, nil
}

// look gathers what a decision depends on.
func (r *Reconciler) look(ctx context.Context, node *v1alpha1.TestNode) (view, error) {
	v := view{node: node, limits: r.Limits, now: r.Clock.Now()}
	var runs v1alpha1.NodeRunList
	if err := r.Client.List(ctx, &runs, client.MatchingFields{v1alpha1.FieldNodeName: node.Name}, client.UnsafeDisableDeepCopy); err != nil {
		return v, fmt.Errorf("listing the NodeRuns of test node %s: %w", node.Name, err)
	}
	for i := range runs.Items {
		v.runs = append(v.runs, &runs.Items[i])
	}
	var nodes v1alpha1.TestNodeList
	if err := r.Client.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return v, fmt.Errorf("listing test nodes: %w", err)
	}
	v.fleet = len(nodes.Items)
	for i := range nodes.Items {
		if n := &nodes.Items[i]; n.Quarantined() || n.OnTrial() {
			v.aside++
		}
	}
	return v, nil
}

// write applies what is to be said if it differs from what stands there. It is a
// conflict if the node has changed meanwhile.
func (r *Reconciler) write(ctx context.Context, node *v1alpha1.TestNode, d decision) error {
	before := meta.FindStatusCondition(node.Status.Conditions, v1alpha1.ConditionQuarantined)
	var memory v1alpha1.Quarantine
	if node.Status.Quarantine != nil {
		memory = *node.Status.Quarantine
	}
	if equality.Semantic.DeepEqual(before, d.condition) && equality.Semantic.DeepEqual(memory, d.memory) {
		return nil
	}
	status := v1alpha1.TestNodeStatus{Quarantine: &d.memory}
	if d.condition != nil {
		status.Conditions = []metav1.Condition{*d.condition}
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&status)
	if err != nil {
		return err
	}
	u := &unstructured.Unstructured{Object: map[string]any{"status": content}}
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("TestNode"))
	u.SetName(node.Name)
	u.SetUID(node.UID)
	u.SetResourceVersion(node.ResourceVersion)
	err = r.Client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.ForceOwnership, client.FieldOwner(v1alpha1.FieldOwnerQuarantine))
	switch {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return err
	case err != nil:
		return fmt.Errorf("writing the quarantine of test node %s: %w", node.Name, err)
	}
	r.tell(ctx, node, before, d.condition)
	return nil
}

// tell emits an event if the condition has changed.
func (r *Reconciler) tell(ctx context.Context, node *v1alpha1.TestNode, before, after *metav1.Condition) {
	if after == nil || before != nil && before.Status == after.Status {
		return
	}
	kind := corev1.EventTypeNormal
	if after.Status == metav1.ConditionTrue {
		kind = corev1.EventTypeWarning
	}
	r.Recorder.Eventf(node, nil, kind, after.Reason, "Quarantine", "%s", after.Message)
	logf.FromContext(ctx).Info("quarantine changed", "node", node.Name, "status", after.Status, "reason", after.Reason, "message", after.Message)
}

var _ reconcile.Reconciler = (*Reconciler)(nil)
