// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package probe finds out what a machine can do by trying it.
//
// A probe has three outcomes: it is there, it is not there, nobody can tell. The
// message of the last two says why, and what to do about it where something can
// be done. Whatever a probe changes it puts back: a policy is tried on a thread
// that is thrown away, a cgroup file in a cgroup that is removed again.
package probe

import (
	"slices"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
)

// Host is a machine to probe.
type Host struct {
	// Root is "/", or a tree of files that stands for a machine.
	Root string
	// CgroupMount is where cgroup v2 is mounted, and CgroupParent the cgroup that
	// runs get theirs below. Empty: there is none.
	CgroupMount, CgroupParent string
	// CPUs are those that runs may use. Empty: those of this process.
	CPUs cpuset.CPUSet
}

// Probe probes for what is named, for everything if nothing is named. The
// findings are in the order of their names, each once. What nobody knows how to
// probe for is Unknown.
//
// The probes of cgroup files make a cgroup below CgroupParent for a moment, that of
// VirtualEthernet a network namespace that nobody sees; nothing else of the machine is touched.
func (h Host) Probe(names ...string) []capability.Finding {
	return newProber(h, thisKernel{}).probe(names)
}

func (p *prober) probe(names []string) []capability.Finding {
	if len(names) == 0 {
		for name := range probes {
			names = append(names, name)
		}
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	findings := make([]capability.Finding, 0, len(names))
	for _, name := range names {
		found := unknown("there is no probe for " + name)
		if probe, ok := probes[name]; ok {
			found = probe(p)
		}
		findings = append(findings, capability.Finding{Name: name, State: found.state, Message: found.message})
	}
	return findings
}

// probes has a probe for each name.
var probes = map[string]func(*prober) outcome{
	capability.CgroupV2:              (*prober).cgroupV2,
	capability.CgroupKill:            file("cgroup.kill", "Linux 5.14 or later has it"),
	capability.CgroupFreeze:          file("cgroup.freeze", "Linux 5.2 or later has it"),
	capability.CgroupThreaded:        file("cgroup.threads", "Linux 4.14 or later has it"),
	capability.CgroupCPU:             controller("cpu", "cpu.max"),
	capability.CgroupCPUIdle:         knob("cpu", "cpu.idle", "Linux 5.15 or later has it"),
	capability.CgroupCPUBurst:        knob("cpu", "cpu.max.burst", "Linux 5.14 or later has it"),
	capability.CgroupUclamp:          knob("cpu", "cpu.uclamp.min", "the kernel was built without CONFIG_UCLAMP_TASK_GROUP"),
	capability.CgroupCpuset:          controller("cpuset", "cpuset.cpus"),
	capability.CgroupCpusetPartition: knob("cpuset", "cpuset.cpus.exclusive", "Linux 6.7 or later has it, and with it partitions below cgroups that are none"),
	capability.CgroupMemory:          controller("memory", "memory.max"),
	capability.CgroupSwap:            knob("memory", "memory.swap.max", "the kernel was built without CONFIG_SWAP, or started with swapaccount=0"),
	capability.CgroupIO:              controller("io", "io.stat"),
	capability.CgroupIOWeight:        knob("io", "io.weight", "the kernel was built without CONFIG_BLK_CGROUP_IOCOST"),
	capability.CgroupIOMax:           knob("io", "io.max", "the kernel was built without CONFIG_BLK_DEV_THROTTLING"),
	capability.CgroupPids:            controller("pids", "pids.max"),
	capability.CgroupPressure:        file("cpu.pressure", "the kernel was built without CONFIG_PSI, or started with psi=0 or cgroup_disable=pressure"),

	capability.Realtime:     (*prober).realtime,
	capability.Deadline:     (*prober).deadline,
	capability.SchedExt:     (*prober).schedExt,
	capability.NegativeNice: (*prober).negativeNice,
	capability.Credentials:  (*prober).credentials,

	capability.NUMA:                        (*prober).numa,
	capability.MempolicyPreferredMany:      mempolicy(unix.MPOL_PREFERRED_MANY, "Linux 5.15 or later has it"),
	capability.MempolicyWeightedInterleave: mempolicy(unix.MPOL_WEIGHTED_INTERLEAVE, "Linux 6.9 or later has it"),
	capability.NUMAMaps:                    readable("proc/self/numa_maps", "the kernel was built without CONFIG_NUMA or CONFIG_PROC_PAGE_MONITOR"),

	capability.PSI:             readable("proc/pressure/cpu", "the kernel was built without pressure stall information, or started with psi=0"),
	capability.Schedstat:       readable("proc/thread-self/schedstat", "the kernel was built without CONFIG_SCHED_INFO"),
	capability.Cpufreq:         someCPU("cpufreq/scaling_cur_freq", "no driver of the kernel tells the CPUs' frequency; in a virtual machine none does"),
	capability.ThermalThrottle: someCPU("thermal_throttle/core_throttle_count", "the kernel does not count thermal events here; it does on Intel CPUs outside of virtual machines"),
	capability.SMT:             (*prober).smt,
	capability.CPUHotplug:      (*prober).cpuHotplug,
	capability.VirtualEthernet: (*prober).virtualEthernet,
}
