// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package metric

import (
	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

const (
	fromCgroup = "the cgroup's own files"
	fromPSI    = "pressure stall information, some"
	fromStat   = "/proc/stat and /proc/PID/stat, before and after"
	fromRunner = "the runner"
)

var (
	cgroupsOnly = []Scope{Cgroup}
	runsOnly    = []Scope{Run}
	runAndStep  = []Scope{Run, Step}
)

func inCgroup(of func(*report.Cgroup, int64) (Value, bool)) func(*Subject) (Value, bool) {
	return func(s *Subject) (Value, bool) { return of(s.cgroup, s.elapsed) }
}

// cgroups are figures of cgroups.
var cgroups = []*Metric{
	{"cgroupCPU", "ns", neither, cgroupsOnly, Sum, []string{"cpuNanoseconds"}, "cpuNanoseconds of the cgroup", fromCgroup,
		inCgroup(func(c *report.Cgroup, _ int64) (Value, bool) { return maybe(c.CPU) })},
	{"cgroupCPUs", "1", neither, cgroupsOnly, Ratio, []string{"cpuNanoseconds", "holdNanoseconds"}, "cpuNanoseconds / hold: how many CPUs it used on average", fromCgroup,
		inCgroup(func(c *report.Cgroup, hold int64) (Value, bool) { return share(c.CPU, hold) })},
	{"cpuShare", "1", neither, cgroupsOnly, Ratio, []string{"cpuNanoseconds"}, "cpuNanoseconds / the same of all cgroups with the same parent, of two or more", fromCgroup,
		func(s *Subject) (Value, bool) {
			if s.level == nil {
				return Value{}, false
			}
			return share(s.cgroup.CPU, *s.level)
		}},
	{"throttledShare", "1", lower, cgroupsOnly, Ratio, []string{"throttledPeriods", "periods"}, "throttledPeriods / periods", fromCgroup,
		inCgroup(func(c *report.Cgroup, _ int64) (Value, bool) {
			if c.Periods == nil {
				return Value{}, false
			}
			return share(c.Throttled, *c.Periods)
		})},
	{"throttledTime", "ns", lower, cgroupsOnly, Sum, []string{"throttledNanoseconds"}, "throttledNanoseconds, added up over CPUs", fromCgroup,
		inCgroup(func(c *report.Cgroup, _ int64) (Value, bool) { return maybe(c.ThrottledTime) })},
	{"cpuPressureShare", "1", lower, cgroupsOnly, Ratio, []string{"cpuPressureNanoseconds", "holdNanoseconds"}, "cpuPressureNanoseconds / hold", fromPSI,
		inCgroup(func(c *report.Cgroup, hold int64) (Value, bool) { return share(c.CPUPressure, hold) })},
	{"memoryPressureShare", "1", lower, cgroupsOnly, Ratio, []string{"memoryPressureNanoseconds", "holdNanoseconds"}, "memoryPressureNanoseconds / hold", fromPSI,
		inCgroup(func(c *report.Cgroup, hold int64) (Value, bool) { return share(c.MemoryPressure, hold) })},
	{"ioPressureShare", "1", lower, cgroupsOnly, Ratio, []string{"ioPressureNanoseconds", "holdNanoseconds"}, "ioPressureNanoseconds / hold", fromPSI,
		inCgroup(func(c *report.Cgroup, hold int64) (Value, bool) { return share(c.IOPressure, hold) })},
	{"memoryPeak", "B", neither, cgroupsOnly, Largest, []string{"memoryPeakBytes"}, "memoryPeakBytes", fromCgroup,
		inCgroup(func(c *report.Cgroup, _ int64) (Value, bool) { return maybe(c.MemoryPeak) })},
	{"oomKills", "1", lower, cgroupsOnly, Sum, []string{"oomKills"}, "oomKills", fromCgroup,
		inCgroup(func(c *report.Cgroup, _ int64) (Value, bool) { return maybe(c.OOMKills) })},
	{"pidsPeak", "1", neither, cgroupsOnly, Largest, []string{"pidsPeak"}, "pidsPeak", fromCgroup,
		inCgroup(func(c *report.Cgroup, _ int64) (Value, bool) { return maybe(c.PIDsPeak) })},
}

// around are figures of what else the machine did, of a run or of a step in which somebody looked.
func around(of func(*interference.Figures) (Value, bool)) func(*Subject) (Value, bool) {
	return func(s *Subject) (Value, bool) {
		if s.interference == nil {
			return Value{}, false
		}
		return of(s.interference)
	}
}

// ofMachine is a share of all CPU time that the machine had.
func ofMachine(ns func(*interference.Figures) *int64) func(*Subject) (Value, bool) {
	return around(func(f *interference.Figures) (Value, bool) { return share(ns(f), float64(f.Elapsed)*float64(f.CPUs)) })
}

// ofTime is a share of the time that passed.
func ofTime(ns func(*interference.Figures) *int64) func(*Subject) (Value, bool) {
	return around(func(f *interference.Figures) (Value, bool) { return share(ns(f), f.Elapsed) })
}

// machines are figures of the run and the machine as a whole.
var machines = []*Metric{
	{"otherCPUShare", "1", lower, runAndStep, Ratio, []string{"otherCPUNanoseconds", "elapsedNanoseconds", "cpus"}, "otherCPUNanoseconds / (elapsedNanoseconds * cpus)", fromStat,
		ofMachine(func(f *interference.Figures) *int64 { return f.OtherCPU })},
	{"stealShare", "1", lower, runAndStep, Ratio, []string{"stealNanoseconds", "elapsedNanoseconds", "cpus"}, "stealNanoseconds / (elapsedNanoseconds * cpus)", fromStat,
		ofMachine(func(f *interference.Figures) *int64 { return f.Steal })},
	{"interruptShare", "1", lower, runAndStep, Ratio, []string{"interruptNanoseconds", "elapsedNanoseconds", "cpus"}, "interruptNanoseconds / (elapsedNanoseconds * cpus)", fromStat,
		ofMachine(func(f *interference.Figures) *int64 { return f.Interrupt })},
	{"agentCPUShare", "1", lower, runAndStep, Ratio, []string{"agentCPUNanoseconds", "elapsedNanoseconds", "cpus"}, "agentCPUNanoseconds / (elapsedNanoseconds * cpus)", fromStat,
		ofMachine(func(f *interference.Figures) *int64 { return f.AgentCPU })},
	{"machineCPUPressureShare", "1", lower, runAndStep, Ratio, []string{"cpuPressureNanoseconds", "elapsedNanoseconds"}, "cpuPressureNanoseconds of the machine / elapsedNanoseconds", fromPSI,
		ofTime(func(f *interference.Figures) *int64 { return f.CPUPressure })},
	{"machineMemoryPressureShare", "1", lower, runAndStep, Ratio, []string{"memoryPressureNanoseconds", "elapsedNanoseconds"}, "memoryPressureNanoseconds of the machine / elapsedNanoseconds", fromPSI,
		ofTime(func(f *interference.Figures) *int64 { return f.MemoryPressure })},
	{"machineIOPressureShare", "1", lower, runAndStep, Ratio, []string{"ioPressureNanoseconds", "elapsedNanoseconds"}, "ioPressureNanoseconds of the machine / elapsedNanoseconds", fromPSI,
		ofTime(func(f *interference.Figures) *int64 { return f.IOPressure })},
	{"lowestFrequency", "%", higher, runAndStep, Lowest, []string{"lowestFrequencyPercent"}, "lowestFrequencyPercent", "cpufreq in sysfs, before and after",
		around(func(f *interference.Figures) (Value, bool) { return maybe(f.LowestFrequencyPercent) })},
	{"thermalEvents", "1", lower, runAndStep, Sum, []string{"thermalEvents"}, "thermalEvents", "thermal_throttle in sysfs, before and after",
		around(func(f *interference.Figures) (Value, bool) { return maybe(f.ThermalEvents) })},
	{"clockStep", "ns", neither, runAndStep, Each, []string{"clockStepNanoseconds"}, "clockStepNanoseconds", "clock_gettime(2), before and after",
		around(func(f *interference.Figures) (Value, bool) { return maybe(f.ClockStep) })},
	{"suspended", "ns", lower, runAndStep, Sum, []string{"suspendedNanoseconds"}, "suspendedNanoseconds", "clock_gettime(2), before and after",
		around(func(f *interference.Figures) (Value, bool) { return maybe(f.Suspended) })},
	{"numaPagesMigrated", "1", neither, runAndStep, Sum, []string{"numaPagesMigrated"}, "numaPagesMigrated", "/proc/vmstat, before and after",
		func(s *Subject) (Value, bool) { return maybe(s.moved) }},
	{"groupBalance", "1", lower, runAndStep, Each, []string{"iterations", "workers"}, "the most iterations per worker of a group / the fewest, of two groups or more", fromWorker, groupBalance},
	{"hold", "ns", neither, runAndStep, Each, []string{"holdNanoseconds", "startNanoseconds", "endNanoseconds"}, "holdNanoseconds; of a step endNanoseconds - startNanoseconds", fromRunner,
		func(s *Subject) (Value, bool) { return number(s.elapsed) }},
	{"startSkew", "ns", lower, runsOnly, Largest, []string{"startSkewNanoseconds"}, "startSkewNanoseconds", fromWorker,
		func(s *Subject) (Value, bool) { return number(s.run.StartSkew) }},
	{"supervisorCPUShare", "1", lower, runsOnly, Ratio, []string{"supervisorCPUNanoseconds", "holdNanoseconds"}, "supervisorCPUNanoseconds / holdNanoseconds", fromRunner,
		func(s *Subject) (Value, bool) { return ratio(s.run.SupervisorCPU, s.run.Hold, 1) }},
}

// groupBalance compares the groups by what their workers did on average. A group that did
// nothing would make it infinite, and so gives none.
func groupBalance(s *Subject) (Value, bool) {
	if len(s.balance) < 2 {
		return Value{}, false
	}
	var most, least float64
	for i, g := range s.balance {
		each := float64(g[0]) / float64(g[1])
		most = max(most, each)
		if i == 0 || each < least {
			least = each
		}
	}
	return ratio(most, least, 1)
}
