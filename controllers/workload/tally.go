// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// tally sorts the NodeRuns of a Workload by what became of them.
type tally struct {
	// desired is the number of nodes asked for. Zero: all nodes, not settled yet.
	desired int
	retries int

	active   []*v1alpha1.NodeRun // not ended
	stopping []*v1alpha1.NodeRun // not ended, but asked to
	valid    []*v1alpha1.NodeRun // ended with a sample that counts
	lost     []*v1alpha1.NodeRun // void by the fleet's fault: worth repeating
	spoilt   []*v1alpha1.NodeRun // void for another reason: final
	// withdrawn were cancelled by the manager. They are neither failures nor retries.
	withdrawn []*v1alpha1.NodeRun
}

// count sorts runs. It says nothing about what should happen.
func count(w *v1alpha1.Workload, runs []*v1alpha1.NodeRun) tally {
	t := tally{desired: desired(w), retries: int(w.Spec.Retries)}
	for _, run := range runs {
		reason, _ := voidBecause(run)
		switch {
		case !run.Finished() && run.Spec.Cancel:
			t.stopping = append(t.stopping, run)
		case !run.Finished():
			t.active = append(t.active, run)
		case reason == "":
			t.valid = append(t.valid, run)
		case run.Spec.Cancel:
			t.withdrawn = append(t.withdrawn, run)
		case reason.Infrastructure() && run.Spec.StartTime == nil: // else a repetition would start alone
			t.lost = append(t.lost, run)
		default:
			t.spoilt = append(t.spoilt, run)
		}
	}
	return t
}

// desired is how many nodes a Workload is to run on. "All nodes" are as many as
// fitted when it was first placed; that number is kept in its status.
func desired(w *v1alpha1.Workload) int {
	if w.Spec.Placement.AllNodes {
		if w.Status.Nodes == nil {
			return 0
		}
		return int(w.Status.Nodes.Desired)
	}
	return int(w.DesiredNodes(0))
}

// voidBecause is why an ended NodeRun does not count, and nothing for one that
// does. A sample without a result, or with that of another run, never counts.
func voidBecause(run *v1alpha1.NodeRun) (v1alpha1.VoidReason, string) {
	result := run.Status.Result
	switch reason, message := run.VoidBecause(); {
	case run.Valid() && result == nil:
		return v1alpha1.VoidRunnerFailed, "the NodeRun is called valid but has no result"
	case run.Valid() && result.RunID != run.Spec.RunID:
		return v1alpha1.VoidRunnerFailed, "the result is of run " + result.RunID + ", not of " + run.Spec.RunID
	case run.Valid():
		return "", ""
	case !slices.Contains(voidReasons, reason):
		return v1alpha1.VoidRunnerFailed, "the NodeRun ended without saying why in its condition Valid"
	default:
		return reason, message
	}
}

var voidReasons = []v1alpha1.VoidReason{
	v1alpha1.VoidLoadAbsent, v1alpha1.VoidSchedulerDetached, v1alpha1.VoidThrottled, v1alpha1.VoidFrequency,
	v1alpha1.VoidSteal, v1alpha1.VoidDisturbed, v1alpha1.VoidClockStep, v1alpha1.VoidMissingSamples,
	v1alpha1.VoidAgentRestart, v1alpha1.VoidNodeLost, v1alpha1.VoidSetupFailed, v1alpha1.VoidStepFailed,
	v1alpha1.VoidRunnerFailed, v1alpha1.VoidCancelled,
}

// unfinished are all NodeRuns that occupy their nodes.
func (t tally) unfinished() []*v1alpha1.NodeRun {
	return slices.Concat(t.active, t.stopping)
}

// stands is how many NodeRuns have been created, not counting withdrawn ones.
// Those beyond desired are retries.
func (t tally) stands() int {
	return len(t.active) + len(t.valid) + len(t.lost) + len(t.spoilt)
}

// unfilled is for how many nodes a NodeRun must still be created, if it may.
func (t tally) unfilled() int {
	return max(t.desired-len(t.active)-len(t.valid)-len(t.spoilt), 0)
}

// retriesExhausted says that a NodeRun should be repeated and must not be. The
// first spec.retries of the lost ones have been, or will be.
func (t tally) retriesExhausted() bool {
	return t.unfilled() > 0 && len(t.lost) > t.retries
}

// hopeless says that there cannot be as many valid samples as asked for any
// more. No NodeRun is created then; those that run are not thrown away.
func (t tally) hopeless() bool {
	return len(t.spoilt) > 0 || t.retriesExhausted()
}

// unsettled says that the Workload asks for all nodes and how many these are is
// not recorded.
func (t tally) unsettled() bool { return t.desired == 0 }

// wantsNodes says whether NodeRuns are to be created. Those asked to stop are
// waited for first, so that a resumed Workload starts from a clean state.
func (t tally) wantsNodes() bool {
	return len(t.stopping) == 0 && !t.hopeless() && (t.unsettled() || t.unfilled() > 0)
}

func (t tally) satisfied() bool {
	return !t.unsettled() && len(t.valid) >= t.desired
}

func nodesOf(runs ...[]*v1alpha1.NodeRun) sets.Set[string] {
	nodes := sets.New[string]()
	for _, run := range slices.Concat(runs...) {
		nodes.Insert(run.Spec.NodeName)
	}
	return nodes
}
