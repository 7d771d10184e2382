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
}

// CloneMode is what a worker is to the kernel.
type CloneMode string

// CloneModeFork makes each worker a process of exactly one task.
const CloneModeFork CloneMode = "Fork"

// Group is a number of like workers.
type Group struct {
	Name             string    `json:"name"`
	Workers          int       `json:"workers"`
	CloneMode        CloneMode `json:"cloneMode"`
	Comm             string    `json:"comm,omitempty"`
	Work             work.Spec `json:"work"`
	Cgroup           string    `json:"cgroup,omitempty"`
	SchedulingPolicy string    `json:"schedulingPolicy,omitempty"`
	Affinity         *Affinity `json:"affinity,omitempty"`
	// Nice is nil to inherit the nice value.
	Nice *int `json:"nice,omitempty"`
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
