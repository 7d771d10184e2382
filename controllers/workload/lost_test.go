// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func renewed(at time.Time, seconds *int32) *coordinationv1.Lease {
	return &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{RenewTime: new(metav1.NewMicroTime(at)), LeaseDurationSeconds: seconds}}
}

func TestSilent(t *testing.T) {
	const second = time.Second
	for name, tc := range map[string]struct {
		lease    *coordinationv1.Lease
		contact  time.Time // since when; zero: for ever
		now      time.Time
		wantLost bool
		wantWake time.Time
	}{
		"renewed just now": {lease: renewed(epoch, new(int32(30))), now: epoch.Add(second),
			wantWake: epoch.Add(35 * second)},
		"expired, within the grace": {lease: renewed(epoch, new(int32(30))), now: epoch.Add(34 * second),
			wantWake: epoch.Add(35 * second)},
		"given up": {lease: renewed(epoch, new(int32(30))), now: epoch.Add(35 * second),
			wantLost: true},
		"a lease says how long it lasts": {lease: renewed(epoch, new(int32(10))), now: epoch.Add(15 * second),
			wantLost: true},
		"a lease does not say how long it lasts": {lease: renewed(epoch, nil), now: epoch.Add(34 * second),
			wantWake: epoch.Add(35 * second)},
		"no lease, from the NodeRun's creation": {now: epoch.Add(34 * second),
			wantWake: epoch.Add(35 * second)},
		"no lease for too long": {now: epoch.Add(35 * second),
			wantLost: true},
		"the manager has been in touch for a moment only": {lease: renewed(epoch, new(int32(30))), contact: epoch.Add(58 * second), now: epoch.Add(60 * second),
			wantWake: epoch.Add(73 * second)},
		"the manager has been in touch for long enough": {lease: renewed(epoch, new(int32(30))), contact: epoch.Add(58 * second), now: epoch.Add(73 * second),
			wantLost: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Reconciler{Timings: Timings{}.withDefaults()}
			r.contact.from = epoch.Add(-time.Hour)
			if !tc.contact.IsZero() {
				r.contact.lose(tc.contact)
			}
			s := &scope{now: tc.now}
			lost, err := r.silent(s, runs(runOn("a", running)), func(string) (*coordinationv1.Lease, error) { return tc.lease, nil })
			if err != nil || (len(lost) == 1) != tc.wantLost || !s.wake.Equal(tc.wantWake) {
				t.Errorf("lost %d, wake at %s, error %v; want lost: %t, wake at %s", len(lost), s.wake, err, tc.wantLost, tc.wantWake)
			}
		})
	}
}

func TestSilentSaysNothingWithoutLeases(t *testing.T) {
	r := &Reconciler{Timings: Timings{}.withDefaults()}
	broken := errors.New("broken")
	lost, err := r.silent(&scope{now: epoch}, runs(runOn("a")), func(string) (*coordinationv1.Lease, error) { return nil, broken })
	if len(lost) != 0 || !errors.Is(err, broken) {
		t.Errorf("lost %d, error %v", len(lost), err)
	}
}

func TestNodeLost(t *testing.T) {
	run := runOn("a", running)
	run.Generation = 2
	ended := nodeLost(run, epoch)
	if run.Finished() {
		t.Error("the cached NodeRun was changed")
	}
	reason, message := ended.VoidBecause()
	if diff := cmp.Diff([]any{true, v1alpha1.VoidNodeLost, "test node a sends no heartbeat any more", metav1.NewMicroTime(epoch)},
		[]any{ended.Finished(), reason, message, *ended.Status.CompletionTime}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
