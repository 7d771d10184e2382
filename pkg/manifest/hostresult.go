// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// interferenceResult is what else the machine did, nil if nobody looked.
func interferenceResult(f *interference.Figures) *v1alpha1.InterferenceResult {
	if f == nil {
		return nil
	}
	r := &v1alpha1.InterferenceResult{
		ElapsedNanoseconds: f.Elapsed, ResolutionNanoseconds: f.Resolution, SuspendedNanoseconds: f.Suspended,
		CPUs: int32(f.CPUs), OtherCPUNanoseconds: f.OtherCPU, StealNanoseconds: f.Steal, InterruptNanoseconds: f.Interrupt,
		AgentCPUNanoseconds: f.AgentCPU, CPUPressureNanoseconds: f.CPUPressure, MemoryPressureNanoseconds: f.MemoryPressure,
		IOPressureNanoseconds: f.IOPressure, ThermalEvents: f.ThermalEvents, ClockStepNanoseconds: f.ClockStep,
	}
	if p := f.LowestFrequencyPercent; p != nil {
		r.LowestFrequencyPercent = new(int32(*p))
	}
	return r
}

func cgroupResult(c *report.Cgroup) v1alpha1.CgroupResult {
	return v1alpha1.CgroupResult{
		Name: c.Name, CPUs: cpuList(c.CPUs), Mems: cpuList(c.Mems), Partition: cut(c.Partition, maxKnob), CPUNanoseconds: c.CPU,
		Periods: counted(c.Periods), ThrottledPeriods: counted(c.Throttled), ThrottledNanoseconds: c.ThrottledTime,
		MemoryPeakBytes: c.MemoryPeak, OOMKills: counted(c.OOMKills), PIDsPeak: c.PIDsPeak, CPUPressureNanoseconds: c.CPUPressure,
	}
}

// counted is a counter as the API has it, nil where the kernel has none.
func counted(n *uint64) *int64 {
	if n == nil {
		return nil
	}
	return new(count(*n))
}
