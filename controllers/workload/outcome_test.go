// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

func TestJudge(t *testing.T) {
	twoVoid := count(load(3), runs(
		runOn("a", valid), runOn("b", voided(v1alpha1.VoidLoadAbsent)), runOn("c", voided(v1alpha1.VoidSetupFailed)), runOn("d", voided(v1alpha1.VoidNodeLost))))
	cases := map[string]struct {
		facts facts
		want  outcome
	}{
		"nothing has happened": {facts{tally: count(load(1), nil)},
			outcome{}},
		"it was refused": {facts{tally: count(load(1), nil), refusal: &manifest.Refusal{Reason: v1alpha1.ReasonNotSupportedYet, Message: "steps"}},
			outcome{failed: true, reason: v1alpha1.ReasonNotSupportedYet, message: "steps"}},
		"all are valid": {facts{tally: count(load(2), runs(runOn("a", valid), runOn("b", valid)))},
			outcome{complete: true, reason: v1alpha1.ReasonAllValid, message: "2 of 2 nodes gave a valid sample"}},
		"one is missing": {facts{tally: count(load(2), runs(runOn("a", valid)))},
			outcome{}},
		"all are valid, but their results do not add up": {facts{tally: count(load(1), runs(runOn("a", valid))), mergeErr: errors.New("run x: bad histogram")},
			outcome{failed: true, reason: v1alpha1.ReasonVoidSample, message: "the results of the nodes cannot be merged: run x: bad histogram"}},
		"one is spoilt, another runs": {facts{tally: count(load(2), runs(runOn("a", voided(v1alpha1.VoidSteal)), runOn("b", running)))},
			outcome{}},
		"one is spoilt, the others have ended": {facts{tally: twoVoid},
			outcome{failed: true, reason: v1alpha1.ReasonVoidSample, message: "3 of 4 NodeRuns are void (1 LoadAbsent, 1 NodeLost, 1 SetupFailed); w-b-1: LoadAbsent on b"}},
		"a lost one can be repeated": {facts{tally: count(load(1), runs(runOn("a", voided(v1alpha1.VoidNodeLost))))},
			outcome{}},
		"no retry is left": {facts{tally: count(load(1), runs(runOn("a", voided(v1alpha1.VoidNodeLost)), runOn("b", voided(v1alpha1.VoidNodeLost))))},
			outcome{failed: true, reason: v1alpha1.ReasonRetriesExhausted,
				message: "all retries are used up (spec.retries is 1); 2 of 2 NodeRuns are void (2 NodeLost); w-a-1: NodeLost on a"}},
		"no retry was allowed": {facts{tally: count(load(1, retries(0)), runs(runOn("a", voided(v1alpha1.VoidNodeLost))))},
			outcome{failed: true, reason: v1alpha1.ReasonRetriesExhausted,
				message: "spec.retries allows no retry; 1 of 1 NodeRuns are void (1 NodeLost); w-a-1: NodeLost on a"}},
		"no retry is left, but another runs": {facts{tally: count(load(2, retries(0)), runs(runOn("a", voided(v1alpha1.VoidNodeLost)), runOn("b", running)))},
			outcome{}},
		"suspended, everything was withdrawn": {facts{tally: count(load(1, retries(0)), runs(runOn("a", cancelled, voided(v1alpha1.VoidCancelled))))},
			outcome{}},
		"overdue, and nodes have not stopped": {facts{tally: count(load(1), runs(runOn("a", cancelled, running))), overdue: true, deadline: time.Minute},
			outcome{}},
		"overdue, and all have stopped": {facts{tally: count(load(2), runs(runOn("a", cancelled, voided(v1alpha1.VoidCancelled)), runOn("b", valid))), overdue: true, deadline: time.Minute},
			outcome{failed: true, reason: v1alpha1.ReasonDeadlineExceeded, message: "spec.deadline of 1m0s has passed; 1 of 2 nodes gave a valid sample"}},
		"overdue, and the grace is over": {facts{tally: count(load(1), runs(runOn("a", cancelled, running))), overdue: true, overdueGrace: true, deadline: time.Minute},
			outcome{failed: true, reason: v1alpha1.ReasonDeadlineExceeded,
				message: "spec.deadline of 1m0s has passed; 0 of 1 nodes gave a valid sample; not confirmed to have stopped: a"}},
		"overdue before all nodes were known": {facts{tally: count(load(1, onAll(0)), nil), overdue: true, deadline: time.Minute},
			outcome{failed: true, reason: v1alpha1.ReasonDeadlineExceeded, message: "spec.deadline of 1m0s has passed; no NodeRun was created"}},
		"overdue, but all had ended well before anybody looked": {facts{tally: count(load(1), runs(runOn("a", valid))), overdue: true, overdueGrace: true, deadline: time.Minute},
			outcome{complete: true, reason: v1alpha1.ReasonAllValid, message: "1 of 1 nodes gave a valid sample"}},
		"overdue, but one was spoilt and none cancelled": {facts{tally: count(load(1), runs(runOn("a", voided(v1alpha1.VoidSteal)))), overdue: true, deadline: time.Minute},
			outcome{failed: true, reason: v1alpha1.ReasonVoidSample, message: "1 of 1 NodeRuns are void (1 Steal); w-a-1: Steal on a"}},
		"overdue, one was spoilt and the other cancelled for it": {facts{tally: count(load(2), runs(runOn("a", voided(v1alpha1.VoidSteal)), runOn("b", cancelled, voided(v1alpha1.VoidCancelled)))), overdue: true, deadline: time.Minute},
			outcome{failed: true, reason: v1alpha1.ReasonDeadlineExceeded, message: "spec.deadline of 1m0s has passed; 0 of 2 nodes gave a valid sample"}},
		"all are valid where some are enough": {facts{tally: count(load(2, enough(1)), runs(runOn("a", valid), runOn("b", valid)))},
			outcome{complete: true, reason: v1alpha1.ReasonAllValid, message: "2 of 2 nodes gave a valid sample"}},
		"enough are valid, one was spoilt, one lost for good": {facts{tally: count(load(4, enough(2), retries(0)), runs(
			runOn("a", valid), runOn("b", valid), runOn("c", voided(v1alpha1.VoidSteal)), runOn("d", voided(v1alpha1.VoidNodeLost))))},
			outcome{complete: true, reason: v1alpha1.ReasonEnoughValid, message: "2 of 4 nodes gave a valid sample, spec.successPolicy asks for 2; 2 void (1 NodeLost, 1 Steal)"}},
		"enough are valid, but another runs": {facts{tally: count(load(3, enough(1)), runs(runOn("a", valid), runOn("b", voided(v1alpha1.VoidSteal)), runOn("c", running)))},
			outcome{}},
		"enough are valid, but a lost one can be repeated": {facts{tally: count(load(2, enough(1)), runs(runOn("a", valid), runOn("b", voided(v1alpha1.VoidNodeLost))))},
			outcome{}},
		"enough are valid, and no node is left to repeat a lost one": {facts{tally: count(load(2, enoughPercent(50)), runs(runOn("a", valid), runOn("b", voided(v1alpha1.VoidNodeLost)))), noneFits: true},
			outcome{complete: true, reason: v1alpha1.ReasonEnoughValid, message: "1 of 2 nodes gave a valid sample, spec.successPolicy asks for 1; 1 void (1 NodeLost); no node is left to repeat 1"}},
		"no node is left, and too few are valid": {facts{tally: count(load(2), runs(runOn("a", valid), runOn("b", voided(v1alpha1.VoidNodeLost)))), noneFits: true},
			outcome{}},
		"enough are valid, but their results do not add up": {facts{tally: count(load(2, enough(1)), runs(runOn("a", valid), runOn("b", voided(v1alpha1.VoidSteal)))), mergeErr: errors.New("run x: bad histogram")},
			outcome{failed: true, reason: v1alpha1.ReasonVoidSample, message: "the results of the nodes cannot be merged: run x: bad histogram"}},
		"too few can become valid": {facts{tally: count(load(3, enough(2)), runs(runOn("a", valid), runOn("b", voided(v1alpha1.VoidSteal)), runOn("c", voided(v1alpha1.VoidSteal))))},
			outcome{failed: true, reason: v1alpha1.ReasonVoidSample,
				message: "1 of 3 nodes gave a valid sample, spec.successPolicy asks for 2; 2 of 3 NodeRuns are void (2 Steal); w-b-1: Steal on b"}},
		"too few are left of the retries": {facts{tally: count(load(2, enough(2), retries(0)), runs(runOn("a", valid), runOn("b", voided(v1alpha1.VoidNodeLost))))},
			outcome{failed: true, reason: v1alpha1.ReasonRetriesExhausted,
				message: "spec.retries allows no retry; 1 of 2 NodeRuns are void (1 NodeLost); w-b-1: NodeLost on b"}},
		"overdue, and enough are valid": {facts{tally: count(load(3, enough(2)), runs(runOn("a", valid), runOn("b", valid), runOn("c", cancelled, voided(v1alpha1.VoidCancelled)))), overdue: true, deadline: time.Minute},
			outcome{complete: true, reason: v1alpha1.ReasonEnoughValid, message: "2 of 3 nodes gave a valid sample, spec.successPolicy asks for 2; spec.deadline of 1m0s has passed", cutShort: true}},
		"overdue, enough are valid, and one has not stopped": {facts{tally: count(load(2, enough(1)), runs(runOn("a", valid), runOn("b", cancelled, running))), overdue: true, deadline: time.Minute},
			outcome{}},
		"overdue, enough are valid, and one never stops": {facts{tally: count(load(2, enough(1)), runs(runOn("a", valid), runOn("b", cancelled, running))), overdue: true, overdueGrace: true, deadline: time.Minute},
			outcome{complete: true, reason: v1alpha1.ReasonEnoughValid,
				message: "1 of 2 nodes gave a valid sample, spec.successPolicy asks for 1; spec.deadline of 1m0s has passed; not confirmed to have stopped: b"}},
		"overdue, and too few are valid": {facts{tally: count(load(3, enough(2)), runs(runOn("a", valid), runOn("b", cancelled, voided(v1alpha1.VoidCancelled)))), overdue: true, deadline: time.Minute},
			outcome{failed: true, reason: v1alpha1.ReasonDeadlineExceeded, message: "spec.deadline of 1m0s has passed; 1 of 3 nodes gave a valid sample, spec.successPolicy asks for 2"}},
		"one has left its node and is to be repeated": {facts{tally: count(load(1, retries(0)), runs(runOn("a", evicted, voided(v1alpha1.VoidEvicted))))},
			outcome{}},
		"enough are valid, and one is leaving its node": {facts{tally: count(load(2, enough(1)), runs(runOn("a", valid), runOn("b", evicted, running)))},
			outcome{}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, judge(tc.facts), cmp.AllowUnexported(outcome{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestMessagesAreBounded(t *testing.T) {
	var list []*v1alpha1.NodeRun
	for i := range 5000 {
		list = append(list, runOn(fmt.Sprintf("%s-%d", strings.Repeat("n", 240), i), running))
	}
	got := judge(facts{tally: count(load(5000), list), overdue: true, overdueGrace: true})
	if len(got.message) > maxMessage {
		t.Errorf("the message has %d bytes", len(got.message))
	}
	if names := nodeNames(list[:6]); !strings.HasSuffix(names, "n-4 and 1 more") {
		t.Errorf("got %s", names)
	}
	if got := bounded("aaé", 4); got != "aaé" {
		t.Errorf("got %q", got)
	}
	if got := bounded("äääää", 8); got != "ää..." {
		t.Errorf("got %q, which is cut in a letter or too long", got)
	}
}
