// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "k8s.io/apimachinery/pkg/api/meta"

// Condition types of a TestNode.
const (
	// ConditionReady says whether the agent takes NodeRuns.
	ConditionReady = "Ready"
	// ConditionQuarantined is True while the node is set aside because it keeps spoiling
	// samples, Unknown while a NodeRun is let through on trial, and False after that.
	ConditionQuarantined = "Quarantined"
)

// Reasons of ConditionReady.
const (
	ReasonAgentReady = "AgentReady"
	// ReasonAgentStopped: the agent was ended in good order.
	ReasonAgentStopped = "AgentStopped"
	// ReasonCannotFork: the node cannot make workers.
	ReasonCannotFork = "CannotFork"
	// ReasonNotClean: leftovers of an earlier run could not be removed.
	ReasonNotClean = "NotClean"
)

// Reasons of ConditionQuarantined.
const (
	// ReasonKeepsFailing: NodeRuns of several Workloads in a row came to nothing on the node.
	ReasonKeepsFailing = "KeepsFailing"
	// ReasonKeepsDisturbing: the node disturbed NodeRuns of several Workloads in a row.
	ReasonKeepsDisturbing = "KeepsDisturbing"
	// ReasonOnTrial: the back-off is over, and the next NodeRun decides.
	ReasonOnTrial = "OnTrial"
	// ReasonTrialPassed: the NodeRun on trial gave a valid sample.
	ReasonTrialPassed = "TrialPassed"
	// ReasonReleased: a person released the node by AnnotationReleaseQuarantine.
	ReasonReleased = "Released"
	// ReasonExempt: AnnotationQuarantine says that the node is never set aside.
	ReasonExempt = "Exempt"
)

// Ready says whether the agent last said it takes NodeRuns. Whether the agent
// still lives is told by its Lease.
func (n *TestNode) Ready() bool {
	return meta.IsStatusConditionTrue(n.Status.Conditions, ConditionReady)
}

// Quarantined says whether the node is set aside. It is not while it is on trial.
func (n *TestNode) Quarantined() bool {
	return meta.IsStatusConditionTrue(n.Status.Conditions, ConditionQuarantined)
}

// OnTrial says whether the next NodeRun decides if the node is set aside again.
func (n *TestNode) OnTrial() bool {
	c := meta.FindStatusCondition(n.Status.Conditions, ConditionQuarantined)
	return c != nil && c.Reason == ReasonOnTrial
}

// NoExecute says whether the taint ends what runs on its node.
func (t *Taint) NoExecute() bool { return t.Effect == TaintEffectNoExecute }
