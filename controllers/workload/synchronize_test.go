// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func parked(run *v1alpha1.NodeRun) {
	running(run)
	set(run, v1alpha1.ConditionPrepared, metav1.ConditionTrue, v1alpha1.ReasonParked, "")
}

func startsAt(d time.Duration) runOption {
	return func(run *v1alpha1.NodeRun) { run.Spec.StartTime = new(metav1.NewMicroTime(epoch.Add(d))) }
}

func TestWhenAGangStarts(t *testing.T) {
	for name, tc := range map[string]struct {
		runs []*v1alpha1.NodeRun
		at   time.Duration // 0: not yet
		told []string
	}{
		"nobody is prepared":               {runs: runs(runOn("a"), runOn("b"))},
		"one is not prepared":              {runs: runs(runOn("a", parked), runOn("b", running))},
		"one has no NodeRun":               {runs: runs(runOn("a", parked))},
		"one was lost":                     {runs: runs(runOn("a", parked), runOn("b", parked, voided(v1alpha1.VoidNodeLost)))},
		"one is to be stopped":             {runs: runs(runOn("a", parked), runOn("b", parked), runOn("c", parked, cancelled))},
		"all are prepared":                 {runs(runOn("a", parked), runOn("b", parked)), startLead + 2*startLeadPerNode, []string{"a", "b"}},
		"some were told by a manager gone": {runs(runOn("a", parked, startsAt(time.Second)), runOn("b", parked)), time.Second, []string{"b"}},
		"all were told":                    {runs(runOn("a", parked, startsAt(time.Second)), runOn("b", parked, startsAt(time.Second))), time.Second, nil},
	} {
		t.Run(name, func(t *testing.T) {
			at, told := gangStart(count(load(2), tc.runs), epoch)
			var names []string
			for _, run := range told {
				names = append(names, run.Spec.NodeName)
			}
			if tc.at == 0 {
				if !at.IsZero() {
					t.Errorf("it starts at %v", at)
				}
				return
			}
			if !at.Equal(epoch.Add(tc.at)) {
				t.Errorf("it starts at %v, want %v", at, epoch.Add(tc.at))
			}
			if diff := cmp.Diff(tc.told, names); diff != "" {
				t.Errorf("who is told (-want +got):\n%s", diff)
			}
		})
	}
}

// A repetition on one node would start alone.
func TestAGangIsNotRepeatedInPart(t *testing.T) {
	before := count(load(2), runs(runOn("a", parked), runOn("b", parked, voided(v1alpha1.VoidNodeLost))))
	after := count(load(2), runs(runOn("a", parked, startsAt(0)), runOn("b", parked, startsAt(0), voided(v1alpha1.VoidNodeLost))))
	if before.hopeless() || !after.hopeless() {
		t.Errorf("hopeless before the start %v and after it %v", before.hopeless(), after.hopeless())
	}
}

func TestTheSpreadOfStarts(t *testing.T) {
	started := func(late time.Duration) runOption {
		return func(run *v1alpha1.NodeRun) {
			valid(run)
			run.Status.Result.SynchronizedStart = &v1alpha1.SynchronizedStart{
				Planned: metav1.NewMicroTime(epoch), Actual: metav1.NewMicroTime(epoch.Add(late)), LateNanoseconds: late.Nanoseconds(),
			}
		}
	}
	got := fleetStart(runs(runOn("a", started(3*time.Millisecond)), runOn("b", started(time.Millisecond)), runOn("c", started(8*time.Millisecond)), runOn("d", valid)))
	want := &v1alpha1.FleetStart{Planned: metav1.NewMicroTime(epoch), NodeRuns: 3, SpreadNanoseconds: 7e6, MaxLateNanoseconds: 8e6}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := fleetStart(runs(runOn("a", valid))); got != nil {
		t.Errorf("of no gang: %+v", got)
	}
}
