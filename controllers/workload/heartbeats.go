// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
)

// heartbeats is when this manager saw each node's Lease change. Whether a node
// lives is judged by that, on this process's monotonic clock, and never by
// comparing an agent's clock with the manager's: neither a clock that is wrong
// nor one that is stepped makes a node look lost, or alive.
type heartbeats struct {
	mu   sync.Mutex
	seen map[string]heartbeat
}

// heartbeat is one version of a Lease.
type heartbeat struct {
	// beat tells versions apart.
	beat beat
	// at is when it was seen.
	at time.Time
	// lasts is for how long it counts.
	lasts time.Duration
	// hearBy is when a node whose Lease stood there has to have been heard.
	hearBy time.Time
}

// renewalsPerLease is how often agents renew a Lease at least while it lasts.
const renewalsPerLease = 3

// beat is what changes with each renewal; zero for a node without a Lease.
type beat struct {
	uid     types.UID
	holder  string
	renewed time.Time
}

func newHeartbeats() *heartbeats { return &heartbeats{seen: map[string]heartbeat{}} }

func beatOf(lease *coordinationv1.Lease) (b beat) {
	if lease == nil {
		return b
	}
	b.uid = lease.UID
	if lease.Spec.HolderIdentity != nil {
		b.holder = *lease.Spec.HolderIdentity
	}
	if lease.Spec.RenewTime != nil {
		b.renewed = lease.Spec.RenewTime.UTC()
	}
	return b
}

// observe takes note of a Lease as the watch shows it. One that stood there when
// this manager began may be as old as it says, within what a Lease can last, but
// its node is not given up before it could be heard; what comes or changes later is
// new, whatever time is written in it.
func (h *heartbeats) observe(lease *coordinationv1.Lease, stoodThere bool, now time.Time, duration time.Duration) {
	if seconds := lease.Spec.LeaseDurationSeconds; seconds != nil {
		duration = time.Duration(*seconds) * time.Second
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	next := heartbeat{beat: beatOf(lease), at: now, lasts: duration}
	if before, ok := h.seen[lease.Name]; ok && before.beat == next.beat {
		return
	}
	if stoodThere {
		age := min(max(now.Sub(next.beat.renewed), 0), duration)
		next.at, next.hearBy = now.Add(-age), now.Add(duration/renewalsPerLease)
	}
	h.seen[lease.Name] = next
}

// forget takes note that a node has no Lease any more.
func (h *heartbeats) forget(node string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.seen, node)
}

// alive says whether a node's heartbeat has not stopped.
func (h *heartbeats) alive(node string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	last, ok := h.seen[node]
	return ok && last.beat != beat{} && now.Before(last.at.Add(last.lasts))
}

// expiry is when a node's heartbeat stops counting unless another comes. A node
// without a Lease has as long from when it was first missed.
func (h *heartbeats) expiry(node string, now time.Time, duration time.Duration) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	last, ok := h.seen[node]
	if !ok {
		last = heartbeat{at: now, lasts: duration}
		h.seen[node] = last
	}
	if expiry := last.at.Add(last.lasts); expiry.After(last.hearBy) {
		return expiry
	}
	return last.hearBy
}

// shown says whether lease, nil for none, is what the watch has shown of a node.
func (h *heartbeats) shown(node string, lease *coordinationv1.Lease) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[node].beat == beatOf(lease)
}
