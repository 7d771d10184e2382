// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package quarantine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

var epoch = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return epoch.Add(time.Duration(minutes) * time.Minute) }

// run is a NodeRun of a Workload that was created at a minute and ended half a minute
// later, void for a reason or valid without one.
func run(workload string, minute int, reason v1alpha1.VoidReason) *v1alpha1.NodeRun {
	r := &v1alpha1.NodeRun{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: fmt.Sprintf("%s-%d", workload, minute), CreationTimestamp: metav1.NewTime(at(minute)),
	}}
	r.Spec.Workload.UID = workload
	r.Status.CompletionTime = new(metav1.NewMicroTime(at(minute).Add(30 * time.Second)))
	r.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue},
		{Type: v1alpha1.ConditionValid, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonValid},
	}
	if reason != "" {
		r.Status.Conditions[1] = metav1.Condition{Type: v1alpha1.ConditionValid, Status: metav1.ConditionFalse, Reason: string(reason), Message: "it says"}
	}
	return r
}

func unfinished(r *v1alpha1.NodeRun) *v1alpha1.NodeRun {
	r.Status = v1alpha1.NodeRunStatus{}
	return r
}

type option func(*view)

func quarantined(status metav1.ConditionStatus, reason string, minute int) option {
	return func(v *view) {
		v.node.Status.Conditions = []metav1.Condition{{
			Type: v1alpha1.ConditionQuarantined, Status: status, Reason: reason, LastTransitionTime: metav1.NewTime(at(minute)),
		}}
	}
}

func remembering(q v1alpha1.Quarantine) option {
	return func(v *view) { v.node.Status.Quarantine = &q }
}

func annotated(key, value string) option {
	return func(v *view) { v.node.Annotations = map[string]string{key: value} }
}

func asideOf(aside, fleet int) option { return func(v *view) { v.aside, v.fleet = aside, fleet } }

func TestDecide(t *testing.T) {
	const now = 100
	until := func(minute int) *metav1.Time { return new(metav1.NewTime(at(minute))) }
	lost, disturbed := v1alpha1.VoidNodeLost, v1alpha1.VoidDisturbed
	three := []*v1alpha1.NodeRun{run("a", 90, lost), run("b", 92, lost), run("c", 94, lost)}
	aside := quarantined(metav1.ConditionTrue, v1alpha1.ReasonKeepsFailing, 95)
	trial := quarantined(metav1.ConditionUnknown, v1alpha1.ReasonOnTrial, 95)
	released := quarantined(metav1.ConditionFalse, v1alpha1.ReasonTrialPassed, 93)
	once := v1alpha1.Quarantine{Times: 1, Until: until(105)}
	// said is what is said of the node: nothing new if empty.
	type said struct {
		Condition string
		Memory    v1alpha1.Quarantine
		Wake      time.Time
		Withheld  bool
	}
	failing := said{"True KeepsFailing", v1alpha1.Quarantine{Times: 1, Until: until(110)}, at(110), false}
	disturbing := said{"True KeepsDisturbing", v1alpha1.Quarantine{Times: 1, Until: until(110)}, at(110), false}
	for name, tc := range map[string]struct {
		runs    []*v1alpha1.NodeRun
		options []option
		want    said
	}{
		"a new node is like any other":                     {nil, nil, said{}},
		"three Workloads in a row were failed":             {three, nil, failing},
		"in whatever order they are listed":                {[]*v1alpha1.NodeRun{three[2], three[0], three[1]}, nil, failing},
		"two are not enough":                               {three[:2], nil, said{}},
		"nor is one Workload, however often it was failed": {[]*v1alpha1.NodeRun{run("a", 90, lost), run("a", 91, lost), run("a", 92, lost), run("a", 93, lost)}, nil, said{}},
		"a valid sample in between ends the row":           {[]*v1alpha1.NodeRun{three[0], run("d", 91, ""), three[1], three[2]}, nil, said{}},
		"what the node is not to blame for does not end it": {[]*v1alpha1.NodeRun{three[0], run("d", 91, v1alpha1.VoidCancelled), three[1], run("e", 93, v1alpha1.VoidSetupFailed), three[2],
			run("f", 95, v1alpha1.VoidEvicted), unfinished(run("g", 96, ""))}, nil, failing},
		"nor begin one": {[]*v1alpha1.NodeRun{run("a", 90, v1alpha1.VoidLoadAbsent), run("b", 92, v1alpha1.VoidEvicted), run("c", 94, v1alpha1.VoidThrottled)}, nil, said{}},
		"three Workloads in a row were disturbed":                 {[]*v1alpha1.NodeRun{run("a", 90, disturbed), run("b", 92, v1alpha1.VoidSteal), run("c", 94, v1alpha1.VoidFrequency)}, nil, disturbing},
		"mixed ones count together, and the most name the reason": {[]*v1alpha1.NodeRun{run("a", 90, lost), run("b", 92, disturbed), run("c", 94, v1alpha1.VoidClockStep)}, nil, disturbing},
		"of yesterday they do not count":                          {[]*v1alpha1.NodeRun{run("a", now-25*60, lost), run("b", 92, lost), run("c", 94, lost)}, nil, said{}},
		"nor from before it was released":                         {three, []option{released}, said{}},
		"nor if a person exempts the node":                        {three, []option{annotated(v1alpha1.AnnotationQuarantine, "never")}, said{}},
		"a third of the fleet is set aside already":               {three, []option{asideOf(3, 9)}, said{Withheld: true}},
		"less of the fleet is":                                    {three, []option{asideOf(2, 9)}, failing},
		"one node always may be":                                  {three, []option{asideOf(0, 2)}, failing},
		"a word to release it that comes before it is set aside releases nothing later": {three, []option{annotated(v1alpha1.AnnotationReleaseQuarantine, "x")},
			said{"True KeepsFailing", v1alpha1.Quarantine{Times: 1, Until: until(110), Release: "x"}, at(110), false}},

		"set aside, it stays there for its time": {three, []option{aside, remembering(once)}, said{"", once, at(105), false}},
		"then it is on trial": {three, []option{aside, remembering(v1alpha1.Quarantine{Times: 1, Until: until(100)})},
			said{"Unknown OnTrial", v1alpha1.Quarantine{Times: 1, Until: until(100)}, time.Time{}, false}},
		"also if somebody took away until when": {three, []option{aside, remembering(v1alpha1.Quarantine{Times: 1})},
			said{"", v1alpha1.Quarantine{Times: 1}, at(105), false}},
		"a person releases it": {three, []option{aside, remembering(once), annotated(v1alpha1.AnnotationReleaseQuarantine, "now")},
			said{"False Released", v1alpha1.Quarantine{Release: "now"}, time.Time{}, false}},
		"the same word does so once": {three, []option{aside, remembering(v1alpha1.Quarantine{Times: 1, Until: until(105), Release: "now"}), annotated(v1alpha1.AnnotationReleaseQuarantine, "now")},
			said{"", v1alpha1.Quarantine{Times: 1, Until: until(105), Release: "now"}, at(105), false}},
		"a word that was taken away is forgotten": {three, []option{aside, remembering(v1alpha1.Quarantine{Times: 1, Until: until(105), Release: "now"})},
			said{"", once, at(105), false}},
		"a person exempts it": {three, []option{aside, remembering(once), annotated(v1alpha1.AnnotationQuarantine, "Never")},
			said{"False Exempt", v1alpha1.Quarantine{}, time.Time{}, false}},

		"on trial, it waits for a NodeRun": {three, []option{trial, remembering(once)}, said{"", once, time.Time{}, false}},
		"a valid sample releases it": {append(three, run("d", 96, "")), []option{trial, remembering(once)},
			said{"False TrialPassed", v1alpha1.Quarantine{}, time.Time{}, false}},
		"one that it spoils sets it aside for twice the time": {append(three, run("d", 96, disturbed)), []option{trial, remembering(once)},
			said{"True KeepsDisturbing", v1alpha1.Quarantine{Times: 2, Until: until(120)}, at(120), false}},
		"and for a day at most": {append(three, run("d", 96, lost)), []option{trial, remembering(v1alpha1.Quarantine{Times: 40, Until: until(95)})},
			said{"True KeepsFailing", v1alpha1.Quarantine{Times: 41, Until: until(now + 24*60)}, at(now + 24*60), false}},
		"the first one decides": {append(three, run("d", 96, ""), run("e", 98, lost)), []option{trial, remembering(once)},
			said{"False TrialPassed", v1alpha1.Quarantine{}, time.Time{}, false}},
		"one that was cancelled decides nothing": {append(three, run("d", 96, v1alpha1.VoidCancelled)), []option{trial, remembering(once)}, said{"", once, time.Time{}, false}},
		"nor does the Workload's own fault":      {append(three, run("d", 96, v1alpha1.VoidSetupFailed)), []option{trial, remembering(once)}, said{"", once, time.Time{}, false}},
		"a person releases it from the trial, too": {three, []option{trial, remembering(once), annotated(v1alpha1.AnnotationReleaseQuarantine, "now")},
			said{"False Released", v1alpha1.Quarantine{Release: "now"}, time.Time{}, false}},
	} {
		t.Run(name, func(t *testing.T) {
			v := view{node: &v1alpha1.TestNode{}, runs: tc.runs, limits: Limits{}.withDefaults(), now: at(now), fleet: 1}
			for _, o := range tc.options {
				o(&v)
			}
			before := v.node.DeepCopy()
			d := decide(v)
			got := said{Memory: d.memory, Wake: d.wake, Withheld: d.withheld != ""}
			if c := d.condition; c != nil && c.LastTransitionTime.Time.Equal(at(now)) {
				got.Condition = fmt.Sprintf("%s %s", c.Status, c.Reason)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(before, v.node); diff != "" {
				t.Errorf("the node, which is shared with the cache, was changed (-before +after)\n%s", diff)
			}
		})
	}
}

func TestMessagesSayWhyAndTheWayBack(t *testing.T) {
	chatty := run("c", 94, v1alpha1.VoidRunnerFailed)
	chatty.Status.Conditions[1].Message = strings.Repeat("oops ", 1000)
	v := view{node: &v1alpha1.TestNode{}, limits: Limits{}.withDefaults(), now: at(100), fleet: 1,
		runs: []*v1alpha1.NodeRun{run("a", 90, v1alpha1.VoidNodeLost), run("b", 92, v1alpha1.VoidNodeLost), chatty}}
	got := decide(v).condition.Message
	for _, want := range []string{
		"no valid sample for 3 Workloads in a row (2 NodeLost, 1 RunnerFailed); NodeRun ns/c-94 is void (RunnerFailed: oops",
		"; on trial from 2026-11-01T13:50:00Z, or released by a new value of the annotation schedfleet.dev/release-quarantine",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not contain %q", got, want)
		}
	}
	if len(got) > 700 {
		t.Errorf("the message has %d bytes", len(got))
	}
	v.aside, v.fleet = 4, 12
	if got, want := decide(v).withheld, "not set aside, since 4 of 12 nodes are already"; !strings.Contains(got, want) {
		t.Errorf("%q does not contain %q", got, want)
	}
}

func TestBackOffDoubles(t *testing.T) {
	l := Limits{}.withDefaults()
	for times, want := range map[int32]time.Duration{
		0: 10 * time.Minute, 1: 10 * time.Minute, 2: 20 * time.Minute, 5: 160 * time.Minute, 8: 1280 * time.Minute, 9: 24 * time.Hour, 1 << 30: 24 * time.Hour,
	} {
		if got := l.backOff(times); got != want {
			t.Errorf("the %d. time: %s, want %s", times, got, want)
		}
	}
}
