// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement

// maxAlike bounds what a Round remembers: the survey of thousands of nodes is some 100 kB.
const maxAlike = 64

// Round gives the nodes of one snapshot to many Workloads, one after the other: first
// come, first served. Workloads that are alike are surveyed once, so that thousands of them
// cost little more than the nodes they get.
type Round struct {
	nodes []Node
	kept  claims
	free  int
	alike map[string]*surveyed
}

// NewRound begins a round over nodes.
func NewRound(nodes []Node) *Round {
	r := &Round{nodes: nodes, kept: claims{}, alike: map[string]*surveyed{}}
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
	s, known := r.alike[d.Alike]
	return r.free == 0 || known && len(r.left(s)) == 0
}

// Settle gives d what is left of the nodes that fit. A gang keeps nodes that it does not get yet.
func (r *Round) Settle(d Demand) Decision {
	got, claimed := settle(d, r.survey(d), r.kept)
	for _, name := range claimed {
		r.kept[name] = d.Workload
	}
	r.free -= len(claimed)
	return got
}

// survey is done once for Workloads that are alike. One that has been somewhere is like no
// other, and one that asks for classes changes what is found.
func (r *Round) survey(d Demand) *surveyed {
	asked := &d.Workload.Spec.Placement
	if d.Alike == "" || len(d.Taken)+len(d.Tried)+len(d.First) > 0 || asked.SameClass || asked.Spread != "" {
		return survey(d, r.nodes, nil)
	}
	s, known := r.alike[d.Alike]
	if !known {
		s = survey(d, r.nodes, nil)
		s.ready = append([]Node{}, inOrder(d, s.fitting, r.kept)...)
		if len(r.alike) < maxAlike {
			r.alike[d.Alike] = s
		}
	}
	r.left(s)
	return s
}

// left drops nodes that are kept from the front of those that may be free: the first that is left is free.
func (r *Round) left(s *surveyed) []Node {
	for len(s.ready) > 0 && !r.kept.free(s.ready[0]) {
		s.ready = s.ready[1:]
	}
	return s.ready
}
