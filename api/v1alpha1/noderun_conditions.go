// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Condition types of a NodeRun. Complete and Failed are terminal, and Valid is
// set together with them.
const (
	// ConditionStarted says that an agent has taken the run.
	ConditionStarted = "Started"
	// ConditionPrepared says that the workers of a synchronized run are parked and wait for
	// spec.startTime.
	ConditionPrepared = "Prepared"
	// ConditionValid says whether the sample counts. False carries a VoidReason.
	ConditionValid = "Valid"
)

// VoidReason says why a sample does not count. The set is closed.
//
// +kubebuilder:validation:Enum=LoadAbsent;SchedulerDetached;Throttled;Frequency;Steal;Disturbed;ClockStep;MissingSamples;AgentRestart;NodeLost;SetupFailed;StepFailed;RunnerFailed;Cancelled;Evicted
type VoidReason string

const (
	// VoidLoadAbsent: a worker's counters stood still for longer than its work explains.
	VoidLoadAbsent VoidReason = "LoadAbsent"
	// VoidSchedulerDetached: the scheduler under test was not in charge all the time.
	VoidSchedulerDetached VoidReason = "SchedulerDetached"
	// VoidThrottled: CPU bandwidth was taken away.
	VoidThrottled VoidReason = "Throttled"
	// VoidFrequency: the CPUs did not run at a steady frequency.
	VoidFrequency VoidReason = "Frequency"
	// VoidSteal: the hypervisor took CPU time.
	VoidSteal VoidReason = "Steal"
	// VoidDisturbed: something else used the CPUs.
	VoidDisturbed VoidReason = "Disturbed"
	// VoidClockStep: the clock was stepped.
	VoidClockStep VoidReason = "ClockStep"
	// VoidMissingSamples: workers ended before the common stop.
	VoidMissingSamples VoidReason = "MissingSamples"
	// VoidAgentRestart: the agent was restarted during the run, or lost the node to another agent. No
	// agent goes on with a run that another instance has taken: its workers end with their agent's
	// runner, and the run is repeated while spec.retries allows it.
	VoidAgentRestart VoidReason = "AgentRestart"
	// VoidNodeLost: no heartbeat of the node was seen for 35 s while the API server could be reached.
	// The manager writes it, and the run is repeated, on another node if there is one. An agent that
	// comes back stops what is left of it; a report that comes later is not taken.
	VoidNodeLost VoidReason = "NodeLost"
	// VoidSetupFailed: the workers could not be set up as asked. Nothing was measured, and the run is
	// not repeated: it would fail again.
	VoidSetupFailed VoidReason = "SetupFailed"
	// VoidStepFailed: an operation of a step could not be carried out.
	VoidStepFailed VoidReason = "StepFailed"
	// VoidRunnerFailed: the runner ended without a report, such as one that was killed, or the API
	// server refused its result. The workers have ended with it; the run is repeated while spec.retries allows it.
	VoidRunnerFailed VoidReason = "RunnerFailed"
	// VoidCancelled: the run was cancelled, because its Workload was suspended, deleted or past its
	// deadline, or by spec.cancel.
	VoidCancelled VoidReason = "Cancelled"
	// VoidEvicted: the run was cancelled because its node was cordoned or tainted.
	VoidEvicted VoidReason = "Evicted"
)

// Reasons of NodeRun conditions that are not VoidReasons.
const (
	// ReasonTaken: the agent named by status.agentInstance has taken the run.
	ReasonTaken = "TakenByAgent"
	// ReasonParked: the workers of a gang's run are spawned, set up and parked.
	ReasonParked = "WorkersParked"
	// ReasonReported: the run has ended and its report is here.
	ReasonReported = "Reported"
	// ReasonValid: the sample counts.
	ReasonValid = "Valid"
)

// Finished says whether the attempt has ended.
func (r *NodeRun) Finished() bool {
	return meta.IsStatusConditionTrue(r.Status.Conditions, ConditionComplete) ||
		meta.IsStatusConditionTrue(r.Status.Conditions, ConditionFailed)
}

// Started says whether an agent has taken the attempt.
func (r *NodeRun) Started() bool {
	return meta.IsStatusConditionTrue(r.Status.Conditions, ConditionStarted)
}

// Prepared says whether a synchronized attempt waits, or has waited, for its start time.
func (r *NodeRun) Prepared() bool {
	return meta.IsStatusConditionTrue(r.Status.Conditions, ConditionPrepared)
}

// Valid says whether the attempt gave a sample that counts.
func (r *NodeRun) Valid() bool {
	return meta.IsStatusConditionTrue(r.Status.Conditions, ConditionValid)
}

// VoidBecause is why the sample of an ended attempt does not count, with a message.
func (r *NodeRun) VoidBecause() (VoidReason, string) {
	c := meta.FindStatusCondition(r.Status.Conditions, ConditionValid)
	if c == nil || c.Status == metav1.ConditionTrue {
		return "", ""
	}
	return VoidReason(c.Reason), c.Message
}

// Infrastructure says whether a void sample is the fault of the fleet and not
// of what was measured, so that repeating it elsewhere makes sense.
func (v VoidReason) Infrastructure() bool {
	switch v {
	case VoidAgentRestart, VoidNodeLost, VoidRunnerFailed, VoidEvicted:
		return true
	default:
		return false
	}
}
