// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// StartMode says when workers start.
//
// +kubebuilder:validation:Enum=Synchronized
type StartMode string

// StartSynchronized: at the time given in spec.startTime, once there is one.
const StartSynchronized StartMode = "Synchronized"

// SynchronizedStart is how a run kept to the time it was to start at. Both times are by the
// node's own clock.
type SynchronizedStart struct {
	// planned is when its workers were to start.
	//
	// +required
	Planned metav1.MicroTime `json:"planned"`

	// actual is when they were started. The last of them worked startSkewNanoseconds later.
	//
	// +required
	Actual metav1.MicroTime `json:"actual"`

	// lateNanoseconds is from planned to actual.
	//
	// +required
	LateNanoseconds int64 `json:"lateNanoseconds"`
}

// FleetStart is how NodeRuns that were to start together did. It is by the nodes' own clocks:
// by how much these differ is not in it.
type FleetStart struct {
	// planned is when they were to start.
	//
	// +required
	Planned metav1.MicroTime `json:"planned"`

	// nodeRuns is how many are counted here.
	//
	// +required
	NodeRuns int32 `json:"nodeRuns"`

	// spreadNanoseconds is from the first start to the last.
	//
	// +required
	SpreadNanoseconds int64 `json:"spreadNanoseconds"`

	// maxLateNanoseconds is from planned to the last start.
	//
	// +required
	MaxLateNanoseconds int64 `json:"maxLateNanoseconds"`
}
