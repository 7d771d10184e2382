// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package capability names what machines can do and runs may need.
package capability

// State is what a probe found.
type State string

// The outcomes of a probe.
const (
	Present State = "Present"
	Absent  State = "Absent"
	Unknown State = "Unknown"
)

// What a machine can be probed for.
const (
	CgroupV2              = "CgroupV2"
	CgroupKill            = "CgroupKill"
	CgroupFreeze          = "CgroupFreeze"
	CgroupThreaded        = "CgroupThreaded"
	CgroupCPU             = "CgroupCPU"
	CgroupCPUIdle         = "CgroupCPUIdle"
	CgroupCPUBurst        = "CgroupCPUBurst"
	CgroupUclamp          = "CgroupUclamp"
	CgroupCpuset          = "CgroupCpuset"
	CgroupCpusetPartition = "CgroupCpusetPartition"
	CgroupMemory          = "CgroupMemory"
	CgroupSwap            = "CgroupSwap"
	CgroupIO              = "CgroupIO"
	CgroupIOWeight        = "CgroupIOWeight"
	CgroupIOMax           = "CgroupIOMax"
	CgroupPids            = "CgroupPids"
	CgroupPressure        = "CgroupPressure"

	Realtime     = "Realtime"
	Deadline     = "Deadline"
	SchedExt     = "SchedExt"
	NegativeNice = "NegativeNice"
	Credentials  = "Credentials"

	NUMA                        = "NUMA"
	MempolicyPreferredMany      = "MempolicyPreferredMany"
	MempolicyWeightedInterleave = "MempolicyWeightedInterleave"
	NUMAMaps                    = "NUMAMaps"

	PSI             = "PSI"
	Schedstat       = "Schedstat"
	Cpufreq         = "Cpufreq"
	ThermalThrottle = "ThermalThrottle"
	SMT             = "SMT"
	CPUHotplug      = "CPUHotplug"
	VirtualEthernet = "VirtualEthernet"
)

// Finding is what one probe found.
type Finding struct {
	Name  string
	State State
	// Message says why it is not there, or why nobody can tell. It is empty
	// where it is there.
	Message string
}
