// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// Machine is what a machine has for workers to use.
type Machine struct {
	// CPUs are those that workers may use.
	CPUs cpuset.CPUSet
	// MemoryNodes are the NUMA nodes with memory.
	MemoryNodes cpuset.CPUSet
	// Topology is nil if it is not known; what is relative to it is then refused.
	Topology *topology.Machine
	// Capabilities is nil if nobody looked; what a run needs is then taken to be there.
	Capabilities map[string]capability.State
	// Realtime is nil if it is not known; whether there is room for SCHED_DEADLINE
	// is then left to the kernel.
	Realtime *Bandwidth
	// Policy is nil if it is not known; nothing is then refused for it.
	Policy *Policy
}

// Bandwidth is the share of each CPU that real-time tasks may use: the sysctls
// kernel.sched_rt_runtime_us and kernel.sched_rt_period_us.
type Bandwidth struct {
	// Runtime is negative where there is no limit.
	Runtime, Period time.Duration
}
