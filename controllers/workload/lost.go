// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
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
	cached := func(node string) (*coordinationv1.Lease, error) { return r.lease(ctx, node) }
	lost, err := r.silent(s, s.tally.unfinished(), cached)
	if err != nil || len(lost) == 0 {
		return err != nil, err
	}
	if lost, err = r.confirmSilent(ctx, s, lost); err != nil {
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
// cannot renew their Leases either, and nothing follows from silence.
func (r *Reconciler) confirmSilent(ctx context.Context, s *scope, runs []*v1alpha1.NodeRun) ([]*v1alpha1.NodeRun, error) {
	ctx, cancel := context.WithTimeout(ctx, contactTimeout)
	defer cancel()
	leases, err := r.leases(ctx, r.Live)
	if err != nil {
		r.contact.lose(r.Clock.Now())
		return nil, fmt.Errorf("%w: %w", errNoContact, err)
	}
	return r.silent(s, runs, func(node string) (*coordinationv1.Lease, error) { return leases[node], nil })
}

// errNoContact: nodes seem silent, but so is the API server.
var errNoContact = errors.New("no contact with the API server")

// silent are the NodeRuns whose node is to be given up by its Lease.
func (r *Reconciler) silent(s *scope, runs []*v1alpha1.NodeRun, lookup func(node string) (*coordinationv1.Lease, error)) ([]*v1alpha1.NodeRun, error) {
	patience := r.contact.since(s.now).Add(r.Timings.ContactGrace)
	var lost []*v1alpha1.NodeRun
	for _, run := range runs {
		lease, err := lookup(run.Spec.NodeName)
		if err != nil {
			return nil, err
		}
		giveUp := r.giveUpAt(run, lease)
		if giveUp.Before(patience) {
			giveUp = patience
		}
		if s.now.Before(giveUp) {
			s.wakeAt(giveUp) // a Lease that expires causes no event
			continue
		}
		lost = append(lost, run)
	}
	return lost, nil
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

// lease is a node's Lease, nil if it has none.
func (r *Reconciler) lease(ctx context.Context, node string) (*coordinationv1.Lease, error) {
	lease := &coordinationv1.Lease{}
	key := client.ObjectKey{Namespace: r.LeaseNamespace, Name: node}
	if err := r.Client.Get(ctx, key, lease, client.UnsafeDisableDeepCopy); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("reading Lease %s: %w", key, err)
	}
	return lease, nil
}

// giveUpAt is when a NodeRun's node counts as lost.
func (r *Reconciler) giveUpAt(run *v1alpha1.NodeRun, lease *coordinationv1.Lease) time.Time {
	expiry := run.CreationTimestamp.Add(r.Timings.LeaseDuration)
	if lease != nil {
		expiry = r.expiry(lease)
	}
	return expiry.Add(r.Timings.LostGrace)
}

// expiry is when a Lease expires unless it is renewed.
func (r *Reconciler) expiry(lease *coordinationv1.Lease) time.Time {
	renewed := lease.CreationTimestamp.Time
	if lease.Spec.RenewTime != nil {
		renewed = lease.Spec.RenewTime.Time
	}
	duration := r.Timings.LeaseDuration
	if seconds := lease.Spec.LeaseDurationSeconds; seconds != nil {
		duration = time.Duration(*seconds) * time.Second
	}
	return renewed.Add(duration)
}

// alive says whether a node's heartbeat has not stopped.
func (r *Reconciler) alive(lease *coordinationv1.Lease, now time.Time) bool {
	return lease != nil && now.Before(r.expiry(lease))
}

// contact is since when this manager has been in touch with the API server. What
// the agents did before that, it cannot know.
type contact struct {
	mu   sync.Mutex
	from time.Time
}

// since is the beginning of the contact, at first use the present.
func (c *contact) since(now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from.IsZero() {
		c.from = now
	}
	return c.from
}

func (c *contact) lose(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from = now
}
