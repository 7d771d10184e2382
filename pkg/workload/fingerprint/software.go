// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"path"
	"slices"
	"strings"

	"k8s.io/utils/cpuset"
)

const (
	versionFile    = "proc/sys/kernel/version"
	debugSched     = "sys/kernel/debug/sched"
	vulnerableDir  = cpuDir + "/vulnerabilities"
	thpDir         = "sys/kernel/mm/transparent_hugepage"
	clockSourceDir = "sys/devices/system/clocksource/clocksource0"
)

// software is the kernel and how it is set up.
var software = slices.Concat([]source{
	{name: "kernel.release", read: content("proc/sys/kernel/osrelease")},
	{name: "kernel.version", read: content(versionFile)},
	{name: "kernel.commandline", read: (*reader).commandLine},
	{name: "kernel.preemption", read: (*reader).preemption},
	{name: "kernel.preemption.mode", read: chosen(debugSched+"/preempt", "(", ")"), live: true},
	{name: "kernel.lsm", read: content("sys/kernel/security/lsm")},
	{name: "sched.features", read: content(debugSched + "/features"), live: true},
	{name: "sched.tunables", read: (*reader).tunables, live: true},
	{name: "cpu.isolated", read: listed(cpuDir + "/isolated"), live: true},
	{name: "cpu.nohz_full", read: listed(cpuDir + "/nohz_full")},
	{name: "cpu.smt", read: content(cpuDir + "/smt/control"), live: true},
	{name: "cpu.mitigations", read: (*reader).mitigations},
	{name: "cpu.vulnerable", read: (*reader).vulnerable},
	{name: "cpu.frequency.driver", read: each("cpufreq/scaling_driver")},
	{name: "cpu.frequency.governor", read: each("cpufreq/scaling_governor"), live: true},
	{name: "cpu.frequency.preference", read: each("cpufreq/energy_performance_preference"), live: true},
	{name: "cpu.frequency.limits", read: (*reader).frequencyLimits, live: true},
	{name: "cpu.frequency.max", read: each("cpufreq/cpuinfo_max_freq")},
	{name: "cpu.turbo", read: (*reader).turbo, live: true},
	{name: "cpu.idle.driver", read: content(cpuDir + "/cpuidle/current_driver")},
	{name: "cpu.idle.governor", read: (*reader).idleGovernor, live: true},
	{name: "cpu.idle.disabled", read: (*reader).idleDisabled},
	{name: "clock.source", read: content(clockSourceDir + "/current_clocksource"), live: true},
	{name: "thp.enabled", read: chosen(thpDir+"/enabled", "[", "]"), live: true},
	{name: "thp.defrag", read: chosen(thpDir+"/defrag", "[", "]"), live: true},
}, sysctls())

// sysctls are settings below /proc/sys that schedulers, timers or memory placement
// depend on.
func sysctls() []source {
	var sources []source
	for _, name := range []string{
		"kernel.nmi_watchdog", "kernel.numa_balancing", "kernel.perf_cpu_time_max_percent", "kernel.sched_autogroup_enabled",
		"kernel.sched_cfs_bandwidth_slice_us", "kernel.sched_energy_aware", "kernel.sched_itmt_enabled", "kernel.sched_rr_timeslice_ms",
		"kernel.sched_rt_period_us", "kernel.sched_rt_runtime_us", "kernel.sched_schedstats", "kernel.sched_util_clamp_max",
		"kernel.sched_util_clamp_min", "kernel.sched_util_clamp_min_rt_default", "kernel.timer_migration", "kernel.watchdog",
		"vm.swappiness", "vm.zone_reclaim_mode",
	} {
		file := path.Join("proc/sys", strings.ReplaceAll(name, ".", "/"))
		sources = append(sources, source{name: name, read: content(file), live: true})
	}
	return sources
}

// preemption is what the kernel was built for, by its version.
func (r *reader) preemption() string {
	version := r.text(versionFile)
	if version == "" {
		return ""
	}
	for word := range strings.FieldsSeq(version) {
		if word == "PREEMPT" || strings.HasPrefix(word, "PREEMPT_") {
			return word
		}
	}
	return "none or voluntary"
}

// tunables are numbers of the scheduler that have no sysctl.
func (r *reader) tunables() string {
	var set []string
	for _, name := range []string{"base_slice_ns", "migration_cost_ns", "nr_migrate", "tunable_scaling"} {
		if value := r.text(debugSched + "/" + name); value != "" {
			set = append(set, name+"="+value)
		}
	}
	return strings.Join(set, " ")
}

// mitigations is a digest of what the kernel does about the CPU's flaws.
func (r *reader) mitigations() string {
	var text strings.Builder
	for _, flaw := range r.names(vulnerableDir) {
		text.WriteString(flaw + "=" + r.text(vulnerableDir+"/"+flaw) + "\n")
	}
	if text.Len() == 0 {
		return ""
	}
	return digestOf(text.String())
}

// vulnerable lists the flaws that the kernel does nothing about.
func (r *reader) vulnerable() string {
	flaws := r.names(vulnerableDir)
	if len(flaws) == 0 {
		return ""
	}
	flaws = slices.DeleteFunc(flaws, func(flaw string) bool {
		return !strings.HasPrefix(r.text(vulnerableDir+"/"+flaw), "Vulnerable")
	})
	if len(flaws) == 0 {
		return "none"
	}
	return strings.Join(flaws, " ")
}

// frequencyLimits are the lowest and highest frequency that governors may choose.
func (r *reader) frequencyLimits() string {
	return r.perCPU(func(cpu int) string {
		low, high := r.text(cpuPath(cpu, "cpufreq/scaling_min_freq")), r.text(cpuPath(cpu, "cpufreq/scaling_max_freq"))
		if low == "" || high == "" {
			return ""
		}
		return low + "-" + high
	})
}

// turbo is whether CPUs may run faster than their base frequency.
func (r *reader) turbo() string {
	words := map[string]string{"0": "off", "1": "on"}
	switch r.text(cpuDir + "/intel_pstate/no_turbo") {
	case "0":
		return "on"
	case "1":
		return "off"
	default:
		return words[r.text(cpuDir+"/cpufreq/boost")]
	}
}

// idleGovernor has one of two files, by the kernel's age.
func (r *reader) idleGovernor() string {
	if governor := r.text(cpuDir + "/cpuidle/current_governor"); governor != "" {
		return governor
	}
	return r.text(cpuDir + "/cpuidle/current_governor_ro")
}

// idleDisabled lists the idle states that CPUs must not use.
func (r *reader) idleDisabled() string {
	return r.perCPU(func(cpu int) string {
		states := r.names(cpuPath(cpu, "cpuidle"))
		if len(states) == 0 {
			return ""
		}
		states = slices.DeleteFunc(states, func(state string) bool {
			return r.text(cpuPath(cpu, path.Join("cpuidle", state, "disable"))) != "1"
		})
		if len(states) == 0 {
			return "none"
		}
		return strings.Join(states, "+")
	})
}

// listed is a list of CPUs. If it is empty, the kernel writes nothing, or "(null)".
func listed(path string) func(*reader) string {
	return func(r *reader) string {
		list := r.raw(path)
		set, err := cpuset.Parse(strings.Replace(strings.TrimSpace(list), "(null)", "", 1))
		switch {
		case list == "" || err != nil:
			return ""
		case set.IsEmpty():
			return "none"
		default:
			return set.String()
		}
	}
}
