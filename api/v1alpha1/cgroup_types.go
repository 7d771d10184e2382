// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Cgroup is a control group (version 2) below the run's own. Whatever is set is
// written, read back, and shown in the report; what is not set stays as the kernel
// makes it. A test node that lacks a controller or a file for what is set does not
// fit the Workload. The limits of the cgroups above it apply as well.
//
// A cgroup with workers can have others below it that set something only if all below
// it are threaded: the kernel keeps processes and what controllers share out apart.
//
// +kubebuilder:validation:XValidation:rule="!has(self.threaded) || !self.threaded || self.name.contains('/')",message="a threaded cgroup lies below another one, which holds its processes: the name must have a '/', such as app/a"
// +kubebuilder:validation:XValidation:rule="!has(self.threaded) || !self.threaded || (!has(self.memory) && !has(self.io))",message="memory and io are not for threaded cgroups: set them on the cgroup above, which holds the processes"
type Cgroup struct {
	// name is the path below the run's cgroup; a slash nests. Groups refer to it.
	// A cgroup above it that is not declared is made all the same, without limits.
	// No part of it may begin as the kernel's own files do, such as cpu. or memory.
	// with the dot.
	//
	// +required
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="!self.matches('(^|/)(cgroup|cpu|cpuset|debug|dmem|hugetlb|io|irq|memory|misc|perf_event|pids|rdma)[.]')",message="no part may begin as files of the kernel do, such as cpu. or memory.: name it otherwise"
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_][-A-Za-z0-9_.]*(/[A-Za-z0-9_][-A-Za-z0-9_.]*)*$`
	Name string `json:"name"`

	// threaded makes it hold threads, not processes: the threads of one process can
	// lie in several threaded cgroups below the cgroup that holds the process, which
	// is the nearest above that is not threaded. If one cgroup below that one is
	// threaded, all must be. Only cpuset, cpu and pidsMax can be set. The node needs
	// the feature CgroupThreaded. Default false.
	//
	// +optional
	Threaded bool `json:"threaded,omitempty"`

	// cpuset chooses the CPUs and memory nodes of the cgroup. It must lie inside the
	// cpuset of every cgroup above it. The node needs the feature CgroupCpuset.
	// Unset, it is inherited.
	//
	// +optional
	Cpuset *Cpuset `json:"cpuset,omitempty"`

	// cpu weighs and limits CPU time. The node needs the feature CgroupCPU.
	//
	// +optional
	CPU *CgroupCPU `json:"cpu,omitempty"`

	// memory protects and limits memory. The node needs the feature CgroupMemory.
	//
	// +optional
	Memory *CgroupMemory `json:"memory,omitempty"`

	// io weighs and limits what is read from and written to block devices. The node
	// needs the feature CgroupIO.
	//
	// +optional
	IO *CgroupIO `json:"io,omitempty"`

	// pidsMax is the largest number of tasks (pids.max), 1 to 4194304. A Workload
	// without room for the workers and, with threads, their host processes is refused;
	// with workersPercent, it is a test node that does not fit. The node needs
	// the feature CgroupPids. Unset, there is no limit.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4194304
	PidsMax *int64 `json:"pidsMax,omitempty"`
}

// PartitionType is what a cpuset partition does to its CPUs.
//
// +kubebuilder:validation:Enum=Root;Isolated
type PartitionType string

const (
	// PartitionRoot makes a scheduling domain of its own of the CPUs.
	PartitionRoot PartitionType = "Root"
	// PartitionIsolated also takes the CPUs out of load balancing.
	PartitionIsolated PartitionType = "Isolated"
)

// Cpuset chooses the CPUs of a cgroup in at most one way, relative to the machine
// or not, and its memory nodes. It is resolved anew on each test node. A node on
// which no CPU is left does not fit the Workload.
//
// The usable CPUs, of which range, disjoint and overlap take a part, are all that a
// run may use, but for the highest-numbered if there are more than two: that one is
// left to the supervisor.
//
// +kubebuilder:validation:XValidation:rule="[has(self.exact), has(self.llc), has(self.numaNode), has(self.range), has(self.disjoint), has(self.overlap)].filter(x, x).size() <= 1",message="at most one of exact, llc, numaNode, range, disjoint, overlap may be set"
// +kubebuilder:validation:XValidation:rule="[has(self.exact), has(self.llc), has(self.numaNode), has(self.range), has(self.disjoint), has(self.overlap), has(self.mems)].exists(x, x)",message="set one of exact, llc, numaNode, range, disjoint, overlap, or mems, or leave cpuset out"
// +kubebuilder:validation:XValidation:rule="!has(self.partition) || [has(self.exact), has(self.llc), has(self.numaNode), has(self.range), has(self.disjoint)].exists(x, x)",message="partition needs CPUs that no other cgroup has: set one of exact, llc, numaNode, range, disjoint"
type Cpuset struct {
	// exact is a list of CPUs such as 0-3,8. All must be CPUs that a run may use.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$')",message="must be a list of CPUs such as 0-3,8"
	Exact string `json:"exact,omitempty"`

	// llc takes the CPUs of one last-level cache: its position, from 0, in the order
	// of the caches' ids.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8191
	LLC *int32 `json:"llc,omitempty"`

	// numaNode takes the CPUs of one NUMA node: its id. A node without CPUs fits no
	// cgroup.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1023
	NUMANode *int32 `json:"numaNode,omitempty"`

	// range takes the usable CPUs from one share of them to another, such as the
	// first half.
	//
	// +optional
	Range *CPURange `json:"range,omitempty"`

	// disjoint takes one of several parts of the usable CPUs, which are equal in size
	// but for the last, which also gets the rest.
	//
	// +optional
	Disjoint *CPUPart `json:"disjoint,omitempty"`

	// overlap takes one of several parts of the usable CPUs, widened by a share of its
	// size into the part before and the part after.
	//
	// +optional
	Overlap *CPUOverlap `json:"overlap,omitempty"`

	// mems is the list of NUMA nodes the cgroup may take memory from, 0 to 1023, such
	// as 0-1. All must have memory. Unset, it is inherited.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,3}|10[01][0-9]|102[0-3])(-([0-9]{1,3}|10[01][0-9]|102[0-3]))?(,([0-9]{1,3}|10[01][0-9]|102[0-3])(-([0-9]{1,3}|10[01][0-9]|102[0-3]))?)*$')",message="must be a list of NUMA nodes of 0 to 1023, such as 0-1,3"
	Mems string `json:"mems,omitempty"`

	// partition takes the CPUs away from every other cgroup of the machine
	// (cpuset.cpus.partition). Root makes a scheduling domain of its own of them;
	// Isolated also takes them out of load balancing, so that a worker stays on the
	// CPU it is put on. The node needs the feature CgroupCpusetPartition; if the
	// kernel does not form the partition, the run fails before its start and says why.
	// Unset, the CPUs stay in the domain of the cgroup above.
	//
	// +optional
	Partition PartitionType `json:"partition,omitempty"`
}

// CPURange is a part of the usable CPUs: of L CPUs those from L*startPercent/100 to
// before L*endPercent/100, rounded down.
//
// +kubebuilder:validation:XValidation:rule="self.startPercent < self.endPercent",message="startPercent must be less than endPercent"
type CPURange struct {
	// startPercent is where the range begins, 0 to 99.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=99
	StartPercent int32 `json:"startPercent"`

	// endPercent is where the range ends, 1 to 100.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	EndPercent int32 `json:"endPercent"`
}

// CPUPart is one of several parts.
//
// +kubebuilder:validation:XValidation:rule="self.index < self.of",message="index counts from 0: it must be less than of"
type CPUPart struct {
	// index is which part, from 0.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8191
	Index int32 `json:"index"`

	// of is how many parts there are, 1 to 8192. There must be as many usable CPUs.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=8192
	Of int32 `json:"of"`
}

// CPUOverlap is one of several parts that reach into one another.
//
// +kubebuilder:validation:XValidation:rule="self.index < self.of",message="index counts from 0: it must be less than of"
type CPUOverlap struct {
	// index is which part, from 0.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8191
	Index int32 `json:"index"`

	// of is how many parts there are, 1 to 8192. There must be as many usable CPUs.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=8192
	Of int32 `json:"of"`

	// percent is how far a part reaches into each neighbour, in percent of its size,
	// 0 to 100.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Percent int32 `json:"percent"`
}

// CgroupCPU is the cpu controller's part of a cgroup.
//
// +kubebuilder:validation:XValidation:rule="[has(self.weight), has(self.idle), has(self.quota), has(self.period), has(self.burst), has(self.uclampMinPercent), has(self.uclampMaxPercent)].exists(x, x)",message="set weight, idle, quota, uclampMinPercent or uclampMaxPercent, or leave cpu out"
// +kubebuilder:validation:XValidation:rule="!has(self.weight) || !has(self.idle) || !self.idle",message="weight and idle exclude each other: an idle cgroup has the smallest weight there is"
// +kubebuilder:validation:XValidation:rule="has(self.quota) || (!has(self.period) && !has(self.burst))",message="period and burst need a quota"
// +kubebuilder:validation:XValidation:rule="!has(self.quota) || !has(self.burst) || [self.quota, self.burst].exists(d, !d.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$')) || duration(self.burst) <= duration(self.quota)",message="burst must be at most the quota"
// +kubebuilder:validation:XValidation:rule="!has(self.uclampMinPercent) || !has(self.uclampMaxPercent) || self.uclampMinPercent <= self.uclampMaxPercent",message="uclampMinPercent must be at most uclampMaxPercent"
type CgroupCPU struct {
	// weight is the cgroup's share of CPU time among its neighbours (cpu.weight), 1 to
	// 10000. The kernel's default is 100. Not together with idle.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Weight *int32 `json:"weight,omitempty"`

	// idle gives the cgroup CPU time only if its neighbours leave it (cpu.idle). The
	// node needs the feature CgroupCPUIdle. Default false.
	//
	// +optional
	Idle bool `json:"idle,omitempty"`

	// quota is the CPU time the cgroup gets per period (cpu.max), in whole
	// microseconds, 1ms to 1000h; more than the period means several CPUs. Unset,
	// there is no limit.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('1ms') && duration(self) <= duration('1000h')",message="must be a duration of at least 1ms and at most 1000h, such as 50ms"
	Quota *metav1.Duration `json:"quota,omitempty"`

	// period is the length of a quota period, in whole microseconds, 1ms to 1s.
	// Default 100ms.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('1ms') && duration(self) <= duration('1s')",message="must be a duration of at least 1ms and at most 1s, such as 100ms"
	Period *metav1.Duration `json:"period,omitempty"`

	// burst is how much unused quota is kept for a later period (cpu.max.burst), in
	// whole microseconds, at most the quota. The node needs the feature CgroupCPUBurst. Unset, nothing is kept.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s')",message="must be a duration above 0s, such as 10ms"
	Burst *metav1.Duration `json:"burst,omitempty"`

	// uclampMinPercent makes the scheduler take the cgroup's tasks for at least this
	// busy when it chooses a frequency and a CPU (cpu.uclamp.min), in percent of the
	// fastest CPU, 0 to 100. The node needs the feature CgroupUclamp.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	UclampMinPercent *int32 `json:"uclampMinPercent,omitempty"`

	// uclampMaxPercent makes the scheduler take them for at most this busy
	// (cpu.uclamp.max), 0 to 100. The node needs the feature CgroupUclamp.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	UclampMaxPercent *int32 `json:"uclampMaxPercent,omitempty"`
}

// CgroupMemory is the memory controller's part of a cgroup. Amounts are quantities
// of whole bytes, such as 64Mi.
//
// +kubebuilder:validation:XValidation:rule="[has(self.min), has(self.low), has(self.high), has(self.max), has(self.swapMax)].exists(x, x)",message="set min, low, high, max or swapMax, or leave memory out"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.max) || !isQuantity(string(self.min)) || !isQuantity(string(self.max)) || quantity(string(self.min)).compareTo(quantity(string(self.max))) <= 0",message="min must be at most max"
// +kubebuilder:validation:XValidation:rule="!has(self.low) || !has(self.high) || !isQuantity(string(self.low)) || !isQuantity(string(self.high)) || quantity(string(self.low)).compareTo(quantity(string(self.high))) <= 0",message="low must be at most high"
// +kubebuilder:validation:XValidation:rule="!has(self.low) || !has(self.max) || !isQuantity(string(self.low)) || !isQuantity(string(self.max)) || quantity(string(self.low)).compareTo(quantity(string(self.max))) <= 0",message="low must be at most max"
// +kubebuilder:validation:XValidation:rule="!has(self.high) || !has(self.max) || !isQuantity(string(self.high)) || !isQuantity(string(self.max)) || quantity(string(self.high)).compareTo(quantity(string(self.max))) <= 0",message="high must be at most max"
type CgroupMemory struct {
	// min is the memory that is never reclaimed from the cgroup (memory.min).
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('0')) >= 0 && quantity(string(self)).compareTo(quantity('1Pi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 0 to 1Pi in whole bytes, such as 64Mi"
	Min *resource.Quantity `json:"min,omitempty"`

	// low is the memory that is reclaimed from the cgroup only if there is nothing
	// else to reclaim (memory.low).
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('0')) >= 0 && quantity(string(self)).compareTo(quantity('1Pi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 0 to 1Pi in whole bytes, such as 64Mi"
	Low *resource.Quantity `json:"low,omitempty"`

	// high is the memory above which the cgroup is slowed down and reclaimed from
	// (memory.high). Unset, there is no such point.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('4Ki')) >= 0 && quantity(string(self)).compareTo(quantity('1Pi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 4Ki to 1Pi in whole bytes, such as 64Mi"
	High *resource.Quantity `json:"high,omitempty"`

	// max is the largest amount of memory (memory.max). What needs more is killed,
	// which the report shows, and voids the sample. Unset, there is no limit.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('4Ki')) >= 0 && quantity(string(self)).compareTo(quantity('1Pi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 4Ki to 1Pi in whole bytes, such as 64Mi"
	Max *resource.Quantity `json:"max,omitempty"`

	// swapMax is the largest amount of swap (memory.swap.max); 0 forbids it. The node
	// needs the feature CgroupSwap. Unset, there is no limit.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('0')) >= 0 && quantity(string(self)).compareTo(quantity('1Pi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 0 to 1Pi in whole bytes, such as 64Mi"
	SwapMax *resource.Quantity `json:"swapMax,omitempty"`
}

// CgroupIO is the io controller's part of a cgroup.
//
// +kubebuilder:validation:XValidation:rule="has(self.weight) || (has(self.limits) && self.limits.size() > 0)",message="set weight or limits, or leave io out"
type CgroupIO struct {
	// weight is the cgroup's share of the devices among its neighbours (io.weight), 1
	// to 10000. The kernel's default is 100. The node needs the feature CgroupIOWeight.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Weight *int32 `json:"weight,omitempty"`

	// limits bound what is read and written (io.max), at most 8 devices. The node
	// needs the feature CgroupIOMax; a device that it lacks fails the run before its
	// start.
	//
	// +optional
	// +listType=map
	// +listMapKey=device
	// +kubebuilder:validation:MaxItems=8
	Limits []IOLimit `json:"limits,omitempty"`
}

// IOLimit bounds what is read from and written to one block device.
//
// +kubebuilder:validation:XValidation:rule="[has(self.readBytesPerSecond), has(self.writeBytesPerSecond), has(self.readOperationsPerSecond), has(self.writeOperationsPerSecond)].exists(x, x)",message="set at least one of readBytesPerSecond, writeBytesPerSecond, readOperationsPerSecond, writeOperationsPerSecond"
type IOLimit struct {
	// device is the whole block device's number, major:minor, such as 8:0 (see lsblk).
	//
	// +required
	// +kubebuilder:validation:MaxLength=12
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,4}:[0-9]{1,7}$')",message="must be the number of a block device, major:minor, such as 8:0"
	Device string `json:"device"`

	// readBytesPerSecond bounds what is read, in bytes, such as 10Mi. At least 1.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('1')) >= 0 && quantity(string(self)).compareTo(quantity('1Pi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 1 to 1Pi in whole bytes, such as 10Mi"
	ReadBytesPerSecond *resource.Quantity `json:"readBytesPerSecond,omitempty"`

	// writeBytesPerSecond bounds what is written, in bytes, such as 10Mi. At least 1.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('1')) >= 0 && quantity(string(self)).compareTo(quantity('1Pi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 1 to 1Pi in whole bytes, such as 10Mi"
	WriteBytesPerSecond *resource.Quantity `json:"writeBytesPerSecond,omitempty"`

	// readOperationsPerSecond bounds the number of reads. At least 1.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	ReadOperationsPerSecond *int64 `json:"readOperationsPerSecond,omitempty"`

	// writeOperationsPerSecond bounds the number of writes. At least 1.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	WriteOperationsPerSecond *int64 `json:"writeOperationsPerSecond,omitempty"`
}
