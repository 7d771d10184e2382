// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
)

// maxCreatePerPass bounds a pass over a Workload of thousands of nodes to some
// seconds, so that it notices in time what happens meanwhile.
const maxCreatePerPass = 1000

// place chooses nodes for the NodeRuns that are still to be created, and creates them.
func (r *Reconciler) place(ctx context.Context, s *scope) (bool, error) {
	if !s.tally.wantsNodes() {
		return false, nil
	}
	reserved, err := r.decide(ctx, s)
	if err != nil {
		return true, err
	}
	// Those that were created are confirmed by then, and stay.
	defer r.releaseUnconfirmed(reserved)
	if s.placement.Reason != "" {
		s.wakeAt(s.now.Add(r.Timings.WaitingRecheck))
	}
	if len(reserved) == 0 {
		return true, nil
	}
	if len(reserved) < len(s.placement.Nodes) {
		s.wakeAt(s.now)
	}
	if err := r.setFinalizer(ctx, s, controllerutil.AddFinalizer); err != nil {
		return true, err
	}
	if s.tally.unsettled() {
		if settled, err := r.settle(ctx, s); !settled || err != nil {
			return true, err
		}
	}
	return true, r.create(ctx, s, reserved)
}

// decide chooses nodes and reserves them, in one go with everybody else's choices.
func (r *Reconciler) decide(ctx context.Context, s *scope) ([]*v1alpha1.NodeRun, error) {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	r.ledger.wait(client.ObjectKeyFromObject(s.workload))
	snap, err := r.snapshot(ctx, s)
	if err != nil {
		return nil, err
	}
	d := demand(s.workload, s.tally)
	decision := placement.Decide(d, snap)
	s.placement = &decision
	s.noneFits = decision.Reason == v1alpha1.ReasonNoFittingNode && !placement.AnyFits(d, snap.Nodes)
	var reserved []*v1alpha1.NodeRun
	classes := snap.Classes()
	for _, node := range atOnce(s.workload, decision.Nodes) {
		run := newNodeRun(s.workload, node)
		if class := classes[node]; class != "" {
			run.Labels[v1alpha1.LabelClass] = class
		}
		r.ledger.reserve(run)
		reserved = append(reserved, run)
	}
	return reserved, nil
}

// atOnce are the nodes that get their NodeRun in this pass. A gang takes all at once:
// what of it were left for another pass, somebody else might have by then.
func atOnce(w *v1alpha1.Workload, nodes []string) []string {
	if w.Spec.Placement.Gang {
		return nodes
	}
	return nodes[:min(len(nodes), maxCreatePerPass)]
}

// demand is what a Workload still needs. Preconditions: t.wantsNodes().
func demand(w *v1alpha1.Workload, t tally) placement.Demand {
	return placement.Demand{
		Workload:  w,
		Nodes:     t.missing(),
		Unsettled: t.unsettled(),
		Least:     leastNodes(w),
		Begun:     t.stands() > 0,
		Taken:     nodesOf(t.active, t.stopping, t.leaving, t.valid, t.spoilt),
		Tried:     nodesOf(t.lost, t.evicted),
		First:     t.first(),
		Classes:   classesOf(t.active, t.stopping, t.leaving, t.valid, t.spoilt),
	}
}

// classesOf counts NodeRuns by the class of their node when they were created.
func classesOf(runs ...[]*v1alpha1.NodeRun) map[string]int {
	classes := map[string]int{}
	for _, run := range slices.Concat(runs...) {
		if class := run.Labels[v1alpha1.LabelClass]; class != "" {
			classes[class]++
		}
	}
	return classes
}

// leastNodes is how many nodes a Workload on all nodes needs, to be worth beginning.
func leastNodes(w *v1alpha1.Workload) int {
	if p := w.Spec.SuccessPolicy; p != nil && p.MinValidNodes != nil {
		return int(*p.MinValidNodes)
	}
	return 1
}

// settle records how many nodes "all nodes", or a share of them, are before the
// first NodeRun is created, since nodes that fit may come and go later. It says
// whether it could do so now: the status is not written more often than it may.
func (r *Reconciler) settle(ctx context.Context, s *scope) (bool, error) {
	if due := r.statusDue(s); s.now.Before(due) {
		s.wakeAt(due)
		return false, nil
	}
	status := s.workload.Status.DeepCopy()
	status.Nodes = &v1alpha1.NodeCounts{Desired: int32(s.placement.Wanted)}
	if err := r.writeStatus(ctx, s, status); err != nil {
		return false, err
	}
	s.count()
	return true, nil
}

func (r *Reconciler) releaseUnconfirmed(reserved []*v1alpha1.NodeRun) {
	for _, run := range reserved {
		if run.UID == "" {
			r.ledger.release(run)
		}
	}
}

// statusDue is when the status may be written again.
func (r *Reconciler) statusDue(s *scope) time.Time {
	return r.memory.of(client.ObjectKeyFromObject(s.workload)).written.Add(r.Timings.StatusInterval)
}
