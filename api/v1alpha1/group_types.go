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
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.smtSiblingSpin) || self.workers % 2 == 0",message="smtSiblingSpin works in pairs: workers must be a multiple of 2",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.pipeIo) || self.workers % 2 == 0",message="pipeIo works in pairs: workers must be a multiple of 2",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.futexPingPong) || self.workers % 2 == 0",message="futexPingPong works in pairs: workers must be a multiple of 2",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.asymmetricWaker) || self.workers % 2 == 0",message="asymmetricWaker works in pairs: workers must be a multiple of 2",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.signalStorm) || self.workers % 2 == 0",message="signalStorm works in pairs: workers must be a multiple of 2",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.cachePipe) || self.workers % 2 == 0",message="cachePipe works in pairs: workers must be a multiple of 2",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.irqWake) || self.workers % 2 == 0",message="irqWake works in pairs: workers must be a multiple of 2",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.futexFanOut) || self.workers % (self.work.futexFanOut.fanOut + 1) == 0",message="futexFanOut works in sets of one waker and fanOut receivers: workers must be a multiple of fanOut + 1",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.fanOutCompute) || self.workers % (self.work.fanOutCompute.fanOut + 1) == 0",message="fanOutCompute works in sets of one waker and fanOut receivers: workers must be a multiple of fanOut + 1",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.thunderingHerd) || self.workers % (self.work.thunderingHerd.waiters + 1) == 0",message="thunderingHerd works in sets of one waker and its waiters: workers must be a multiple of waiters + 1",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.wakeChain) || self.workers % (self.work.wakeChain.depth) == 0",message="wakeChain works in sets of depth stages: workers must be a multiple of depth",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.epollStorm) || self.workers % (self.work.epollStorm.producers + self.work.epollStorm.consumers) == 0",message="epollStorm works in sets of producers and consumers: workers must be a multiple of producers + consumers",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.producerConsumerImbalance) || self.workers % (self.work.producerConsumerImbalance.producers + self.work.producerConsumerImbalance.consumers) == 0",message="producerConsumerImbalance works in sets of producers and consumers: workers must be a multiple of producers + consumers",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.mutexContention) || self.workers % (self.work.mutexContention.contenders) == 0",message="mutexContention works in sets of contenders: workers must be a multiple of contenders",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.priorityInversion) || (self.work.priorityInversion.high + self.work.priorityInversion.medium + self.work.priorityInversion.low) < 1 || self.workers % (self.work.priorityInversion.high + self.work.priorityInversion.medium + self.work.priorityInversion.low) == 0",message="priorityInversion works in sets of high, medium and low workers: workers must be a multiple of high + medium + low",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.rtStarvation) || self.workers % (self.work.rtStarvation.rtWorkers + self.work.rtStarvation.fairWorkers) == 0",message="rtStarvation works in sets of real-time and normal workers: workers must be a multiple of rtWorkers + fairWorkers",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.workers) || !has(self.work.preemptStorm) || self.workers % (self.work.preemptStorm.fairWorkers + 1) == 0",message="preemptStorm works in sets of one real-time worker and its victims: workers must be a multiple of fairWorkers + 1",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="!has(self.work.forkExit) || !has(self.cloneMode) || self.cloneMode != 'Thread'",message="forkExit works in processes only: a process with threads cannot fork safely; leave cloneMode out",fieldPath=".cloneMode"
// +kubebuilder:validation:XValidation:rule="!has(self.work.cgroupChurn) || !has(self.cloneMode) || self.cloneMode != 'Thread'",message="cgroupChurn works in processes only: a move takes all threads of a process along; leave cloneMode out",fieldPath=".cloneMode"
// +kubebuilder:validation:XValidation:rule="!has(self.work.cgroupAttachStorm) || !has(self.cloneMode) || self.cloneMode != 'Thread'",message="cgroupAttachStorm works in processes only: a process with threads cannot fork safely; leave cloneMode out",fieldPath=".cloneMode"
// +kubebuilder:validation:XValidation:rule="!has(self.work.exec) || !has(self.cloneMode) || self.cloneMode != 'Thread'",message="exec works in processes only: a program takes the place of the worker's whole process; leave cloneMode out",fieldPath=".cloneMode"
// +kubebuilder:validation:XValidation:rule="!has(self.workersPercent) || !(has(self.work.schbench) || has(self.work.taobench))",message="schbench and taobench bring their own threads for the CPUs there are: set workers to the number of programs",fieldPath=".workersPercent"
// +kubebuilder:validation:XValidation:rule="!has(self.workersPercent) || !(has(self.work.exec) || has(self.work.netTraffic) || has(self.work.irqWake))",message="not for exec, netTraffic and irqWake, of which there may be a few only: set workers",fieldPath=".workersPercent"
// +kubebuilder:validation:XValidation:rule="!has(self.schedulingPolicy) || !(has(self.work.asymmetricWaker) || has(self.work.priorityInversion) || has(self.work.rtStarvation) || has(self.work.preemptStorm))",message="asymmetricWaker, priorityInversion, rtStarvation and preemptStorm give their workers scheduling classes of their own: leave schedulingPolicy out",fieldPath=".schedulingPolicy"
type Group struct {
	// name identifies the group in steps, checks and reports.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// workers is the number of workers, 1 to 20000. It must be a multiple of the sets
	// that the kind of work comes in. Of schbench, taobench and exec it is the number
	// of programs.
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
// +kubebuilder:validation:XValidation:rule="[has(self.exact), has(self.singleCPU), has(self.lowestCPUs), has(self.randomSubset), has(self.llcAligned), has(self.smtSiblingPair), has(self.crossCgroup)].filter(x, x).size() == 1",message="exactly one of exact, singleCPU, lowestCPUs, randomSubset, llcAligned, smtSiblingPair, crossCgroup must be set"
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

	// lowestCPUs puts all workers of the group on that many of the CPUs they may use, those
	// with the lowest numbers. A test node on which they may use fewer does not fit.
	//
	// +optional
	LowestCPUs *LowestCPUs `json:"lowestCPUs,omitempty"`

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

// LowestCPUs are CPUs by their order.
type LowestCPUs struct {
	// count is how many.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=8192
	Count int32 `json:"count"`
}

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
