// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Workload is a load for the scheduler and the nodes it is to run on.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=swl,categories=schedfleet
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.conditions[?(@.type=="Progressing")].reason`
// +kubebuilder:printcolumn:name="Complete",type=string,JSONPath=`.status.conditions[?(@.type=="Complete")].status`
// +kubebuilder:printcolumn:name="Verdict",type=string,JSONPath=`.status.verdict`
// +kubebuilder:printcolumn:name="Nodes",type=integer,JSONPath=`.status.nodes.desired`
// +kubebuilder:printcolumn:name="Active",type=integer,JSONPath=`.status.nodes.active`
// +kubebuilder:printcolumn:name="Valid",type=integer,JSONPath=`.status.nodes.valid`
// +kubebuilder:printcolumn:name="Void",type=integer,JSONPath=`.status.nodes.void`
// +kubebuilder:printcolumn:name="Duration",type=string,JSONPath=`.spec.duration`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Progressing")].message`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')",message="metadata.name must be a DNS label: at most 63 of a-z, 0-9 and -, since it becomes a label of every NodeRun"
type Workload struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what to run and where.
	//
	// +required
	Spec WorkloadSpec `json:"spec"`

	// status is what became of it.
	//
	// +optional
	Status WorkloadStatus `json:"status,omitzero"`
}

// WorkloadList is a list of Workloads.
//
// +kubebuilder:object:root=true
type WorkloadList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Workload `json:"items"`
}

// WorkloadSpec is what to run and where. It cannot be changed, but for suspend
// and ttlAfterFinished: a changed load is another Workload.
//
// +kubebuilder:validation:XValidation:rule="self.duration == oldSelf.duration && self.seed == oldSelf.seed && self.groups == oldSelf.groups && has(self.cgroups) == has(oldSelf.cgroups) && (!has(self.cgroups) || self.cgroups == oldSelf.cgroups) && has(self.schedulingPolicies) == has(oldSelf.schedulingPolicies) && (!has(self.schedulingPolicies) || self.schedulingPolicies == oldSelf.schedulingPolicies) && has(self.memoryPolicies) == has(oldSelf.memoryPolicies) && (!has(self.memoryPolicies) || self.memoryPolicies == oldSelf.memoryPolicies) && has(self.interference) == has(oldSelf.interference) && (!has(self.interference) || self.interference == oldSelf.interference)",message="the spec cannot be changed, but for suspend and ttlAfterFinished: create another Workload"
// +kubebuilder:validation:XValidation:rule="has(self.steps) == has(oldSelf.steps) && (!has(self.steps) || self.steps == oldSelf.steps) && has(self.checks) == has(oldSelf.checks) && (!has(self.checks) || self.checks == oldSelf.checks) && has(self.scheduler) == has(oldSelf.scheduler) && (!has(self.scheduler) || self.scheduler == oldSelf.scheduler) && self.placement == oldSelf.placement && self.priority == oldSelf.priority && self.retries == oldSelf.retries && has(self.successPolicy) == has(oldSelf.successPolicy) && (!has(self.successPolicy) || self.successPolicy == oldSelf.successPolicy) && has(self.deadline) == has(oldSelf.deadline) && (!has(self.deadline) || self.deadline == oldSelf.deadline)",message="the spec cannot be changed, but for suspend and ttlAfterFinished: create another Workload"
// +kubebuilder:validation:XValidation:rule="!has(self.successPolicy) || !has(self.successPolicy.minValidNodes) || has(self.placement.nodesPercent) || has(self.placement.allNodes) && self.placement.allNodes || self.successPolicy.minValidNodes <= (has(self.placement.nodes) ? self.placement.nodes : 1)",message="successPolicy.minValidNodes must not be more than placement.nodes"
type WorkloadSpec struct {
	RunSpec `json:",inline"`

	// placement is which test nodes to run on. Default: one node, any.
	//
	// +optional
	// +default={}
	Placement Placement `json:"placement,omitzero"`

	// priority decides which waiting Workload gets free nodes first: each point is
	// worth an hour of age. Among equals the older does. Default 0.
	//
	// +optional
	// +default=0
	// +kubebuilder:validation:Minimum=-1000000
	// +kubebuilder:validation:Maximum=1000000
	Priority int32 `json:"priority"`

	// retries is how many NodeRuns may be repeated after an infrastructure
	// failure (agent restarted, node lost, runner failed), over all nodes. Each is
	// repeated on another node where one is free, first of all on one of the same class,
	// that is of the same fingerprint. What was evicted from a node is repeated without using up a
	// retry. Default 1.
	//
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Retries int32 `json:"retries"`

	// successPolicy says how many nodes with a valid sample are enough. Unset, all must
	// give one.
	//
	// +optional
	SuccessPolicy *SuccessPolicy `json:"successPolicy,omitempty"`

	// deadline bounds the time from creation to completion, waiting included;
	// time spent suspended does not stop it. When it passes, what runs is cancelled; the
	// Workload is Complete if enough nodes gave a valid sample by then, else Failed with
	// DeadlineExceeded. Unset, there is no bound.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s')",message="must be a duration above 0s, such as 90s or 1h"
	Deadline *metav1.Duration `json:"deadline,omitempty"`

	// ttlAfterFinished is how long a finished Workload is kept before it is
	// deleted. Unset, it is kept.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$')",message="must be a duration of 0s or more, such as 0s or 24h"
	TTLAfterFinished *metav1.Duration `json:"ttlAfterFinished,omitempty"`

	// suspend holds a Workload back: no NodeRun is created, and running ones are
	// cancelled. Set to false it starts, from the beginning. Default false.
	//
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// SuccessPolicy says how many nodes with a valid sample are enough. Once they are there,
// nothing runs any more and no NodeRun can be repeated, the Workload is Complete with the
// reason EnoughNodesValid. As soon as they cannot be reached any more, no NodeRun is created;
// what runs is waited for, and then the Workload is Failed. Void samples are in no result.
//
// +kubebuilder:validation:XValidation:rule="has(self.minValidNodes) != has(self.minValidPercent)",message="exactly one of minValidNodes and minValidPercent must be set"
type SuccessPolicy struct {
	// minValidNodes is the least number of nodes that must give a valid sample.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5000
	MinValidNodes *int32 `json:"minValidNodes,omitempty"`

	// minValidPercent is the least share of the nodes asked for that must give a valid
	// sample, rounded up to whole nodes.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinValidPercent *int32 `json:"minValidPercent,omitempty"`
}

// Placement is which test nodes to run on.
//
// +kubebuilder:validation:XValidation:rule="[has(self.nodes), has(self.nodesPercent), has(self.allNodes) && self.allNodes].filter(x, x).size() <= 1",message="at most one of nodes, nodesPercent and allNodes may be set"
// +kubebuilder:validation:XValidation:rule="!has(self.sameClass) || !self.sameClass || !has(self.spread)",message="at most one of sameClass and spread may be set"
type Placement struct {
	// nodes is how many test nodes to run on. Default 1, unless nodesPercent or
	// allNodes is set.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5000
	Nodes *int32 `json:"nodes,omitempty"`

	// nodesPercent is how many of the test nodes that fit when the Workload is
	// placed to run on, in percent, rounded up.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	NodesPercent *int32 `json:"nodesPercent,omitempty"`

	// allNodes runs on every fitting test node there is when the Workload is
	// placed. Default false.
	//
	// +optional
	AllNodes bool `json:"allNodes,omitempty"`

	// nodeSelector is the labels a test node must have.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// tolerations are the taints of test nodes that do not matter, whatever their effect.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Tolerations []Toleration `json:"tolerations,omitempty"`

	// requires is what a test node's machine must have.
	//
	// +optional
	Requires *MachineRequirements `json:"requires,omitempty"`

	// sameClass runs on test nodes of one class only: those of the same fingerprint,
	// whose results compare. nodesPercent and allNodes are of the nodes of that class.
	// Default false.
	//
	// +optional
	SameClass bool `json:"sameClass,omitempty"`

	// spread is what the test nodes are spread over. Unset, the least recently used
	// ones are taken, whatever they are.
	//
	// +optional
	Spread Spread `json:"spread,omitempty"`

	// gang starts all nodes together or none: no NodeRun is created before all test nodes
	// are free, then workers are spawned and parked everywhere, and started at one time of
	// the nodes' clocks. Default false: each test node begins when it is free.
	//
	// +optional
	Gang bool `json:"gang,omitempty"`
}

// Spread is what the test nodes of a Workload are spread over.
//
// +kubebuilder:validation:Enum=Classes
type Spread string

// SpreadClasses takes as many test nodes of each class as of any other, as far as
// there are so many. A class is the test nodes of the same fingerprint.
const SpreadClasses Spread = "Classes"

// Toleration names taints that do not keep a Workload off a test node.
type Toleration struct {
	// key is the taint's key.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key"`

	// value is the taint's value. Unset, any value is meant.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Value *string `json:"value,omitempty"`
}

// MachineRequirements is what a test node's machine must have, beyond what the
// run itself needs: a test node that lacks a CPU, a cache, a NUMA node or a feature
// which the spec relies on does not fit anyway.
type MachineRequirements struct {
	// minCPUs is the least number of online CPUs.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MinCPUs *int32 `json:"minCPUs,omitempty"`

	// minCores is the least number of cores with an online CPU.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MinCores *int32 `json:"minCores,omitempty"`

	// minLLCs is the least number of last-level caches.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MinLLCs *int32 `json:"minLLCs,omitempty"`

	// minNUMANodes is the least number of NUMA nodes.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MinNUMANodes *int32 `json:"minNUMANodes,omitempty"`

	// smt asks for two or more threads in some core.
	//
	// +optional
	SMT bool `json:"smt,omitempty"`

	// architecture is the machine's architecture in Go's words, such as amd64 or arm64.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]+$`
	Architecture string `json:"architecture,omitempty"`

	// kernel is which kernels the test node may run.
	//
	// +optional
	Kernel *KernelRange `json:"kernel,omitempty"`

	// features are the names of features that must be Present in the status of the test node.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=64
	Features []string `json:"features,omitempty"`
}

// KernelRange is a range of kernels, by the numbers that their release begins with:
// 6.12.8-amd64 is 6.12.8, and 7.0-rc3 is 7.0.
//
// +kubebuilder:validation:XValidation:rule="has(self.min) || has(self.below)",message="at least one of min and below must be set"
type KernelRange struct {
	// min is the oldest kernel that will do, such as 6.12.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^(0|[1-9][0-9]{0,5})([.](0|[1-9][0-9]{0,5})){1,2}$')",message="must be two or three numbers, such as 6.12 or 6.12.8"
	Min string `json:"min,omitempty"`

	// below is the oldest kernel that is too new, such as 7.0.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^(0|[1-9][0-9]{0,5})([.](0|[1-9][0-9]{0,5})){1,2}$')",message="must be two or three numbers, such as 6.12 or 6.12.8"
	Below string `json:"below,omitempty"`
}

// WorkloadStatus is what became of a Workload. It stays bounded whatever the number of nodes.
type WorkloadStatus struct {
	// observedGeneration is the generation of the spec this status is about.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are the state: Accepted, Placed, Progressing, Complete, Failed, Passed.
	// Attempts that end for the fleet's fault (AgentRestart, NodeLost, RunnerFailed) are
	// repeated while retries are left; after that the Workload is Failed with the reason
	// RetriesExhausted. It outlives its manager, the API server and its nodes.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// startTime is when the first NodeRun was created.
	//
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// completionTime is when the Workload became Complete or Failed.
	//
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// nodes counts NodeRuns by what became of them.
	//
	// +optional
	Nodes *NodeCounts `json:"nodes,omitempty"`

	// groups are the results of all valid NodeRuns, merged.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=12
	Groups []GroupResult `json:"groups,omitempty"`

	// verdict is what the checks say on all nodes together: the worst of the valid
	// NodeRuns. Absent before there is one.
	//
	// +optional
	Verdict Verdict `json:"verdict,omitempty"`

	// verdicts counts the valid NodeRuns by verdict.
	//
	// +optional
	Verdicts *VerdictCounts `json:"verdicts,omitempty"`

	// findings are what the checks found that is not a pass, the worst first, at most 10,
	// of as many nodes as possible.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	Findings []Finding `json:"findings,omitempty"`

	// mergedNodeRuns is how many NodeRuns groups was merged from.
	//
	// +optional
	MergedNodeRuns int32 `json:"mergedNodeRuns,omitempty"`

	// synchronizedStart is how the valid NodeRuns of a gang kept to their common start.
	//
	// +optional
	SynchronizedStart *FleetStart `json:"synchronizedStart,omitempty"`

	// machines are the kinds of machines groups was merged from, told apart by kernel
	// and fingerprint, the most frequent first, at most 16. Figures of several kinds
	// are the fleet's as a whole, and no machine's.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Machines []MergedMachine `json:"machines,omitempty"`

	// machineKinds is how many such kinds there were.
	//
	// +optional
	MachineKinds int32 `json:"machineKinds,omitempty"`

	// failures are NodeRuns that are not valid, the newest first, at most 10.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	Failures []NodeFailure `json:"failures,omitempty"`

	// histogramTruncated says that histograms, or figures of programs, were left out or
	// thinned to keep the status small.
	//
	// +optional
	HistogramTruncated bool `json:"histogramTruncated,omitempty"`
}

// MergedMachine is a kind of machine, and how many NodeRuns on it were merged.
type MergedMachine struct {
	// fingerprintDigest is that of the machine's fingerprint.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	FingerprintDigest string `json:"fingerprintDigest,omitempty"`

	// shape is that of its topology, such as 1n2l4c2t.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Shape string `json:"shape,omitempty"`

	// kernel is the release it ran.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Kernel string `json:"kernel,omitempty"`

	// nodeRuns is how many NodeRuns ran on such machines.
	//
	// +required
	NodeRuns int32 `json:"nodeRuns"`
}

// NodeCounts counts the NodeRuns of a Workload.
type NodeCounts struct {
	// desired is the number of nodes the Workload is to run on.
	//
	// +required
	Desired int32 `json:"desired"`

	// active is the number of NodeRuns that have not ended.
	//
	// +required
	Active int32 `json:"active"`

	// valid is the number of NodeRuns that ended with a valid sample.
	//
	// +required
	Valid int32 `json:"valid"`

	// void is the number of NodeRuns that ended with a void sample or none.
	//
	// +required
	Void int32 `json:"void"`
}

// NodeFailure is a NodeRun that did not give a valid sample.
type NodeFailure struct {
	// node is the test node's name.
	//
	// +required
	// +kubebuilder:validation:MaxLength=253
	Node string `json:"node"`

	// nodeRun is the NodeRun's name.
	//
	// +required
	// +kubebuilder:validation:MaxLength=253
	NodeRun string `json:"nodeRun"`

	// reason is why it is void.
	//
	// +required
	Reason VoidReason `json:"reason"`

	// message says more.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`
}
