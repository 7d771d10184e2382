// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CachePressure has the memory a worker walks through and how.
//
// +kubebuilder:validation:XValidation:rule="!has(self.size) || !has(self.stride) || !isQuantity(string(self.size)) || double(self.stride) <= quantity(string(self.size)).asApproximateFloat()",message="must be 1 to the size in bytes",fieldPath=".stride"
type CachePressure struct {
	// size is how much memory each worker maps for itself. 4Ki to 16Gi, in whole
	// bytes. Default 32Ki.
	//
	// +optional
	// +default="32Ki"
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('4Ki')) >= 0 && quantity(string(self)).compareTo(quantity('16Gi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 4Ki to 16Gi in whole bytes, such as 32Ki or 8Mi"
	Size resource.Quantity `json:"size,omitzero"`

	// stride is the distance of two steps in bytes, at most the size; a cache line
	// of most machines is 64. 1 to 17179869184. Default 64.
	//
	// +optional
	// +default=64
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=17179869184
	Stride int64 `json:"stride,omitempty"`
}

// CacheYield has the memory a worker walks through and how.
//
// +kubebuilder:validation:XValidation:rule="!has(self.size) || !has(self.stride) || !isQuantity(string(self.size)) || double(self.stride) <= quantity(string(self.size)).asApproximateFloat()",message="must be 1 to the size in bytes",fieldPath=".stride"
type CacheYield struct {
	// size is how much memory each worker maps for itself. 4Ki to 16Gi, in whole
	// bytes. Default 32Ki.
	//
	// +optional
	// +default="32Ki"
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('4Ki')) >= 0 && quantity(string(self)).compareTo(quantity('16Gi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 4Ki to 16Gi in whole bytes, such as 32Ki or 8Mi"
	Size resource.Quantity `json:"size,omitzero"`

	// stride is the distance of two steps in bytes, at most the size; a cache line
	// of most machines is 64. 1 to 17179869184. Default 64.
	//
	// +optional
	// +default=64
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=17179869184
	Stride int64 `json:"stride,omitempty"`
}

// CachePipe has the memory and the number of steps between two exchanges.
type CachePipe struct {
	// size is how much memory each worker maps for itself. 4Ki to 16Gi, in whole
	// bytes. Default 32Ki.
	//
	// +optional
	// +default="32Ki"
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('4Ki')) >= 0 && quantity(string(self)).compareTo(quantity('16Gi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 4Ki to 16Gi in whole bytes, such as 32Ki or 8Mi"
	Size resource.Quantity `json:"size,omitzero"`

	// burstIters is the number of steps, of 64 bytes each, before each exchange. 0
	// to 1000000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	BurstIters *int64 `json:"burstIters,omitempty"`

	// arrival makes the work open: the client of each pair has exchanges due by a
	// schedule of its own. Unset, the next begins when the one before is done.
	//
	// +optional
	Arrival *Arrival `json:"arrival,omitempty"`
}

// PageFaultChurn has the region and how often it is touched.
type PageFaultChurn struct {
	// region is how much memory each worker maps for itself, in pages of 4Ki,
	// never huge ones. 4Ki to 16Gi, in whole bytes. Default 4Mi.
	//
	// +optional
	// +default="4Mi"
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('4Ki')) >= 0 && quantity(string(self)).compareTo(quantity('16Gi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 4Ki to 16Gi in whole bytes, such as 4Mi"
	Region resource.Quantity `json:"region,omitzero"`

	// touchesPerCycle is how many random pages are touched before the region is
	// given back. 1 to 1000000. Default 256.
	//
	// +optional
	// +default=256
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	TouchesPerCycle int64 `json:"touchesPerCycle,omitempty"`

	// spinIters is the number of pause instructions after it. 0 to 1000000000.
	// Default 64.
	//
	// +optional
	// +default=64
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	SpinIters *int64 `json:"spinIters,omitempty"`
}

// NUMAWorkingSetSweep has the region, its way and its pace.
type NUMAWorkingSetSweep struct {
	// region is how much memory each worker maps for itself. 4Ki to 16Gi, in whole
	// bytes. Default 4Mi.
	//
	// +optional
	// +default="4Mi"
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('4Ki')) >= 0 && quantity(string(self)).compareTo(quantity('16Gi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 4Ki to 16Gi in whole bytes, such as 4Mi"
	Region resource.Quantity `json:"region,omitzero"`

	// sweepPeriod is the sleep between two sweeps. 0s to 1h. Default 100ms.
	//
	// +optional
	// +default="100ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('0s') && duration(self) <= duration('1h')",message="must be a duration of 0s to 1h, such as 100ms"
	SweepPeriod *metav1.Duration `json:"sweepPeriod,omitempty"`

	// targetNodes are the ids of the NUMA nodes to move the region to, in turn, 0
	// to 1023; at most 64. Unset, it is only touched.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:Minimum=0
	// +kubebuilder:validation:items:Maximum=1023
	TargetNodes []int32 `json:"targetNodes,omitempty"`
}
