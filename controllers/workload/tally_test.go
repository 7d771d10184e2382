// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func TestTally(t *testing.T) {
	type summary struct {
		Active, Stopping, Leaving, Valid, Lost, Spoilt, Evicted, Withdrawn int
		Unfilled, GivenUp                                                  int
		Hopeless, WantsNodes                                               bool
	}
	for name, tc := range map[string]struct {
		workload *v1alpha1.Workload
		runs     []*v1alpha1.NodeRun
		want     summary
	}{
		"nothing has been created": {load(2), nil,
			summary{Unfilled: 2, WantsNodes: true}},
		"all nodes are not settled": {load(1, onAll(0)), nil,
			summary{WantsNodes: true}},
		"all nodes are settled": {load(1, onAll(3)), runs(runOn("a")),
			summary{Active: 1, Unfilled: 2, WantsNodes: true}},
		"a share is not settled": {load(1, onShare(0)), nil,
			summary{WantsNodes: true}},
		"a share is settled": {load(1, onShare(3)), runs(runOn("a")),
			summary{Active: 1, Unfilled: 2, WantsNodes: true}},
		"some were created before the manager was killed": {load(3), runs(runOn("a"), runOn("b", running)),
			summary{Active: 2, Unfilled: 1, WantsNodes: true}},
		"all were created": {load(2), runs(runOn("a"), runOn("b", valid)),
			summary{Active: 1, Valid: 1}},
		"a lost one is repeated": {load(2), runs(runOn("a", valid), runOn("b", voided(v1alpha1.VoidNodeLost))),
			summary{Valid: 1, Lost: 1, Unfilled: 1, WantsNodes: true}},
		"a lost one has been repeated": {load(2), runs(runOn("a", valid), runOn("b", voided(v1alpha1.VoidNodeLost)), runOn("c")),
			summary{Active: 1, Valid: 1, Lost: 1}},
		"a second lost one is too many": {load(2), runs(runOn("a", voided(v1alpha1.VoidAgentRestart)), runOn("b", voided(v1alpha1.VoidRunnerFailed))),
			summary{Lost: 2, Unfilled: 2, GivenUp: 1, Hopeless: true}},
		"no retries": {load(1, retries(0)), runs(runOn("a", voided(v1alpha1.VoidNodeLost))),
			summary{Lost: 1, Unfilled: 1, GivenUp: 1, Hopeless: true}},
		"many retries": {load(1, retries(2)), runs(runOn("a", voided(v1alpha1.VoidNodeLost)), runOn("b", voided(v1alpha1.VoidNodeLost))),
			summary{Lost: 2, Unfilled: 1, WantsNodes: true}},
		"a spoilt one is final": {load(3), runs(runOn("a", voided(v1alpha1.VoidSetupFailed)), runOn("b", running)),
			summary{Active: 1, Spoilt: 1, Unfilled: 1, Hopeless: true}},
		"a cancelled one counts for nothing": {load(1, retries(0)), runs(runOn("a", cancelled, voided(v1alpha1.VoidCancelled))),
			summary{Withdrawn: 1, Unfilled: 1, WantsNodes: true}},
		"nor does one that was lost while it was cancelled": {load(1, retries(0)), runs(runOn("a", cancelled, voided(v1alpha1.VoidNodeLost))),
			summary{Withdrawn: 1, Unfilled: 1, WantsNodes: true}},
		"one that ended well before it heard of it counts": {load(1), runs(runOn("a", cancelled, valid)),
			summary{Valid: 1}},
		"one that is to stop is waited for": {load(1), runs(runOn("a", cancelled, running)),
			summary{Stopping: 1, Unfilled: 1}},
		"one that was cancelled by nobody is spoilt": {load(1), runs(runOn("a", voided(v1alpha1.VoidCancelled))),
			summary{Spoilt: 1, Hopeless: true}},
		"more valid ones than asked for, from a node that was thought lost": {load(1, retries(0)), runs(runOn("a", valid), runOn("b", valid)),
			summary{Valid: 2}},
		"one that is to leave its node holds its place until it has ended": {load(1), runs(runOn("a", evicted, running)),
			summary{Leaving: 1}},
		"one that left its node is repeated without a retry": {load(1, retries(0)), runs(runOn("a", evicted, voided(v1alpha1.VoidEvicted))),
			summary{Evicted: 1, Unfilled: 1, WantsNodes: true}},
		"whatever its agent calls it, or if its node was lost": {load(2, retries(0)), runs(runOn("a", evicted, voided(v1alpha1.VoidCancelled)), runOn("b", evicted, voided(v1alpha1.VoidNodeLost))),
			summary{Evicted: 2, Unfilled: 2, WantsNodes: true}},
		"one that ended well before it heard of the eviction counts": {load(1), runs(runOn("a", evicted, valid)),
			summary{Valid: 1}},
		"the fourth eviction of one node asked for uses up a retry": {load(1, retries(0)), runs(runOn("a", evicted, voided(v1alpha1.VoidEvicted)), runOn("b", evicted, voided(v1alpha1.VoidEvicted)),
			runOn("c", evicted, voided(v1alpha1.VoidEvicted)), runOn("d", evicted, voided(v1alpha1.VoidEvicted))),
			summary{Evicted: 3, Lost: 1, Unfilled: 1, GivenUp: 1, Hopeless: true}},
		"where two of three are enough, a spoilt one is no end": {load(3, enough(2)), runs(runOn("a", voided(v1alpha1.VoidSteal)), runOn("b", running)),
			summary{Active: 1, Spoilt: 1, Unfilled: 1, WantsNodes: true}},
		"a second one is": {load(3, enough(2)), runs(runOn("a", voided(v1alpha1.VoidSteal)), runOn("b", voided(v1alpha1.VoidSteal))),
			summary{Spoilt: 2, Unfilled: 1, Hopeless: true}},
		"where two of three are enough, one without a retry is given up, and the others are placed": {load(3, enough(2), retries(0)), runs(runOn("a", voided(v1alpha1.VoidNodeLost)), runOn("b", running)),
			summary{Active: 1, Lost: 1, Unfilled: 2, GivenUp: 1, WantsNodes: true}},
		"then nothing is left to place": {load(3, enough(2), retries(0)), runs(runOn("a", voided(v1alpha1.VoidNodeLost)), runOn("b", running), runOn("c")),
			summary{Active: 2, Lost: 1, Unfilled: 1, GivenUp: 1}},
		"half of three are two": {load(3, enoughPercent(50)), runs(runOn("a", voided(v1alpha1.VoidSteal)), runOn("b", voided(v1alpha1.VoidSteal))),
			summary{Spoilt: 2, Unfilled: 1, Hopeless: true}},
		"all nodes are not settled, and some are enough": {load(1, onAll(0), enough(2)), nil,
			summary{WantsNodes: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got := count(tc.workload, tc.runs)
			if diff := cmp.Diff(tc.want, summary{
				len(got.active), len(got.stopping), len(got.leaving), len(got.valid), len(got.lost), len(got.spoilt), len(got.evicted), len(got.withdrawn),
				got.unfilled(), got.givenUp(), got.hopeless(), got.wantsNodes(),
			}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestVoidBecause(t *testing.T) {
	for name, tc := range map[string]struct {
		run         *v1alpha1.NodeRun
		want        v1alpha1.VoidReason
		wantMessage string
	}{
		"a valid one":           {runOn("a", valid), "", ""},
		"a void one":            {runOn("a", voided(v1alpha1.VoidSteal)), v1alpha1.VoidSteal, "Steal on a"},
		"a step that failed":    {runOn("a", voided(v1alpha1.VoidStepFailed)), v1alpha1.VoidStepFailed, "StepFailed on a"},
		"valid, but no result":  {runOn("a", valid, func(r *v1alpha1.NodeRun) { r.Status.Result = nil }), v1alpha1.VoidRunnerFailed, "the NodeRun is called valid but has no result"},
		"another run's result":  {runOn("a", valid, func(r *v1alpha1.NodeRun) { r.Status.Result.RunID = "x" }), v1alpha1.VoidRunnerFailed, "the result is of run x, not of run-a"},
		"a reason nobody knows": {runOn("a", voided("Whatever")), v1alpha1.VoidRunnerFailed, "the NodeRun ended without saying why in its condition Valid"},
		"no word on validity": {runOn("a", func(r *v1alpha1.NodeRun) {
			set(r, v1alpha1.ConditionFailed, metav1.ConditionTrue, "Oops", "")
		}), v1alpha1.VoidRunnerFailed, "the NodeRun ended without saying why in its condition Valid"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, message := voidBecause(tc.run); got != tc.want || message != tc.wantMessage {
				t.Errorf("got %q (%s), want %q (%s)", got, message, tc.want, tc.wantMessage)
			}
		})
	}
}
