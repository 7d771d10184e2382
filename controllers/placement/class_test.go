// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
)

func ofClass(name string) nodeOption {
	return func(n *placement.Node) { n.Status.Fingerprint = &v1alpha1.Fingerprint{Digest: name} }
}

func sameClass(d *placement.Demand) { d.Workload.Spec.Placement.SameClass = true }

func spread(d *placement.Demand) { d.Workload.Spec.Placement.Spread = v1alpha1.SpreadClasses }

func stands(class string, n int) demandOption {
	return func(d *placement.Demand) {
		if d.Classes == nil {
			d.Classes = map[string]int{}
		}
		d.Begun, d.Classes[class] = true, n
	}
}

// fleet is nodes named after their class, a class per pair of options.
func fleet(classes ...any) []placement.Node {
	var all []placement.Node
	for i := 0; i < len(classes); i += 2 {
		for j := range classes[i+1].(int) {
			class := classes[i].(string)
			all = append(all, node(fmt.Sprint(class, j+1), ofClass(class)))
		}
	}
	return all
}

func with(nodes []placement.Node, name string, o nodeOption) []placement.Node {
	for i := range nodes {
		if nodes[i].Name == name {
			o(&nodes[i])
		}
	}
	return nodes
}

func TestDecideByClass(t *testing.T) {
	for name, tc := range map[string]struct {
		demand placement.Demand
		nodes  []placement.Node
		want   placement.Decision
	}{
		"the class with enough nodes is taken": {demand("w", sameClass, nodes(2)), fleet("a", 1, "b", 2),
			fitting(2, "b1", "b2")},
		"of classes with enough, the one with the most free nodes": {demand("w", sameClass, nodes(2)),
			with(with(fleet("a", 3, "b", 2), "a1", busy), "a2", busy),
			fitting(2, "b1", "b2")},
		"of classes that are alike, the one least recently used": {demand("w", sameClass), with(with(fleet("a", 1, "b", 1), "a1", used(1)), "b1", used(2)),
			fitting(1, "b1")},
		"no class has enough": {demand("w", sameClass, nodes(3)), with(fleet("a", 2, "b", 2, "c", 1), "c1", cordoned),
			noFit(3, "2 of 5 test nodes fit, 3 are asked for: 2 are of another class; 1 is cordoned")},
		"once it has begun, the class stays": {demand("w", sameClass, nodes(2), stands("a", 1)), with(fleet("a", 3, "b", 9), "a1", busy),
			fitting(2, "a2", "a3")},
		"also if others are free and it has to wait": {demand("w", sameClass, stands("a", 1)), with(fleet("a", 1, "b", 9), "a1", busy),
			waits(1, "1 test node is awaited; of 1 that fit, 1 is busy")},
		"also if it is no more": {demand("w", sameClass, stands("z", 1)), fleet("a", 1),
			noFit(1, "0 of 1 test node fit, 1 more is asked for: 1 is of another class")},
		"all nodes are those of the largest class": {demand("w", sameClass, all), with(fleet("a", 2, "b", 3), "b1", busy),
			waits(3, "1 test node is awaited; of 3 that fit, 1 is busy", "b2", "b3")},
		"a share is one of the largest class": {demand("w", sameClass, percent(50)), fleet("a", 2, "b", 3),
			fitting(2, "b1", "b2")},
		"a node without a fingerprint has no class": {demand("w", sameClass), []placement.Node{node("n1")},
			noFit(1, "0 of 1 test node fit, 1 is asked for: 1 has published no fingerprint, so its class is not known")},
		"a gang of one class waits for that with the most free": {demand("w", sameClass, gang, nodes(3)), with(with(fleet("a", 3, "b", 3), "b1", busy), "a1", busy),
			waits(3, "1 test node is awaited; of 3 that fit, 1 is busy; 2 are free and kept for it, as all begin together (placement.gang)")},

		"classes give the same number of nodes": {demand("w", spread, nodes(4)), fleet("a", 9, "b", 9),
			fitting(4, "a1", "a2", "b1", "b2")},
		"a small class gives what it has": {demand("w", spread, nodes(5)), fleet("a", 1, "b", 9, "c", 2),
			fitting(5, "a1", "b1", "b2", "c1", "c2")},
		"within a class the least recently used": {demand("w", spread, nodes(2)), with(fleet("a", 2, "b", 1), "a1", used(1)),
			fitting(2, "a2", "b1")},
		"an odd node comes from the class with more free ones": {demand("w", spread, nodes(3)), fleet("a", 2, "b", 3),
			fitting(3, "a1", "b1", "b2")},
		"what stands counts": {demand("w", spread, nodes(2), stands("a", 2)), fleet("a", 5, "b", 5),
			fitting(2, "b1", "b2")},
		"a class whose nodes are busy is waited for": {demand("w", spread, nodes(2)), with(fleet("a", 2, "b", 1), "b1", busy),
			waits(2, "1 test node is awaited; of 3 that fit, 1 is busy and 1 is of classes that have their share (placement.spread)", "a1")},

		"a gang gets all at once": {demand("w", gang, nodes(2)), fleet("a", 3),
			fitting(2, "a1", "a2")},
		"a gang gets nothing before all are free": {demand("w", gang, nodes(3)), with(fleet("a", 3), "a1", busy),
			waits(3, "1 test node is awaited; of 3 that fit, 1 is busy; 2 are free and kept for it, as all begin together (placement.gang)")},
		"a gang of too many keeps nothing": {demand("w", gang, nodes(4)), fleet("a", 3),
			noFit(4, "3 of 3 test nodes fit, 4 are asked for")},
		"what is left of a gang also comes at once": {demand("w", gang, begun, nodes(2)), with(fleet("a", 2), "a1", busy),
			waits(2, "1 test node is awaited; of 2 that fit, 1 is busy; 1 is free and kept for it, as all begin together (placement.gang)")},
		"a gang on all nodes waits for all that fit": {demand("w", gang, all), with(fleet("a", 3), "a1", busy),
			waits(3, "1 test node is awaited; of 3 that fit, 1 is busy; 2 are free and kept for it, as all begin together (placement.gang)")},
	} {
		t.Run(name, func(t *testing.T) {
			got := placement.Decide(tc.demand, placement.Snapshot{Nodes: tc.nodes})
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Explain decides like Decide, and has a word on each node.
func TestExplain(t *testing.T) {
	nodes5 := append(with(fleet("a", 4), "a2", busy), node("n5", cordoned, ofClass("a")))
	ahead := []placement.Demand{demand("x", priority(1))}
	for name, tc := range map[string]struct {
		demand placement.Demand
		want   map[string]string
	}{
		"one that gets what it wants": {demand("w"), map[string]string{
			"a1": "Ahead: is kept for Workload ns/x, which is ahead in the queue", "a2": "Busy: ", "a3": "Chosen: ", "a4": "Fits: ", "n5": "Excluded: is cordoned"}},
		"a gang that waits": {demand("w", gang, nodes(3)), map[string]string{
			"a1": "Ahead: is kept for Workload ns/x, which is ahead in the queue", "a2": "Busy: ", "a3": "Kept: ", "a4": "Kept: ", "n5": "Excluded: is cordoned"}},
		"one for which too few fit": {demand("w", nodes(5)), map[string]string{
			"a1": "Ahead: is kept for Workload ns/x, which is ahead in the queue", "a2": "Busy: ", "a3": "Fits: ", "a4": "Fits: ", "n5": "Excluded: is cordoned"}},
		"one of another class": {demand("w", sameClass, stands("z", 1)), map[string]string{
			"a1": "Excluded: is of another class", "a2": "Excluded: is of another class", "a3": "Excluded: is of another class", "a4": "Excluded: is of another class", "n5": "Excluded: is cordoned"}},
	} {
		t.Run(name, func(t *testing.T) {
			snap := placement.Snapshot{Nodes: nodes5, Waiting: ahead}
			decision, outlooks := placement.Explain(tc.demand, snap)
			if diff := cmp.Diff(placement.Decide(tc.demand, snap), decision); diff != "" {
				t.Errorf("it decides otherwise (-Decide +Explain)\n%s", diff)
			}
			got := map[string]string{}
			for _, o := range outlooks {
				got[o.Node.Name] = fmt.Sprintf("%s: %s", o.Fate, o.Why)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
