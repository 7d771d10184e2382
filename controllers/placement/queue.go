// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"slices"
	"time"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
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
	return cmp.Or(cmp.Compare(rank(a), rank(b)), Order(a.Workload, b.Workload))
}

// Order is the part of the order that does not change while Workloads wait.
func Order(a, b *v1alpha1.Workload) int {
	return cmp.Or(
		turn(a).Compare(turn(b)),
		-cmp.Compare(a.Spec.Priority, b.Spec.Priority),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name),
	)
}

// Urgent says that d goes before all that are not, wherever it is in the queue.
func (d Demand) Urgent() bool { return d.Begun && d.Workload.Spec.Placement.Gang }

func rank(d Demand) int {
	if d.Urgent() {
		return 0
	}
	return 1
}

// turn is when w would have been created to be where it is in the queue without a priority.
func turn(w *v1alpha1.Workload) time.Time {
	return w.CreationTimestamp.Add(-time.Duration(w.Spec.Priority) * pointOfPriority)
}
