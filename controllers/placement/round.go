// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"
)

// maxAlike bounds what a Round remembers: the survey of thousands of nodes is some 100 kB.
const maxAlike = 64

// Round gives the nodes of one snapshot to many Workloads, one after the other: first
// come, first served. Workloads that are alike are surveyed once, so that thousands of them
// cost little more than the nodes they get.
type Round struct {
	nodes []Node
	kept  sets.Set[string]
	free  int
	alike map[string]*choice
}

// choice is what Workloads that are alike can choose from.
type choice struct {
	surveyed
	// free are the fitting nodes that may be free, the preferred ones first.
	free []Node
}

// NewRound begins a round over nodes.
func NewRound(nodes []Node) *Round {
	r := &Round{nodes: nodes, kept: sets.New[string](), alike: map[string]*choice{}}
	for _, n := range nodes {
		if !n.Busy {
			r.free++
		}
	}
	return r
}

// AnyFree says whether a node is left, whomever it fits.
func (r *Round) AnyFree() bool { return r.free > 0 }

// Exhausted says that no node is left that fits d, without a look at the nodes. It may
// say so too seldom, but never wrongly.
func (r *Round) Exhausted(d Demand) bool {
	c, known := r.alike[d.Alike]
	return r.free == 0 || known && len(r.left(c)) == 0
}

// Settle gives d what is left of the nodes that fit.
func (r *Round) Settle(d Demand) Decision {
	c := r.choiceOf(d)
	got := settle(d, c.surveyed, r.left(c), r.kept)
	r.kept.Insert(got.Nodes...)
	r.free -= len(got.Nodes)
	return got
}

// choiceOf is computed once for Workloads that are alike. One that has been somewhere is like no other.
func (r *Round) choiceOf(d Demand) *choice {
	alike := d.Alike != "" && len(d.Taken) == 0 && len(d.Tried) == 0
	if c, known := r.alike[d.Alike]; known && alike {
		return c
	}
	c := &choice{surveyed: survey(d, r.nodes)}
	c.free = slices.DeleteFunc(slices.Clone(c.fitting), func(n Node) bool { return n.Busy || r.kept.Has(n.Name) })
	slices.SortFunc(c.free, func(a, b Node) int { return preference(d, a, b) })
	if alike && len(r.alike) < maxAlike {
		r.alike[d.Alike] = c
	}
	return c
}

// left are the nodes that may still be free: the first one is.
func (r *Round) left(c *choice) []Node {
	for len(c.free) > 0 && r.kept.Has(c.free[0].Name) {
		c.free = c.free[1:]
	}
	return c.free
}
