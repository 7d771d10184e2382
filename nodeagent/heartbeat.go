// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"
	"time"
)

// heartbeat renews the node's Lease until ctx ends, during runs as well, and then
// gives it back. It calls replaced if another agent has the node.
func (a *Agent) heartbeat(ctx context.Context, owner string, replaced context.CancelCauseFunc) {
	l := &lease{api: a.api, owner: owner, instance: a.instance, lasts: a.opts.Timings.LeaseDuration}
	said := "" // the last trouble that was logged
	for first := true; ctx.Err() == nil; {
		pause := a.opts.Timings.LeaseRenewal
		now := time.Now()
		err := l.keep(ctx, now)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errReplaced):
			replaced(err)
			return
		case err != nil:
			pause = min(pause, heartbeatRetry)
			a.metrics.heartbeatFailures.Inc()
			said = a.sayNoHeartbeat(err, said)
		default:
			a.renewed.Store(&now)
			if said != "" {
				a.log.Info("heartbeat is back")
			}
			said = ""
			if first {
				close(a.beating)
			}
			first = false
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	if err := l.release(context.WithoutCancel(ctx), time.Now()); err != nil {
		a.log.Error(err, "the node's Lease was not given back; another agent has to wait until it expires")
	}
}

// sayNoHeartbeat logs why there is none, once for each kind of trouble, and returns which it was.
func (a *Agent) sayNoHeartbeat(err error, said string) string {
	if held, ok := errors.AsType[*heldError](err); ok {
		if said != held.holder {
			a.log.Info("takes no NodeRuns", "why", err.Error())
		}
		return held.holder
	}
	const failing = "failing"
	if said != failing {
		a.log.Error(err, "heartbeat failed; trying on")
	}
	return failing
}

// lapsed says that the node's Lease may have expired: another agent may have the
// node, so this one takes nothing and says nothing of it until it has renewed it.
func (a *Agent) lapsed() bool {
	last := a.renewed.Load()
	return last == nil || time.Since(*last) >= a.opts.Timings.LeaseDuration
}
