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
	// Unsettled says that it asks for all fitting nodes, or a share of them, and how
	// many these are has not been recorded yet.
	Unsettled bool
	// Least is how many nodes it needs at least if Unsettled.
	Least int
	// Begun says that some of its NodeRuns stand, so the others may follow one
	// by one. Before that, it starts only if enough nodes fit.
	Begun bool
	// Taken are the nodes that hold a NodeRun of it that counts.
	Taken sets.Set[string]
	// Tried are the nodes that failed it. They come last.
	Tried sets.Set[string]
	// Classes is how many of the NodeRuns that count were created on nodes of each class.
	Classes map[string]int
	// First are the nodes it was given at first. What was lost of them is replaced by
	// nodes of the same class where that is possible.
	First []string
}

// Snapshot is what a decision depends on besides the Demand.
type Snapshot struct {
	Nodes []Node
	// Waiting are the other Workloads that need nodes, in any order.
	Waiting []Demand
}

// Classes are the classes of the nodes, by name.
func (s *Snapshot) Classes() map[string]string {
	classes := make(map[string]string, len(s.Nodes))
	for _, n := range s.Nodes {
		classes[n.Name] = n.Class()
	}
	return classes
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

// claims are the nodes that are not free for those behind in the queue, each with
// the Workload that gets it, or for which it is kept.
type claims map[string]*v1alpha1.Workload

// Decide says which nodes a Workload gets.
func Decide(d Demand, snap Snapshot) Decision {
	decision, _ := settle(d, survey(d, snap.Nodes, nil), keptAhead(d, snap))
	return decision
}

// keptAhead is what those ahead of d in the queue get, or have kept for them.
func keptAhead(d Demand, snap Snapshot) claims {
	kept := claims{}
	for _, other := range ahead(d, snap.Waiting) {
		if !anyFree(snap.Nodes, kept) {
			break
		}
		_, claimed := settle(other, survey(other, snap.Nodes, nil), kept)
		for _, name := range claimed {
			kept[name] = other.Workload
		}
	}
	return kept
}

func anyFree(nodes []Node, kept claims) bool {
	return slices.ContainsFunc(nodes, func(n Node) bool { return kept.free(n) })
}

func (c claims) free(n Node) bool { return !n.Busy && c[n.Name] == nil }

// settle gives d what is free of the nodes that fit. It also says which nodes those
// behind in the queue must leave alone: a gang keeps nodes that it does not get yet.
func settle(d Demand, s *surveyed, kept claims) (decision Decision, claimed []string) {
	asked := &d.Workload.Spec.Placement
	if asked.SameClass {
		s.keepOneClass(d, kept)
	}
	wanted := d.Nodes
	if d.Unsettled {
		wanted = int(d.Workload.DesiredNodes(int32(len(s.fitting))))
	}
	decision.Wanted = wanted
	if short := len(s.fitting) < max(wanted, least(d)); short {
		decision.Reason = v1alpha1.ReasonNoFittingNode
		decision.Message = tooFewFit(d, s)
		if !d.Begun {
			return decision, nil
		}
	}
	free := slices.DeleteFunc(slices.Clone(s.fitting), func(n Node) bool { return !kept.free(n) })
	slices.SortFunc(free, func(a, b Node) int { return preference(d, a, b) })
	free = replacementsFirst(d, free, s.lost)
	chosen := free
	if asked.Spread == v1alpha1.SpreadClasses {
		chosen = spread(d, s.fitting, free, wanted)
	}
	for _, n := range chosen[:min(wanted, len(chosen))] {
		claimed = append(claimed, n.Name)
	}
	complete := len(claimed) == wanted
	if decision.Reason == "" && !complete {
		decision.Reason = v1alpha1.ReasonWaitingForNodes
		decision.Message = tooFewFree(d, s, kept, wanted, len(claimed))
	}
	if complete || !asked.Gang {
		decision.Nodes = claimed
	}
	return decision, claimed
}

// preference spreads the load: nodes that failed d last, else the least recently used first.
func preference(d Demand, a, b Node) int {
	return cmp.Or(
		cmp.Compare(tried(d, a), tried(d, b)),
		cmp.Compare(onTrial(a), onTrial(b)),
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
