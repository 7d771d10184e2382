// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
)

// nodes are the fleet as placement sees it: what the cache shows and what the
// ledger knows beyond that. Preconditions: the ledger's mu is held.
func (r *Reconciler) nodes(ctx context.Context, now time.Time) ([]placement.Node, error) {
	busy, err := r.busyNodes(ctx)
	if err != nil {
		return nil, err
	}
	var list v1alpha1.TestNodeList
	if err := r.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing test nodes: %w", err)
	}
	nodes := make([]placement.Node, 0, len(list.Items))
	for i := range list.Items {
		n := placement.Node{TestNode: &list.Items[i]}
		n.Alive = r.heartbeats.alive(n.Name, now)
		n.Busy = busy.Has(n.Name) || r.ledger.occupied(n.Name, now)
		n.LastUsed = r.ledger.lastUsed[n.Name]
		n.Machine = r.ledger.machines.of(n.TestNode)
		nodes = append(nodes, n)
	}
	return nodes, nil
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

// snapshot is the fleet together with the demands of the other Workloads that want
// nodes. Preconditions: the ledger's mu is held.
func (r *Reconciler) snapshot(ctx context.Context, s *scope) (placement.Snapshot, error) {
	var snap placement.Snapshot
	err := r.listContenders(ctx)
	if err != nil {
		return snap, err
	}
	if snap.Nodes, err = r.nodes(ctx, s.now); err != nil {
		return snap, err
	}
	for _, c := range r.contenders.order {
		if err := r.recount(ctx, c, s.now); err != nil {
			return snap, err
		}
		if c.wants && c.workload.UID != s.workload.UID && c.mayPlace(s.now) {
			snap.Waiting = append(snap.Waiting, c.demand)
		}
	}
	return snap, nil
}
