// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package interference tells what else used the machine during a run, from two
// looks at the kernel's counters and nothing in between.
package interference

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Figures are what happened between two samples. Times are in nanoseconds.
// What the kernel does not tell is absent, which is not the same as zero.
type Figures struct {
	// Elapsed is the time between the two samples, on the monotonic clock.
	Elapsed int64 `json:"elapsedNanoseconds"`
	// CPUs is how many CPUs were online at the end.
	CPUs int `json:"cpus"`
	// OtherCPU is the CPU time that neither the run nor the runner nor the agent
	// used: other processes, kernel threads, and interrupts where the kernel does
	// not charge them to the task they interrupt.
	OtherCPU *int64 `json:"otherCPUNanoseconds,omitempty"`
	// Resolution is how far OtherCPU may be off.
	Resolution int64 `json:"resolutionNanoseconds"`
	// Steal is how long the hypervisor ran something else while a CPU had work to
	// do, as far as the hypervisor says so. It is in steps of 10 ms.
	Steal *int64 `json:"stealNanoseconds,omitempty"`
	// Interrupt is the CPU time of hard and soft interrupts. Most kernels see it
	// by looking at each tick, and it is in steps of 10 ms.
	Interrupt *int64 `json:"interruptNanoseconds,omitempty"`
	// AgentCPU is the CPU time of the runner's parent, threads that ended
	// included. Each of its threads may be off by the tick it is in.
	AgentCPU *int64 `json:"agentCPUNanoseconds,omitempty"`
	// CPUPressure, MemoryPressure and IOPressure are how long some task waited
	// for the resource (PSI "some" of the whole machine).
	CPUPressure    *int64 `json:"cpuPressureNanoseconds,omitempty"`
	MemoryPressure *int64 `json:"memoryPressureNanoseconds,omitempty"`
	IOPressure     *int64 `json:"ioPressureNanoseconds,omitempty"`
	// LowestFrequencyPercent is the lowest frequency of an online CPU at the
	// start and at the end, in percent of the highest that CPU can have.
	LowestFrequencyPercent *int `json:"lowestFrequencyPercent,omitempty"`
	// ThermalEvents is how often a core or a package began to be throttled for its heat.
	ThermalEvents *int64 `json:"thermalEvents,omitempty"`
	// ClockStep is how far the wall clock moved against the monotonic one:
	// forward is positive. A suspension is a step too. A clock that is slewed is
	// not: both clocks go at the slewed rate.
	ClockStep *int64 `json:"clockStepNanoseconds,omitempty"`
	// Suspended is how long the machine was suspended.
	Suspended *int64 `json:"suspendedNanoseconds,omitempty"`
	// ClockSource and ClockSourceAfter are what the kernel kept time with at the
	// start and at the end; empty where it does not tell.
	ClockSource      string `json:"clockSource,omitempty"`
	ClockSourceAfter string `json:"clockSourceAfter,omitempty"`
	// Absent says why figures are absent, by their names in JSON.
	Absent map[string]string `json:"absent,omitempty"`
	// Notes say which figures are less exact than they could be, and why.
	Notes []string `json:"notes,omitempty"`
}

// jiffy is the unit of /proc/stat: USER_HZ is 100 on every machine this runs on,
// whatever the kernel's own tick is.
const jiffy = int64(10 * time.Millisecond)

// resolution is how far OtherCPU may be off. Idle time and time waiting for I/O
// are told in steps of 10 ms. What a running task has used since its CPU's last
// tick, at most 10 ms ago, may not yet be charged to it. When /proc/stat was
// read is not known to the nanosecond, and that counts for each CPU.
//
// On a virtual machine OtherCPU may be short by Steal on top of that, because a
// CPU that is kept from waking up counts as idle and as stolen.
func resolution(start, end Sample) int64 {
	return 2*jiffy + int64(max(start.cpus, end.cpus))*(jiffy+start.doubt+end.doubt)
}

// Between tells what happened from start to end. runCPU is the CPU time of the
// run in ns, nil if it is not known, and runnerCPU that of the runner; both are
// best read right after each sample.
func Between(start, end Sample, runCPU *int64, runnerCPU int64) *Figures {
	f := &Figures{
		Elapsed: end.at - start.at, CPUs: end.cpus, Resolution: resolution(start, end),
		ClockSource: start.clockSource, ClockSourceAfter: end.clockSource,
		Absent: map[string]string{},
	}
	f.Steal = f.growth("stealNanoseconds", start.steal, end.steal)
	f.Interrupt = f.growth("interruptNanoseconds", start.interrupt, end.interrupt)
	f.AgentCPU = f.growth("agentCPUNanoseconds", start.agent, end.agent)
	f.CPUPressure = f.growth("cpuPressureNanoseconds", start.pressure[0], end.pressure[0])
	f.MemoryPressure = f.growth("memoryPressureNanoseconds", start.pressure[1], end.pressure[1])
	f.IOPressure = f.growth("ioPressureNanoseconds", start.pressure[2], end.pressure[2])
	f.ThermalEvents = f.growth("thermalEvents", start.thermal, end.thermal)
	f.OtherCPU = f.other(start, end, runCPU, runnerCPU)
	f.frequency(start, end)
	f.ClockStep = f.step("clockStepNanoseconds", start.wall, end.wall)
	f.Suspended = f.step("suspendedNanoseconds", start.boot, end.boot)
	if len(f.Absent) == 0 {
		f.Absent = nil
	}
	return f
}

// either is the first of two errors; the same at start and at end need not be said twice.
func either(start, end error) error {
	if start != nil {
		return start
	}
	return end
}

func (f *Figures) absent(name string, err error) {
	f.Absent[name] = err.Error()
}

// growth is what a counter grew by. One that went backwards tells nothing, least
// of all zero.
func (f *Figures) growth(name string, start, end reading) *int64 {
	err := either(start.err, end.err)
	if err == nil && end.value < start.value {
		err = fmt.Errorf("the kernel's counter went backwards, from %d to %d", start.value, end.value)
	}
	if err != nil {
		f.absent(name, err)
		return nil
	}
	return new(end.value - start.value)
}

// step is how far a clock moved against the monotonic one. What the readings
// cannot tell from nothing is nothing.
func (f *Figures) step(name string, start, end offset) *int64 {
	if err := either(start.err, end.err); err != nil {
		f.absent(name, err)
		return nil
	}
	moved := end.value - start.value
	if doubt := start.doubt + end.doubt; -doubt <= moved && moved <= doubt {
		moved = 0
	}
	return &moved
}

func (f *Figures) frequency(start, end Sample) {
	for _, s := range []Sample{start, end} {
		if s.frequency.err != nil {
			f.LowestFrequencyPercent = nil
			f.absent("lowestFrequencyPercent", s.frequency.err)
			return
		}
		if s.frequencyNote != "" && !slices.Contains(f.Notes, s.frequencyNote) {
			f.Notes = append(f.Notes, s.frequencyNote)
		}
		if percent := int(s.frequency.value); f.LowestFrequencyPercent == nil || percent < *f.LowestFrequencyPercent {
			f.LowestFrequencyPercent = &percent
		}
	}
}

// other is the CPU time of everything else.
func (f *Figures) other(start, end Sample, runCPU *int64, runnerCPU int64) *int64 {
	if runCPU == nil {
		f.absent("otherCPUNanoseconds", errors.New("the CPU time of the run is not known"))
		return nil
	}
	busy, err := f.busy(start, end)
	if err != nil {
		f.absent("otherCPUNanoseconds", err)
		return nil
	}
	busy -= *runCPU + runnerCPU
	if f.AgentCPU != nil {
		busy -= *f.AgentCPU
	}
	return new(max(busy, 0))
}

// busy is how long the CPUs ran anything. It is taken from how long they did
// not: a kernel with NO_HZ, which is every usual one, counts idle time from
// clocks, but the rest by what it finds running at each tick, and that misses a
// tenth of a load that sleeps and wakes with the ticks. Where the idle time
// cannot be trusted, the ticks are taken.
func (f *Figures) busy(start, end Sample) (int64, error) {
	if err := either(start.statErr, end.statErr); err != nil {
		return 0, err
	}
	switch idle := end.idle - start.idle; {
	case start.online != end.online:
		f.Notes = append(f.Notes, fmt.Sprintf("the online CPUs changed from %s to %s: other CPU time is counted in ticks", start.online, end.online))
	case idle < 0:
		f.Notes = append(f.Notes, "the kernel's idle time went backwards: other CPU time is counted in ticks")
	default:
		stolen := int64(0)
		if f.Steal != nil {
			stolen = *f.Steal
		}
		if busy := f.Elapsed*int64(f.CPUs) - idle - stolen; busy >= 0 {
			return busy, nil
		}
	}
	if end.busy < start.busy {
		return 0, errors.New("the kernel's CPU times went backwards")
	}
	return end.busy - start.busy, nil
}
