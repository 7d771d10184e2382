// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import "github.com/schedfleet/schedfleet/pkg/workload/quantity"

// Cgroup is a control group below the run's own. What is nil is left as the
// kernel has it in a new cgroup.
type Cgroup struct {
	// Name is its path below the run's own.
	Name string `json:"name"`
	// Threaded lets it hold single threads of a process, whose other threads may
	// be elsewhere in the same domain.
	Threaded bool          `json:"threaded,omitempty"`
	Cpuset   *Cpuset       `json:"cpuset,omitempty"`
	CPU      *CgroupCPU    `json:"cpu,omitempty"`
	Memory   *CgroupMemory `json:"memory,omitempty"`
	IO       *CgroupIO     `json:"io,omitempty"`
	// PidsMax is the most tasks in it and below it.
	PidsMax *int64 `json:"pidsMax,omitempty"`
}

// Cpuset is where the tasks of a cgroup may run and have memory. At most one of
// Exact to Overlap is set; without them the CPUs are inherited.
type Cpuset struct {
	// Exact is a list of CPUs in the kernel's form.
	Exact string `json:"exact,omitempty"`
	// LLC is the position of a last-level cache in the order of their ids.
	LLC *int `json:"llc,omitempty"`
	// NUMANode is the id of a NUMA node.
	NUMANode *int `json:"numaNode,omitempty"`
	// Range, Disjoint and Overlap are parts of the usable CPUs.
	Range    *CPURange   `json:"range,omitempty"`
	Disjoint *CPUPart    `json:"disjoint,omitempty"`
	Overlap  *CPUOverlap `json:"overlap,omitempty"`
	// Mems is a list of NUMA nodes in the kernel's form; empty, it is inherited.
	Mems string `json:"mems,omitempty"`
	// Partition is PartitionRoot or PartitionIsolated to take the CPUs away from
	// all others.
	Partition string `json:"partition,omitempty"`
}

// Kinds of cpuset partitions.
const (
	// PartitionRoot is a partition with a root domain of its own.
	PartitionRoot = "Root"
	// PartitionIsolated is one whose CPUs are not balanced between.
	PartitionIsolated = "Isolated"
)

// CPURange is the usable CPUs from one share of them to another, in their order.
type CPURange struct {
	StartPercent int `json:"startPercent"`
	EndPercent   int `json:"endPercent"`
}

// CPUPart is one of Of equal parts of the usable CPUs; the last takes what remains.
type CPUPart struct {
	Index int `json:"index"`
	Of    int `json:"of"`
}

// CPUOverlap is a CPUPart that reaches Percent of a part's size into its neighbours.
type CPUOverlap struct {
	Index   int `json:"index"`
	Of      int `json:"of"`
	Percent int `json:"percent"`
}

// CgroupCPU is how much CPU time a cgroup gets.
type CgroupCPU struct {
	// Weight is its share against its siblings; the kernel's default is 100.
	Weight *int `json:"weight,omitempty"`
	// Idle gives it time that no sibling wants.
	Idle bool `json:"idle,omitempty"`
	// Quota is the CPU time of each Period, which is 100ms if it is nil.
	Quota  *quantity.Duration `json:"quota,omitempty"`
	Period *quantity.Duration `json:"period,omitempty"`
	// Burst is how much unused quota it may save up.
	Burst *quantity.Duration `json:"burst,omitempty"`
	// UclampMinPercent and UclampMaxPercent bound the utilisation that frequency
	// and placement are chosen by.
	UclampMinPercent *int `json:"uclampMinPercent,omitempty"`
	UclampMaxPercent *int `json:"uclampMaxPercent,omitempty"`
}

// CgroupMemory is how much memory a cgroup keeps and gets.
type CgroupMemory struct {
	Min     *quantity.Bytes `json:"min,omitempty"`
	Low     *quantity.Bytes `json:"low,omitempty"`
	High    *quantity.Bytes `json:"high,omitempty"`
	Max     *quantity.Bytes `json:"max,omitempty"`
	SwapMax *quantity.Bytes `json:"swapMax,omitempty"`
}

// CgroupIO is how much input and output a cgroup gets.
type CgroupIO struct {
	// Weight is its share against its siblings; the kernel's default is 100.
	Weight *int      `json:"weight,omitempty"`
	Limits []IOLimit `json:"limits,omitempty"`
}

// IOLimit limits input and output of one block device; nil is no limit.
type IOLimit struct {
	// Device is the device's number as major:minor.
	Device                   string          `json:"device"`
	ReadBytesPerSecond       *quantity.Bytes `json:"readBytesPerSecond,omitempty"`
	WriteBytesPerSecond      *quantity.Bytes `json:"writeBytesPerSecond,omitempty"`
	ReadOperationsPerSecond  *int64          `json:"readOperationsPerSecond,omitempty"`
	WriteOperationsPerSecond *int64          `json:"writeOperationsPerSecond,omitempty"`
}
