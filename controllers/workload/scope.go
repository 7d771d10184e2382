// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// scope is one pass: what was read, and what the steps found out.
type scope struct {
	now time.Time

	// workload is this pass's own copy. Nil: there is none.
	workload *v1alpha1.Workload
	// runs are its NodeRuns by name. They are shared with the cache: copy one before changing it.
	runs []*v1alpha1.NodeRun
	// orphans are NodeRuns of a Workload of this name that is no more.
	orphans []*v1alpha1.NodeRun
	// tally sorts runs by what became of them. Whoever changes runs counts again.
	tally tally

	// checked is set by accept, and refusal if it refused.
	checked bool
	refusal *manifest.Refusal
	// placement is set by place, if there was something to place.
	placement *placement.Decision
	// noneFits is set with it if there is no node for it, busy or not.
	noneFits bool
	// wake is when the next pass is due at the latest. Zero: when something changes.
	wake time.Time
	// gone is set by the step after which there is nothing left to report on.
	gone bool
}

// wakeAt asks for a pass at t; the soonest wins.
func (s *scope) wakeAt(t time.Time) {
	if s.wake.IsZero() || t.Before(s.wake) {
		s.wake = t
	}
}

func (s *scope) count() {
	s.tally = count(s.workload, s.runs)
}

func (s *scope) replace(old, changed *v1alpha1.NodeRun) {
	s.runs[slices.Index(s.runs, old)] = changed
}

// read gathers what the steps look at.
func (r *Reconciler) read(ctx context.Context, key types.NamespacedName) (*scope, error) {
	s := &scope{now: r.Clock.Now()}
	w := &v1alpha1.Workload{}
	switch err := r.Client.Get(ctx, key, w); {
	case err == nil:
		s.workload = w
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("reading Workload %s: %w", key, err)
	}
	all, err := r.nodeRuns(ctx, key)
	if err != nil {
		return nil, err
	}
	for _, run := range all {
		switch {
		case s.workload != nil && run.Spec.Workload.UID == string(s.workload.UID):
			s.runs = append(s.runs, run)
		case metav1.GetControllerOf(run) != nil: // and not made by hand
			s.orphans = append(s.orphans, run)
		}
	}
	if s.workload != nil {
		s.count()
	}
	return s, nil
}

// nodeRuns are the NodeRuns of the Workloads that have or had this name,
// together with those the cache does not show yet.
func (r *Reconciler) nodeRuns(ctx context.Context, key types.NamespacedName) ([]*v1alpha1.NodeRun, error) {
	// Taken before the cache is read: what is missing here has reached the cache.
	assumed := r.ledger.confirmedFor(key, r.Clock.Now())
	cached, err := r.cachedRuns(ctx, key)
	if err != nil {
		return nil, err
	}
	runs := merge(cached, assumed)
	slices.SortFunc(runs, func(a, b *v1alpha1.NodeRun) int { return cmp.Compare(a.Name, b.Name) })
	return runs, nil
}

// cachedRuns are not copied: who changes one copies it first.
func (r *Reconciler) cachedRuns(ctx context.Context, key types.NamespacedName) ([]*v1alpha1.NodeRun, error) {
	var list v1alpha1.NodeRunList
	if err := r.Client.List(ctx, &list, client.InNamespace(key.Namespace),
		client.MatchingFields{IndexNodeRunWorkload: key.Name}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the NodeRuns of Workload %s: %w", key, err)
	}
	runs := make([]*v1alpha1.NodeRun, 0, len(list.Items))
	for i := range list.Items {
		runs = append(runs, &list.Items[i])
	}
	return runs, nil
}

// merge adds to the cached NodeRuns the assumed ones that are not among them.
func merge(cached, assumed []*v1alpha1.NodeRun) []*v1alpha1.NodeRun {
	for _, run := range assumed {
		if !slices.ContainsFunc(cached, func(c *v1alpha1.NodeRun) bool { return c.Spec.RunID == run.Spec.RunID }) {
			cached = append(cached, run)
		}
	}
	return cached
}
