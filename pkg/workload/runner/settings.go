// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// settingsOf is what has to be written for a resolved cgroup.
func settingsOf(c *spec.ResolvedCgroup) cgroup.Settings {
	s := cgroup.Settings{Threaded: c.Def.Threaded, CPUs: c.CPUs, Mems: c.Mems, PidsMax: c.Def.PidsMax}
	if c.Def.Cpuset != nil {
		s.Partition = strings.ToLower(c.Def.Cpuset.Partition)
	}
	if cpu := c.Def.CPU; cpu != nil {
		s.CPU = cgroup.CPUSettings{Weight: cpu.Weight, Idle: cpu.Idle, UclampMinPercent: cpu.UclampMinPercent, UclampMaxPercent: cpu.UclampMaxPercent}
		s.CPU.Quota, s.CPU.Period, s.CPU.Burst = length(cpu.Quota), length(cpu.Period), length(cpu.Burst)
	}
	if m := c.Def.Memory; m != nil {
		s.Memory = cgroup.MemorySettings{Min: number(m.Min), Low: number(m.Low), High: number(m.High), Max: number(m.Max), SwapMax: number(m.SwapMax)}
	}
	if io := c.Def.IO; io != nil {
		s.IO.Weight = io.Weight
		for _, l := range io.Limits {
			s.IO.Limits = append(s.IO.Limits, cgroup.IOLimit{
				Device: l.Device, ReadBytesPerSecond: number(l.ReadBytesPerSecond), WriteBytesPerSecond: number(l.WriteBytesPerSecond),
				ReadOperationsPerSecond: l.ReadOperationsPerSecond, WriteOperationsPerSecond: l.WriteOperationsPerSecond,
			})
		}
	}
	return s
}

// changeOf is what has to be written for a change of settings.
func changeOf(op *spec.SetCgroupOp) cgroup.Settings {
	return settingsOf(&spec.ResolvedCgroup{Def: &spec.Cgroup{CPU: op.CPU, Memory: op.Memory, IO: op.IO, PidsMax: op.PidsMax}})
}

func number(b *quantity.Bytes) *int64 {
	if b == nil {
		return nil
	}
	return new(int64(*b))
}

// length is 0 where none is given.
func length(d *quantity.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return d.D()
}
