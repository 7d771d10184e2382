// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func TestLedgerFollowsANodeRun(t *testing.T) {
	key := client.ObjectKeyFromObject(load(1))
	run := runOn("a")
	other := runOn("a", func(r *v1alpha1.NodeRun) { r.Spec.RunID = "another" })
	soon, late := epoch.Add(time.Second), epoch.Add(time.Second+assumptionLifetime)
	type known struct{ Occupied, Confirmed, Assumed bool }
	for name, tc := range map[string]struct {
		steps func(*ledger)
		now   time.Time
		want  known
	}{
		"nothing is known at first":               {func(*ledger) {}, soon, known{}},
		"a reservation occupies the node":         {func(l *ledger) { l.reserve(run) }, soon, known{Occupied: true, Assumed: true}},
		"it lasts while the request is under way": {func(l *ledger) { l.reserve(run) }, late, known{Occupied: true, Assumed: true}},
		"it ends if the request fails":            {func(l *ledger) { l.reserve(run); l.release(run) }, soon, known{}},
		"a NodeRun that was created stands":       {func(l *ledger) { l.reserve(run); l.confirm(run, epoch) }, soon, known{true, true, true}},
		"until the cache shows it":                {func(l *ledger) { l.reserve(run); l.confirm(run, epoch); l.see(run) }, soon, known{}},
		"also if the cache was faster":            {func(l *ledger) { l.reserve(run); l.see(run); l.confirm(run, epoch) }, soon, known{}},
		"another NodeRun there does not matter":   {func(l *ledger) { l.reserve(run); l.confirm(run, epoch); l.see(other); l.release(other) }, soon, known{true, true, true}},
		"but not for ever, should it be gone":     {func(l *ledger) { l.reserve(run); l.confirm(run, epoch) }, late, known{}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			tc.steps(l)
			got := known{
				Occupied:  l.occupied("a", tc.now),
				Confirmed: len(l.confirmedFor(key, tc.now)) == 1,
				Assumed:   len(l.assumedBy(types.UID("uid-w"), tc.now)) == 1,
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLedgerRemembersWhenNodesWereUsed(t *testing.T) {
	l := newLedger()
	l.see(runOn("a", endedAfter(time.Minute)))
	l.see(runOn("a"))
	l.see(runOn("b"))
	want := map[string]time.Time{"a": epoch.Add(time.Minute), "b": epoch}
	if diff := cmp.Diff(want, l.lastUsed); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	l.forgetNode("a")
	if _, ok := l.lastUsed["a"]; ok {
		t.Error("a node that is no more is remembered")
	}
}

func TestMergePrefersWhatTheCacheShows(t *testing.T) {
	shown := runOn("a", valid)
	got := merge(runs(shown), runs(runOn("a"), runOn("b")))
	if len(got) != 2 || got[0] != shown || got[1].Spec.NodeName != "b" {
		t.Errorf("got %v", got)
	}
}
