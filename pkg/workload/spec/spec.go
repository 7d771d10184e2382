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
	Name      string    `json:"name"`
	Workers   int       `json:"workers"`
	CloneMode CloneMode `json:"cloneMode"`
	// ProcessName is the name of the host process, which the group shares with
	// the others of its cgroup that give the same. Empty, it has one of its own.
	ProcessName      string    `json:"processName,omitempty"`
	Comm             string    `json:"comm,omitempty"`
	Work             work.Spec `json:"work"`
	Cgroup           string    `json:"cgroup,omitempty"`
	SchedulingPolicy string    `json:"schedulingPolicy,omitempty"`
	MemoryPolicy     string    `json:"memoryPolicy,omitempty"`
	Affinity         *Affinity `json:"affinity,omitempty"`
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
	// RandomSubset is drawn for each worker.
	RandomSubset *RandomSubset `json:"randomSubset,omitempty"`
}

// RandomSubset draws Count CPUs out of From, or out of all when From is empty.
type RandomSubset struct {
	From  string `json:"from,omitempty"`
	Count int    `json:"count"`
}

// Cgroup is a control group below the run's own.
type Cgroup struct {
	Name string `json:"name"`
}

// SchedulingPolicy is a named scheduling class; exactly one member beside the name is set.
type SchedulingPolicy struct {
	Name       string    `json:"name"`
	Normal     *struct{} `json:"normal,omitempty"`
	Batch      *struct{} `json:"batch,omitempty"`
	Idle       *struct{} `json:"idle,omitempty"`
	FIFO       *Realtime `json:"fifo,omitempty"`
	RoundRobin *Realtime `json:"roundRobin,omitempty"`
}

// Realtime is a fixed-priority real-time class.
type Realtime struct {
	Priority int `json:"priority"`
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
