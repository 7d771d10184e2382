// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Topology is the shape of a machine.
type Topology struct {
	// shape sums it up: NUMA nodes, last-level caches, cores per cache, threads per core, such as 1n2l4c2t.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Shape string `json:"shape,omitempty"`

	// onlineCPUs is the list of online CPUs.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	OnlineCPUs string `json:"onlineCPUs,omitempty"`

	// allowedCPUs is the list of online CPUs that a run may use: those that the agent
	// was started with, usually all but those of isolcpus. Absent, they are all.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	AllowedCPUs string `json:"allowedCPUs,omitempty"`

	// cpus is the number of online CPUs.
	//
	// +optional
	CPUs int32 `json:"cpus,omitempty"`

	// cores is the number of cores with an online CPU.
	//
	// +optional
	Cores int32 `json:"cores,omitempty"`

	// llcs is the number of last-level caches.
	//
	// +optional
	LLCs int32 `json:"llcs,omitempty"`

	// numaNodes is the number of NUMA nodes.
	//
	// +optional
	NUMANodes int32 `json:"numaNodes,omitempty"`

	// memoryNodes is the list of NUMA nodes that have memory which runs may use, such
	// as 0-1. It is empty if the kernel does not support NUMA.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	MemoryNodes string `json:"memoryNodes,omitempty"`

	// smt says whether some core has two or more threads.
	//
	// +optional
	SMT bool `json:"smt,omitempty"`

	// offlineCPUs is the list of CPUs that are there, but not online.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	OfflineCPUs string `json:"offlineCPUs,omitempty"`

	// isolatedCPUs is the list of CPUs that the kernel was told to keep out of load
	// balancing (isolcpus).
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	IsolatedCPUs string `json:"isolatedCPUs,omitempty"`

	// nohzFullCPUs is the list of CPUs without a tick while one task runs there.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	NohzFullCPUs string `json:"nohzFullCPUs,omitempty"`

	// caches are the last-level caches, in the order by which cpuset.llc counts them.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1024
	Caches []LastLevelCache `json:"caches,omitempty"`

	// nodes are the NUMA nodes, by id.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Nodes []NUMANode `json:"nodes,omitempty"`

	// siblings are the lists of CPUs of each core that has two or more of them.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4096
	// +kubebuilder:validation:items:MaxLength=64
	Siblings []string `json:"siblings,omitempty"`

	// classes are the kinds of CPUs, the largest capacity first. One entry means that
	// all are of the same kind.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Classes []CPUClass `json:"classes,omitempty"`
}

// LastLevelCache is the cache farthest from the CPUs that share it.
type LastLevelCache struct {
	// id is the kernel's id of the cache.
	//
	// +required
	ID int32 `json:"id"`

	// level is the cache's level, such as 3. Absent where the kernel does not tell.
	//
	// +optional
	Level int32 `json:"level,omitempty"`

	// sizeKiB is its size. Absent where the kernel does not tell.
	//
	// +optional
	SizeKiB int64 `json:"sizeKiB,omitempty"`

	// node is the NUMA node it is on.
	//
	// +required
	Node int32 `json:"node"`

	// cpus is the list of online CPUs that share it.
	//
	// +required
	// +kubebuilder:validation:MaxLength=8192
	CPUs string `json:"cpus"`
}

// NUMANode is a set of CPUs and the memory next to them. It may have only one of
// the two.
type NUMANode struct {
	// id is the kernel's id of the node.
	//
	// +required
	ID int32 `json:"id"`

	// cpus is the list of its online CPUs, empty if it has none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	CPUs string `json:"cpus,omitempty"`

	// memoryKiB is how much memory it has.
	//
	// +optional
	MemoryKiB int64 `json:"memoryKiB,omitempty"`

	// distances are those to the nodes, in their order here. The distance to itself is 10.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Distances []int32 `json:"distances,omitempty"`
}

// CPUClass is a kind of CPUs of a machine that has several.
type CPUClass struct {
	// name is the class's name, such as core, atom, or "capacity 446".
	//
	// +required
	// +kubebuilder:validation:MaxLength=64
	Name string `json:"name"`

	// capacity is how much one CPU can do, of 1024 for the largest. Absent where the
	// kernel does not tell.
	//
	// +optional
	Capacity int32 `json:"capacity,omitempty"`

	// cpus is the list of its online CPUs.
	//
	// +required
	// +kubebuilder:validation:MaxLength=8192
	CPUs string `json:"cpus"`
}

// Fingerprint is what of a machine decides whether results of two machines, or of
// one at two times, compare: they do if the digests are equal.
type Fingerprint struct {
	// digest is that of all facts. It is also the node's class.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[a-z0-9]*$`
	Digest string `json:"digest,omitempty"`

	// hardwareDigest is that of the facts about the hardware.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	HardwareDigest string `json:"hardwareDigest,omitempty"`

	// softwareDigest is that of the facts about the kernel and its settings.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	SoftwareDigest string `json:"softwareDigest,omitempty"`

	// facts are what was looked at, and what is in no digest because it changes by itself.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Facts []Fact `json:"facts,omitempty"`
}

// Fact is one thing that a machine says of itself.
type Fact struct {
	// name is what it is about, such as cpu.model.
	//
	// +required
	// +kubebuilder:validation:MaxLength=64
	Name string `json:"name"`

	// value is what the machine says, cut to 256 bytes.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Value string `json:"value,omitempty"`
}

// RealtimeBandwidth is the CPU time that real-time tasks may take of every period,
// and SCHED_DEADLINE may reserve (kernel.sched_rt_runtime_us, kernel.sched_rt_period_us).
type RealtimeBandwidth struct {
	// runtimeMicroseconds is the time they may take, -1 if there is no limit.
	//
	// +required
	RuntimeMicroseconds int64 `json:"runtimeMicroseconds"`

	// periodMicroseconds is the length of a period.
	//
	// +required
	PeriodMicroseconds int64 `json:"periodMicroseconds"`
}
