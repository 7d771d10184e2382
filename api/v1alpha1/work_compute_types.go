// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SpinWait has no parameters.
type SpinWait struct{}

// YieldHeavy has no parameters.
type YieldHeavy struct{}

// Mixed has no parameters.
type Mixed struct{}

// AluHot has the width of the multiplications and when they are due.
type AluHot struct {
	// width is that of the registers used. Widest is the widest that the CPU has.
	// A width that it lacks is refused. Default Widest.
	//
	// +optional
	// +default="Widest"
	Width ALUWidth `json:"width,omitempty"`

	// arrival makes the work open: each worker's passes are due by a schedule of
	// their own. Unset, the next begins when the one before is done.
	//
	// +optional
	Arrival *Arrival `json:"arrival,omitempty"`
}

// SMTSiblingSpin has no parameters.
type SMTSiblingSpin struct{}

// IPCVariance has the lengths of the two kinds of work.
type IPCVariance struct {
	// hotIters is the number of multiplication steps before each cold part. 1 to
	// 1000000000. Default 100000.
	//
	// +optional
	// +default=100000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	HotIters int64 `json:"hotIters,omitempty"`

	// coldIters is the number of random memory accesses after each hot part. 1 to
	// 1000000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	ColdIters int64 `json:"coldIters,omitempty"`

	// periodIters is how often the two alternate in an iteration. 1 to 1000000000.
	// Default 64.
	//
	// +optional
	// +default=64
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	PeriodIters int64 `json:"periodIters,omitempty"`
}

// Bursty has the lengths of a burst and of the sleep after it.
type Bursty struct {
	// burst is how long to burn CPU. Above 0s and at most 1h. Default 50ms.
	//
	// +optional
	// +default="50ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 50ms"
	Burst metav1.Duration `json:"burst,omitzero"`

	// sleep is how long to sleep. Above 0s and at most 1h. Default 100ms.
	//
	// +optional
	// +default="100ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 100ms"
	Sleep metav1.Duration `json:"sleep,omitzero"`
}

// IdleChurn has the lengths of a burst and of the sleep after it.
type IdleChurn struct {
	// burst is how long to burn CPU. Above 0s and at most 1h. Default 1ms.
	//
	// +optional
	// +default="1ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 1ms"
	Burst metav1.Duration `json:"burst,omitzero"`

	// sleep is how long to sleep. The CPU stops its tick only for sleeps of more
	// than about 1ms. Above 0s and at most 1h. Default 5ms.
	//
	// +optional
	// +default="5ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 5ms"
	Sleep metav1.Duration `json:"sleep,omitzero"`

	// preciseTiming sets the timer slack of the workers to 1 ns; the kernel gives
	// tasks that are not real-time 50 us. Default false.
	//
	// +optional
	PreciseTiming bool `json:"preciseTiming,omitempty"`
}

// TimerLatency has the grid of deadlines.
type TimerLatency struct {
	// interval is the distance of two deadlines. At least 1us and at most 1h.
	// Default 1ms.
	//
	// +optional
	// +default="1ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('1us') && duration(self) <= duration('1h')",message="must be a duration of at least 1us and at most 1h, such as 1ms"
	Interval metav1.Duration `json:"interval,omitzero"`
}

// Sequence has the phases.
type Sequence struct {
	// phases are what to do, in order. 1 to 32.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Phases []SequencePhase `json:"phases"` //nolint:kubeapilinter // a rule holds that exactly one member is set
}

// ALUWidth is the width of registers: one number of 64 bits, vectors of 128,
// 256 or 512 bits, or the widest there is.
//
// +kubebuilder:validation:Enum=Scalar;Vector128;Vector256;Vector512;Widest
type ALUWidth string

// SequencePhase is one of the things a sequence does.
//
// +kubebuilder:validation:XValidation:rule="[has(self.spin), has(self.sleep), has(self.yield), has(self.io), has(self.aluHot)].filter(x, x).size() == 1",message="exactly one of spin, sleep, yield, io, aluHot must be set"
type SequencePhase struct {
	// spin is how long to burn CPU. Above 0s and at most 1h.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 10ms"
	Spin *metav1.Duration `json:"spin,omitempty"`

	// sleep is how long to sleep. Above 0s and at most 1h.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 10ms"
	Sleep *metav1.Duration `json:"sleep,omitempty"`

	// yield is how long to do nothing but sched_yield. Above 0s and at most 1h.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 10ms"
	Yield *metav1.Duration `json:"yield,omitempty"`

	// io is how long to write 64 KiB to a scratch file and sleep 100 us, over and
	// over. Above 0s and at most 1h.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 10ms"
	IO *metav1.Duration `json:"io,omitempty"`

	// aluHot is to multiply as the kind aluHot does.
	//
	// +optional
	AluHot *SequenceAluHot `json:"aluHot,omitempty"`
}

// SequenceAluHot is a time of multiplying.
type SequenceAluHot struct {
	// width is that of the registers used, as in the kind aluHot. Default Widest.
	//
	// +optional
	// +default="Widest"
	Width ALUWidth `json:"width,omitempty"`

	// duration is how long to multiply. Above 0s and at most 1h.
	//
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 10ms"
	Duration metav1.Duration `json:"duration"`
}
