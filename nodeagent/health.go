// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	// selfTest is the run ID and the cgroup of the self-test.
	selfTest         = "self-test"
	selfTestDuration = 10 * time.Millisecond
	selfTestTimeout  = 30 * time.Second
)

// health is whether the node can take runs.
type health struct {
	// notClean and cannotFork are why not, nil if so.
	notClean, cannotFork error
	tested               bool
}

// unsettled says that there is something to find out, or to try again.
func (h *health) unsettled() bool { return !h.tested || h.notClean != nil }

func (h *health) err() error { return errors.Join(h.notClean, h.cannotFork) }

// condition is the health as the node's condition.
func (h *health) condition() metav1.Condition {
	c := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAgentReady,
		Message: "the agent takes NodeRuns",
	}
	switch {
	case h.notClean != nil:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.ReasonNotClean, cut(h.notClean.Error(), maxMessage)
	case h.cannotFork != nil:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.ReasonCannotFork, cut(h.cannotFork.Error(), maxMessage)
	}
	return c
}

// checkHealth sweeps, and as long as it has not succeeded once, makes a worker
// to see whether the node can.
func (a *Agent) checkHealth(ctx context.Context) {
	removed, err := a.opts.Sweeper.Sweep(ctx)
	if len(removed) > 0 {
		a.log.Info("removed what an earlier run had left", "what", removed)
	}
	a.health.notClean = err
	if err == nil && !a.health.tested {
		a.health.cannotFork = a.tryRunner(ctx)
		a.health.tested = a.health.cannotFork == nil
	}
}

// tryRunner runs one worker for a moment.
func (a *Agent) tryRunner(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, selfTestTimeout)
	defer cancel()
	rep, err := a.opts.Runner.Run(ctx, runner.Job{
		RunID:  selfTest,
		Cgroup: filepath.Join(a.opts.CgroupRoot, selfTest),
		Run: spec.Run{Duration: quantity.Duration(selfTestDuration), Seed: 1, Groups: []spec.Group{{
			Name: selfTest, Workers: 1, CloneMode: spec.CloneModeFork, Work: work.Spec{YieldHeavy: &work.YieldHeavy{}},
		}}},
	}, nil)
	if err != nil {
		return fmt.Errorf("self-test: %w", err)
	}
	if valid, reason, message := manifest.Verdict(rep); !valid {
		return fmt.Errorf("self-test: %s: %s", reason, message)
	}
	return nil
}
