// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// maxEvictions is how many times as many NodeRuns as there are nodes asked for may be
// evicted before evictions use up retries.
const maxEvictions = 3

// tally sorts the NodeRuns of a Workload by what became of them.
type tally struct {
	// desired is the number of nodes asked for. Zero: it depends on how many fit, and
	// is not settled yet.
	desired int
	// required is how many of them must give a valid sample.
	required int
	retries  int

	active   []*v1alpha1.NodeRun // not ended
	stopping []*v1alpha1.NodeRun // not ended, but asked to
	leaving  []*v1alpha1.NodeRun // not ended, but asked to for their node's sake
	valid    []*v1alpha1.NodeRun // ended with a sample that counts
	lost     []*v1alpha1.NodeRun // void by the fleet's fault: worth repeating
	spoilt   []*v1alpha1.NodeRun // void for another reason: final
	// evicted were cancelled for their node's sake: repeated without using up a retry.
	evicted []*v1alpha1.NodeRun
	// withdrawn were cancelled by the manager. They are neither failures nor retries.
	withdrawn []*v1alpha1.NodeRun
}

// count sorts runs. It says nothing about what should happen.
func count(w *v1alpha1.Workload, runs []*v1alpha1.NodeRun) tally {
	t := tally{desired: desired(w), retries: int(w.Spec.Retries)}
	t.required = int(w.RequiredNodes(int32(t.desired)))
	for _, run := range runs {
		reason, _ := voidBecause(run)
		switch {
		case !run.Finished() && run.Spec.Eviction != "":
			t.leaving = append(t.leaving, run)
		case !run.Finished() && run.Spec.Cancel:
			t.stopping = append(t.stopping, run)
		case !run.Finished():
			t.active = append(t.active, run)
		case reason == "":
			t.valid = append(t.valid, run)
		case run.Spec.Eviction != "" && len(t.evicted) < maxEvictions*t.desired:
			t.evicted = append(t.evicted, run)
		case run.Spec.Eviction != "": // whoever evicts does not stop: retries bound it
			t.lost = append(t.lost, run)
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
// fitted when it was first placed, and a percentage is of these; that number is kept
// in its status.
func desired(w *v1alpha1.Workload) int {
	if w.Spec.Placement.DependsOnFitting() {
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
	v1alpha1.VoidRunnerFailed, v1alpha1.VoidCancelled, v1alpha1.VoidEvicted,
}

// unfinished are all NodeRuns that occupy their nodes.
func (t tally) unfinished() []*v1alpha1.NodeRun {
	return slices.Concat(t.active, t.stopping, t.leaving)
}

// void are the NodeRuns that gave nothing, and not because their Workload was stopped.
func (t tally) void() []*v1alpha1.NodeRun {
	return slices.Concat(t.spoilt, t.lost, t.evicted)
}

// stands is how many NodeRuns have been created, not counting withdrawn ones.
// Those beyond desired repeat others.
func (t tally) stands() int {
	return len(t.active) + len(t.leaving) + len(t.valid) + len(t.void())
}

// unfilled is for how many nodes no NodeRun stands. One that is leaving does until it
// has ended: it may have measured everything before it heard of it.
func (t tally) unfilled() int {
	return max(t.desired-len(t.active)-len(t.leaving)-len(t.valid)-len(t.spoilt), 0)
}

// givenUp is for how many of these no NodeRun may be created any more. The first
// spec.retries of the lost ones have been repeated, or will be.
func (t tally) givenUp() int {
	return min(t.unfilled(), max(len(t.lost)-t.retries, 0))
}

// missing is for how many nodes a NodeRun is still to be created.
func (t tally) missing() int { return t.unfilled() - t.givenUp() }

// hopeless says that there cannot be as many valid samples as required any
// more. No NodeRun is created then; those that run are not thrown away.
func (t tally) hopeless() bool {
	return t.desired-len(t.spoilt)-t.givenUp() < min(t.required, t.desired)
}

// unsettled says that the Workload asks for all nodes, or a share of them, and how
// many these are is not recorded.
func (t tally) unsettled() bool { return t.desired == 0 }

// wantsNodes says whether NodeRuns are to be created. Those asked to stop are
// waited for first, so that a resumed Workload starts from a clean state.
func (t tally) wantsNodes() bool {
	return len(t.stopping) == 0 && !t.hopeless() && (t.unsettled() || t.missing() > 0)
}

// satisfied says that all nodes asked for gave a valid sample.
func (t tally) satisfied() bool {
	return !t.unsettled() && len(t.valid) >= t.desired
}

// enough says that as many did as spec.successPolicy asks for.
func (t tally) enough() bool {
	return !t.unsettled() && len(t.valid) >= t.required
}

// first are the nodes of the NodeRuns that were created first, as many as are asked for.
// The others repeat one of them.
func (t tally) first() []string {
	stand := slices.Concat(t.active, t.leaving, t.valid, t.void())
	slices.SortStableFunc(stand, func(a, b *v1alpha1.NodeRun) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Spec.Attempt, b.Spec.Attempt))
	})
	var nodes []string
	for _, run := range stand[:min(len(stand), t.desired)] {
		nodes = append(nodes, run.Spec.NodeName)
	}
	return nodes
}

func nodesOf(runs ...[]*v1alpha1.NodeRun) sets.Set[string] {
	nodes := sets.New[string]()
	for _, run := range slices.Concat(runs...) {
		nodes.Insert(run.Spec.NodeName)
	}
	return nodes
}
