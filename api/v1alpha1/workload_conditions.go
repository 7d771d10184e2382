// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Condition types of a Workload.
const (
	// ConditionAccepted says whether the spec can be run at all.
	ConditionAccepted = "Accepted"
	// ConditionPlaced says whether a NodeRun stands for every node asked for.
	ConditionPlaced = "Placed"
	// ConditionProgressing is True while something is still to happen; its reason is the state in a word.
	ConditionProgressing = "Progressing"
	// ConditionComplete is True once enough NodeRuns gave a valid sample.
	ConditionComplete = "Complete"
	// ConditionFailed is True once the Workload has ended without that.
	ConditionFailed = "Failed"
	// ConditionPassed says what the checks say once the Workload has ended; its reason is
	// the Verdict. It is Unknown for Inconclusive, and True for Skip too: nothing
	// that was asked for did not hold.
	ConditionPassed = "Passed"
)

// Reasons of Workload conditions.
const (
	ReasonAccepted = "Accepted"
	// ReasonNotSupportedYet: the spec asks for something this version refuses.
	ReasonNotSupportedYet = "NotSupportedYet"
	// ReasonInvalid: the spec contradicts itself in a way the schema cannot say.
	ReasonInvalid = "Invalid"

	ReasonPlaced = "Placed"
	// ReasonNoFittingNode: fewer nodes fit than are asked for, busy or not.
	ReasonNoFittingNode = "NoFittingNode"
	// ReasonWaitingForNodes: enough nodes fit, but too few are free.
	ReasonWaitingForNodes = "WaitingForNodes"

	ReasonSuspended = "Suspended"
	ReasonWaiting   = "Waiting"
	ReasonRunning   = "Running"
	ReasonDeleting  = "Deleting"
	ReasonFinished  = "Finished"

	ReasonAllValid = "AllNodesValid"
	// ReasonEnoughValid: as many nodes as spec.successPolicy asks for gave a valid sample, and not all.
	ReasonEnoughValid = "EnoughNodesValid"
	// ReasonRetriesExhausted: NodeRuns ended void and no retry was left.
	ReasonRetriesExhausted = "RetriesExhausted"
	// ReasonVoidSample: a NodeRun measured, but its sample does not count, and repeating it is not a matter of infrastructure.
	ReasonVoidSample = "VoidSample"
	// ReasonDeadlineExceeded: spec.deadline passed first.
	ReasonDeadlineExceeded = "DeadlineExceeded"
	// ReasonNotConfirmedClean: a deleted Workload let go before all its NodeRuns had ended. Only an event has it.
	ReasonNotConfirmedClean = "NotConfirmedClean"
	// ReasonNotFinished: it has not ended yet.
	ReasonNotFinished = "NotFinished"
)

// Finished says whether the Workload has ended, well or not.
func (w *Workload) Finished() bool {
	return meta.IsStatusConditionTrue(w.Status.Conditions, ConditionComplete) ||
		meta.IsStatusConditionTrue(w.Status.Conditions, ConditionFailed)
}

// DesiredNodes is how many nodes the Workload asks for, given how many fit.
func (w *Workload) DesiredNodes(fitting int32) int32 {
	switch p := w.Spec.Placement; {
	case p.AllNodes:
		return fitting
	case p.NodesPercent != nil:
		return (fitting**p.NodesPercent + 99) / 100
	case p.Nodes != nil:
		return *p.Nodes
	default:
		return 1
	}
}

// DependsOnFitting says whether DesiredNodes depends on how many nodes fit.
func (p *Placement) DependsOnFitting() bool { return p.AllNodes || p.NodesPercent != nil }

// RequiredNodes is how many of the desired nodes must give a valid sample.
func (w *Workload) RequiredNodes(desired int32) int32 {
	switch p := w.Spec.SuccessPolicy; {
	case p != nil && p.MinValidNodes != nil:
		return *p.MinValidNodes
	case p != nil && p.MinValidPercent != nil:
		return (desired**p.MinValidPercent + 99) / 100
	default:
		return desired
	}
}

// Conditions gives access to the status conditions.
func (w *Workload) Conditions() *[]metav1.Condition { return &w.Status.Conditions }
