// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement

// lostClasses are the classes of the nodes d was given at first, less those of the nodes
// it still has, with how many of each.
func lostClasses(d Demand, nodes []Node) map[string]int {
	if len(d.First) == 0 {
		return nil
	}
	known := make(map[string]string, len(nodes))
	for _, n := range nodes {
		known[n.Name] = n.Class()
	}
	lost := map[string]int{}
	for _, name := range d.First {
		if c, ok := known[name]; ok {
			lost[c]++
		}
	}
	for name := range d.Taken {
		if c, ok := known[name]; ok {
			lost[c]--
		}
	}
	return lost
}

// replacementsFirst moves nodes of the classes that were lost to the front, as many as
// were lost of each. Nodes that failed d before stay where they are: last.
func replacementsFirst(d Demand, free []Node, lost map[string]int) []Node {
	if len(lost) == 0 {
		return free
	}
	var front, back []Node
	for _, n := range free {
		if c := n.Class(); lost[c] > 0 && !d.Tried.Has(n.Name) {
			lost[c]--
			front = append(front, n)
		} else {
			back = append(back, n)
		}
	}
	return append(front, back...)
}

// AnyFits says whether d can get a node at all, at once or when it is free.
func AnyFits(d Demand, nodes []Node) bool {
	return len(survey(d, nodes, nil).fitting) > 0
}

// least is how many nodes must fit for d to begin, where that is not decided by how
// many it asks for.
func least(d Demand) int {
	if d.Unsettled {
		return max(d.Least, 1)
	}
	return 1
}
