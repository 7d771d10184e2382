// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Schbench has the threads, the work of a request and when requests come.
//
// +kubebuilder:validation:XValidation:rule="!has(self.requestsPerSecond) || !has(self.autoRatePercent) || self.requestsPerSecond == 0 || self.autoRatePercent == 0",message="autoRatePercent finds the rate that requestsPerSecond gives: set only one",fieldPath=".autoRatePercent"
// +kubebuilder:validation:XValidation:rule="!has(self.pipeTransfer) || (isQuantity(string(self.pipeTransfer)) && quantity(string(self.pipeTransfer)).compareTo(quantity('0')) == 0) || ((!has(self.requestsPerSecond) || self.requestsPerSecond == 0) && (!has(self.autoRatePercent) || self.autoRatePercent == 0))",message="pipeTransfer has no requests to send at a rate: set neither requestsPerSecond nor autoRatePercent",fieldPath=".pipeTransfer"
type Schbench struct {
	// messageThreads is the number of threads that hand out requests. 1 to 1024.
	// Default 1.
	//
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1024
	MessageThreads int32 `json:"messageThreads,omitempty"`

	// workerThreads is the number of worker threads per message thread; 0 is the
	// number of CPUs divided by messageThreads, rounded up. 0 to 4096. Default 0.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4096
	WorkerThreads int32 `json:"workerThreads,omitempty"`

	// cacheFootprint is the memory of the three matrices of a worker thread. 4Ki
	// to 64Mi, in whole bytes. Default 256Ki.
	//
	// +optional
	// +default="256Ki"
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('4Ki')) >= 0 && quantity(string(self)).compareTo(quantity('64Mi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 4Ki to 64Mi in whole bytes, such as 256Ki or 1Mi"
	CacheFootprint resource.Quantity `json:"cacheFootprint,omitzero"`

	// operations is how often a request multiplies the matrices. 0 to 100000.
	// Default 5.
	//
	// +optional
	// +default=5
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	Operations *int64 `json:"operations,omitempty"`

	// sleep is how long a request sleeps before it multiplies. 0s to 1h. Default
	// 100us.
	//
	// +optional
	// +default="100us"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('0s') && duration(self) <= duration('1h')",message="must be a duration of 0s to 1h, such as 100us"
	Sleep *metav1.Duration `json:"sleep,omitempty"`

	// skipLocking leaves out the lock that each CPU has for its requests. Default
	// false.
	//
	// +optional
	SkipLocking bool `json:"skipLocking,omitempty"`

	// requestsPerSecond is how many requests come in a second, for all message
	// threads together; 0 is as many as are done. 0 to 1000000. Default 0.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	RequestsPerSecond int64 `json:"requestsPerSecond,omitempty"`

	// autoRatePercent has the rate of requests found by which this share of the
	// machine is busy, and records nothing before; 0 does not. 0 to 100. Default
	// 0.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	AutoRatePercent int32 `json:"autoRatePercent,omitempty"`

	// splitPercent is the share of the footprint and of the operations that is
	// private; all worker threads share the rest. Unset, all is private. 0 to 100.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	SplitPercent *int32 `json:"splitPercent,omitempty"`

	// pipeTransfer has each request pass this much memory between the threads,
	// instead of multiplying and sleeping; 0 does not. 0 to 1Mi, in whole bytes.
	// Default 0.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('0')) >= 0 && quantity(string(self)).compareTo(quantity('1Mi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 0 to 1Mi in whole bytes, such as 4Ki"
	PipeTransfer resource.Quantity `json:"pipeTransfer,omitzero"`
}

// Taobench has the threads, the cache and when requests come.
//
// +kubebuilder:validation:XValidation:rule="!has(self.slowPathP99) || !has(self.slowPathSleep) || !self.slowPathP99.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') || !self.slowPathSleep.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') || (duration(self.slowPathP99) > duration(self.slowPathSleep) && duration(self.slowPathSleep) >= duration('1us'))",message="must be above slowPathSleep, which must be at least 1us",fieldPath=".slowPathP99"
type Taobench struct {
	// clientThreads is the number of clients; 0 is the number of CPUs. 0 to 4096.
	// Default 0.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4096
	ClientThreads int32 `json:"clientThreads,omitempty"`

	// slowThreads is the number of threads that fetch what is not in the cache; 0
	// is a third of the clients, at least 1. 0 to 4096. Default 0.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4096
	SlowThreads int32 `json:"slowThreads,omitempty"`

	// cacheCapacity is the memory of the cached values. 128Ki to 16Gi, in whole
	// bytes. Default 64Mi.
	//
	// +optional
	// +default="64Mi"
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('128Ki')) >= 0 && quantity(string(self)).compareTo(quantity('16Gi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 128Ki to 16Gi in whole bytes, such as 64Mi"
	CacheCapacity resource.Quantity `json:"cacheCapacity,omitzero"`

	// targetHitPercent is the share of requests that find their key in the cache.
	// 1 to 99. Default 90.
	//
	// +optional
	// +default=90
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=99
	TargetHitPercent int32 `json:"targetHitPercent,omitempty"`

	// slowPathSleep is the time of a fetch, or the median of that with
	// slowPathP99. 0s to 2s. Default 100us.
	//
	// +optional
	// +default="100us"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('0s') && duration(self) <= duration('2s')",message="must be a duration of 0s to 2s, such as 100us"
	SlowPathSleep *metav1.Duration `json:"slowPathSleep,omitempty"`

	// slowPathP99 is the 99th percentile of the time of a fetch and makes it vary,
	// with a long tail; it must be above slowPathSleep, which must be at least
	// 1us. Unset, all are alike. Above 1us and at most 2s.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('1us') && duration(self) <= duration('2s')",message="must be a duration above 1us and at most 2s, such as 1ms"
	SlowPathP99 *metav1.Duration `json:"slowPathP99,omitempty"`

	// arrivalRatePerSecond is how many requests come in a second, for all clients
	// together, whether or not those before are done; 0 has each client ask again
	// when it was answered. 0 to 100000000. Default 0.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000000
	ArrivalRatePerSecond int64 `json:"arrivalRatePerSecond,omitempty"`
}
