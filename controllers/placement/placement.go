// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package placement decides which test nodes a Workload gets.
//
// It is a pure function of a snapshot: it reads nothing and writes nothing.
// Every waiting Workload is decided for in the same way, first those ahead in
// the queue, so that two of them never count on the same node.
package placement

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// Node is a test node in a snapshot.
type Node struct {
	*v1alpha1.TestNode

	// Alive says that the node's heartbeat has not stopped.
	Alive bool
	// Busy says that an unfinished NodeRun stands on the node, whose ever it is.
	Busy bool
	// LastUsed is when a NodeRun was last seen on the node. Zero: never.
	LastUsed time.Time
	// Machine is manifest.DigestOf the node's status. Nodes of which it is the same
	// fit the same runs.
	Machine manifest.MachineDigest
}

// Demand is what one Workload still needs.
type Demand struct {
	Workload *v1alpha1.Workload

	// Nodes is how many more nodes it needs. It means nothing if Unsettled.
	Nodes int
	// Unsettled says that it asks for all fitting nodes and how many these are
	// has not been recorded yet.
	Unsettled bool
	// Begun says that some of its NodeRuns stand, so the others may follow one
	// by one. Before that, it starts only if enough nodes fit.
	Begun bool
	// Taken are the nodes that hold a NodeRun of it that counts.
	Taken sets.Set[string]
	// Tried are the nodes that failed it. They come last.
	Tried sets.Set[string]
	// Alike is the same for Workloads that the same nodes fit. Empty: not known.
	Alike string
}

// Snapshot is what a decision depends on besides the Demand.
type Snapshot struct {
	Nodes []Node
	// Waiting are the other Workloads that need nodes, in any order.
	Waiting []Demand
}

// Decision is which nodes a Workload gets now, and why not more.
type Decision struct {
	// Wanted is how many nodes were needed.
	Wanted int
	// Nodes are the names of the nodes it gets, at most Wanted.
	Nodes []string
	// Reason is empty if Nodes are all it wanted, else
	// v1alpha1.ReasonNoFittingNode or v1alpha1.ReasonWaitingForNodes.
	Reason string
	// Message says what is awaited.
	Message string
}

// Decide says which nodes a Workload gets.
func Decide(d Demand, snap Snapshot) Decision {
	round := NewRound(snap.Nodes)
	for _, other := range ahead(d, snap.Waiting) {
		if !round.AnyFree() {
			break
		}
		if !round.Exhausted(other) {
			round.Settle(other)
		}
	}
	return round.Settle(d)
}

// ahead are the Workloads that choose before d, in their order.
func ahead(d Demand, waiting []Demand) []Demand {
	var first []Demand
	for _, other := range waiting {
		if other.Workload.UID != d.Workload.UID && Order(other.Workload, d.Workload) < 0 {
			first = append(first, other)
		}
	}
	slices.SortFunc(first, func(a, b Demand) int { return Order(a.Workload, b.Workload) })
	return first
}

// Order is that of the queue: by priority, then age. Creation times are whole seconds, so
// names decide in the end.
func Order(a, b *v1alpha1.Workload) int {
	return cmp.Or(
		-cmp.Compare(a.Spec.Priority, b.Spec.Priority),
		a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name),
	)
}

// settle gives d the first of the free nodes that are not kept for others.
func settle(d Demand, s surveyed, free []Node, kept sets.Set[string]) Decision {
	wanted := d.Nodes
	if d.Unsettled {
		wanted = len(s.fitting)
	}
	decision := Decision{Wanted: wanted}
	if short := len(s.fitting) < max(wanted, 1); short {
		decision.Reason = v1alpha1.ReasonNoFittingNode
		decision.Message = tooFewFit(d, s)
		if !d.Begun {
			return decision
		}
	}
	for _, n := range free {
		if len(decision.Nodes) == wanted {
			break
		}
		if !kept.Has(n.Name) {
			decision.Nodes = append(decision.Nodes, n.Name)
		}
	}
	if decision.Reason == "" && len(decision.Nodes) < wanted {
		decision.Reason = v1alpha1.ReasonWaitingForNodes
		decision.Message = tooFewFree(wanted-len(decision.Nodes), s, kept)
	}
	return decision
}

// preference spreads the load: nodes that failed d last, else the least recently used first.
func preference(d Demand, a, b Node) int {
	return cmp.Or(
		cmp.Compare(tried(d, a), tried(d, b)),
		a.LastUsed.Compare(b.LastUsed),
		cmp.Compare(a.Name, b.Name),
	)
}

func tried(d Demand, n Node) int {
	if d.Tried.Has(n.Name) {
		return 1
	}
	return 0
}
