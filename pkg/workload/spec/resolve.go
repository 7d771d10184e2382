// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Resolved is a run on a machine: nothing in it is relative any more.
type Resolved struct {
	Run     *Run
	Cgroups []ResolvedCgroup
	Groups  []ResolvedGroup
	// Script is nil for a run without steps.
	Script *Script
}

// ResolvedCgroup is a cgroup with its sets decided.
type ResolvedCgroup struct {
	Name string
	// CPUs and Mems are what is to be written; empty, they are inherited.
	CPUs, Mems cpuset.CPUSet
	// Def is what the run says of it.
	Def *Cgroup
}

// ResolvedGroup is a group with everything decided.
type ResolvedGroup struct {
	Name string
	// Kind has its parameters filled in for the machine.
	Kind work.Kind
	// Workers is the number of tasks.
	Workers int
	// CloneMode is what each worker is to the kernel.
	CloneMode CloneMode
	// ProcessName is empty for a host process of the group's own.
	ProcessName string
	Comm        string
	Cgroup      string
	// Domain is the nearest cgroup from Cgroup upwards that is not threaded, "" for
	// the run's own.
	Domain string
	// Policy and Priority are for sched_setscheduler(2).
	Policy, Priority int
	// Deadline is nil unless the policy is SCHED_DEADLINE.
	Deadline *DeadlineCall
	// Nice is nil to inherit.
	Nice *int
	// UID and GID are nil to inherit.
	UID, GID *int64
	// Memory is nil if no call is to be made.
	Memory *MempolicyCall
	// Pool is the CPUs the workers can have, whatever their affinity.
	Pool cpuset.CPUSet
	// CPUs is the affinity of each worker; one entry means it is the same for all, none that it is inherited.
	CPUs []cpuset.CPUSet
}

// DeadlineCall holds the arguments of sched_setattr(2) for SCHED_DEADLINE, in nanoseconds.
type DeadlineCall struct{ Runtime, Deadline, Period uint64 }

// Class is the scheduling class of the i-th worker: its role's, else the group's.
func (g *ResolvedGroup) Class(i int) work.Class {
	shape := g.Kind.Shape()
	if role := shape.Role(i % shape.SetSize); role != nil && role.Class != nil {
		return *role.Class
	}
	class := work.Class{Policy: g.Policy, Priority: g.Priority}
	if d := g.Deadline; d != nil {
		class.Runtime, class.Deadline, class.Period = d.Runtime, d.Deadline, d.Period
	}
	return class
}

// WorkerCPUs is the affinity of the i-th worker, empty to inherit.
func (g *ResolvedGroup) WorkerCPUs(i int) cpuset.CPUSet {
	switch len(g.CPUs) {
	case 0:
		return cpuset.New()
	case 1:
		return g.CPUs[0]
	default:
		return g.CPUs[i]
	}
}

// Resolve validates the run and resolves it on a machine. What the machine cannot
// give is an error that names the field.
func (r *Run) Resolve(m Machine) (*Resolved, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	p, err := r.placeOn(m)
	if err != nil {
		return nil, err
	}
	out := &Resolved{Run: r}
	for i := range r.Cgroups {
		out.Cgroups = append(out.Cgroups, ResolvedCgroup{Name: r.Cgroups[i].Name, CPUs: p.declared[i].set(), Mems: r.Cgroups[i].mems(), Def: &r.Cgroups[i]})
	}
	for i := range r.Groups {
		out.Groups = append(out.Groups, r.resolveGroup(i, &p.groups[i]))
	}
	if len(r.Steps) > 0 {
		out.Script = p.script()
	}
	return out, nil
}

// Unfit says what of the run a machine cannot give, nil if it can give all: it is
// the error of Resolve. Preconditions: the run is valid.
func (r *Run) Unfit(m Machine) error {
	_, err := r.placeOn(m)
	return err
}

func (r *Run) resolveGroup(i int, at *place) ResolvedGroup {
	g := &r.Groups[i]
	out := ResolvedGroup{
		Name: g.Name, Kind: at.kind, Workers: at.workers, CloneMode: g.CloneMode, ProcessName: g.ProcessName,
		Comm: g.Comm, Cgroup: g.Cgroup, Domain: r.DomainOf(g.Cgroup), Nice: g.Nice, UID: g.UID, GID: g.GID,
		Pool: at.pool.set(),
	}
	if !at.cpus.empty() {
		out.CPUs = []cpuset.CPUSet{at.cpus.set()}
	}
	if out.Comm == "" {
		out.Comm = g.Name[:min(len(g.Name), maxComm)]
	}
	if p := r.schedulingPolicy(g.SchedulingPolicy); p != nil {
		out.Policy, out.Priority = p.kernel()
		if p.Deadline != nil {
			out.Deadline = p.Deadline.call()
		}
	}
	if p := r.memoryPolicy(g.MemoryPolicy); p != none {
		out.Memory = r.MemoryPolicies[p].call()
	}
	if g.Affinity != nil && g.Affinity.RandomSubset != nil {
		out.CPUs = r.drawSubsets(i, at)
	}
	return out
}
