// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"
	"time"
)

// errLapsed keeps an agent from its node while it cannot renew its Lease.
var errLapsed = errors.New("the node's Lease could not be renewed for as long as it lasts")

// work does everything there is to do, one thing after the other, until ctx ends.
func (a *Agent) work(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-a.beating: // a node without a heartbeat must not look ready
	}
	for failures := 0; ctx.Err() == nil; {
		pause := a.opts.Timings.Refresh
		if err := a.pass(ctx); err != nil && ctx.Err() == nil {
			failures++
			pause = a.opts.Timings.backoff(failures)
			a.log.Error(err, "trying again", "in", pause.String(), "failures", failures)
		} else {
			failures = 0
		}
		select {
		case <-ctx.Done():
		case <-a.inbox.wake:
		case <-time.After(a.archive.pause(a.pending, pause)):
		}
	}
}

// pass delivers what waits and deals with every NodeRun there is. Nothing is
// lost by an error or an end in the middle: the next pass finds it again.
func (a *Agent) pass(ctx context.Context) error {
	if a.health.unsettled() {
		a.checkHealth(ctx)
	}
	late := a.deliver(ctx)
	a.ready.Store(a.health.err() == nil && a.health.tested && !a.lapsed())
	if a.lapsed() {
		return errors.Join(errLapsed, late)
	}
	if err := a.refreshNode(ctx); err != nil {
		return errors.Join(err, late)
	}
	for _, uid := range a.inbox.todo() {
		run := a.inbox.get(uid) // it may have changed during the run before it
		if run == nil || ctx.Err() != nil {
			continue
		}
		if a.lapsed() {
			return errLapsed
		}
		executed, err := a.handle(ctx, run)
		late = errors.Join(a.deliver(ctx), err)
		if executed {
			a.checkHealth(ctx)
			a.node.checked = time.Time{} // somebody may have deleted it meanwhile
			late = errors.Join(late, a.refreshNode(ctx))
		}
		if late != nil {
			break
		}
	}
	return errors.Join(late, a.health.err())
}
