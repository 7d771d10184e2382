// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
)

// errNotTaken: a synchronized run that was to be taken when its workers were parked was not.
var errNotTaken = errors.New("the NodeRun is not there to be taken any more")

// gathering is a synchronized run between its workers' set-up and the common start. It is
// taken only once they are parked: an agent that dies before that has changed nothing, and
// the next one begins anew.
type gathering struct {
	agent *Agent
	// run is the run as it stands, nil if it is not there to be taken any more.
	run *v1alpha1.NodeRun
	// err is why it could not be taken; it is to be tried again.
	err error
}

func (a *Agent) gather(run *v1alpha1.NodeRun) *gathering { return &gathering{agent: a, run: run} }

// startAt says that the workers are parked, with one write, and waits for the time to start.
func (g *gathering) startAt(ctx context.Context) (time.Time, error) {
	uid := g.run.UID
	if g.run, g.err = g.agent.take(ctx, g.run); g.err != nil {
		return time.Time{}, g.err
	}
	if g.run == nil {
		return time.Time{}, errNotTaken
	}
	limit := g.agent.opts.Timings.StartWait
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for {
		if seen := g.agent.inbox.get(uid); seen != nil && seen.Spec.StartTime != nil {
			return seen.Spec.StartTime.Time, nil
		}
		select {
		case <-g.agent.inbox.news:
		case <-timeout.C:
			return time.Time{}, &runner.SetupError{Message: fmt.Sprintf(
				"the workers were parked for %v and no common start came: other nodes of the gang were not ready", limit)}
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}
