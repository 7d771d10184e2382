// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PipeIO has the CPU work between two exchanges.
type PipeIO struct {
	// burstIters is the number of pause instructions before each exchange. 0 to
	// 1000000000. Default 1024.
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

// FutexPingPong has the CPU work between two hand-overs.
type FutexPingPong struct {
	// spinIters is the number of pause instructions before each hand-over. 0 to
	// 1000000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	SpinIters *int64 `json:"spinIters,omitempty"`
}

// FutexFanOut has the width of a wake-up and the CPU work between two.
type FutexFanOut struct {
	// fanOut is the number of receivers per waker. 1 to 4096. Default 4.
	//
	// +optional
	// +default=4
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	FanOut int32 `json:"fanOut,omitempty"`

	// spinIters is the number of pause instructions per iteration. 0 to
	// 1000000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	SpinIters *int64 `json:"spinIters,omitempty"`

	// arrival makes the work open: wake-ups are due by a schedule of each set's
	// waker. Unset, the next begins when the one before is done.
	//
	// +optional
	Arrival *Arrival `json:"arrival,omitempty"`
}

// FanOutCompute has the width of a wake-up and the work of the woken.
type FanOutCompute struct {
	// fanOut is the number of receivers per waker. 1 to 4096. Default 4.
	//
	// +optional
	// +default=4
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	FanOut int32 `json:"fanOut,omitempty"`

	// cacheFootprint is the memory of the three matrices of each receiver. 4Ki to
	// 64Mi, in whole bytes. Default 256Ki.
	//
	// +optional
	// +default="256Ki"
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('4Ki')) >= 0 && quantity(string(self)).compareTo(quantity('64Mi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat())) == quantity(string(self)).asApproximateFloat())",message="must be 4Ki to 64Mi in whole bytes, such as 256Ki or 1Mi"
	CacheFootprint resource.Quantity `json:"cacheFootprint,omitzero"`

	// operations is how often a receiver multiplies the matrices after each wake-
	// up. 0 to 100000. Default 5.
	//
	// +optional
	// +default=5
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	Operations *int64 `json:"operations,omitempty"`

	// sleep is how long a receiver sleeps before it. 0s to 1h. Default 100us.
	//
	// +optional
	// +default="100us"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('0s') && duration(self) <= duration('1h')",message="must be a duration of 0s to 1h, such as 100us"
	Sleep *metav1.Duration `json:"sleep,omitempty"`

	// arrival makes the work open: wake-ups are due by a schedule of each set's
	// waker. Unset, the next begins when the one before is done.
	//
	// +optional
	Arrival *Arrival `json:"arrival,omitempty"`
}

// ThunderingHerd has the size of the herd and the pause between batches.
type ThunderingHerd struct {
	// waiters is how many are woken at once. 1 to 4096. Default 7.
	//
	// +optional
	// +default=7
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	Waiters int32 `json:"waiters,omitempty"`

	// interBatch is the pause between two batches. At least 1us and at most 1h.
	// Default 5ms.
	//
	// +optional
	// +default="5ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('1us') && duration(self) <= duration('1h')",message="must be a duration of at least 1us and at most 1h, such as 5ms"
	InterBatch metav1.Duration `json:"interBatch,omitzero"`
}

// WakeChain has the length of the ring and the work of each stage.
type WakeChain struct {
	// depth is the number of stages. 2 to 4096. Default 4.
	//
	// +optional
	// +default=4
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=4096
	Depth int32 `json:"depth,omitempty"`

	// wake is how a stage wakes the next. A write to a Pipe tells the kernel that
	// the waker is about to sleep; a Futex does not. Default Pipe.
	//
	// +optional
	// +default="Pipe"
	Wake ChainWake `json:"wake,omitempty"`

	// workPerHop is how long a stage burns CPU before it wakes the next. 0s to 1s.
	// Default 100us.
	//
	// +optional
	// +default="100us"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('0s') && duration(self) <= duration('1s')",message="must be a duration of 0s to 1s, such as 100us"
	WorkPerHop *metav1.Duration `json:"workPerHop,omitempty"`
}

// AsymmetricWaker has the classes of the two and the work between wake-ups.
type AsymmetricWaker struct {
	// wakerClass is the scheduling class of the waker. FIFO has priority 50;
	// Deadline has 1ms in each 10ms. Default Normal.
	//
	// +optional
	// +default="Normal"
	WakerClass WakerClass `json:"wakerClass,omitempty"`

	// wakeeClass is the scheduling class of the wakee. Default Normal.
	//
	// +optional
	// +default="Normal"
	WakeeClass WakerClass `json:"wakeeClass,omitempty"`

	// burstIters is the number of pause instructions per iteration. 0 to
	// 1000000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	BurstIters *int64 `json:"burstIters,omitempty"`
}

// SignalStorm has the number of signals and the CPU work between them.
type SignalStorm struct {
	// signalsPerIter is the number of signals sent in an iteration. 1 to 1000000.
	// Default 16.
	//
	// +optional
	// +default=16
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	SignalsPerIter int64 `json:"signalsPerIter,omitempty"`

	// workIters is the number of pause instructions per iteration. 0 to
	// 1000000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	WorkIters *int64 `json:"workIters,omitempty"`
}

// EpollStorm has the numbers of producers and consumers and of events.
type EpollStorm struct {
	// producers is the number of producers in a set. 1 to 4096. Default 1.
	//
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	Producers int32 `json:"producers,omitempty"`

	// consumers is the number of consumers in a set. 1 to 4096. Default 2.
	//
	// +optional
	// +default=2
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	Consumers int32 `json:"consumers,omitempty"`

	// eventsPerBurst is how many events a producer adds in an iteration. 1 to
	// 1000000. Default 32.
	//
	// +optional
	// +default=32
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	EventsPerBurst int64 `json:"eventsPerBurst,omitempty"`

	// arrival makes the work open: each producer's bursts are due by a schedule of
	// its own; one is done when consumers have taken as many events. Unset, the
	// next begins when the one before is done.
	//
	// +optional
	Arrival *Arrival `json:"arrival,omitempty"`
}

// ProducerConsumerImbalance has the numbers of both sides, their rates and the
// queue.
type ProducerConsumerImbalance struct {
	// producers is the number of producers in a set. 1 to 4096. Default 2.
	//
	// +optional
	// +default=2
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	Producers int32 `json:"producers,omitempty"`

	// consumers is the number of consumers in a set. 1 to 4096. Default 1.
	//
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	Consumers int32 `json:"consumers,omitempty"`

	// produceRatePerSecond is how many items each producer makes in a second; 0 is
	// as many as it can. 0 to 1000000. Default 1000.
	//
	// +optional
	// +default=1000
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	ProduceRatePerSecond *int64 `json:"produceRatePerSecond,omitempty"`

	// consumeIters is the number of pause instructions that a consumer burns on an
	// item. 0 to 1000000000. Default 4096.
	//
	// +optional
	// +default=4096
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	ConsumeIters *int64 `json:"consumeIters,omitempty"`

	// queueDepth is how many items the queue holds. 1 to 1048576. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1048576
	QueueDepth int64 `json:"queueDepth,omitempty"`
}

// MutexContention has the number of contenders and the work inside and outside
// the lock.
type MutexContention struct {
	// contenders is how many share a lock. 1 to 4096. Default 4.
	//
	// +optional
	// +default=4
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	Contenders int32 `json:"contenders,omitempty"`

	// holdIters is the number of pause instructions with the lock held. 0 to
	// 1000000000. Default 256.
	//
	// +optional
	// +default=256
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	HoldIters *int64 `json:"holdIters,omitempty"`

	// workIters is the number of pause instructions before taking the lock. 0 to
	// 1000000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	WorkIters *int64 `json:"workIters,omitempty"`

	// arrival makes the work open: each contender's turns at the lock are due by a
	// schedule of its own. Unset, the next begins when the one before is done.
	//
	// +optional
	Arrival *Arrival `json:"arrival,omitempty"`
}

// PriorityInversion has the numbers of workers of each priority and the kind
// of lock.
//
// +kubebuilder:validation:XValidation:rule="!has(self.high) || !has(self.medium) || !has(self.low) || self.high + self.medium + self.low > 0",message="high, medium and low must not all be 0"
type PriorityInversion struct {
	// high is the number of workers of priority 70, which take the lock. 0 to
	// 4096. Default 1.
	//
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4096
	High *int32 `json:"high,omitempty"`

	// medium is the number of workers of priority 50, which take no lock. 0 to
	// 4096. Default 1.
	//
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4096
	Medium *int32 `json:"medium,omitempty"`

	// low is the number of workers of priority 30, which take the lock. 0 to 4096.
	// Default 1.
	//
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4096
	Low *int32 `json:"low,omitempty"`

	// holdIters is the number of pause instructions with the lock held. 0 to
	// 1000000000. Default 4096.
	//
	// +optional
	// +default=4096
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	HoldIters *int64 `json:"holdIters,omitempty"`

	// workIters is the number of pause instructions without the lock. 0 to
	// 1000000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	WorkIters *int64 `json:"workIters,omitempty"`

	// mode is the kind of lock: with PriorityInheritance the kernel lends the
	// holder the priority of who waits. Default Plain.
	//
	// +optional
	// +default="Plain"
	Mode LockMode `json:"mode,omitempty"`
}

// ChainWake is how a stage of a chain wakes the next.
//
// +kubebuilder:validation:Enum=Pipe;Futex
type ChainWake string

// WakerClass is a scheduling class.
//
// +kubebuilder:validation:Enum=Normal;Batch;Idle;FIFO;Deadline;Ext
type WakerClass string

// LockMode is a kind of lock.
//
// +kubebuilder:validation:Enum=Plain;PriorityInheritance
type LockMode string
