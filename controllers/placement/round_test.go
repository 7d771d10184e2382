// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/schedfleet/schedfleet/controllers/placement"
)

// TestARoundIsAsIfEachWereDecidedAlone compares rounds that remember Workloads that are alike
// with rounds that do not, over many fleets made at random.
func TestARoundIsAsIfEachWereDecidedAlone(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var fleet []placement.Node
		for i := range 1 + random.IntN(8) {
			n := node(fmt.Sprintf("n%d", i))
			n.Busy = random.IntN(3) == 0
			n.Spec.Unschedulable = random.IntN(4) == 0
			fleet = append(fleet, n)
		}
		plain, clever := placement.NewRound(fleet), placement.NewRound(fleet)
		for i := range 1 + random.IntN(12) {
			d := demand(fmt.Sprintf("w%d", i))
			d.Nodes = 1 + random.IntN(3)
			d.Begun = random.IntN(2) == 0
			gang := random.IntN(4) == 0
			d.Workload.Spec.Placement.Gang = gang
			if random.IntN(3) == 0 {
				d.Taken = sets.New(fmt.Sprintf("n%d", random.IntN(8)))
			}
			like := d
			like.Alike = fmt.Sprint("gang: ", gang)
			exhausted := clever.Exhausted(like)
			want, got := plain.Settle(d), clever.Settle(like)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("Workload %d (-want +got)\n%s", i, diff)
			}
			if exhausted && len(want.Nodes) > 0 {
				t.Fatalf("Workload %d was to get nothing, and gets %v", i, want.Nodes)
			}
			if plain.AnyFree() != clever.AnyFree() {
				t.Fatalf("free nodes are left in one round only")
			}
		}
	}
}
