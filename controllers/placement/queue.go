// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"slices"
	"time"
)

// pointOfPriority is how much older a Workload counts for each point of priority.
// Whoever waits is overtaken by those of a higher priority only for so long, so
// nobody starves; and who is ahead of whom does not change while they wait.
const pointOfPriority = time.Hour

// ahead are the Workloads that choose before d, in their order.
func ahead(d Demand, waiting []Demand) []Demand {
	var first []Demand
	for _, other := range waiting {
		if other.Workload.UID != d.Workload.UID && order(other, d) < 0 {
			first = append(first, other)
		}
	}
	slices.SortFunc(first, order)
	return first
}

// order sorts by age and priority. A gang of which a part stands goes first: that
// part waits on its nodes for the rest. Creation times are whole seconds, so names
// decide in the end.
func order(a, b Demand) int {
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)),
		turn(a).Compare(turn(b)),
		-cmp.Compare(a.Workload.Spec.Priority, b.Workload.Spec.Priority),
		cmp.Compare(a.Workload.Namespace, b.Workload.Namespace),
		cmp.Compare(a.Workload.Name, b.Workload.Name),
	)
}

func rank(d Demand) int {
	if d.Begun && d.Workload.Spec.Placement.Gang {
		return 0
	}
	return 1
}

// turn is when d would have been created to be where it is in the queue without a priority.
func turn(d Demand) time.Time {
	return d.Workload.CreationTimestamp.Add(-time.Duration(d.Workload.Spec.Priority) * pointOfPriority)
}
