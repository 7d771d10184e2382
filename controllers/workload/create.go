// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

const (
	fieldOwner = client.FieldOwner(v1alpha1.FieldOwnerManager)

	// maxNameTries bounds the search for a name that another Workload's NodeRun
	// has not taken: workload a-b on node c and a on b-c want the same.
	maxNameTries = 10
)

// errStaleCache: the API server knows NodeRuns of this Workload the cache does not.
var errStaleCache = errors.New("the cache is behind the API server")

// newNodeRun is a NodeRun of w on a node, but for its attempt and name.
func newNodeRun(w *v1alpha1.Workload, node string) *v1alpha1.NodeRun {
	run := &v1alpha1.NodeRun{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.Namespace,
			Labels: map[string]string{
				v1alpha1.LabelWorkload: w.Name,
				v1alpha1.LabelNode:     v1alpha1.NodeLabelValue(node),
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1alpha1.GroupVersion.String(),
				Kind:       "Workload",
				Name:       w.Name,
				UID:        w.UID,
				Controller: new(true),
			}},
		},
		Spec: v1alpha1.NodeRunSpec{
			NodeName: node,
			Workload: v1alpha1.WorkloadReference{Name: w.Name, UID: string(w.UID)},
			Attempt:  1,
			RunID:    string(uuid.NewUUID()),
			Run:      *w.Spec.RunSpec.DeepCopy(),
		},
	}
	if w.Spec.Placement.Gang {
		run.Spec.Start = v1alpha1.StartSynchronized
	}
	return run
}

// create creates NodeRuns. Those that fail are tried again in the next pass,
// which looks at the world anew.
func (r *Reconciler) create(ctx context.Context, s *scope, reserved []*v1alpha1.NodeRun) error {
	attempts := lastAttempts(s.runs)
	for _, run := range reserved {
		run.Spec.Attempt = attempts[run.Spec.NodeName] + 1
	}
	err := each(ctx, reserved, func(run *v1alpha1.NodeRun) error { return r.createOne(ctx, run) })
	before := len(s.runs)
	for _, run := range reserved {
		if run.UID != "" {
			s.runs = append(s.runs, run)
		}
	}
	logf.FromContext(ctx).Info("NodeRuns created", "created", len(s.runs)-before, "wanted", len(reserved))
	s.count()
	return err
}

// createOne creates run under the next name that is free.
func (r *Reconciler) createOne(ctx context.Context, run *v1alpha1.NodeRun) error {
	for range maxNameTries {
		run.Name = v1alpha1.NodeRunName(run.Spec.Workload.Name, run.Spec.NodeName, run.Spec.Attempt)
		err := r.Client.Create(ctx, run, fieldOwner)
		if err == nil {
			r.ledger.confirm(run, r.Clock.Now())
			r.metrics.created.Inc()
			logf.FromContext(ctx).V(1).Info("NodeRun created", "nodeRun", run.Name, "node", run.Spec.NodeName, "runID", run.Spec.RunID)
			return nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating NodeRun %s: %w", run.Name, err)
		}
		existing := &v1alpha1.NodeRun{}
		if err := r.Live.Get(ctx, client.ObjectKeyFromObject(run), existing); err != nil {
			return fmt.Errorf("reading NodeRun %s, which exists already: %w", run.Name, err)
		}
		if existing.Spec.Workload.UID == run.Spec.Workload.UID {
			return errStaleCache // or an earlier try of this request had come through
		}
		run.Spec.Attempt++
	}
	return fmt.Errorf("creating a NodeRun on %s: other Workloads have taken %d names in a row, up to %s; rename the Workload",
		run.Spec.NodeName, maxNameTries, run.Name)
}

// cacheIsStale asks the API server itself for the Workload's NodeRuns. A cache
// may have been filled from a replica that lags, and a second manager may just
// have handed over.
func (r *Reconciler) cacheIsStale(ctx context.Context, s *scope) (bool, error) {
	live := &metav1.PartialObjectMetadataList{}
	live.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("NodeRunList"))
	if err := r.Live.List(ctx, live, client.InNamespace(s.workload.Namespace),
		client.MatchingLabels{v1alpha1.LabelWorkload: s.workload.Name}); err != nil {
		return false, fmt.Errorf("listing the NodeRuns of Workload %s/%s: %w", s.workload.Namespace, s.workload.Name, err)
	}
	known := sets.New[string]()
	for _, run := range s.runs {
		known.Insert(run.Name)
	}
	for i := range live.Items {
		if metav1.IsControlledBy(&live.Items[i], s.workload) && !known.Has(live.Items[i].Name) {
			return true, nil
		}
	}
	return false, nil
}

// lastAttempts are the highest attempts so far on each node.
func lastAttempts(runs []*v1alpha1.NodeRun) map[string]int32 {
	last := map[string]int32{}
	for _, run := range runs {
		last[run.Spec.NodeName] = max(last[run.Spec.NodeName], run.Spec.Attempt)
	}
	return last
}
