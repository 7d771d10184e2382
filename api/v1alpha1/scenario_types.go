// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Cgroup is a control group (version 2) below the run's own. Its knobs are not
// supported yet; without any it keeps groups apart for accounting and signals.
type Cgroup struct {
	// name is the path below the run's cgroup; a slash nests. Groups refer to it.
	//
	// +required
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_][-A-Za-z0-9_.]*(/[A-Za-z0-9_][-A-Za-z0-9_.]*)*$`
	Name string `json:"name"`

	// cpuset chooses the CPUs of the cgroup. Not supported yet.
	//
	// +optional
	Cpuset *Cpuset `json:"cpuset,omitempty"`

	// cpu limits and weighs CPU time. Not supported yet.
	//
	// +optional
	CPU *CgroupCPU `json:"cpu,omitempty"`

	// memory limits memory. Not supported yet.
	//
	// +optional
	Memory *CgroupMemory `json:"memory,omitempty"`

	// ioWeight is io.weight, 1 to 10000. Not supported yet.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	IOWeight *int32 `json:"ioWeight,omitempty"`

	// pidsMax is pids.max, at least 1. Not supported yet.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	PidsMax *int64 `json:"pidsMax,omitempty"`
}

// Cpuset is one way to choose the CPUs and memory nodes of a cgroup.
//
// +kubebuilder:validation:XValidation:rule="[has(self.exact), has(self.llc), has(self.numaNode)].filter(x, x).size() == 1",message="exactly one of exact, llc, numaNode must be set"
type Cpuset struct {
	// exact is a list of CPUs such as 0-3,8.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Exact string `json:"exact,omitempty"`

	// llc is the position of a last-level cache in the order of their ids.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	LLC *int32 `json:"llc,omitempty"`

	// numaNode is the id of a NUMA node.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	NUMANode *int32 `json:"numaNode,omitempty"`

	// mems is the list of memory nodes. Unset, it is inherited.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Mems string `json:"mems,omitempty"`
}

// CgroupCPU is the cpu controller's part of a cgroup.
type CgroupCPU struct {
	// weight is cpu.weight, 1 to 10000.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Weight *int32 `json:"weight,omitempty"`

	// quota is the CPU time per period; more than the period means several CPUs.
	//
	// +optional
	Quota *metav1.Duration `json:"quota,omitempty"`

	// period is the length of a quota period. Default 100ms.
	//
	// +optional
	Period *metav1.Duration `json:"period,omitempty"`
}

// CgroupMemory is the memory controller's part of a cgroup.
type CgroupMemory struct {
	// max is memory.max.
	//
	// +optional
	Max *resource.Quantity `json:"max,omitempty"`

	// high is memory.high.
	//
	// +optional
	High *resource.Quantity `json:"high,omitempty"`

	// low is memory.low.
	//
	// +optional
	Low *resource.Quantity `json:"low,omitempty"`

	// swapMax is memory.swap.max.
	//
	// +optional
	SwapMax *resource.Quantity `json:"swapMax,omitempty"`
}

// Step is a part of the duration in which the groups it names run.
type Step struct {
	// name identifies the step in reports.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// groups are the names of the groups that run during this step.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=32
	Groups []string `json:"groups,omitempty"`

	// hold is how long the step lasts.
	//
	// +required
	Hold Hold `json:"hold"`
}

// Hold is the length of a step.
//
// +kubebuilder:validation:XValidation:rule="[has(self.fixed), has(self.percent)].filter(x, x).size() == 1",message="exactly one of fixed, percent must be set"
type Hold struct {
	// fixed is a length of time.
	//
	// +optional
	Fixed *metav1.Duration `json:"fixed,omitempty"`

	// percent is a share of the run's duration.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Percent *int32 `json:"percent,omitempty"`
}

// CheckMetric is a figure a check can bound.
//
// +kubebuilder:validation:Enum=WakeLatency;TimerLatency;IterationRate;MaxGap;OffCPUSpread;MigrationRatio
type CheckMetric string

// Check bounds one figure of the groups it names.
type Check struct {
	// name identifies the check in reports.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// groups are the names of the groups it is about. Unset, every group.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=32
	Groups []string `json:"groups,omitempty"`

	// metric is the figure.
	//
	// +required
	Metric CheckMetric `json:"metric"`

	// percentile is which percentile of a distribution is meant, such as "99.9".
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8
	Percentile string `json:"percentile,omitempty"`

	// max is the largest value that passes, in the metric's unit.
	//
	// +optional
	Max *resource.Quantity `json:"max,omitempty"`

	// min is the smallest value that passes, in the metric's unit.
	//
	// +optional
	Min *resource.Quantity `json:"min,omitempty"`
}

// Scheduler is the CPU scheduler to run under.
type Scheduler struct {
	// name is a scheduler of the node's allow-list, or "default" for the kernel's own.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Name string `json:"name"`

	// args are its arguments.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=256
	Args []string `json:"args,omitempty"`
}
