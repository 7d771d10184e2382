// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

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

	// workersPercent is the number of workers as a percentage of the group's CPUs: of
	// its cgroup's cpuset, or all that the run may use, cut to numaNode. It is rounded
	// up, then up to a whole set of the kind of work; above 100 oversubscribes. Each
	// test node has its own number; all groups together must stay within 20000.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	WorkersPercent *int32 `json:"workersPercent,omitempty"`

	// cloneMode is what a worker is to the kernel. Fork makes each worker a process
	// of exactly one task. Thread makes each worker a thread of a host process,
	// whose main thread does no work: one host process per group, named after the
	// group's comm, or one shared with other groups by processName.
	// Default Fork.
	//
	// +optional
	// +default="Fork"
	CloneMode CloneMode `json:"cloneMode,omitempty"`

	// processName makes the workers threads of one host process with this name,
	// together with the other groups that give the same name and lie in the same
	// cgroup, or in threaded cgroups below the same one; uid and gid must be the same
	// in all of them. It needs cloneMode Thread. At
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
	// Unset, they are born in a cgroup of the run without limits.
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

	// affinity is the set of CPUs a worker may use, out of those of its cgroup's
	// cpuset and numaNode. If none is left, the test node does not fit. Unset, the
	// workers may use what the cgroup may, or what numaNode says.
	//
	// +optional
	Affinity *Affinity `json:"affinity,omitempty"`

	// numaNode restricts the workers to the CPUs of one NUMA node, by its id, 0 to
	// 1023. It must share a CPU with the cgroup's cpuset. It says nothing about memory:
	// memoryPolicy does.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1023
	NUMANode *int32 `json:"numaNode,omitempty"`

	// nice is the nice value, -20 to 19. Below 0, the node needs the feature
	// NegativeNice. Unset, it is inherited.
	//
	// +optional
	// +kubebuilder:validation:Minimum=-20
	// +kubebuilder:validation:Maximum=19
	Nice *int32 `json:"nice,omitempty"`

	// uid is the user a worker runs as (real, effective and saved), 0 to 4294967294.
	// Unset, it is inherited. If uid or gid is set, the supplementary groups are
	// cleared. Affinity, nice and scheduling policy are set before the credentials
	// are dropped, so a real-time policy needs no privilege of this user. The node
	// needs the feature Credentials.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967294
	UID *int64 `json:"uid,omitempty"`

	// gid is the group a worker runs as (real, effective and saved), 0 to 4294967294.
	// Unset, it is inherited. If uid or gid is set, the supplementary groups are
	// cleared. The node needs the feature Credentials.
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
	// exact is a list of CPUs in the kernel's form, such as 0-3,8. All must be CPUs
	// that a run may use; the workers get those that are also the group's.
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

	// llcAligned uses those of the group's CPUs that share one last-level cache: the
	// cache that most of them share, the first of several.
	//
	// +optional
	LLCAligned *LLCAligned `json:"llcAligned,omitempty"`

	// smtSiblingPair uses two hardware threads of one core: the first core that has two
	// among the group's CPUs. A test node without such a core does not fit.
	//
	// +optional
	SMTSiblingPair *SMTSiblingPair `json:"smtSiblingPair,omitempty"`

	// crossCgroup asks for every CPU that a run may use, beyond the cgroup's cpuset, or
	// for those of numaNode. The kernel keeps those that the cpuset allows.
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
	// from is the list of CPUs to draw from, of which only the group's count. Unset,
	// all of the group's.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$')",message="must be a list of CPUs such as 0-3,8"
	From string `json:"from,omitempty"`

	// count is how many CPUs each worker gets, or all where there are fewer.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=8192
	Count int32 `json:"count"`
}
