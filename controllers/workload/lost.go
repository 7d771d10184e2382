// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// declareLost ends NodeRuns whose node has stopped sending heartbeats. It is
// the one thing the manager writes into a NodeRun's status, because nobody else
// is left to do it. An agent that comes back finds the NodeRun ended.
func (r *Reconciler) declareLost(ctx context.Context, s *scope) (bool, error) {
	lost := r.silent(s, s.tally.unfinished())
	if len(lost) == 0 {
		return false, nil
	}
	lost, err := r.confirmSilent(ctx, s, lost)
	if err != nil {
		return true, err
	}
	ended := make(map[*v1alpha1.NodeRun]*v1alpha1.NodeRun, len(lost))
	for _, run := range lost {
		ended[run] = nodeLost(run, s.now)
	}
	err = each(ctx, lost, func(run *v1alpha1.NodeRun) error { return r.writeLost(ctx, s.workload, run, ended[run]) })
	if err != nil {
		return true, err
	}
	for run, changed := range ended {
		s.replace(run, changed)
	}
	s.count()
	return false, nil
}

// confirmSilent asks the API server itself. Where it is out of reach, agents
// cannot renew their Leases either, and nothing follows from silence. A node whose
// Lease is not the one that the watch has shown has not been silent.
func (r *Reconciler) confirmSilent(ctx context.Context, s *scope, runs []*v1alpha1.NodeRun) (lost []*v1alpha1.NodeRun, err error) {
	ctx, cancel := context.WithTimeout(ctx, contactTimeout)
	defer cancel()
	leases, err := r.leases(ctx, r.Live)
	if err != nil {
		r.contact.lose(r.Clock.Now())
		return nil, fmt.Errorf("%w: %w", errNoContact, err)
	}
	for _, run := range runs {
		if !r.heartbeats.shown(run.Spec.NodeName, leases[run.Spec.NodeName]) {
			s.wakeAt(s.now.Add(contactRetry))
			continue
		}
		lost = append(lost, run)
	}
	return lost, nil
}

// errNoContact: nodes seem silent, but so is the API server.
var errNoContact = errors.New("no contact with the API server")

// silent are the NodeRuns whose node is to be given up by its heartbeat.
func (r *Reconciler) silent(s *scope, runs []*v1alpha1.NodeRun) (lost []*v1alpha1.NodeRun) {
	patience := r.contact.since(s.now).Add(r.Timings.ContactGrace)
	for _, run := range runs {
		giveUp := r.heartbeats.expiry(run.Spec.NodeName, s.now, r.Timings.LeaseDuration).Add(r.Timings.LostGrace)
		if giveUp.Before(patience) {
			giveUp = patience
		}
		if s.now.Before(giveUp) {
			s.wakeAt(giveUp) // a Lease that expires causes no event
			continue
		}
		lost = append(lost, run)
	}
	return lost
}

// writeLost fails if the NodeRun has changed: its agent may have reported after all.
func (r *Reconciler) writeLost(ctx context.Context, w *v1alpha1.Workload, run, ended *v1alpha1.NodeRun) error {
	patch := client.MergeFromWithOptions(run, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, ended, patch, fieldOwner); err != nil {
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return err
		}
		return fmt.Errorf("declaring NodeRun %s lost: %w", run.Name, err)
	}
	_, message := ended.VoidBecause()
	logf.FromContext(ctx).Info("node lost", "node", run.Spec.NodeName, "nodeRun", run.Name)
	r.Recorder.Eventf(w, ended, corev1.EventTypeWarning, string(v1alpha1.VoidNodeLost), "DeclareLost", "%s", message)
	return nil
}

// nodeLost is run as it ends when its node is given up.
func nodeLost(run *v1alpha1.NodeRun, now time.Time) *v1alpha1.NodeRun {
	run = run.DeepCopy()
	message := fmt.Sprintf("test node %s sends no heartbeat any more", run.Spec.NodeName)
	for _, c := range []metav1.Condition{
		{Type: v1alpha1.ConditionFailed, Status: metav1.ConditionTrue},
		{Type: v1alpha1.ConditionValid, Status: metav1.ConditionFalse},
	} {
		c.Reason, c.Message = string(v1alpha1.VoidNodeLost), message
		c.ObservedGeneration = run.Generation
		c.LastTransitionTime = metav1.NewTime(now)
		meta.SetStatusCondition(&run.Status.Conditions, c)
	}
	completed := metav1.NewMicroTime(now)
	run.Status.CompletionTime = &completed
	return run
}
