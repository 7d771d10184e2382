// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RTStarvation has the numbers of both and the priority.
type RTStarvation struct {
	// rtWorkers is the number of workers in SCHED_FIFO. 1 to 4096. Default 1.
	//
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	RTWorkers int32 `json:"rtWorkers,omitempty"`

	// fairWorkers is the number of normal workers. 1 to 4096. Default 1.
	//
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	FairWorkers int32 `json:"fairWorkers,omitempty"`

	// rtPriority is the priority of the real-time workers. 1 to 98. Default 50.
	//
	// +optional
	// +default=50
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=98
	RTPriority int32 `json:"rtPriority,omitempty"`

	// burstIters is the number of pause instructions per iteration. 0 to
	// 1000000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	BurstIters *int64 `json:"burstIters,omitempty"`
}

// PreemptStorm has the number of victims and the rhythm of preemption.
type PreemptStorm struct {
	// fairWorkers is the number of normal workers. 1 to 4096. Default 2.
	//
	// +optional
	// +default=2
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	FairWorkers int32 `json:"fairWorkers,omitempty"`

	// rtBurstIters is the number of pause instructions per iteration, of all
	// workers. 0 to 1000000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	RTBurstIters *int64 `json:"rtBurstIters,omitempty"`

	// rtSleep is how long the real-time worker sleeps after each. At least 1us and
	// at most 1h. Default 1ms.
	//
	// +optional
	// +default="1ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('1us') && duration(self) <= duration('1h')",message="must be a duration of at least 1us and at most 1h, such as 1ms"
	RTSleep metav1.Duration `json:"rtSleep,omitzero"`
}

// ForkExit has when children are due.
type ForkExit struct {
	// arrival makes the work open: each worker's children are due by a schedule of
	// their own. Unset, the next begins when the one before is done.
	//
	// +optional
	Arrival *Arrival `json:"arrival,omitempty"`
}

// CgroupChurn has the number of cgroups and the pace of moves.
type CgroupChurn struct {
	// groups is the number of cgroups that the group of workers has to move
	// between. 1 to 16. Default 2.
	//
	// +optional
	// +default=2
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=16
	Groups int32 `json:"groups,omitempty"`

	// cycle is the sleep between two moves. Above 0s and at most 1h. Default
	// 100ms.
	//
	// +optional
	// +default="100ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 100ms"
	Cycle metav1.Duration `json:"cycle,omitzero"`
}

// CgroupAttachStorm has the destination and what becomes of the children.
type CgroupAttachStorm struct {
	// destination is the name of an entry in cgroups to move the children to.
	// Unset, it is a cgroup made for it.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Destination string `json:"destination,omitempty"`

	// reap is what becomes of the children: with Ignore the kernel removes them as
	// they end; with Wait the worker waits for each. Default Ignore.
	//
	// +optional
	// +default="Ignore"
	Reap Reap `json:"reap,omitempty"`
}

// Reap is what becomes of children that have ended.
//
// +kubebuilder:validation:Enum=Ignore;Wait
type Reap string
