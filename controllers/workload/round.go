// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
)

// planLifetime bounds the age of what a plan knows of nodes: a Lease that expires causes no event.
const planLifetime = time.Second

// roundRequest is the pass that is about no Workload but about all that wait.
var roundRequest = reconcile.Request{}

// plan is what a round among all Workloads that want nodes came to. Each takes its part
// in its own pass. Whoever comes after the round gets what it left. The ledger's mu guards it.
type plan struct {
	round *placement.Round
	// nodes are what it was decided about, and classes those of the nodes by name.
	nodes   placement.Snapshot
	classes map[string]string
	// granted are the decisions about Workloads that have nodes kept for them. They take
	// them in their own passes.
	granted map[types.UID]placement.Decision
	made    time.Time
	// dated says that there is more to give away by now: a node, or the share of
	// a Workload that has left. That can wait for a moment.
	dated bool
	// wrong says that nodes are not as they were. That cannot wait.
	wrong bool
}

// usable says whether to go on with a plan, nil or not. Under load, a round for each
// of hundreds of events a second would be all the manager does.
func (p *plan) usable(now time.Time) bool {
	if p == nil || p.wrong {
		return false
	}
	age := now.Sub(p.made)
	return age < gatherDelay || !p.dated && age < planLifetime
}

// decideFor says which nodes a Workload gets. What of them it does not reserve now stays
// kept for it. Preconditions: the ledger's mu is held.
func (r *Reconciler) decideFor(ctx context.Context, s *scope) (placement.Decision, error) {
	if err := r.listContenders(ctx); err != nil {
		return placement.Decision{}, err
	}
	c := r.contenders.look(s.workload)
	c.know(s.tally)
	p, err := r.currentPlan(ctx, s.now)
	if err != nil {
		return placement.Decision{}, err
	}
	got, ok := p.granted[s.workload.UID]
	if ok && !answers(got, c.demand) { // its demand was another one
		if p, err = r.newPlan(ctx, s.now); err != nil {
			return placement.Decision{}, err
		}
		got, ok = p.granted[s.workload.UID]
	}
	if !ok {
		got = p.round.Settle(c.demand)
	}
	rest := got
	now := len(atOnce(s.workload, got.Nodes))
	rest.Nodes, rest.Wanted = got.Nodes[now:], got.Wanted-now
	p.grant(s.workload, rest)
	return got, nil
}

// grant keeps a decision for the pass of its Workload. A gang that waits has nodes kept for
// it that it does not get yet, so that asking again would give another answer.
func (p *plan) grant(w *v1alpha1.Workload, d placement.Decision) {
	if len(d.Nodes) > 0 || d.Wanted > 0 && w.Spec.Placement.Gang {
		p.granted[w.UID] = d
	} else {
		delete(p.granted, w.UID)
	}
}

// answers says whether a decision is about this demand.
func answers(got placement.Decision, d placement.Demand) bool {
	return (d.Unsettled || got.Wanted == d.Nodes) && !slices.ContainsFunc(got.Nodes, d.Taken.Has)
}

func (r *Reconciler) currentPlan(ctx context.Context, now time.Time) (*plan, error) {
	if r.plan.usable(now) {
		return r.plan, nil
	}
	return r.newPlan(ctx, now)
}

// newPlan is one round among all that want nodes, in the order of the queue, until no
// node is left. Preconditions: the ledger's mu is held.
func (r *Reconciler) newPlan(ctx context.Context, now time.Time) (*plan, error) {
	r.plan = nil
	began := r.Clock.Now()
	if err := r.listContenders(ctx); err != nil {
		return nil, err
	}
	nodes, err := r.nodes(ctx, now)
	if err != nil {
		return nil, err
	}
	p, err := r.settleAll(ctx, nodes, now)
	if err != nil {
		return nil, err
	}
	r.plan = p
	r.metrics.rounds.Observe(r.Clock.Since(began).Seconds())
	return p, nil
}

// settleAll gives nodes away until none is left. Preconditions: the ledger's mu is held.
func (r *Reconciler) settleAll(ctx context.Context, nodes []placement.Node, now time.Time) (*plan, error) {
	p := &plan{round: placement.NewRound(nodes), nodes: placement.Snapshot{Nodes: nodes}, granted: map[types.UID]placement.Decision{}, made: now}
	p.classes = p.nodes.Classes()
	for _, urgent := range []bool{true, false} {
		for _, c := range r.contenders.order {
			if !p.round.AnyFree() {
				return p, nil
			}
			if urgent && !c.workload.Spec.Placement.Gang { // nobody else is ever urgent
				continue
			}
			if err := r.recount(ctx, c, now); err != nil {
				return nil, err
			}
			if c.wants && c.mayPlace(now) && c.demand.Urgent() == urgent && !p.round.Exhausted(c.demand) {
				p.grant(c.workload, p.round.Settle(c.demand))
			}
		}
	}
	return p, nil
}

// recount brings up to date what a Workload wants. What has become of its NodeRuns is looked
// at as in its own pass. Preconditions: the ledger's mu is held.
func (r *Reconciler) recount(ctx context.Context, c *contender, now time.Time) error {
	if c.counted || !c.mayPlace(now) {
		return nil
	}
	w := c.workload
	runs, err := r.cachedRuns(ctx, client.ObjectKeyFromObject(w))
	if err != nil {
		return err
	}
	runs = slices.DeleteFunc(merge(runs, r.ledger.assumedBy(w.UID, now)), func(run *v1alpha1.NodeRun) bool {
		return run.Spec.Workload.UID != string(w.UID)
	})
	c.know(count(w, runs))
	return nil
}

// listContenders makes sure that nobody is missing because the watch is yet to tell of it.
// Preconditions: the ledger's mu is held.
func (r *Reconciler) listContenders(ctx context.Context) error {
	if r.contenders.listed {
		return nil
	}
	var list v1alpha1.WorkloadList
	if err := r.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing Workloads: %w", err)
	}
	for i := range list.Items {
		if w := &list.Items[i]; r.contenders.byUID[w.UID] == nil {
			r.contenders.put(w)
		}
	}
	r.contenders.listed = true
	return nil
}

// gatherRound makes a new plan and wakes the Workloads that get nodes. The messages of
// others tell of busy nodes, too: those of the first few in the queue are kept up to date.
func (r *Reconciler) gatherRound(ctx context.Context) (reconcile.Result, error) {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	now := r.Clock.Now()
	p, err := r.newPlan(ctx, now)
	if err != nil {
		return reconcile.Result{}, err
	}
	woken := map[types.UID]struct{}{}
	wake := func(w *v1alpha1.Workload) {
		if _, done := woken[w.UID]; !done {
			woken[w.UID] = struct{}{}
			r.queue.Add(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w)})
		}
	}
	for uid, got := range p.granted {
		if len(got.Nodes) > 0 {
			wake(r.contenders.byUID[uid].workload)
		}
	}
	first, waiting := r.contenders.waiting(maxTold)
	again := r.Timings.WaitingRecheck
	if soon := r.Timings.StatusInterval - now.Sub(r.told); soon > 0 {
		again = min(again, soon) // what has changed since is told then
	} else {
		r.told = now
		for _, c := range first {
			wake(c.workload)
		}
	}
	logf.FromContext(ctx).V(1).Info("nodes given away", "workloads", len(p.granted), "waiting", waiting)
	if waiting == 0 {
		return reconcile.Result{}, nil
	}
	return reconcile.Result{RequeueAfter: again}, nil
}

// recheck is when a waiting Workload looks at the nodes even if nothing tells it to.
// Rounds see to it that it gets nodes; this is for its message, so many take turns.
func (r *Reconciler) recheck() time.Duration {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	return max(r.Timings.WaitingRecheck, time.Duration(len(r.contenders.order))*recheckShare)
}
