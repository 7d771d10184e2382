// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
)

func hardware(digest, kernel string) nodeOption {
	return func(n *placement.Node) {
		n.Status.Fingerprint = &v1alpha1.Fingerprint{Digest: digest + kernel}
	}
}

func first(names ...string) demandOption {
	return func(d *placement.Demand) { d.First = names }
}

func leastOf(n int) demandOption { return func(d *placement.Demand) { d.Least = n } }

func quarantine(status metav1.ConditionStatus, reason string) nodeOption {
	return func(n *placement.Node) {
		n.Status.Conditions = append(n.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionQuarantined, Status: status, Reason: reason})
	}
}

func TestReplacementsAreOfTheClassThatWasLost(t *testing.T) {
	a, b := hardware("a", "7.3"), hardware("b", "7.3")
	rebuilt := hardware("a", "7.4")
	for name, tc := range map[string]struct {
		demand placement.Demand
		nodes  []placement.Node
		want   []string
	}{
		"a free node of the lost one's class comes first": {demand("w", begun, first("n1"), tried("n1")),
			[]placement.Node{node("n1", a, silent), node("n2", b), node("n3", rebuilt), node("n4", a, used(1))}, []string{"n4"}},
		"another class is better than none": {demand("w", begun, first("n1"), tried("n1")),
			[]placement.Node{node("n1", a, silent), node("n2", b)}, []string{"n2"}},
		"and better than the node that failed": {demand("w", begun, first("n1"), tried("n1")),
			[]placement.Node{node("n1", a), node("n2", b)}, []string{"n2"}},
		"as many of each class as were lost": {demand("w", nodes(3), begun, first("n1", "n2", "n3"), tried("n1", "n2", "n3")),
			[]placement.Node{node("n1", a, silent), node("n2", a, silent), node("n3", b, silent),
				node("n4", b), node("n5", b), node("n6", a, used(2)), node("n7", a, used(1)), node("n8", a, used(1))}, []string{"n4", "n6", "n7"}},
		"one that was replaced is not missed any more": {demand("w", begun, first("n1", "n2"), tried("n1", "n2"), taken("n3")),
			[]placement.Node{node("n1", a, silent), node("n2", b, silent), node("n3", a), node("n4", a), node("n5", b, used(1))}, []string{"n5"}},
		"nor one that still holds its NodeRun": {demand("w", begun, first("n1", "n2"), tried("n2"), taken("n1")),
			[]placement.Node{node("n1", a), node("n2", b, silent), node("n3", a), node("n4", b, used(1))}, []string{"n4"}},
		"a lost node that is no more is of no class": {demand("w", begun, first("n1"), tried("n1")),
			[]placement.Node{node("n2", a, used(1)), node("n3", b)}, []string{"n3"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := placement.Decide(tc.demand, placement.Snapshot{Nodes: tc.nodes})
			if diff := cmp.Diff(tc.want, got.Nodes, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestQuarantineKeepsNodesOut(t *testing.T) {
	failing := quarantine(metav1.ConditionTrue, v1alpha1.ReasonKeepsFailing)
	trial := quarantine(metav1.ConditionUnknown, v1alpha1.ReasonOnTrial)
	released := quarantine(metav1.ConditionFalse, v1alpha1.ReasonTrialPassed)
	for name, tc := range map[string]struct {
		nodes []placement.Node
		want  placement.Decision
	}{
		"a node that is set aside does not fit, and the reason is told": {[]placement.Node{node("n1", failing), node("n2", failing)},
			noFit(1, "0 of 2 test nodes fit, 1 is asked for: 2 are quarantined (KeepsFailing)")},
		"one on trial does, but comes after the others": {[]placement.Node{node("n1", trial), node("n2", used(1))},
			fitting(1, "n2")},
		"and is taken where there is no other": {[]placement.Node{node("n1", trial), node("n2", failing)},
			fitting(1, "n1")},
		"one that was released is like any other": {[]placement.Node{node("n1", released), node("n2")},
			fitting(1, "n1")},
	} {
		t.Run(name, func(t *testing.T) {
			got := placement.Decide(demand("w"), placement.Snapshot{Nodes: tc.nodes})
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAnyFits(t *testing.T) {
	for name, tc := range map[string]struct {
		nodes []placement.Node
		want  bool
	}{
		"there is no node":         {nil, false},
		"none that fits":           {[]placement.Node{node("n1", silent), node("n2", cordoned)}, false},
		"one that fits, but later": {[]placement.Node{node("n1", silent), node("n2", busy)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := placement.AnyFits(demand("w", nodes(2), begun), tc.nodes); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
	}
}

func TestAllNodesAreAtLeastAsManyAsMustBeValid(t *testing.T) {
	two := []placement.Node{node("n1"), node("n2", cordoned)}
	want := noFit(1, "1 of 2 test nodes fit, 2 are asked for: 1 is cordoned")
	if diff := cmp.Diff(want, placement.Decide(demand("w", all, leastOf(2)), placement.Snapshot{Nodes: two}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(fitting(1, "n1"), placement.Decide(demand("w", all, leastOf(1)), placement.Snapshot{Nodes: two})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestUnwelcome(t *testing.T) {
	taint := func(effect v1alpha1.TaintEffect) nodeOption {
		return func(n *placement.Node) { n.Spec.Taints = []v1alpha1.Taint{{Key: "repair", Effect: effect}} }
	}
	tolerated := v1alpha1.Placement{Tolerations: []v1alpha1.Toleration{{Key: "repair"}}}
	const before, during = false, true
	for name, tc := range map[string]struct {
		node      placement.Node
		placement v1alpha1.Placement
		started   bool
		want      string
	}{
		"nothing is said of the node":           {node("n"), v1alpha1.Placement{}, before, ""},
		"a cordon stops what has not begun":     {node("n", cordoned), v1alpha1.Placement{}, before, "was cordoned before its agent had taken the run"},
		"a cordon lets go on what has":          {node("n", cordoned), v1alpha1.Placement{}, during, ""},
		"so does a taint for new NodeRuns":      {node("n", taint(v1alpha1.TaintEffectNoSchedule)), v1alpha1.Placement{}, during, ""},
		"which stops what has not begun":        {node("n", taint(v1alpha1.TaintEffectNoSchedule)), v1alpha1.Placement{}, before, "has the taint repair with the effect NoSchedule, which is not tolerated"},
		"the other effect stops what runs":      {node("n", taint(v1alpha1.TaintEffectNoExecute)), v1alpha1.Placement{}, during, "has the taint repair with the effect NoExecute, which is not tolerated"},
		"unless it is tolerated":                {node("n", taint(v1alpha1.TaintEffectNoExecute)), tolerated, during, ""},
		"a tolerated taint undoes no cordon":    {node("n", cordoned, taint(v1alpha1.TaintEffectNoExecute)), tolerated, before, "was cordoned before its agent had taken the run"},
		"nor does a quarantine stop what is on": {node("n", quarantine(metav1.ConditionTrue, v1alpha1.ReasonKeepsFailing)), v1alpha1.Placement{}, during, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := placement.Unwelcome(tc.node.TestNode, &tc.placement, tc.started); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
