// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RunSpec is what one node executes: the groups of workers, where and how they
// run, what happens to them over time, and what must hold.
//
// +kubebuilder:validation:XValidation:rule="!has(self.groups) || self.groups.all(g, !has(g.cgroup) || (has(self.cgroups) && self.cgroups.exists(c, c.name == g.cgroup)))",message="every groups[].cgroup must be the name of an entry in cgroups"
// +kubebuilder:validation:XValidation:rule="!has(self.groups) || self.groups.all(g, !has(g.schedulingPolicy) || (has(self.schedulingPolicies) && self.schedulingPolicies.exists(p, p.name == g.schedulingPolicy)))",message="every groups[].schedulingPolicy must be the name of an entry in schedulingPolicies"
// +kubebuilder:validation:XValidation:rule="!has(self.groups) || self.groups.all(g, !has(g.memoryPolicy) || (has(self.memoryPolicies) && self.memoryPolicies.exists(p, p.name == g.memoryPolicy)))",message="every groups[].memoryPolicy must be the name of an entry in memoryPolicies"
// +kubebuilder:validation:XValidation:rule="!has(self.groups) || self.groups.all(a, !has(a.processName) || self.groups.all(b, !has(b.processName) || a.processName != b.processName || has(a.cgroup) != has(b.cgroup) || (has(a.cgroup) && a.cgroup != b.cgroup) || (has(a.uid) == has(b.uid) && (!has(a.uid) || a.uid == b.uid) && has(a.gid) == has(b.gid) && (!has(a.gid) || a.gid == b.gid))))",message="groups of one cgroup and processName are threads of one process: uid and gid must be the same in all of them"
type RunSpec struct {
	// duration is how long the workers work, measured from the common start.
	// A Go duration above 0 and at most 24h. Default 12s.
	//
	// +optional
	// +default="12s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('24h')",message="must be a duration above 0s and at most 24h, such as 500ms, 10s or 1m30s"
	Duration metav1.Duration `json:"duration,omitzero"`

	// seed makes every random choice (random CPU subsets) repeatable. With the
	// same seed, worker and topology the choice is the same. Default 1.
	//
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	Seed int64 `json:"seed,omitempty"`

	// groups are the groups of workers. A group that no step names runs for the
	// whole duration. At most 12, so that a node's results fit into its NodeRun.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=12
	Groups []Group `json:"groups"`

	// cgroups are the control groups that groups refer to by name.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Cgroups []Cgroup `json:"cgroups,omitempty"`

	// schedulingPolicies are the scheduling policies that groups refer to by name.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	SchedulingPolicies []SchedulingPolicy `json:"schedulingPolicies,omitempty"`

	// memoryPolicies are the NUMA memory policies that groups refer to by name. A
	// TestNode that lacks memory on one of their nodes does not fit the Workload.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	MemoryPolicies []MemoryPolicy `json:"memoryPolicies,omitempty"`

	// steps divide the duration: each starts the groups it names, holds, and stops
	// them. Not supported yet.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Steps []Step `json:"steps,omitempty"`

	// checks are what must hold for the run to pass. Nothing is checked that is
	// not listed. Not supported yet.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Checks []Check `json:"checks,omitempty"`

	// scheduler is the scheduler the node must run the workers under. Unset, the
	// scheduler in charge of the node is used as it is. Not supported yet.
	//
	// +optional
	Scheduler *Scheduler `json:"scheduler,omitempty"`
}

// CloneMode is what a worker is to the kernel.
//
// +kubebuilder:validation:Enum=Fork;Thread
type CloneMode string

const (
	// CloneModeFork makes each worker a process of exactly one task.
	CloneModeFork CloneMode = "Fork"
	// CloneModeThread makes each worker a thread of a host process.
	CloneModeThread CloneMode = "Thread"
)

// Group is a number of like workers.
//
// +kubebuilder:validation:XValidation:rule="has(self.workers) != has(self.workersPercent)",message="exactly one of workers and workersPercent must be set"
// +kubebuilder:validation:XValidation:rule="!has(self.processName) || (has(self.cloneMode) && self.cloneMode == 'Thread')",message="processName needs cloneMode Thread"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.pipeIo) || self.workers % 2 == 0",message="pipeIo works in pairs: workers must be a multiple of 2"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.futexPingPong) || self.workers % 2 == 0",message="futexPingPong works in pairs: workers must be a multiple of 2"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.futexFanOut) || self.workers % (self.work.futexFanOut.fanOut + 1) == 0",message="futexFanOut works in sets of one waker and fanOut receivers: workers must be a multiple of fanOut + 1"
type Group struct {
	// name identifies the group in steps, checks and reports.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// workers is the number of workers, 1 to 20000.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20000
	Workers *int32 `json:"workers,omitempty"`

	// workersPercent is the number of workers as a percentage of the CPUs the
	// group may use, rounded up; above 100 oversubscribes. Not supported yet.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	WorkersPercent *int32 `json:"workersPercent,omitempty"`

	// cloneMode is what a worker is to the kernel. Fork makes each worker a process
	// of exactly one task. Thread makes each worker a thread of a host process,
	// whose main thread does no work: one host process per group, named after the
	// group's comm, or one shared by all groups of the same cgroup and processName.
	// Default Fork.
	//
	// +optional
	// +default="Fork"
	CloneMode CloneMode `json:"cloneMode,omitempty"`

	// processName makes the workers threads of one host process with this name,
	// together with the other groups of the same cgroup that give the same name;
	// uid and gid must be the same in all of them. It needs cloneMode Thread. At
	// most 15 bytes, without '/'. Unset, a group of threads has a host process of
	// its own.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:XValidation:rule="bytes(self).size() <= 15 && !self.contains('/')",message="at most 15 bytes without '/' or a zero byte"
	ProcessName string `json:"processName,omitempty"`

	// comm is the name each worker's task gets, at most 15 bytes. Default: the
	// group's name, cut to 15 bytes.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=15
	Comm string `json:"comm,omitempty"`

	// work is what each worker does.
	//
	// +required
	Work Work `json:"work"`

	// cgroup is the name of the entry in cgroups the workers are born in.
	// Unset, they are born in the run's own cgroup.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Cgroup string `json:"cgroup,omitempty"`

	// schedulingPolicy is the name of an entry in schedulingPolicies. Unset, the
	// workers run under SCHED_OTHER.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	SchedulingPolicy string `json:"schedulingPolicy,omitempty"`

	// memoryPolicy is the name of an entry in memoryPolicies, which each worker sets
	// for itself. Unset, it is inherited from the node's agent.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	MemoryPolicy string `json:"memoryPolicy,omitempty"`

	// affinity is the set of CPUs a worker may use. Unset, it is inherited.
	//
	// +optional
	Affinity *Affinity `json:"affinity,omitempty"`

	// numaNode restricts the workers to the CPUs of one NUMA node. Not supported yet.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1023
	NUMANode *int32 `json:"numaNode,omitempty"`

	// nice is the nice value, -20 to 19. Unset, it is inherited.
	//
	// +optional
	// +kubebuilder:validation:Minimum=-20
	// +kubebuilder:validation:Maximum=19
	Nice *int32 `json:"nice,omitempty"`

	// uid is the user a worker runs as (real, effective and saved), 0 to 4294967294.
	// Unset, it is inherited. If uid or gid is set, the supplementary groups are
	// cleared. Affinity, nice and scheduling policy are set before the credentials
	// are dropped, so a real-time policy needs no privilege of this user. The node
	// needs CAP_SETUID and CAP_SETGID.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967294
	UID *int64 `json:"uid,omitempty"`

	// gid is the group a worker runs as (real, effective and saved), 0 to 4294967294.
	// Unset, it is inherited. If uid or gid is set, the supplementary groups are
	// cleared. The node needs CAP_SETGID.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967294
	GID *int64 `json:"gid,omitempty"`
}

// Affinity is one way to choose the CPUs of a worker.
//
// +kubebuilder:validation:XValidation:rule="[has(self.exact), has(self.singleCPU), has(self.randomSubset), has(self.llcAligned), has(self.smtSiblingPair), has(self.crossCgroup)].filter(x, x).size() == 1",message="exactly one of exact, singleCPU, randomSubset, llcAligned, smtSiblingPair, crossCgroup must be set"
type Affinity struct {
	// exact is a list of CPUs in the kernel's form, such as 0-3,8.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$')",message="must be a list of CPUs such as 0-3,8"
	Exact string `json:"exact,omitempty"`

	// singleCPU puts all workers of the group on the lowest CPU they may use.
	//
	// +optional
	SingleCPU *SingleCPU `json:"singleCPU,omitempty"`

	// randomSubset draws CPUs for each worker.
	//
	// +optional
	RandomSubset *RandomSubset `json:"randomSubset,omitempty"`

	// llcAligned uses the CPUs of one last-level cache. Not supported yet.
	//
	// +optional
	LLCAligned *LLCAligned `json:"llcAligned,omitempty"`

	// smtSiblingPair uses two threads of one core. Not supported yet.
	//
	// +optional
	SMTSiblingPair *SMTSiblingPair `json:"smtSiblingPair,omitempty"`

	// crossCgroup asks for every CPU of the machine, beyond the cgroup's own. Not supported yet.
	//
	// +optional
	CrossCgroup *CrossCgroup `json:"crossCgroup,omitempty"`
}

// SingleCPU has no parameters.
type SingleCPU struct{}

// LLCAligned has no parameters.
type LLCAligned struct{}

// SMTSiblingPair has no parameters.
type SMTSiblingPair struct{}

// CrossCgroup has no parameters.
type CrossCgroup struct{}

// RandomSubset draws CPUs for each worker on its own.
type RandomSubset struct {
	// from is the list of CPUs to draw from. Unset, all CPUs the worker may use.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$')",message="must be a list of CPUs such as 0-3,8"
	From string `json:"from,omitempty"`

	// count is how many CPUs each worker gets.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=8192
	Count int32 `json:"count"`
}

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

	// fifo is SCHED_FIFO. The node needs CAP_SYS_NICE.
	//
	// +optional
	FIFO *RealtimePolicy `json:"fifo,omitempty"`

	// roundRobin is SCHED_RR. The node needs CAP_SYS_NICE.
	//
	// +optional
	RoundRobin *RealtimePolicy `json:"roundRobin,omitempty"`

	// deadline is SCHED_DEADLINE. Not supported yet.
	//
	// +optional
	Deadline *DeadlinePolicy `json:"deadline,omitempty"`

	// ext is SCHED_EXT. Not supported yet.
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
	// priority is the real-time priority, 1 (lowest) to 99.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=99
	Priority int32 `json:"priority"`
}

// DeadlinePolicy is a bandwidth reservation: runtime out of every period, within deadline.
type DeadlinePolicy struct {
	// runtime is the CPU time per period, at least 1024ns.
	//
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) > duration('0s')",message="must be a duration above 0s, such as 500us or 10ms"
	Runtime metav1.Duration `json:"runtime"`

	// deadline is the time from a period's begin by which the runtime is due.
	//
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) > duration('0s')",message="must be a duration above 0s, such as 500us or 10ms"
	Deadline metav1.Duration `json:"deadline"`

	// period is the length of a period. Unset, the deadline.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) > duration('0s')",message="must be a duration above 0s, such as 500us or 10ms"
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
	// the worker runs on first. Default: no call is made, the policy is inherited. A
	// kernel that does not know a mode fails the worker's setup.
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
	// and PreferredMany. Default and Local take no flags.
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
