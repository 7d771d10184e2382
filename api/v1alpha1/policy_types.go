// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SchedulingPolicy is a named scheduling class with its parameters.
//
// +kubebuilder:validation:XValidation:rule="[has(self.normal), has(self.batch), has(self.idle), has(self.fifo), has(self.roundRobin), has(self.deadline), has(self.ext)].filter(x, x).size() == 1",message="exactly one of normal, batch, idle, fifo, roundRobin, deadline, ext must be set"
type SchedulingPolicy struct {
	// name is what groups refer to.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// normal is SCHED_OTHER.
	//
	// +optional
	Normal *NormalPolicy `json:"normal,omitempty"`

	// batch is SCHED_BATCH.
	//
	// +optional
	Batch *BatchPolicy `json:"batch,omitempty"`

	// idle is SCHED_IDLE.
	//
	// +optional
	Idle *IdlePolicy `json:"idle,omitempty"`

	// fifo is SCHED_FIFO. The node needs the feature Realtime.
	//
	// +optional
	FIFO *RealtimePolicy `json:"fifo,omitempty"`

	// roundRobin is SCHED_RR. The node needs the feature Realtime.
	//
	// +optional
	RoundRobin *RealtimePolicy `json:"roundRobin,omitempty"`

	// deadline is SCHED_DEADLINE: each worker reserves runtime out of every period. The
	// node needs the feature Deadline, and room for the reservations of all workers.
	// The kernel refuses it to workers with an affinity or a cpuset, unless the cpuset
	// is a partition.
	//
	// +optional
	Deadline *DeadlinePolicy `json:"deadline,omitempty"`

	// ext is SCHED_EXT: the workers are for a sched_ext scheduler, or for the kernel's
	// own while none is loaded. The node needs the feature SchedExt.
	//
	// +optional
	Ext *ExtPolicy `json:"ext,omitempty"`
}

// NormalPolicy has no parameters.
type NormalPolicy struct{}

// BatchPolicy has no parameters.
type BatchPolicy struct{}

// IdlePolicy has no parameters.
type IdlePolicy struct{}

// ExtPolicy has no parameters.
type ExtPolicy struct{}

// RealtimePolicy is a fixed-priority real-time class.
type RealtimePolicy struct {
	// priority is the real-time priority, 1 (lowest) to 98. 99 is the supervisor's,
	// which has to end the workers.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:XValidation:rule="self <= 98",message="must be 1 to 98: 99 is for the supervisor, which has to end the workers"
	Priority int32 `json:"priority"`
}

// DeadlinePolicy is a reservation of CPU time: runtime out of every period, within
// deadline from the period's begin. It holds that 1024ns <= runtime <= deadline <= period.
//
// +kubebuilder:validation:XValidation:rule="[self.runtime, self.deadline].exists(d, !d.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$')) || duration(self.runtime) <= duration(self.deadline)",message="runtime must be at most deadline"
// +kubebuilder:validation:XValidation:rule="!has(self.period) || [self.deadline, self.period].exists(d, !d.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$')) || duration(self.deadline) <= duration(self.period)",message="deadline must be at most period"
type DeadlinePolicy struct {
	// runtime is the CPU time per period, at least 1024ns, the least the kernel takes.
	//
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('1024ns')",message="must be a duration of at least 1024ns, such as 500us or 10ms"
	Runtime metav1.Duration `json:"runtime"`

	// deadline is the time from a period's begin by which the runtime is due.
	//
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s')",message="must be a duration above 0s, such as 500us or 10ms"
	Deadline metav1.Duration `json:"deadline"`

	// period is the length of a period. Kernels take 100us to 4.194304s, unless
	// kernel.sched_deadline_period_min_us and _max_us say otherwise; with another the
	// run ends before its start. Default: the deadline.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s')",message="must be a duration above 0s, such as 500us or 10ms"
	Period *metav1.Duration `json:"period,omitempty"`
}

// MemoryPolicyMode is a NUMA memory policy of set_mempolicy(2).
//
// +kubebuilder:validation:Enum=Default;Bind;Preferred;Interleave;Local;PreferredMany;WeightedInterleave
type MemoryPolicyMode string

const (
	// MemoryDefault makes no call: the policy is inherited.
	MemoryDefault MemoryPolicyMode = "Default"
	// MemoryBind takes memory of the nodes only.
	MemoryBind MemoryPolicyMode = "Bind"
	// MemoryPreferred takes memory of one node first.
	MemoryPreferred MemoryPolicyMode = "Preferred"
	// MemoryInterleave takes pages of the nodes in turn.
	MemoryInterleave MemoryPolicyMode = "Interleave"
	// MemoryLocal takes memory of the node the worker runs on first.
	MemoryLocal MemoryPolicyMode = "Local"
	// MemoryPreferredMany takes memory of the nodes first.
	MemoryPreferredMany MemoryPolicyMode = "PreferredMany"
	// MemoryWeightedInterleave takes pages of the nodes in turn, by the system's weights.
	MemoryWeightedInterleave MemoryPolicyMode = "WeightedInterleave"
)

// MemoryPolicy is a named NUMA memory policy.
//
// +kubebuilder:validation:XValidation:rule="!(self.mode in ['Bind', 'Interleave', 'PreferredMany', 'WeightedInterleave']) || has(self.nodes)",message="Bind, Interleave, PreferredMany and WeightedInterleave need at least one node"
// +kubebuilder:validation:XValidation:rule="self.mode != 'Preferred' || (has(self.nodes) && self.nodes.matches('^[0-9]+$'))",message="Preferred takes exactly one node"
// +kubebuilder:validation:XValidation:rule="!(self.mode in ['Default', 'Local']) || !has(self.nodes)",message="Default and Local take no nodes"
// +kubebuilder:validation:XValidation:rule="!(self.mode in ['Default', 'Local']) || !has(self.flags) || self.flags.size() == 0",message="Default and Local take no flags"
// +kubebuilder:validation:XValidation:rule="!has(self.flags) || !('StaticNodes' in self.flags && 'RelativeNodes' in self.flags)",message="StaticNodes and RelativeNodes exclude each other"
// +kubebuilder:validation:XValidation:rule="!has(self.flags) || !('NUMABalancing' in self.flags) || self.mode in ['Bind', 'PreferredMany']",message="NUMABalancing is only for Bind and PreferredMany"
type MemoryPolicy struct {
	// name is what groups refer to.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// mode is the policy. Bind: memory of the nodes only. Preferred: of one node
	// first. PreferredMany: of the nodes first. Interleave: pages of the nodes in
	// turn. WeightedInterleave: the same, by the system's weights. Local: of the node
	// the worker runs on first. Default: no call is made, the policy is inherited. The
	// node needs the feature MempolicyPreferredMany or MempolicyWeightedInterleave for
	// these modes.
	//
	// +required
	Mode MemoryPolicyMode `json:"mode"`

	// nodes is the list of NUMA nodes it is about, 0 to 1023, such as 0-1,3. Preferred
	// takes exactly one node, Default and Local none, the others at least one.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,3}|10[01][0-9]|102[0-3])(-([0-9]{1,3}|10[01][0-9]|102[0-3]))?(,([0-9]{1,3}|10[01][0-9]|102[0-3])(-([0-9]{1,3}|10[01][0-9]|102[0-3]))?)*$')",message="must be a list of NUMA nodes of 0 to 1023, such as 0-1,3"
	Nodes string `json:"nodes,omitempty"`

	// flags change what the policy does. StaticNodes: nodes stay as they are when the
	// cpuset changes. RelativeNodes: node 0 is the first that the cpuset allows, and
	// after the last comes the first again, so every TestNode with NUMA nodes fits.
	// The two exclude each other.
	// NUMABalancing: the kernel may still move pages between the nodes; only for Bind
	// and PreferredMany. Default and Local take no flags. A kernel that does not know a
	// flag ends the run before its start.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=3
	Flags []MemoryPolicyFlag `json:"flags,omitempty"`
}

// MemoryPolicyFlag is a mode flag of set_mempolicy(2).
//
// +kubebuilder:validation:Enum=StaticNodes;RelativeNodes;NUMABalancing
type MemoryPolicyFlag string

const (
	// MemoryStaticNodes keeps the nodes as they are when the cpuset changes.
	MemoryStaticNodes MemoryPolicyFlag = "StaticNodes"
	// MemoryRelativeNodes counts the nodes through those the cpuset allows.
	MemoryRelativeNodes MemoryPolicyFlag = "RelativeNodes"
	// MemoryNUMABalancing lets the kernel move pages between the nodes.
	MemoryNUMABalancing MemoryPolicyFlag = "NUMABalancing"
)
