// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package quarantine

import (
	"cmp"
	"slices"
	"time"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

const (
	// maxSpoilt is the number of Workloads in a row without a valid sample at which a
	// node is set aside. Different ones, since one may be the cause of its failures.
	maxSpoilt = 3
	// recent is how far back they may lie.
	recent = 24 * time.Hour
	// maxAsideOneOf bounds the quarantine to one node of so many. Where more seem to
	// deserve it, the cause is more likely what they have in common.
	maxAsideOneOf = 3
)

// blameOf is what a node does that ends NodeRuns for this reason: a reason of the
// condition Quarantined, or nothing where the node is not to blame.
func blameOf(reason v1alpha1.VoidReason) string {
	switch reason {
	case v1alpha1.VoidRunnerFailed, v1alpha1.VoidAgentRestart, v1alpha1.VoidNodeLost:
		return v1alpha1.ReasonKeepsFailing
	case v1alpha1.VoidDisturbed, v1alpha1.VoidSteal, v1alpha1.VoidFrequency, v1alpha1.VoidClockStep:
		return v1alpha1.ReasonKeepsDisturbing
	default:
		return ""
	}
}

// streak are the newest NodeRuns that the node spoilt, the last of each Workload, back
// to the last valid sample. Those the node is not to blame for do not matter.
func streak(runs []*v1alpha1.NodeRun, since, now time.Time) []*v1alpha1.NodeRun {
	var spoilt []*v1alpha1.NodeRun
	seen := map[string]bool{}
	for _, run := range slices.Backward(endedSince(runs, since)) {
		reason, _ := run.VoidBecause()
		switch {
		case run.Valid() || now.Sub(endOf(run)) > recent:
			return spoilt
		case blameOf(reason) == "" || seen[run.Spec.Workload.UID]:
			continue
		}
		seen[run.Spec.Workload.UID] = true
		spoilt = append(spoilt, run)
	}
	return spoilt
}

// endedSince are the NodeRuns that have ended and were not created before since, in the
// order of their ends. Times of creation are the API server's, in whole seconds; those of
// ends are of as many clocks as there are nodes.
func endedSince(runs []*v1alpha1.NodeRun, since time.Time) []*v1alpha1.NodeRun {
	var ended []*v1alpha1.NodeRun
	for _, run := range runs {
		if run.Finished() && !run.CreationTimestamp.Time.Before(since.Truncate(time.Second)) {
			ended = append(ended, run)
		}
	}
	slices.SortFunc(ended, func(a, b *v1alpha1.NodeRun) int {
		return cmp.Or(endOf(a).Compare(endOf(b)), cmp.Compare(nameOf(a), nameOf(b)))
	})
	return ended
}

func endOf(run *v1alpha1.NodeRun) time.Time {
	if run.Status.CompletionTime != nil {
		return run.Status.CompletionTime.Time
	}
	return run.CreationTimestamp.Time
}

// reasonOf is what most of the NodeRuns blame the node for.
func reasonOf(spoilt []*v1alpha1.NodeRun) string {
	failing := 0
	for _, run := range spoilt {
		if reason, _ := run.VoidBecause(); blameOf(reason) == v1alpha1.ReasonKeepsFailing {
			failing++
		}
	}
	if 2*failing >= len(spoilt) {
		return v1alpha1.ReasonKeepsFailing
	}
	return v1alpha1.ReasonKeepsDisturbing
}

func nameOf(run *v1alpha1.NodeRun) string { return run.Namespace + "/" + run.Name }
