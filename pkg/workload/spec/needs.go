// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
)

// Need is a capability that a run cannot do without.
type Need struct {
	// Capability is a name of package capability.
	Capability string
	// Field is the first that needs it, such as cgroups[0].cpu.quota.
	Field string
}

// Needs are the capabilities that the run cannot do without, in the order of the
// fields that need them; each is listed once.
func (r *Run) Needs() []Need {
	var n needs
	for i := range r.Groups {
		n.group(&r.Groups[i], i)
	}
	for i := range r.Cgroups {
		n.cgroup(&r.Cgroups[i], i)
	}
	for i := range r.SchedulingPolicies {
		n.policy(&r.SchedulingPolicies[i], i)
	}
	for i := range r.MemoryPolicies {
		mode := r.MemoryPolicies[i].Mode
		n.add(mode == "PreferredMany", capability.MempolicyPreferredMany, "memoryPolicies[%d].mode", i)
		n.add(mode == "WeightedInterleave", capability.MempolicyWeightedInterleave, "memoryPolicies[%d].mode", i)
	}
	n.interference(r.Interference)
	for i := range r.Steps {
		for j := range r.Steps[i].Ops {
			n.op(r, &r.Steps[i].Ops[j], i, j)
		}
	}
	return n.list
}

// op lists what an op needs beside the cgroups, groups and policies that it names.
func (n *needs) op(r *Run, o *Op, step, op int) {
	n.add(o.MoveGroup != nil, capability.CgroupV2, "steps[%d].ops[%d].moveGroup", step, op)
	n.add(o.FreezeCgroup != nil, capability.CgroupFreeze, "steps[%d].ops[%d].freezeCgroup", step, op)
	n.add(o.ThawCgroup != nil, capability.CgroupFreeze, "steps[%d].ops[%d].thawCgroup", step, op)
	n.add(o.SetCpuset != nil, capability.CgroupCpuset, "steps[%d].ops[%d].setCpuset.cpuset", step, op)
	if s := o.SetCgroup; s != nil {
		n.settings(s.CPU, s.Memory, s.IO, s.PidsMax, "steps[%d].ops[%d].setCgroup", step, op)
	}
	n.add(o.SetAffinity != nil && o.SetAffinity.Affinity.SMTSiblingPair != nil, capability.SMT, "steps[%d].ops[%d].setAffinity.affinity.smtSiblingPair", step, op)
	n.add(o.SetNice != nil && r.lowersNice(o.SetNice), capability.NegativeNice, "steps[%d].ops[%d].setNice.nice", step, op)
	n.add(o.OfflineCPUs != nil, capability.CPUHotplug, "steps[%d].ops[%d].offlineCPUs", step, op)
}

// lowersNice says whether a nice value is below 0, or below one that the group may
// have before: a task may raise its own only.
func (r *Run) lowersNice(op *SetNiceOp) bool {
	if i := r.group(op.Group); op.Nice < 0 || i != none && r.Groups[i].Nice != nil && *r.Groups[i].Nice > op.Nice {
		return true
	}
	for i := range r.Steps {
		for j := range r.Steps[i].Ops {
			if other := r.Steps[i].Ops[j].SetNice; other != nil && other.Group == op.Group && other.Nice > op.Nice {
				return true
			}
		}
	}
	return false
}

// needs collects what is needed.
type needs struct{ list []Need }

// add lists a capability, unless the field is not set or another needs it already.
func (n *needs) add(isSet bool, name, field string, at ...any) {
	if !isSet {
		return
	}
	for i := range n.list {
		if n.list[i].Capability == name {
			return
		}
	}
	n.list = append(n.list, Need{Capability: name, Field: fmt.Sprintf(field, at...)})
}

func (n *needs) group(g *Group, i int) {
	if kind, shape, ok := g.work(); ok {
		for _, name := range shape.Needs {
			n.add(true, name, "groups[%d].work.%s", i, kind.Name())
		}
		// What a watchdog needs.
		n.add(shape.Dangerous, capability.CgroupKill, "groups[%d].work.%s", i, kind.Name())
		n.add(shape.Dangerous, capability.Realtime, "groups[%d].work.%s", i, kind.Name())
	}
	n.add(g.Affinity != nil && g.Affinity.SMTSiblingPair != nil, capability.SMT, "groups[%d].affinity.smtSiblingPair", i)
	n.add(g.Nice != nil && *g.Nice < 0, capability.NegativeNice, "groups[%d].nice", i)
	n.add(g.UID != nil, capability.Credentials, "groups[%d].uid", i)
	n.add(g.GID != nil, capability.Credentials, "groups[%d].gid", i)
}

func (n *needs) cgroup(c *Cgroup, i int) {
	n.add(true, capability.CgroupV2, "cgroups[%d]", i)
	n.add(c.Threaded, capability.CgroupThreaded, "cgroups[%d].threaded", i)
	if s := c.Cpuset; s != nil {
		n.add(true, capability.CgroupCpuset, "cgroups[%d].cpuset", i)
		n.add(s.Partition != "", capability.CgroupCpusetPartition, "cgroups[%d].cpuset.partition", i)
	}
	n.settings(c.CPU, c.Memory, c.IO, c.PidsMax, "cgroups[%d]", i)
}

// settings lists what settings of a cgroup need.
func (n *needs) settings(cpu *CgroupCPU, memory *CgroupMemory, io *CgroupIO, pidsMax *int64, field string, at ...any) {
	if s := cpu; s != nil {
		n.add(true, capability.CgroupCPU, field+".cpu", at...)
		n.add(s.Idle, capability.CgroupCPUIdle, field+".cpu.idle", at...)
		n.add(s.Burst != nil, capability.CgroupCPUBurst, field+".cpu.burst", at...)
		n.add(s.UclampMinPercent != nil, capability.CgroupUclamp, field+".cpu.uclampMinPercent", at...)
		n.add(s.UclampMaxPercent != nil, capability.CgroupUclamp, field+".cpu.uclampMaxPercent", at...)
	}
	if s := memory; s != nil {
		n.add(true, capability.CgroupMemory, field+".memory", at...)
		n.add(s.SwapMax != nil, capability.CgroupSwap, field+".memory.swapMax", at...)
	}
	if s := io; s != nil {
		n.add(true, capability.CgroupIO, field+".io", at...)
		n.add(s.Weight != nil, capability.CgroupIOWeight, field+".io.weight", at...)
		n.add(len(s.Limits) > 0, capability.CgroupIOMax, field+".io.limits", at...)
	}
	n.add(pidsMax != nil, capability.CgroupPids, field+".pidsMax", at...)
}

func (n *needs) policy(p *SchedulingPolicy, i int) {
	n.add(p.FIFO != nil, capability.Realtime, "schedulingPolicies[%d].fifo", i)
	n.add(p.RoundRobin != nil, capability.Realtime, "schedulingPolicies[%d].roundRobin", i)
	n.add(p.Deadline != nil, capability.Deadline, "schedulingPolicies[%d].deadline", i)
	n.add(p.Ext != nil, capability.SchedExt, "schedulingPolicies[%d].ext", i)
}

func (n *needs) interference(l *Interference) {
	if l == nil {
		return
	}
	n.add(l.MaxMemoryPressurePercent != nil, capability.PSI, "interference.maxMemoryPressurePercent")
	n.add(l.MaxIOPressurePercent != nil, capability.PSI, "interference.maxIOPressurePercent")
	n.add(l.MinFrequencyPercent != nil, capability.Cpufreq, "interference.minFrequencyPercent")
	n.add(l.MaxThermalEvents != nil, capability.ThermalThrottle, "interference.maxThermalEvents")
}

// lacking says which need a machine does not meet. Nobody having looked is no
// reason to refuse; a machine that does not tell of one feature is.
func (r *Run) lacking(has map[string]capability.State) error {
	if has == nil {
		return nil
	}
	for _, need := range r.Needs() {
		switch has[need.Capability] {
		case capability.Present:
		case capability.Absent:
			return fmt.Errorf("lacks the feature %s, which %s needs", need.Capability, need.Field)
		case capability.Unknown:
			return fmt.Errorf("cannot tell whether it has the feature %s, which %s needs", need.Capability, need.Field)
		default:
			return fmt.Errorf("does not tell of the feature %s, which %s needs", need.Capability, need.Field)
		}
	}
	return nil
}
