// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

func said(c *metav1.Condition) string {
	if c == nil {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", c.Status, c.Reason, c.Message))
}

func TestPlaced(t *testing.T) {
	noNode := &placement.Decision{Wanted: 1, Reason: v1alpha1.ReasonNoFittingNode, Message: "1 is cordoned"}
	suspended := func(w *v1alpha1.Workload) { w.Spec.Suspend = true }
	for name, tc := range map[string]struct {
		workload *v1alpha1.Workload
		runs     []*v1alpha1.NodeRun
		decision *placement.Decision
		refusal  *manifest.Refusal
		want     string
	}{
		"refused":                   {load(1), nil, nil, &manifest.Refusal{}, ""},
		"every node has its run":    {load(2), runs(runOn("a"), runOn("b", valid)), nil, nil, "True Placed NodeRuns stand for all nodes asked for (2)"},
		"no node fits":              {load(1), nil, noNode, nil, "False NoFittingNode 1 is cordoned"},
		"no node fits for a retry":  {load(1), runs(runOn("a", voided(v1alpha1.VoidNodeLost))), noNode, nil, "False NoFittingNode 1 is cordoned"},
		"suspended":                 {load(1, suspended), nil, nil, nil, "False Suspended nothing is placed while spec.suspend is set"},
		"suspended with all placed": {load(1, suspended), runs(runOn("a")), nil, nil, "True Placed NodeRuns stand for all nodes asked for (1)"},
		"waiting for old runs":      {load(1), runs(runOn("a", cancelled)), nil, nil, "False Waiting NodeRuns that were asked to stop are waited for first: a"},
		"one is leaving its node":   {load(2), runs(runOn("a", evicted, running), runOn("b")), nil, nil, "False Waiting NodeRuns that were evicted have to end before they are repeated: a"},
		"one is given up, the others are enough": {load(3, enough(2), retries(0)), runs(runOn("a", voided(v1alpha1.VoidNodeLost)), runOn("b"), runOn("c")), nil, nil,
			"True Placed NodeRuns stand for 2 of 3 nodes; the others are given up, spec.retries allows no retry"},
		"hopeless":                  {load(2), runs(runOn("a", voided(v1alpha1.VoidSteal))), nil, nil, "False Finished no NodeRun is created any more: 1 of 1 NodeRuns are void (1 Steal); w-a-1: Steal on a"},
		"in the middle of creating": {load(2), runs(runOn("a")), &placement.Decision{Wanted: 1, Nodes: []string{"b"}}, nil, "False Waiting 1 of 2 NodeRuns are created"},
	} {
		t.Run(name, func(t *testing.T) {
			got := said(placed(tc.workload, count(tc.workload, tc.runs), tc.decision, tc.refusal))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestProgressing(t *testing.T) {
	busy := &placement.Decision{Wanted: 1, Reason: v1alpha1.ReasonWaitingForNodes, Message: "1 test node is awaited"}
	two := count(load(2), runs(runOn("a", running), runOn("b", running)))
	for name, tc := range map[string]struct {
		progress progress
		want     string
	}{
		"waiting for nodes":      {progress{tally: count(load(1), nil), placement: busy}, "True Waiting 1 test node is awaited"},
		"about to create":        {progress{tally: count(load(1), nil)}, "True Waiting NodeRuns are about to be created"},
		"all are running":        {progress{tally: two}, "True Running 2 of 2 NodeRuns are running"},
		"agents have not begun":  {progress{tally: count(load(2), runs(runOn("a"), runOn("b", running)))}, "True Running 1 of 2 NodeRuns are running; not taken by the agent yet on a"},
		"some run, one is void":  {progress{tally: count(load(3), runs(runOn("a", running), runOn("b", valid), runOn("c", voided(v1alpha1.VoidSteal))))}, "True Running 1 of 3 NodeRuns are running; 1 valid; 1 void"},
		"some run, others wait":  {progress{tally: count(load(2), runs(runOn("a", running))), placement: busy}, "True Running 1 of 2 NodeRuns are running; 1 test node is awaited"},
		"resumed, old runs stop": {progress{tally: count(load(1), runs(runOn("a", cancelled, running)))}, "True Running 0 of 1 NodeRuns are running; asked to stop on a"},
		"suspended":              {progress{tally: count(load(1), nil), suspended: true}, "False Suspended nothing runs; it starts when spec.suspend is false"},
		"being suspended":        {progress{tally: two, suspended: true}, "False Suspended waiting for NodeRuns to end on a, b"},
		"being deleted":          {progress{tally: two, deleting: true, suspended: true}, "True Deleting waiting for NodeRuns to end on a, b"},
		"deleted":                {progress{tally: count(load(1), nil), deleting: true}, "True Deleting the NodeRuns are removed"},
		"overdue":                {progress{tally: two, overdue: true}, "True Running spec.deadline has passed; waiting for NodeRuns to end on a, b"},
		"ended":                  {progress{tally: two, outcome: outcome{complete: true, message: "well"}, suspended: true}, "False Finished well"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, said(progressing(tc.progress))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestCompleteAndFailed(t *testing.T) {
	for name, tc := range map[string]struct {
		outcome                  outcome
		wantComplete, wantFailed string
	}{
		"not ended": {outcome{}, "False NotFinished", "False NotFinished"},
		"well":      {outcome{complete: true, reason: "AllNodesValid", message: "m"}, "True AllNodesValid m", "False AllNodesValid m"},
		"badly":     {outcome{failed: true, reason: "VoidSample", message: "m"}, "False VoidSample m", "True VoidSample m"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := said(complete(tc.outcome)); got != tc.wantComplete {
				t.Errorf("Complete: got %s, want %s", got, tc.wantComplete)
			}
			if got := said(failed(tc.outcome)); got != tc.wantFailed {
				t.Errorf("Failed: got %s, want %s", got, tc.wantFailed)
			}
		})
	}
}

func TestFailuresAreTheNewestTen(t *testing.T) {
	var list []*v1alpha1.NodeRun
	for i := range 12 {
		list = append(list, runOn(fmt.Sprintf("n%02d", i), voided(v1alpha1.VoidSteal), endedAfter(time.Duration(i)*time.Second)))
	}
	list = append(list, runOn("z", cancelled, voided(v1alpha1.VoidCancelled), endedAfter(time.Hour)))
	nodes := func(o outcome) (names []string) {
		for _, f := range failures(count(load(13), list), o) {
			names = append(names, f.Node)
		}
		return names
	}
	want := []string{"n11", "n10", "n09", "n08", "n07", "n06", "n05", "n04", "n03", "n02"}
	if diff := cmp.Diff(want, nodes(outcome{})); diff != "" {
		t.Errorf("while it runs (-want +got)\n%s", diff)
	}
	want = append([]string{"z"}, want[:9]...)
	if diff := cmp.Diff(want, nodes(outcome{failed: true})); diff != "" {
		t.Errorf("once it has failed, what was cancelled for it, too (-want +got)\n%s", diff)
	}
}

func TestStatusOf(t *testing.T) {
	w := load(1)
	s := &scope{now: epoch.Add(time.Minute), workload: w, runs: runs(runOn("a", valid)), checked: true}
	s.count()
	o := judge(facts{tally: s.tally})
	sum := aggregate{groups: []v1alpha1.GroupResult{{Name: "g"}}}

	first := statusOf(s, o, sum)
	want := &v1alpha1.WorkloadStatus{
		ObservedGeneration: 3,
		StartTime:          new(metav1.NewTime(epoch)),
		CompletionTime:     new(metav1.NewTime(s.now)),
		Nodes:              &v1alpha1.NodeCounts{Desired: 1, Valid: 1},
		Groups:             sum.groups,
		Verdict:            v1alpha1.VerdictSkip,
		Verdicts:           &v1alpha1.VerdictCounts{Skip: 1},
		MergedNodeRuns:     1,
		Machines:           []v1alpha1.MergedMachine{{NodeRuns: 1}},
		MachineKinds:       1,
	}
	got := first.DeepCopy()
	got.Conditions = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, c := range first.Conditions {
		if c.ObservedGeneration != 3 || !c.LastTransitionTime.Time.Equal(s.now) {
			t.Errorf("condition %s was observed at generation %d and changed at %s", c.Type, c.ObservedGeneration, c.LastTransitionTime)
		}
	}

	// Whatever becomes of its NodeRuns, what it has ended with stays.
	w.Status, w.Generation = *first, 4
	s = &scope{now: epoch.Add(time.Hour), workload: w}
	s.count()
	later := statusOf(s, judge(facts{tally: s.tally}), aggregate{})
	want = first.DeepCopy()
	want.ObservedGeneration = 4
	for i := range want.Conditions {
		want.Conditions[i].ObservedGeneration = 4
	}
	if diff := cmp.Diff(want, later); diff != "" {
		t.Errorf("after it has ended (-want +got)\n%s", diff)
	}
}

func TestStatusIsBounded(t *testing.T) {
	long := func(run *v1alpha1.NodeRun) {
		run.Status.Conditions[1].Message = strings.Repeat("é ", 1000)
	}
	var list []*v1alpha1.NodeRun
	for i := range 5000 {
		list = append(list, runOn(fmt.Sprintf("%s-%04d", strings.Repeat("n", 240), i), voided(v1alpha1.VoidSteal), long))
	}
	s := &scope{now: epoch, workload: load(5000), runs: list, checked: true}
	s.count()
	status := statusOf(s, judge(facts{tally: s.tally}), aggregate{})
	text, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	// Merge keeps groups to 70 kB, which leaves 30 for everything else; findings may take 6 of them.
	if len(text) > 20_000 {
		t.Errorf("the status without groups has %d bytes", len(text))
	}
}

func TestTransitions(t *testing.T) {
	of := func(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, Reason: reason}
	}
	accepted := of(v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonAccepted)
	noNode := of(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonNoFittingNode)
	busy := of(v1alpha1.ConditionPlaced, metav1.ConditionFalse, v1alpha1.ReasonWaitingForNodes)
	isPlaced := of(v1alpha1.ConditionPlaced, metav1.ConditionTrue, v1alpha1.ReasonPlaced)
	runs := of(v1alpha1.ConditionProgressing, metav1.ConditionTrue, v1alpha1.ReasonRunning)
	open := of(v1alpha1.ConditionFailed, metav1.ConditionFalse, v1alpha1.ReasonNotFinished)
	refused := of(v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonInvalid)
	failed := of(v1alpha1.ConditionFailed, metav1.ConditionTrue, v1alpha1.ReasonInvalid)
	for name, tc := range map[string]struct{ before, after, want []metav1.Condition }{
		"new":                   {nil, []metav1.Condition{accepted, noNode, open}, []metav1.Condition{accepted, noNode}},
		"the same":              {[]metav1.Condition{accepted, noNode}, []metav1.Condition{accepted, noNode}, nil},
		"placed at last":        {[]metav1.Condition{accepted, noNode}, []metav1.Condition{accepted, isPlaced, runs}, []metav1.Condition{isPlaced}},
		"another reason":        {[]metav1.Condition{noNode}, []metav1.Condition{busy}, []metav1.Condition{busy}},
		"refused, once":         {nil, []metav1.Condition{refused, failed}, []metav1.Condition{failed}},
		"another message":       {[]metav1.Condition{noNode}, []metav1.Condition{{Type: noNode.Type, Status: noNode.Status, Reason: noNode.Reason, Message: "new"}}, nil},
		"a verdict":             {[]metav1.Condition{open}, []metav1.Condition{of(v1alpha1.ConditionPassed, metav1.ConditionFalse, "Fail")}, []metav1.Condition{of(v1alpha1.ConditionPassed, metav1.ConditionFalse, "Fail")}},
		"nothing was checked":   {[]metav1.Condition{open}, []metav1.Condition{of(v1alpha1.ConditionPassed, metav1.ConditionTrue, "Skip")}, nil},
		"no verdict of nothing": {[]metav1.Condition{open}, []metav1.Condition{failed, of(v1alpha1.ConditionPassed, metav1.ConditionUnknown, "Inconclusive")}, []metav1.Condition{failed}},
		"what is told anyway":   {nil, []metav1.Condition{of(v1alpha1.ConditionComplete, metav1.ConditionFalse, v1alpha1.ReasonVoidSample)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, transitions(tc.before, tc.after)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
