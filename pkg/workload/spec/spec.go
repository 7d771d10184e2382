// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package spec is the engine's model of a run: what a manifest says, validated,
// and resolved on a machine.
//
// Its JSON is that of the manifest. A member that the model does not know is an
// error when it is read, so nothing a manifest asks for is dropped on the way.
package spec

import (
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Run is what one machine executes.
type Run struct {
	// Duration is the time from the common start to the common stop.
	Duration quantity.Duration `json:"duration"`
	// Seed makes random choices repeatable.
	Seed int64 `json:"seed"`
	// Groups are the groups of workers.
	Groups []Group `json:"groups"`
	// Cgroups are the control groups that groups name.
	Cgroups []Cgroup `json:"cgroups,omitempty"`
	// SchedulingPolicies are the policies that groups name.
	SchedulingPolicies []SchedulingPolicy `json:"schedulingPolicies,omitempty"`
	// MemoryPolicies are the NUMA memory policies that groups name.
	MemoryPolicies []MemoryPolicy `json:"memoryPolicies,omitempty"`
	// Interference limits what else the machine may do during the run.
	Interference *Interference `json:"interference,omitempty"`
	// Steps divide the run; without them it is one piece.
	Steps []Step `json:"steps,omitempty"`
	// Checks are what must hold.
	Checks []Check `json:"checks,omitempty"`
	// AllowDangerousWork allows kinds of work that can harm what else runs on the machine.
	AllowDangerousWork bool `json:"allowDangerousWork,omitempty"`
}

// CloneMode is what a worker is to the kernel.
type CloneMode string

const (
	// CloneModeFork makes each worker a process of exactly one task.
	CloneModeFork CloneMode = "Fork"
	// CloneModeThread makes each worker a thread of a host process.
	CloneModeThread CloneMode = "Thread"
)

// Group is a number of like workers.
type Group struct {
	Name string `json:"name"`
	// Workers is 0 if WorkersPercent is set. Of work that is a program with threads
	// it is the number of programs.
	Workers int `json:"workers,omitempty"`
	// WorkersPercent is the number of workers as a share of the CPUs of the
	// group's pool, rounded up to whole workers and then to a whole set.
	WorkersPercent int       `json:"workersPercent,omitempty"`
	CloneMode      CloneMode `json:"cloneMode"`
	// ProcessName is the name of the host process, which the group shares with
	// the others of its domain that give the same. Empty, it has one of its own.
	ProcessName      string    `json:"processName,omitempty"`
	Comm             string    `json:"comm,omitempty"`
	Work             work.Spec `json:"work"`
	Cgroup           string    `json:"cgroup,omitempty"`
	SchedulingPolicy string    `json:"schedulingPolicy,omitempty"`
	MemoryPolicy     string    `json:"memoryPolicy,omitempty"`
	Affinity         *Affinity `json:"affinity,omitempty"`
	// NUMANode cuts the group's pool to the CPUs of one NUMA node.
	NUMANode *int `json:"numaNode,omitempty"`
	// Nice is nil to inherit the nice value.
	Nice *int `json:"nice,omitempty"`
	// UID and GID are nil to inherit the credentials.
	UID *int64 `json:"uid,omitempty"`
	GID *int64 `json:"gid,omitempty"`
}

// Affinity is one way to choose the CPUs of a worker.
type Affinity struct {
	// Exact is a list of CPUs in the kernel's form.
	Exact string `json:"exact,omitempty"`
	// SingleCPU is the lowest CPU the workers may use.
	SingleCPU *struct{} `json:"singleCPU,omitempty"`
	// LowestCPUs are that many with the lowest numbers of those the workers may use.
	LowestCPUs *LowestCPUs `json:"lowestCPUs,omitempty"`
	// RandomSubset is drawn for each worker.
	RandomSubset *RandomSubset `json:"randomSubset,omitempty"`
	// LLCAligned is that part of the pool that shares one last-level cache: the
	// one with the most of it.
	LLCAligned *struct{} `json:"llcAligned,omitempty"`
	// SMTSiblingPair is two threads of the pool's first core that has two.
	SMTSiblingPair *struct{} `json:"smtSiblingPair,omitempty"`
	// CrossCgroup is all CPUs the run may use, whatever the cpuset of the cgroup
	// is; the kernel keeps those of the cpuset in force.
	CrossCgroup *struct{} `json:"crossCgroup,omitempty"`
}

// LowestCPUs are Count CPUs by their order.
type LowestCPUs struct {
	Count int `json:"count"`
}

// RandomSubset draws Count CPUs out of those of the pool that are in From, or out
// of all of the pool when From is empty.
type RandomSubset struct {
	From  string `json:"from,omitempty"`
	Count int    `json:"count"`
}

// SchedulingPolicy is a named scheduling class; exactly one member beside the name is set.
type SchedulingPolicy struct {
	Name       string    `json:"name"`
	Normal     *struct{} `json:"normal,omitempty"`
	Batch      *struct{} `json:"batch,omitempty"`
	Idle       *struct{} `json:"idle,omitempty"`
	FIFO       *Realtime `json:"fifo,omitempty"`
	RoundRobin *Realtime `json:"roundRobin,omitempty"`
	Deadline   *Deadline `json:"deadline,omitempty"`
	// Ext is SCHED_EXT: the loaded sched_ext scheduler, or the normal class where there is none.
	Ext *struct{} `json:"ext,omitempty"`
}

// Realtime is a fixed-priority real-time class.
type Realtime struct {
	Priority int `json:"priority"`
}

// Deadline is SCHED_DEADLINE: Runtime of CPU time within Deadline of the begin of each Period.
type Deadline struct {
	Runtime  quantity.Duration `json:"runtime"`
	Deadline quantity.Duration `json:"deadline"`
	// Period is nil to be the deadline.
	Period *quantity.Duration `json:"period,omitempty"`
}

// MemoryPolicy is a named NUMA memory policy.
type MemoryPolicy struct {
	Name string `json:"name"`
	// Mode is one of the keys of memoryModes.
	Mode string `json:"mode"`
	// Nodes is a list of NUMA nodes in the kernel's form.
	Nodes string `json:"nodes,omitempty"`
	// Flags are keys of memoryFlags.
	Flags []string `json:"flags,omitempty"`
}

// Interference are limits to what else a machine does during a run. One that is
// exceeded makes the sample void; nil is no limit.
type Interference struct {
	// MaxOtherCPU is CPU time used outside the run, on average over the hold.
	MaxOtherCPU *quantity.CPUs `json:"maxOtherCPU,omitempty"`
	// MaxSteal is CPU time a hypervisor gave to others.
	MaxSteal *quantity.CPUs `json:"maxSteal,omitempty"`
	// MaxInterruptCPU is CPU time in hard and soft interrupts.
	MaxInterruptCPU *quantity.CPUs `json:"maxInterruptCPU,omitempty"`
	// MaxMemoryPressurePercent and MaxIOPressurePercent are the share of the hold
	// in which some task waited for memory or for input and output.
	MaxMemoryPressurePercent *int `json:"maxMemoryPressurePercent,omitempty"`
	MaxIOPressurePercent     *int `json:"maxIOPressurePercent,omitempty"`
	// MinFrequencyPercent is the lowest frequency of a CPU, of the highest it can have.
	MinFrequencyPercent *int `json:"minFrequencyPercent,omitempty"`
	// MaxThermalEvents is how often a CPU was slowed down because of its heat.
	MaxThermalEvents *int64 `json:"maxThermalEvents,omitempty"`
	// MaxClockStep is how far the wall clock moved against the monotonic one.
	MaxClockStep *quantity.Duration `json:"maxClockStep,omitempty"`
	// MaxThrottledPercent is the share of periods in which a cgroup of the run was
	// held back by its quota.
	MaxThrottledPercent *int `json:"maxThrottledPercent,omitempty"`
}
