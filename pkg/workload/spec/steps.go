// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import "github.com/schedfleet/schedfleet/pkg/workload/quantity"

// Step is a part of a run: the cgroups and groups it names exist in it only, its
// ops are carried out, and then it holds.
type Step struct {
	Name string `json:"name"`
	// Cgroups are made first and removed last.
	Cgroups []string `json:"cgroups,omitempty"`
	// Groups are started before the ops and stopped after the hold.
	Groups []string `json:"groups,omitempty"`
	Ops    []Op     `json:"ops,omitempty"`
	// RepeatOpsEvery repeats the ops during the hold; nil does not.
	RepeatOpsEvery *quantity.Duration `json:"repeatOpsEvery,omitempty"`
	Hold           Hold               `json:"hold"`
}

// Hold is the length of a step; exactly one member is set.
type Hold struct {
	Fixed *quantity.Duration `json:"fixed,omitempty"`
	// Percent is of the run's duration.
	Percent   *int      `json:"percent,omitempty"`
	Remaining *struct{} `json:"remaining,omitempty"`
}

// Op is one change; exactly one member is set.
type Op struct {
	CreateCgroup        *CgroupOp              `json:"createCgroup,omitempty"`
	RemoveCgroup        *CgroupOp              `json:"removeCgroup,omitempty"`
	StartGroup          *GroupOp               `json:"startGroup,omitempty"`
	StopGroup           *GroupOp               `json:"stopGroup,omitempty"`
	WaitGroup           *WaitGroupOp           `json:"waitGroup,omitempty"`
	MoveGroup           *MoveGroupOp           `json:"moveGroup,omitempty"`
	SetCpuset           *SetCpusetOp           `json:"setCpuset,omitempty"`
	ClearCpuset         *CgroupOp              `json:"clearCpuset,omitempty"`
	SwapCpusets         *SwapCpusetsOp         `json:"swapCpusets,omitempty"`
	SetCgroup           *SetCgroupOp           `json:"setCgroup,omitempty"`
	FreezeCgroup        *CgroupOp              `json:"freezeCgroup,omitempty"`
	ThawCgroup          *CgroupOp              `json:"thawCgroup,omitempty"`
	SetAffinity         *SetAffinityOp         `json:"setAffinity,omitempty"`
	SetNice             *SetNiceOp             `json:"setNice,omitempty"`
	SetSchedulingPolicy *SetSchedulingPolicyOp `json:"setSchedulingPolicy,omitempty"`
	OfflineCPUs         *CPUsOp                `json:"offlineCPUs,omitempty"`
	OnlineCPUs          *CPUsOp                `json:"onlineCPUs,omitempty"`
}

// CgroupOp is about a cgroup, GroupOp about a group.
type CgroupOp struct {
	Cgroup string `json:"cgroup"`
}

// GroupOp is about a group.
type GroupOp struct {
	Group string `json:"group"`
}

// WaitGroupOp waits until the programs of a group have ended.
type WaitGroupOp struct {
	Group   string            `json:"group"`
	Timeout quantity.Duration `json:"timeout"`
}

// MoveGroupOp moves a group to a cgroup, "" for that of groups that name none.
type MoveGroupOp struct {
	Group  string `json:"group"`
	Cgroup string `json:"cgroup,omitempty"`
}

// SetCpusetOp gives a cgroup another cpuset.
type SetCpusetOp struct {
	Cgroup string `json:"cgroup"`
	Cpuset Cpuset `json:"cpuset"`
}

// SwapCpusetsOp exchanges two cpusets.
type SwapCpusetsOp struct {
	A string `json:"a"`
	B string `json:"b"`
}

// SetCgroupOp changes settings; what is nil stays.
type SetCgroupOp struct {
	Cgroup  string        `json:"cgroup"`
	CPU     *CgroupCPU    `json:"cpu,omitempty"`
	Memory  *CgroupMemory `json:"memory,omitempty"`
	IO      *CgroupIO     `json:"io,omitempty"`
	PidsMax *int64        `json:"pidsMax,omitempty"`
}

// SetAffinityOp restricts the workers of a group.
type SetAffinityOp struct {
	Group    string   `json:"group"`
	Affinity Affinity `json:"affinity"`
}

// SetNiceOp gives the workers of a group another nice value.
type SetNiceOp struct {
	Group string `json:"group"`
	Nice  int    `json:"nice"`
}

// SetSchedulingPolicyOp gives the workers of a group another policy, "" for SCHED_OTHER.
type SetSchedulingPolicyOp struct {
	Group            string `json:"group"`
	SchedulingPolicy string `json:"schedulingPolicy,omitempty"`
}

// CPUsOp is about CPUs of the machine: a list in the kernel's form, or the last ones.
type CPUsOp struct {
	Exact string `json:"exact,omitempty"`
	Last  *int   `json:"last,omitempty"`
}
