// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
