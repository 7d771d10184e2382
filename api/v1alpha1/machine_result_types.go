// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// InterferenceResult is what else the machine did between the common start and the
// common stop. What the kernel does not count is absent.
type InterferenceResult struct {
	// elapsedNanoseconds is the time that what follows was counted over, a little more
	// than the hold.
	//
	// +optional
	ElapsedNanoseconds int64 `json:"elapsedNanoseconds,omitempty"`

	// cpus is the number of online CPUs.
	//
	// +optional
	CPUs int32 `json:"cpus,omitempty"`

	// otherCPUNanoseconds is the CPU time that neither the run nor its supervisor nor
	// the agent used.
	//
	// +optional
	OtherCPUNanoseconds *int64 `json:"otherCPUNanoseconds,omitempty"`

	// resolutionNanoseconds is how far otherCPUNanoseconds may be off.
	//
	// +optional
	ResolutionNanoseconds int64 `json:"resolutionNanoseconds,omitempty"`

	// stealNanoseconds is the CPU time that the hypervisor took.
	//
	// +optional
	StealNanoseconds *int64 `json:"stealNanoseconds,omitempty"`

	// interruptNanoseconds is the CPU time in hard and soft interrupts.
	//
	// +optional
	InterruptNanoseconds *int64 `json:"interruptNanoseconds,omitempty"`

	// agentCPUNanoseconds is the CPU time of the node's agent.
	//
	// +optional
	AgentCPUNanoseconds *int64 `json:"agentCPUNanoseconds,omitempty"`

	// cpuPressureNanoseconds is the time in which some task waited for a CPU (PSI).
	//
	// +optional
	CPUPressureNanoseconds *int64 `json:"cpuPressureNanoseconds,omitempty"`

	// memoryPressureNanoseconds is the time in which some task waited for memory (PSI).
	//
	// +optional
	MemoryPressureNanoseconds *int64 `json:"memoryPressureNanoseconds,omitempty"`

	// ioPressureNanoseconds is the time in which some task waited for I/O (PSI).
	//
	// +optional
	IOPressureNanoseconds *int64 `json:"ioPressureNanoseconds,omitempty"`

	// lowestFrequencyPercent is the lowest frequency of an online CPU at start and end,
	// in percent of the highest it can have.
	//
	// +optional
	LowestFrequencyPercent *int32 `json:"lowestFrequencyPercent,omitempty"`

	// thermalEvents is how often a CPU was slowed down because of its heat.
	//
	// +optional
	ThermalEvents *int64 `json:"thermalEvents,omitempty"`

	// clockStepNanoseconds is how far the wall clock moved against the monotonic one.
	//
	// +optional
	ClockStepNanoseconds *int64 `json:"clockStepNanoseconds,omitempty"`

	// suspendedNanoseconds is how long the machine was suspended.
	//
	// +optional
	SuspendedNanoseconds *int64 `json:"suspendedNanoseconds,omitempty"`
}

// CgroupResult is what the kernel said of a cgroup.
type CgroupResult struct {
	// name is the cgroup's name, empty for the run's own.
	//
	// +required
	// +kubebuilder:validation:MaxLength=64
	Name string `json:"name"`

	// cpus is the list of CPUs in force (cpuset.cpus.effective).
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	CPUs string `json:"cpus,omitempty"`

	// mems is the list of NUMA nodes in force (cpuset.mems.effective).
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Mems string `json:"mems,omitempty"`

	// partition is the type of its partition, if it has one.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Partition string `json:"partition,omitempty"`

	// cpuNanoseconds is the CPU time that its tasks used.
	//
	// +optional
	CPUNanoseconds *int64 `json:"cpuNanoseconds,omitempty"`

	// periods is the number of quota periods in which it had something to run.
	//
	// +optional
	Periods *int64 `json:"periods,omitempty"`

	// throttledPeriods is in how many of them its quota was used up.
	//
	// +optional
	ThrottledPeriods *int64 `json:"throttledPeriods,omitempty"`

	// throttledNanoseconds is the time for which its CPUs' tasks were held back.
	//
	// +optional
	ThrottledNanoseconds *int64 `json:"throttledNanoseconds,omitempty"`

	// memoryPeakBytes is the most memory it had.
	//
	// +optional
	MemoryPeakBytes *int64 `json:"memoryPeakBytes,omitempty"`

	// oomKills is how many of its tasks were killed for lack of memory.
	//
	// +optional
	OOMKills *int64 `json:"oomKills,omitempty"`

	// pidsPeak is the most tasks it had.
	//
	// +optional
	PIDsPeak *int64 `json:"pidsPeak,omitempty"`

	// cpuPressureNanoseconds is the time in which some task of it waited for a CPU (PSI).
	//
	// +optional
	CPUPressureNanoseconds *int64 `json:"cpuPressureNanoseconds,omitempty"`
}
