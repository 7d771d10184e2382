// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Interference bounds what else the machine may do between the common start and
// the common stop. A limit that is exceeded makes the sample void; so does one that
// cannot be judged because the machine does not count what it is about. What is not
// set is reported, but not judged.
//
// CPUs are quantities: 1 is a CPU all the time, 200m a fifth of one.
//
// +kubebuilder:validation:XValidation:rule="[has(self.maxOtherCPU), has(self.maxSteal), has(self.maxInterruptCPU), has(self.maxMemoryPressurePercent), has(self.maxIOPressurePercent), has(self.minFrequencyPercent), has(self.maxThermalEvents), has(self.maxClockStep), has(self.maxThrottledPercent)].exists(x, x)",message="set a limit, or leave interference out"
type Interference struct {
	// maxOtherCPU bounds the CPU time that others than the run used, on average over
	// the hold, in CPUs. Void reason: Disturbed.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('0')) >= 0 && quantity(string(self)).compareTo(quantity('8192')) <= 0)",message="must be 0 to 8192 CPUs, such as 200m"
	MaxOtherCPU *resource.Quantity `json:"maxOtherCPU,omitempty"`

	// maxSteal bounds the CPU time that the hypervisor took, on average over the hold,
	// in CPUs. Void reason: Steal.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('0')) >= 0 && quantity(string(self)).compareTo(quantity('8192')) <= 0)",message="must be 0 to 8192 CPUs, such as 200m"
	MaxSteal *resource.Quantity `json:"maxSteal,omitempty"`

	// maxInterruptCPU bounds the CPU time in hard and soft interrupts, on average over
	// the hold, in CPUs. Void reason: Disturbed.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('0')) >= 0 && quantity(string(self)).compareTo(quantity('8192')) <= 0)",message="must be 0 to 8192 CPUs, such as 200m"
	MaxInterruptCPU *resource.Quantity `json:"maxInterruptCPU,omitempty"`

	// maxMemoryPressurePercent bounds the share of the hold in which some task of the
	// machine waited for memory (PSI), 0 to 100. The node needs the feature PSI. Void
	// reason: Disturbed.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxMemoryPressurePercent *int32 `json:"maxMemoryPressurePercent,omitempty"`

	// maxIOPressurePercent bounds the share of the hold in which some task of the
	// machine waited for I/O (PSI), 0 to 100. The node needs the feature PSI. Void
	// reason: Disturbed.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxIOPressurePercent *int32 `json:"maxIOPressurePercent,omitempty"`

	// minFrequencyPercent is the lowest frequency that an online CPU may have at the
	// start or the end of the hold, in percent of the highest it can have, 1 to 100.
	// The node needs the feature Cpufreq. Void reason: Frequency.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinFrequencyPercent *int32 `json:"minFrequencyPercent,omitempty"`

	// maxThermalEvents bounds how often a CPU was slowed down because of its heat. The
	// node needs the feature ThermalThrottle. Void reason: Frequency.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	MaxThermalEvents *int64 `json:"maxThermalEvents,omitempty"`

	// maxClockStep bounds how far the wall clock moved against the monotonic one.
	// Void reason: ClockStep.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s')",message="must be a duration above 0s, such as 1ms"
	MaxClockStep *metav1.Duration `json:"maxClockStep,omitempty"`

	// maxThrottledPercent bounds the share of quota periods in which a cgroup of the
	// run was throttled, for every cgroup with a quota, of which there must be one, 0
	// to 100. Void reason: Throttled.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxThrottledPercent *int32 `json:"maxThrottledPercent,omitempty"`
}
