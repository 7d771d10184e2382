// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 is the schedfleet API: Workload, NodeRun and TestNode.
//
// A person writes Workloads. The manager turns each into NodeRuns, one per
// chosen TestNode, and sums their reports up in the Workload's status. The agent
// on a node writes that node's TestNode and the status of its NodeRuns, and
// nothing else. Conditions are the truth about every object; their types and
// reasons are constants of this package.
//
// +kubebuilder:object:generate=true
// +groupName=schedfleet.dev
package v1alpha1
