// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// NetTraffic has the pace and the size of frames.
type NetTraffic struct {
	// interval is the pause between two frames; 0s is none. 0s to 1h. Default 0s.
	//
	// +optional
	// +default="0s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('0s') && duration(self) <= duration('1h')",message="must be a duration of 0s to 1h, such as 0s"
	Interval *metav1.Duration `json:"interval,omitempty"`

	// frameBytes is the size of a frame, with its header. 60 to 1514. Default 60.
	//
	// +optional
	// +default=60
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=1514
	FrameBytes int64 `json:"frameBytes,omitempty"`
}

// IRQWake has the pace and the size of frames.
type IRQWake struct {
	// interval is the pause between two frames. At least 1us and at most 1h.
	// Default 1ms.
	//
	// +optional
	// +default="1ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('1us') && duration(self) <= duration('1h')",message="must be a duration of at least 1us and at most 1h, such as 1ms"
	Interval metav1.Duration `json:"interval,omitzero"`

	// frameBytes is the size of a frame, with its header. 60 to 1514. Default 60.
	//
	// +optional
	// +default=60
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=1514
	FrameBytes int64 `json:"frameBytes,omitempty"`
}
