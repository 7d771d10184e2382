// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// A pass over a large Workload is bounded, unless it is a gang: it takes all nodes or none.
func TestNodesOfAPass(t *testing.T) {
	var nodes []string
	for i := range maxCreatePerPass + 1 {
		nodes = append(nodes, fmt.Sprint("n", i))
	}
	w := load(maxCreatePerPass + 1)
	if got := len(atOnce(w, nodes)); got != maxCreatePerPass {
		t.Errorf("got %d nodes, want %d", got, maxCreatePerPass)
	}
	w.Spec.Placement.Gang = true
	if got := len(atOnce(w, nodes)); got != len(nodes) {
		t.Errorf("a gang gets %d nodes, want %d", got, len(nodes))
	}
}

// What counts of the NodeRuns binds a Workload to classes: lost ones do not.
func TestDemandTellsOfClasses(t *testing.T) {
	in := func(class string) runOption {
		return func(run *v1alpha1.NodeRun) { run.Labels[v1alpha1.LabelClass] = class }
	}
	w := load(5)
	got := demand(w, count(w, runs(runOn("a", in("x")), runOn("b", valid, in("x")), runOn("c", in("y")), runOn("d"),
		runOn("e", in("z"), voided(v1alpha1.VoidNodeLost)))))
	if diff := cmp.Diff(map[string]int{"x": 2, "y": 1}, got.Classes); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
