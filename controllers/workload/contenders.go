// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
)

// contender is a Workload that has not ended: it has nodes, or may want some.
type contender struct {
	// workload is shared with the cache, and not changed.
	workload *v1alpha1.Workload
	// checked says that refused and alike are known. They follow from the spec.
	checked bool
	// refused says that it will never be placed.
	refused bool
	alike   string
	// counted says that demand and wants are up to date. They follow from its NodeRuns.
	counted bool
	wants   bool
	demand  placement.Demand
}

// contenders are all Workloads that have not ended, in the order of the queue. What is
// known of each is kept, so that a round among thousands looks only at what has changed.
// Finished ones are not among them, and cost nothing. The ledger's mu guards them.
type contenders struct {
	byUID map[types.UID]*contender
	order []*contender
	// listed says that those the cache held at first are among them.
	listed bool
}

func newContenders() *contenders { return &contenders{byUID: map[types.UID]*contender{}} }

// put takes note of a version of a Workload.
func (c *contenders) put(w *v1alpha1.Workload) *contender {
	known := c.byUID[w.UID]
	if w.Finished() {
		c.remove(w)
		return &contender{workload: w}
	}
	if known == nil {
		known = &contender{workload: w}
		c.byUID[w.UID] = known
		at, _ := c.find(w)
		c.order = slices.Insert(c.order, at, known)
		return known
	}
	if known.workload.Generation != w.Generation {
		known.checked = false
	}
	known.workload, known.counted = w, false
	return known
}

// look is what is known of the Workload of a pass, which goes on to change its own copy.
func (c *contenders) look(w *v1alpha1.Workload) *contender {
	if known := c.byUID[w.UID]; known != nil && known.workload.Generation == w.Generation {
		return known
	}
	return c.put(w.DeepCopy())
}

func (c *contenders) remove(w *v1alpha1.Workload) {
	known := c.byUID[w.UID]
	if known == nil {
		return
	}
	delete(c.byUID, w.UID)
	if at, found := c.find(known.workload); found {
		c.order = slices.Delete(c.order, at, at+1)
	}
}

// changed says that NodeRuns of a Workload have changed.
func (c *contenders) changed(uid types.UID) {
	if known := c.byUID[uid]; known != nil {
		known.counted = false
	}
}

// served says that nodes are reserved for a Workload, and whether it wants more.
func (c *contenders) served(uid types.UID, wants bool) {
	if known := c.byUID[uid]; known != nil {
		known.counted, known.wants = false, wants
	}
}

// find looks a Workload up by its place in the queue, which never changes: neither
// priority nor age do.
func (c *contenders) find(w *v1alpha1.Workload) (at int, found bool) {
	return slices.BinarySearchFunc(c.order, w, func(other *contender, w *v1alpha1.Workload) int {
		return placement.Order(other.workload, w)
	})
}

// waiting are the first of those that wanted nodes when they were last looked at, and how many there are.
func (c *contenders) waiting(most int) (first []*contender, all int) {
	for _, known := range c.order {
		if known.wants {
			if all++; len(first) < most {
				first = append(first, known)
			}
		}
	}
	return first, all
}

// mayPlace says whether a Workload's own pass would come as far as placing it.
func (c *contender) mayPlace(now time.Time) bool {
	w := c.workload
	if w.Finished() || w.Spec.Suspend || !w.DeletionTimestamp.IsZero() {
		return false
	}
	if due, ok := deadline(w); ok && !now.Before(due) {
		return false
	}
	c.check()
	return !c.refused
}

// know takes note of what has become of its NodeRuns.
func (c *contender) know(t tally) {
	c.counted, c.wants, c.demand = true, t.wantsNodes(), placement.Demand{}
	if c.wants {
		c.check()
		c.demand = demand(c.workload, t)
		c.demand.Alike = c.alike
	}
}

// check finds out once what takes long: whether the spec is refused, and what is alike.
func (c *contender) check() {
	if c.checked {
		return
	}
	refusal, err := check(c.workload)
	c.checked, c.refused, c.alike = true, refusal != nil || err != nil, alike(c.workload)
}

// alike is the same for Workloads that the same nodes fit.
func alike(w *v1alpha1.Workload) string {
	asked := w.Spec.Placement
	asked.Nodes, asked.AllNodes = nil, false
	text, err := json.Marshal(struct {
		Run       *v1alpha1.RunSpec
		Placement *v1alpha1.Placement
	}{&w.Spec.RunSpec, &asked})
	if err != nil {
		return "" // like no other
	}
	sum := sha256.Sum256(text)
	return string(sum[:])
}
