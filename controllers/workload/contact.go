// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// contact is since when this manager has been in touch with the API server. What
// the agents did before that, it cannot know.
type contact struct {
	mu   sync.Mutex
	from time.Time
}

// since is the beginning of the contact, at first use the present.
func (c *contact) since(now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from.IsZero() {
		c.from = now
	}
	return c.from
}

func (c *contact) lose(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from = now
}

// pulse asks the API server for next to nothing, again and again. Without it an
// outage that ends just before a node's Lease seems to expire would go unnoticed,
// and nodes that could not renew for it would be given up.
type pulse struct{ r *Reconciler }

var _ manager.LeaderElectionRunnable = pulse{}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (pulse) NeedLeaderElection() bool { return true }

// Start implements manager.Runnable.
func (p pulse) Start(ctx context.Context) error {
	for last := p.r.Clock.Now(); ctx.Err() == nil; last = p.r.Clock.Now() {
		pause := p.beat(ctx, last)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// beat asks once, and says when to ask again. A beat that is late tells that this
// process was stopped meanwhile, and has seen as little as in an outage.
func (p pulse) beat(ctx context.Context, last time.Time) time.Duration {
	asking, cancel := context.WithTimeout(ctx, contactTimeout)
	defer cancel()
	began := p.r.Clock.Now()
	var one coordinationv1.LeaseList
	err := p.r.Live.List(asking, &one, client.InNamespace(p.r.LeaseNamespace), client.Limit(1))
	now := p.r.Clock.Now()
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.r.contact.lose(now)
		logf.FromContext(ctx).Info("no contact with the API server: no node is given up meanwhile", "reason", err.Error())
		return contactRetry
	case began.Sub(last) > 2*pulseInterval:
		p.r.contact.lose(now)
	}
	return pulseInterval
}
