// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
)

// snapshot is the fleet as placement sees it: what the cache shows and what the
// ledger knows beyond that. Preconditions: the ledger's mu is held.
func (r *Reconciler) snapshot(ctx context.Context, s *scope) (placement.Snapshot, error) {
	var snap placement.Snapshot
	busy, err := r.busyNodes(ctx)
	if err != nil {
		return snap, err
	}
	var nodes v1alpha1.TestNodeList
	if err := r.Client.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return snap, fmt.Errorf("listing test nodes: %w", err)
	}
	free := 0
	for i := range nodes.Items {
		n := placement.Node{TestNode: &nodes.Items[i]}
		n.Alive = r.heartbeats.alive(n.Name, s.now)
		n.Busy = busy.Has(n.Name) || r.ledger.occupied(n.Name, s.now)
		n.LastUsed = r.ledger.lastUsed[n.Name]
		n.Machine = r.ledger.machines.of(n.TestNode)
		snap.Nodes = append(snap.Nodes, n)
		if !n.Busy {
			free++
		}
	}
	if free > 0 { // else there is nothing to compete for
		snap.Waiting, err = r.competitors(ctx, s)
	}
	return snap, err
}

// busyNodes are the nodes on which some NodeRun has not ended.
func (r *Reconciler) busyNodes(ctx context.Context) (sets.Set[string], error) {
	var runs v1alpha1.NodeRunList
	if err := r.Client.List(ctx, &runs, client.MatchingFields{IndexNodeRunUnfinished: "true"}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing unfinished NodeRuns: %w", err)
	}
	busy := sets.New[string]()
	for i := range runs.Items {
		busy.Insert(runs.Items[i].Spec.NodeName)
	}
	return busy, nil
}

func (r *Reconciler) leases(ctx context.Context, reader client.Reader) (map[string]*coordinationv1.Lease, error) {
	var list coordinationv1.LeaseList
	if err := reader.List(ctx, &list, client.InNamespace(r.LeaseNamespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing Leases in %s: %w", r.LeaseNamespace, err)
	}
	leases := make(map[string]*coordinationv1.Lease, len(list.Items))
	for i := range list.Items {
		leases[list.Items[i].Name] = &list.Items[i]
	}
	return leases, nil
}

// competitors are the demands of the other Workloads that want nodes. What has
// become of their NodeRuns is looked at anew, as in their own passes.
// Preconditions: the ledger's mu is held.
func (r *Reconciler) competitors(ctx context.Context, s *scope) ([]placement.Demand, error) {
	var list v1alpha1.WorkloadList
	if err := r.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing Workloads: %w", err)
	}
	var demands []placement.Demand
	for i := range list.Items {
		w := &list.Items[i]
		if w.UID == s.workload.UID || !r.mayPlace(w, s) {
			continue
		}
		runs, err := r.cachedRuns(ctx, client.ObjectKeyFromObject(w))
		if err != nil {
			return nil, err
		}
		runs = slices.DeleteFunc(merge(runs, r.ledger.assumedBy(w.UID, s.now)), func(run *v1alpha1.NodeRun) bool {
			return run.Spec.Workload.UID != string(w.UID)
		})
		if t := count(w, runs); t.wantsNodes() {
			demands = append(demands, demand(w, t))
		}
	}
	return demands, nil
}

// mayPlace says whether a Workload's own pass would come as far as placing it.
func (r *Reconciler) mayPlace(w *v1alpha1.Workload, s *scope) bool {
	if w.Finished() || w.Spec.Suspend || !w.DeletionTimestamp.IsZero() {
		return false
	}
	if due, ok := deadline(w); ok && !s.now.Before(due) {
		return false
	}
	refusal, err := check(w)
	return refusal == nil && err == nil
}
