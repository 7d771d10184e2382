// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Work is what a worker does: exactly one kind with its parameters. Unknown
// properties are kept on purpose, so that a mistyped kind meets the rule below,
// which names the right ones, and not only the decoder's "unknown field".
//
// +kubebuilder:pruning:PreserveUnknownFields
// +kubebuilder:validation:MaxProperties=1
// +kubebuilder:validation:XValidation:rule="[has(self.spinWait), has(self.yieldHeavy), has(self.bursty), has(self.pipeIo), has(self.futexPingPong), has(self.futexFanOut), has(self.timerLatency), has(self.cachePressure)].filter(x, x).size() == 1",message="exactly one kind of work must be set, out of: spinWait, yieldHeavy, bursty, pipeIo, futexPingPong, futexFanOut, timerLatency, cachePressure"
type Work struct {
	// spinWait burns CPU in user space: 1024 pause instructions per iteration.
	//
	// +optional
	SpinWait *SpinWait `json:"spinWait,omitempty"`

	// yieldHeavy does nothing but sched_yield.
	//
	// +optional
	YieldHeavy *YieldHeavy `json:"yieldHeavy,omitempty"`

	// bursty burns CPU for a time, then sleeps. Its wake latency is the whole
	// sleep as observed.
	//
	// +optional
	Bursty *Bursty `json:"bursty,omitempty"`

	// pipeIo exchanges one byte with a partner over a pair of pipes, burning CPU
	// in between. Workers come in pairs. Its wake latency is from the end of the
	// worker's own write to the partner's byte being readable.
	//
	// +optional
	PipeIO *PipeIO `json:"pipeIo,omitempty"`

	// futexPingPong alternates strictly with a partner through one futex.
	// Workers come in pairs. Its wake latency is the time from handing over to
	// getting the turn back.
	//
	// +optional
	FutexPingPong *FutexPingPong `json:"futexPingPong,omitempty"`

	// futexFanOut has one waker advance a generation that fanOut receivers wait
	// for. Workers come in sets of fanOut + 1, the first of which is the waker.
	// Its wake latency is the time a receiver waited for the next generation.
	//
	// +optional
	FutexFanOut *FutexFanOut `json:"futexFanOut,omitempty"`

	// timerLatency sleeps to absolute deadlines on a fixed grid and records how
	// late it wakes, as cyclictest does. Lateness accumulates and is not hidden.
	//
	// +optional
	TimerLatency *TimerLatency `json:"timerLatency,omitempty"`

	// cachePressure walks through memory of the worker's own with a stride and
	// increments a byte at each step: 1024 steps per iteration. Whether its memory
	// is in a cache, and in whose, is what it feels; memoryPolicy says on which
	// NUMA nodes it lies.
	//
	// +optional
	CachePressure *CachePressure `json:"cachePressure,omitempty"`
}

// SpinWait has no parameters.
type SpinWait struct{}

// YieldHeavy has no parameters.
type YieldHeavy struct{}

// Bursty has the lengths of a burst and of the sleep after it.
type Bursty struct {
	// burst is how long to burn CPU. Above 0s and at most 1h. Default 50ms.
	//
	// +optional
	// +default="50ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 500us or 50ms"
	Burst metav1.Duration `json:"burst,omitzero"`

	// sleep is how long to sleep. Above 0s and at most 1h. Default 100ms.
	//
	// +optional
	// +default="100ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 500us or 50ms"
	Sleep metav1.Duration `json:"sleep,omitzero"`
}

// PipeIO has the CPU work between two exchanges.
type PipeIO struct {
	// burstIters is the number of pause instructions before each exchange. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	BurstIters *int64 `json:"burstIters,omitempty"`
}

// FutexPingPong has the CPU work between two hand-overs.
type FutexPingPong struct {
	// spinIters is the number of pause instructions before each hand-over. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	SpinIters *int64 `json:"spinIters,omitempty"`
}

// FutexFanOut has the width of a wake-up and the CPU work between two.
type FutexFanOut struct {
	// fanOut is the number of receivers per waker. Default 4.
	//
	// +optional
	// +default=4
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	FanOut int32 `json:"fanOut,omitempty"`

	// spinIters is the number of pause instructions per iteration. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	SpinIters *int64 `json:"spinIters,omitempty"`
}

// TimerLatency has the grid of deadlines.
type TimerLatency struct {
	// interval is the distance of two deadlines. At least 1us and at most 1h. Default 1ms.
	//
	// +optional
	// +default="1ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) >= duration('1us') && duration(self) <= duration('1h')",message="must be a duration of at least 1us and at most 1h, such as 200us or 1ms"
	Interval metav1.Duration `json:"interval,omitzero"`
}

// CachePressure has the memory a worker walks through and how.
//
// +kubebuilder:validation:XValidation:rule="!has(self.size) || !has(self.stride) || !isQuantity(string(self.size)) || double(self.stride) <= quantity(string(self.size)).asApproximateFloat()",message="must be 1 to the size in bytes",fieldPath=".stride"
type CachePressure struct {
	// size is how much memory each worker maps for itself, in whole bytes, 4Ki to
	// 16Gi. Default 32Ki.
	//
	// +optional
	// +default="32Ki"
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('4Ki')) >= 0 && quantity(string(self)).compareTo(quantity('16Gi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 4Ki to 16Gi in whole bytes, such as 32Ki or 8Mi"
	Size resource.Quantity `json:"size,omitzero"`

	// stride is the distance of two steps in bytes, 1 to the size. Default 64, a
	// cache line of most machines.
	//
	// +optional
	// +default=64
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=17179869184
	Stride int64 `json:"stride,omitempty"`
}
