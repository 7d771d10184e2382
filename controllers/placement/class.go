// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// class is what there is of a class of nodes for one Workload.
type class struct {
	name string
	// fitting are its nodes that fit, and free are those of them that are free.
	fitting, free int
	// oldest is when the least recently used of the free ones was used.
	oldest time.Time
	// taken is how many NodeRuns of the Workload stand on it, and share is how many
	// more it is to get.
	taken, share int
}

func classesOf(d Demand, fitting []Node, kept func(Node) bool) []class {
	byName := map[string]*class{}
	for _, n := range fitting {
		c, known := byName[n.Class()]
		if !known {
			c = &class{name: n.Class(), taken: d.Classes[n.Class()]}
			byName[c.name] = c
		}
		c.fitting++
		if kept(n) {
			continue
		}
		if c.free++; c.free == 1 || n.LastUsed.Before(c.oldest) {
			c.oldest = n.LastUsed
		}
	}
	var all []class
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, *byName[name])
	}
	return all
}

// keepOneClass lets only the nodes of one class fit: of that on which NodeRuns of d
// stand, else of the best one.
func (s *surveyed) keepOneClass(d Demand, kept claims) {
	chosen := bound(d)
	if all := classesOf(d, s.fitting, func(n Node) bool { return !kept.free(n) }); chosen == "" && len(all) > 0 {
		chosen = slices.MinFunc(all, func(a, b class) int { return better(d, a, b) }).name
	}
	var same []Node
	for _, n := range s.fitting {
		if n.Class() == chosen {
			same = append(same, n)
		} else {
			s.exclude(n, "is of another class")
		}
	}
	s.fitting = same
}

// bound is the class that d has begun on, "" if it has not.
func bound(d Demand) string {
	names := slices.Sorted(maps.Keys(d.Classes))
	if len(names) == 0 {
		return ""
	}
	return slices.MaxFunc(names, func(a, b string) int { return cmp.Compare(d.Classes[a], d.Classes[b]) })
}

// better prefers classes with enough nodes, and of these the one with the most free
// nodes, where it begins soonest. Who asks for as many as there are gets the largest.
func better(d Demand, a, b class) int {
	enough := func(c class) int {
		if !d.Unsettled && c.fitting >= d.Nodes {
			return c.free
		}
		return -1
	}
	return cmp.Or(
		-cmp.Compare(enough(a), enough(b)),
		-cmp.Compare(a.fitting, b.fitting),
		-cmp.Compare(a.free, b.free),
		a.oldest.Compare(b.oldest),
		cmp.Compare(a.name, b.name),
	)
}

// spread takes of the free nodes what each class is to give. The shares are of all
// nodes that fit: a class whose nodes are busy is waited for, or else what is free
// at the moment would decide.
func spread(d Demand, fitting, free []Node, wanted int) []Node {
	isFree := map[string]bool{}
	for _, n := range free {
		isFree[n.Name] = true
	}
	all := classesOf(d, fitting, func(n Node) bool { return !isFree[n.Name] })
	for range min(wanted, len(fitting)) {
		next := 0
		for i := range all {
			if nextShare(all[i], all[next]) < 0 {
				next = i
			}
		}
		all[next].share++
	}
	left := map[string]int{}
	for _, c := range all {
		left[c.name] = c.share
	}
	return slices.DeleteFunc(slices.Clone(free), func(n Node) bool {
		left[n.Class()]--
		return left[n.Class()] < 0
	})
}

// nextShare says which class gives the next node: that with the fewest so far, if it
// has one left; then one with a free node.
func nextShare(a, b class) int {
	exhausted := func(c class) int {
		if c.share == c.fitting {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(exhausted(a), exhausted(b)),
		cmp.Compare(a.taken+a.share, b.taken+b.share),
		-cmp.Compare(a.free-a.share, b.free-b.share),
		a.oldest.Compare(b.oldest),
		cmp.Compare(a.name, b.name),
	)
}
