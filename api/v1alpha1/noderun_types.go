// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// NodeRun is one attempt of one Workload on one test node. The manager writes
// its spec, the agent of that node its status.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=snr,categories=schedfleet
// +kubebuilder:selectablefield:JSONPath=`.spec.nodeName`
// +kubebuilder:printcolumn:name="Workload",type=string,JSONPath=`.spec.workload.name`
// +kubebuilder:printcolumn:name="Node",type=string,JSONPath=`.spec.nodeName`
// +kubebuilder:printcolumn:name="Attempt",type=integer,JSONPath=`.spec.attempt`
// +kubebuilder:printcolumn:name="Complete",type=string,JSONPath=`.status.conditions[?(@.type=="Complete")].status`
// +kubebuilder:printcolumn:name="Valid",type=string,JSONPath=`.status.conditions[?(@.type=="Valid")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Valid")].reason`
// +kubebuilder:printcolumn:name="Verdict",type=string,JSONPath=`.status.result.verdict`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type NodeRun struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what to run. It holds everything the node needs.
	//
	// +required
	Spec NodeRunSpec `json:"spec"`

	// status is what became of it.
	//
	// +optional
	Status NodeRunStatus `json:"status,omitzero"`
}

// NodeRunList is a list of NodeRuns.
//
// +kubebuilder:object:root=true
type NodeRunList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []NodeRun `json:"items"`
}

// NodeRunSpec is what to run on one node.
//
// +kubebuilder:validation:XValidation:rule="!has(self.eviction) || has(self.cancel) && self.cancel",message="eviction explains cancel, which must be set, too"
// +kubebuilder:validation:XValidation:rule="has(self.start) == has(oldSelf.start) && (!has(self.start) || self.start == oldSelf.start)",message="start cannot be changed"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.startTime) || has(self.startTime) && self.startTime == oldSelf.startTime",message="startTime cannot be changed"
type NodeRunSpec struct {
	// nodeName is the test node.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="nodeName cannot be changed"
	NodeName string `json:"nodeName"`

	// workload is the Workload this is an attempt of.
	//
	// +required
	Workload WorkloadReference `json:"workload"`

	// attempt counts the NodeRuns of the Workload on this node, from 1.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	Attempt int32 `json:"attempt"`

	// runID is unique to this attempt. A report that carries another one is not for this NodeRun.
	//
	// +required
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=63
	RunID string `json:"runID"`

	// run is what to execute.
	//
	// +required
	// +structType=atomic
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="run cannot be changed"
	Run RunSpec `json:"run"`

	// start says when the workers start. Unset, as soon as they are ready. Synchronized: at
	// startTime, for which the agent waits with its workers parked.
	//
	// +optional
	Start StartMode `json:"start,omitempty"`

	// startTime is when the workers of a Synchronized run start, by the clock of the node. The
	// manager sets it once all NodeRuns that start together are Prepared.
	//
	// +optional
	StartTime *metav1.MicroTime `json:"startTime,omitempty"`

	// cancel asks the agent to stop the run and report what there is. It cannot be taken back.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self || !oldSelf",message="cancel cannot be taken back"
	Cancel bool `json:"cancel,omitempty"`

	// eviction says that cancel was set for the node's sake, and why. The run then ends
	// Evicted instead of Cancelled, and is repeated elsewhere.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=400
	Eviction string `json:"eviction,omitempty"`
}

// WorkloadReference names a Workload in the same namespace.
type WorkloadReference struct {
	// name is its name.
	//
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// uid is its UID.
	//
	// +required
	// +kubebuilder:validation:MaxLength=64
	UID string `json:"uid"`
}

// NodeRunStatus is what became of an attempt.
type NodeRunStatus struct {
	// observedGeneration is the generation of the spec this status is about.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are the state: Started, Prepared, Complete, Failed, Valid. Whatever happens,
	// the attempt ends as Complete or Failed: Failed with the reason AgentRestart if its
	// agent was restarted during the run, NodeLost if the node's heartbeat stopped (within
	// 40 s), RunnerFailed if its runner died. These three are repeated while the Workload's
	// retries allow it. While the API server is away, the run goes on and its report waits.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// agentInstance is the start of the agent process that took the run. Another
	// instance never continues it.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	AgentInstance string `json:"agentInstance,omitempty"`

	// startTime is when the agent took the run; where spec.start is Synchronized, when its
	// workers were parked.
	//
	// +optional
	StartTime *metav1.MicroTime `json:"startTime,omitempty"`

	// completionTime is when it ended.
	//
	// +optional
	CompletionTime *metav1.MicroTime `json:"completionTime,omitempty"`

	// result is what was measured. Absent where nothing was.
	//
	// +optional
	// +structType=atomic
	Result *RunResult `json:"result,omitempty"`
}

// StepResult is what happened in one step of a run.
type StepResult struct {
	// name is the step's name.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	Name string `json:"name"`

	// startNanoseconds is when its hold began, counted from the common start.
	//
	// +required
	StartNanoseconds int64 `json:"startNanoseconds"`

	// holdNanoseconds is how long its hold lasted.
	//
	// +required
	HoldNanoseconds int64 `json:"holdNanoseconds"`

	// truncated is why the hold was shorter than planned; empty if it was not.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Truncated string `json:"truncated,omitempty"`

	// groups are the figures of the groups that ran in it.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=12
	Groups []StepGroupResult `json:"groups,omitempty"`
}

// StepGroupResult is what a group did in the hold of one step, in short.
type StepGroupResult struct {
	// name is the group's name.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	Name string `json:"name"`

	// iterations is the number of passes of the work's outer loop, summed over workers.
	//
	// +required
	Iterations int64 `json:"iterations"`

	// cpuNanoseconds is their CPU time.
	//
	// +required
	CPUNanoseconds int64 `json:"cpuNanoseconds"`

	// migrations is the number of their changes of CPU.
	//
	// +optional
	Migrations int64 `json:"migrations,omitempty"`

	// maxGapNanoseconds is the longest time between two checkpoints of one of them.
	//
	// +optional
	MaxGapNanoseconds int64 `json:"maxGapNanoseconds,omitempty"`

	// p99Nanoseconds is the 99th percentile of the first distribution of times that
	// the group recorded in the step.
	//
	// +optional
	P99Nanoseconds *int64 `json:"p99Nanoseconds,omitempty"`
}

// ReportReference is where the whole report of a run is.
type ReportReference struct {
	// url is where it can be read from.
	//
	// +required
	// +kubebuilder:validation:MaxLength=1024
	URL string `json:"url"`

	// sha256 is the digest of what is there, in hex.
	//
	// +required
	// +kubebuilder:validation:MaxLength=64
	SHA256 string `json:"sha256"`

	// bytes is its size.
	//
	// +required
	Bytes int64 `json:"bytes"`
}

// RunResult is what one node measured.
type RunResult struct {
	// runID is the run it belongs to.
	//
	// +required
	// +kubebuilder:validation:MaxLength=63
	RunID string `json:"runID"`

	// kernel is the release the node ran.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Kernel string `json:"kernel,omitempty"`

	// shape sums the node's topology up, such as 1n2l4c2t.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Shape string `json:"shape,omitempty"`

	// fingerprintDigest is the digest of the node's fingerprint at the time of the
	// run: results compare where it is the same.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	FingerprintDigest string `json:"fingerprintDigest,omitempty"`

	// cloneMethod is how workers were made, such as "clone3 without exec".
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	CloneMethod string `json:"cloneMethod,omitempty"`

	// holdNanoseconds is the time from the common start to the last stop.
	//
	// +optional
	HoldNanoseconds int64 `json:"holdNanoseconds,omitempty"`

	// startSkewNanoseconds is the longest time from a start of groups to a worker's first
	// instruction of work.
	//
	// +optional
	StartSkewNanoseconds int64 `json:"startSkewNanoseconds,omitempty"`

	// synchronizedStart is how the run kept to spec.startTime.
	//
	// +optional
	SynchronizedStart *SynchronizedStart `json:"synchronizedStart,omitempty"`

	// supervisorCPUNanoseconds is the CPU time of the runner itself during the hold.
	//
	// +optional
	SupervisorCPUNanoseconds int64 `json:"supervisorCPUNanoseconds,omitempty"`

	// numaPagesMigrated is how many pages the whole machine, not only the workers,
	// moved between NUMA nodes during the hold. Absent where the kernel does not
	// count them.
	//
	// +optional
	NUMAPagesMigrated *int64 `json:"numaPagesMigrated,omitempty"`

	// verdict is what the run's checks say together; Skip where there are none. A void
	// sample is Inconclusive at best.
	//
	// +optional
	Verdict Verdict `json:"verdict,omitempty"`

	// checks counts what the checks found.
	//
	// +optional
	Checks *VerdictCounts `json:"checks,omitempty"`

	// findings are what the checks found that is not a pass, the worst first, and of equally
	// bad ones the first of each check before the second of any; at most 8, and as few as
	// 3 where there is no room. Those of a void sample are listed too.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Findings []Finding `json:"findings,omitempty"`

	// steps are the steps that were begun, as far as there is room: the last ones lose
	// their groups first.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Steps []StepResult `json:"steps,omitempty"`

	// stepsTruncated says that figures of steps were left out to keep the status small.
	//
	// +optional
	StepsTruncated bool `json:"stepsTruncated,omitempty"`

	// report is where the whole report is. Absent where the agent has no sink for it.
	//
	// +optional
	Report *ReportReference `json:"report,omitempty"`

	// groups are the results per group.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=12
	Groups []GroupResult `json:"groups,omitempty"`

	// interference is what else the machine did during the hold.
	//
	// +optional
	Interference *InterferenceResult `json:"interference,omitempty"`

	// cgroups are what the kernel said of the cgroups of the run. The one with an empty
	// name is the run's own.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=33
	Cgroups []CgroupResult `json:"cgroups,omitempty"`

	// cgroupsTruncated says that cgroups were left out to keep the status small, the
	// last first.
	//
	// +optional
	CgroupsTruncated bool `json:"cgroupsTruncated,omitempty"`

	// problems are workers that did not do what was asked, at most 4.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4
	Problems []WorkerResult `json:"problems,omitempty"`

	// problemCount is how many there were.
	//
	// +optional
	ProblemCount int32 `json:"problemCount,omitempty"`

	// notes say what was not as usual but does not void the sample, at most 4.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:MaxLength=128
	Notes []string `json:"notes,omitempty"`

	// histogramTruncated says that histograms, whole distributions, or figures of programs
	// were left out to keep the status small.
	//
	// +optional
	HistogramTruncated bool `json:"histogramTruncated,omitempty"`
}
