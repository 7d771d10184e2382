// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
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
	// seen is a Lease with what is written in it, as the watch showed it at the epoch.
	seen := func(written time.Time, lasts *int32, stoodThere bool) func(*heartbeats) {
		return func(h *heartbeats) {
			lease := renewed(written, lasts)
			lease.Name = "a"
			h.observe(lease, stoodThere, epoch, DefaultLeaseDuration)
		}
	}
	for name, tc := range map[string]struct {
		heartbeat func(*heartbeats)
		contact   time.Time // since when; zero: for ever
		now       time.Time
		wantLost  bool
		wantWake  time.Time
	}{
		"renewed just now": {heartbeat: seen(epoch, new(int32(30)), false), now: epoch.Add(second),
			wantWake: epoch.Add(35 * second)},
		"expired, within the grace": {heartbeat: seen(epoch, new(int32(30)), false), now: epoch.Add(34 * second),
			wantWake: epoch.Add(35 * second)},
		"given up": {heartbeat: seen(epoch, new(int32(30)), false), now: epoch.Add(35 * second),
			wantLost: true},
		"an agent's clock is minutes behind": {heartbeat: seen(epoch.Add(-10*time.Minute), new(int32(30)), false), now: epoch.Add(34 * second),
			wantWake: epoch.Add(35 * second)},
		"an agent's clock is minutes ahead, and it is dead": {heartbeat: seen(epoch.Add(10*time.Minute), new(int32(30)), false), now: epoch.Add(35 * second),
			wantLost: true},
		"a lease that stood there is as old as it says": {heartbeat: seen(epoch.Add(-20*second), new(int32(30)), true), now: epoch.Add(second),
			wantWake: epoch.Add(15 * second)},
		"a lease that stood there expired, and its node has yet to be heard": {heartbeat: seen(epoch.Add(-time.Hour), new(int32(60)), true), now: epoch.Add(second),
			wantWake: epoch.Add(25 * second)},
		"a lease that stood there expired, and its node was not heard": {heartbeat: seen(epoch.Add(-time.Hour), new(int32(60)), true), now: epoch.Add(25 * second),
			wantLost: true},
		"a lease that stood there is not from the future": {heartbeat: seen(epoch.Add(time.Hour), new(int32(30)), true), now: epoch.Add(second),
			wantWake: epoch.Add(35 * second)},
		"a lease says how long it lasts": {heartbeat: seen(epoch, new(int32(10)), false), now: epoch.Add(15 * second),
			wantLost: true},
		"a lease does not say how long it lasts": {heartbeat: seen(epoch, nil, false), now: epoch.Add(34 * second),
			wantWake: epoch.Add(35 * second)},
		"no lease, from when it was missed": {now: epoch,
			wantWake: epoch.Add(35 * second)},
		"no lease for too long": {heartbeat: func(h *heartbeats) { h.expiry("a", epoch, DefaultLeaseDuration) }, now: epoch.Add(35 * second),
			wantLost: true},
		"the manager has been in touch for a moment only": {heartbeat: seen(epoch, new(int32(30)), false), contact: epoch.Add(58 * second), now: epoch.Add(60 * second),
			wantWake: epoch.Add(73 * second)},
		"the manager has been in touch for long enough": {heartbeat: seen(epoch, new(int32(30)), false), contact: epoch.Add(58 * second), now: epoch.Add(73 * second),
			wantLost: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Reconciler{Timings: Timings{}.withDefaults(), heartbeats: newHeartbeats()}
			if tc.heartbeat != nil {
				tc.heartbeat(r.heartbeats)
			}
			r.contact.from = epoch.Add(-time.Hour)
			if !tc.contact.IsZero() {
				r.contact.lose(tc.contact)
			}
			s := &scope{now: tc.now}
			lost := r.silent(s, runs(runOn("a", running)))
			if (len(lost) == 1) != tc.wantLost || !s.wake.Equal(tc.wantWake) {
				t.Errorf("lost %d, wake at %s; want lost: %t, wake at %s", len(lost), s.wake, tc.wantLost, tc.wantWake)
			}
		})
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
