// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/sets"
)

// Fate is what a node is to a Workload.
type Fate string

// Fates, the most welcome first.
const (
	// Chosen: it gets the node now.
	Chosen Fate = "Chosen"
	// Kept: the node is free, and kept for it until the other nodes of its gang are.
	Kept Fate = "Kept"
	// Fits: the node is free and fits, and is not needed.
	Fits Fate = "Fits"
	// Ahead: the node is free and fits, and those ahead in the queue get it.
	Ahead Fate = "Ahead"
	// Busy: the node fits, and a NodeRun stands on it.
	Busy Fate = "Busy"
	// Excluded: the node does not fit.
	Excluded Fate = "Excluded"
)

// Outlook is what a node is to a Workload, and why.
type Outlook struct {
	Node *Node
	Fate Fate
	// Why could follow the node's name. It is empty if there is nothing to say.
	Why string
}

// Explain decides as Decide does and says of each node of the snapshot why, in its order.
func Explain(d Demand, snap Snapshot) (Decision, []Outlook) {
	culprits := map[string]string{}
	s := survey(d, snap.Nodes, func(node, culprit string) { culprits[node] = culprit })
	kept := keptAhead(d, snap)
	decision, claimed := settle(d, s, kept)
	mine := sets.New(claimed...)
	outlooks := make([]Outlook, 0, len(snap.Nodes))
	for i := range snap.Nodes {
		n := &snap.Nodes[i]
		o := Outlook{Node: n}
		switch first := kept[n.Name]; {
		case culprits[n.Name] != "":
			o.Fate, o.Why = Excluded, culprits[n.Name]
		case n.Busy:
			o.Fate = Busy
		case first != nil:
			o.Fate, o.Why = Ahead, fmt.Sprintf("is kept for Workload %s/%s, which is ahead in the queue", first.Namespace, first.Name)
		case !mine.Has(n.Name):
			o.Fate = Fits
		case len(decision.Nodes) == 0:
			o.Fate = Kept
		default:
			o.Fate = Chosen
		}
		outlooks = append(outlooks, o)
	}
	return decision, outlooks
}
