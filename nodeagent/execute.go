// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
)

// handle deals with one NodeRun that has not ended, and says whether anything
// was executed on the node for it. An error means that it is to be tried again.
// A bug that panics here costs this NodeRun, not the agent.
func (a *Agent) handle(ctx context.Context, run *v1alpha1.NodeRun) (executed bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			a.log.Error(fmt.Errorf("panic: %v", p), "dealing with a NodeRun panicked", "nodeRun", keyOf(run).String(), "stack", string(debug.Stack()))
			if seen := a.inbox.get(run.UID); seen != nil {
				run = seen
			}
			a.finish(run, verdict{v1alpha1.VoidRunnerFailed, fmt.Sprintf("the agent panicked: %v", p)}, nil)
			executed, err = true, nil
		}
	}()
	switch {
	case run.Started() && run.Status.AgentInstance != a.instance:
		a.finish(run, verdict{v1alpha1.VoidAgentRestart, "the agent was restarted during the run"}, nil)
		return false, nil
	case run.Spec.Cancel && !run.Started():
		a.finish(run, beforeStart(run), nil)
		return false, nil
	}
	job, err := a.job(run)
	if err != nil {
		a.finish(run, verdict{v1alpha1.VoidSetupFailed, err.Error()}, nil)
		return false, nil
	}
	if a.health.err() != nil {
		return false, nil // it waits, and the pass says why
	}
	return true, a.execute(ctx, run, job)
}

// job is what the runner is to do. An error says why this node cannot do it.
func (a *Agent) job(run *v1alpha1.NodeRun) (runner.Job, error) {
	if err := manifest.Check(&run.Spec.Run, nil); err != nil {
		return runner.Job{}, err
	}
	model, err := manifest.Model(&run.Spec.Run)
	if err != nil {
		return runner.Job{}, err
	}
	if why := manifest.Unfit(model, &a.node.facts); why != "" {
		return runner.Job{}, fmt.Errorf("test node %s %s", a.opts.NodeName, why)
	}
	if err := cgroup.CheckName(run.Spec.RunID); err != nil || strings.Contains(run.Spec.RunID, "/") {
		return runner.Job{}, fmt.Errorf("spec.runID %q cannot be the name of a cgroup", run.Spec.RunID)
	}
	return runner.Job{
		RunID: run.Spec.RunID, Name: run.Spec.Workload.Name, Node: a.opts.NodeName, Cgroup: filepath.Join(a.opts.CgroupRoot, run.Spec.RunID), CPUs: a.opts.CPUs, Policy: a.opts.Policy, Run: *model,
	}, nil
}

// execute takes a run, has it carried out, and hands over what became of it.
func (a *Agent) execute(ctx context.Context, run *v1alpha1.NodeRun, job runner.Job) error {
	runContext, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	a.inbox.hold(run.UID, stop)
	defer a.inbox.release()

	var gang *gathering
	if run.Spec.Start == v1alpha1.StartSynchronized {
		gang = a.gather(run)
		job.StartAt = gang.startAt
	} else if taken, err := a.take(ctx, run); taken == nil || err != nil {
		return err
	} else {
		run = taken
	}
	log := a.log.WithValues("nodeRun", keyOf(run).String(), "runID", run.Spec.RunID)
	log.Info("run begun", "synchronized", gang != nil)
	var e ending
	e.report, e.err = a.opts.Runner.Run(runContext, job, nil)
	// Nothing is stopped any more from here on.
	a.inbox.release()
	e.stopped = context.Cause(runContext)
	if gang != nil {
		if gang.run == nil || gang.err != nil {
			return gang.err
		}
		run = gang.run
	}

	if errors.Is(e.stopped, errDeleted) || errors.Is(e.stopped, errEnded) {
		log.Info("run stopped; its report is for nobody", "why", e.stopped.Error())
		return nil
	}
	v := judge(run, e)
	log.Info("run ended", "void", v.reason, "message", cut(v.message, maxMessage))
	a.finish(run, v, e.report)
	return nil
}

// take writes that the run has started, and returns it with the status it has
// now. It returns nil if the run is not there to be taken any more.
func (a *Agent) take(ctx context.Context, run *v1alpha1.NodeRun) (*v1alpha1.NodeRun, error) {
	// An agent told to stop still wants to know whether it has the run.
	ctx = context.WithoutCancel(ctx)
	for range maxConflicts {
		if run == nil || run.Started() {
			break
		}
		status := taken(run, a.instance, time.Now())
		if run.Spec.Start == v1alpha1.StartSynchronized {
			status = prepared(status, run.Generation, status.StartTime.Time)
		}
		resourceVersion, err := a.api.applyRunStatus(ctx, versionOf(run), &status)
		if err == nil {
			run = run.DeepCopy()
			run.ResourceVersion, run.Status = resourceVersion, status
			return run, nil
		}
		if !apierrors.IsConflict(err) && !gone(err) {
			return nil, err
		}
		if run, err = a.reread(ctx, run); err != nil {
			return nil, err
		}
	}
	if run != nil && run.Status.AgentInstance != a.instance {
		return nil, fmt.Errorf("NodeRun %s was changed by another while it was taken", keyOf(run))
	}
	return run, nil
}

// reread returns a NodeRun as it stands, nil if there is nothing left to take.
func (a *Agent) reread(ctx context.Context, run *v1alpha1.NodeRun) (*v1alpha1.NodeRun, error) {
	live, err := a.api.nodeRun(ctx, keyOf(run))
	switch {
	case err != nil && !gone(err):
		return nil, err
	case err != nil || live.UID != run.UID || live.Finished() || live.Spec.RunID != run.Spec.RunID:
		a.inbox.settle(run.UID) // until the watch shows it too
		return nil, nil         //nolint:nilerr // that it is gone is the answer
	case live.Spec.Cancel && !live.Started():
		a.finish(live, beforeStart(live), nil)
		return nil, nil
	}
	return live, nil
}
