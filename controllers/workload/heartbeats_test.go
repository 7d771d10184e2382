// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func TestOnlyAChangeIsAHeartbeat(t *testing.T) {
	h := newHeartbeats()
	lease := renewed(epoch, new(int32(30)))
	lease.Name = "a"
	h.observe(lease, false, epoch, DefaultLeaseDuration)
	h.observe(lease, false, epoch.Add(20*time.Second), DefaultLeaseDuration) // the watch shows it again
	if !h.alive("a", epoch.Add(29*time.Second)) || h.alive("a", epoch.Add(30*time.Second)) {
		t.Error("a Lease that did not change counts anew, or not for as long as it lasts")
	}
	later := renewed(epoch.Add(-time.Minute), new(int32(30))) // the agent's clock was stepped back
	later.Name = "a"
	h.observe(later, false, epoch.Add(25*time.Second), DefaultLeaseDuration)
	if !h.alive("a", epoch.Add(54*time.Second)) {
		t.Error("a renewal with an earlier time does not count")
	}
	long := renewed(epoch.Add(-time.Hour), new(int32(30)))
	long.Name = "dead"
	if h.observe(long, true, epoch, DefaultLeaseDuration); h.alive("dead", epoch) {
		t.Error("a Lease that stood there long expired makes its node alive")
	}
	if h.forget("a"); h.alive("a", epoch) {
		t.Error("a node without a Lease is alive")
	}
}

// What is compared keeps the reading of the monotonic clock, so that a step of
// the manager's wall clock changes nothing.
func TestExpiryIsOnTheMonotonicClock(t *testing.T) {
	h := newHeartbeats()
	lease := renewed(epoch, new(int32(30)))
	lease.Name = "a"
	for _, stoodThere := range []bool{true, false} {
		h.forget("a")
		h.observe(lease, stoodThere, time.Now(), DefaultLeaseDuration)
		if at := h.expiry("a", time.Now(), DefaultLeaseDuration).String(); !strings.Contains(at, " m=") {
			t.Errorf("stood there: %t: %s has no monotonic reading", stoodThere, at)
		}
	}
}

func TestPulse(t *testing.T) {
	for name, tc := range map[string]struct {
		down     bool
		late     time.Duration // since the last beat
		wantLost bool
		wantNext time.Duration
	}{
		"in reach":                     {late: pulseInterval, wantNext: pulseInterval},
		"out of reach":                 {down: true, late: pulseInterval, wantLost: true, wantNext: contactRetry},
		"the manager stood still":      {late: time.Minute, wantLost: true, wantNext: pulseInterval},
		"a beat that is a little late": {late: pulseInterval + time.Second, wantNext: pulseInterval},
	} {
		t.Run(name, func(t *testing.T) {
			r := reconciler(t, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if _, leases := list.(*coordinationv1.LeaseList); leases && tc.down {
					return errors.New("out of reach")
				}
				return c.List(ctx, list, opts...)
			}}, nil)
			r.Clock = clocktesting.NewFakePassiveClock(epoch)
			r.contact.lose(epoch.Add(-time.Hour))
			next := pulse{r}.beat(context.Background(), epoch.Add(-tc.late))
			if lost := r.contact.since(epoch).Equal(epoch); lost != tc.wantLost || next != tc.wantNext {
				t.Errorf("contact lost: %t, next in %s; want %t, %s", lost, next, tc.wantLost, tc.wantNext)
			}
		})
	}
}
