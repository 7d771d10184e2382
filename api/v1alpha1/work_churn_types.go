// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AffinityChurn has the CPU work between two moves.
type AffinityChurn struct {
	// spinIters is the number of pause instructions before each move. 0 to
	// 1000000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	SpinIters *int64 `json:"spinIters,omitempty"`
}

// CrossAffinityChurn has the CPU work between two changes.
type CrossAffinityChurn struct {
	// spinIters is the number of pause instructions before each change. 0 to
	// 1000000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	SpinIters *int64 `json:"spinIters,omitempty"`
}

// PolicyChurn has the CPU work between two changes.
type PolicyChurn struct {
	// spinIters is the number of pause instructions before each change, also in
	// real-time classes. 0 to 1000000. Default 1024.
	//
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	SpinIters *int64 `json:"spinIters,omitempty"`
}

// NiceSweep has no parameters.
type NiceSweep struct{}

// NUMAMigrationChurn has the pace of moves.
type NUMAMigrationChurn struct {
	// period is the sleep between two moves. Above 0s and at most 1h. Default
	// 100ms.
	//
	// +optional
	// +default="100ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="must be a duration above 0s and at most 1h, such as 100ms"
	Period metav1.Duration `json:"period,omitzero"`
}
