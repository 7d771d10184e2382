// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Machine is what a machine has for workers to use.
type Machine struct {
	CPUs cpuset.CPUSet
	// MemoryNodes are the NUMA nodes with memory.
	MemoryNodes cpuset.CPUSet
}

// Resolved is a run on a machine: nothing in it is relative any more.
type Resolved struct {
	Run    *Run
	Groups []ResolvedGroup
}

// ResolvedGroup is a group with everything decided.
type ResolvedGroup struct {
	Name    string
	Work    work.Spec
	Kind    work.Kind
	Workers int
	// CloneMode is what each worker is to the kernel.
	CloneMode CloneMode
	// ProcessName is empty for a host process of the group's own.
	ProcessName string
	Comm        string
	Cgroup      string
	// Policy and Priority are for sched_setscheduler(2).
	Policy, Priority int
	// Nice is nil to inherit.
	Nice *int
	// UID and GID are nil to inherit.
	UID, GID *int64
	// Memory is nil if no call is to be made.
	Memory *MempolicyCall
	// CPUs is the affinity of each worker; one entry means it is the same for all, none that it is inherited.
	CPUs []cpuset.CPUSet
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
	if err := r.Unfit(m); err != nil {
		return nil, err
	}
	out := &Resolved{Run: r}
	for i := range r.Groups {
		g, err := r.resolveGroup(i, m.CPUs)
		if err != nil {
			return nil, err
		}
		out.Groups = append(out.Groups, g)
	}
	return out, nil
}

func (r *Run) resolveGroup(i int, cpus cpuset.CPUSet) (ResolvedGroup, error) {
	g := &r.Groups[i]
	kind, err := g.Work.Kind()
	if err != nil {
		return ResolvedGroup{}, fmt.Errorf("groups[%d].%w", i, err)
	}
	out := ResolvedGroup{
		Name: g.Name, Work: g.Work, Kind: kind, Workers: g.Workers, CloneMode: g.CloneMode, ProcessName: g.ProcessName,
		Comm: g.Comm, Cgroup: g.Cgroup, Nice: g.Nice, UID: g.UID, GID: g.GID,
	}
	if out.Comm == "" {
		out.Comm = g.Name[:min(len(g.Name), maxComm)]
	}
	for p := range r.SchedulingPolicies {
		if r.SchedulingPolicies[p].Name == g.SchedulingPolicy {
			out.Policy, out.Priority = r.SchedulingPolicies[p].kernel()
		}
	}
	for p := range r.MemoryPolicies {
		if r.MemoryPolicies[p].Name == g.MemoryPolicy {
			out.Memory = r.MemoryPolicies[p].call()
		}
	}
	out.CPUs = r.resolveAffinity(i, cpus)
	return out, nil
}

// resolveAffinity chooses the CPUs of a group's workers. Preconditions: the
// group fits the machine.
func (r *Run) resolveAffinity(i int, cpus cpuset.CPUSet) []cpuset.CPUSet {
	switch a := r.Groups[i].Affinity; {
	case a == nil:
		return nil
	case a.SingleCPU != nil:
		return []cpuset.CPUSet{cpuset.New(cpus.List()[0])}
	case a.RandomSubset != nil:
		return r.drawSubsets(i, pool(a.RandomSubset, cpus).List())
	default:
		set, _ := cpuset.Parse(a.Exact) // validated
		return []cpuset.CPUSet{set}
	}
}

func pool(r *RandomSubset, cpus cpuset.CPUSet) cpuset.CPUSet {
	if r.From == "" {
		return cpus
	}
	set, _ := cpuset.Parse(r.From) // validated
	return set
}

// drawSubsets draws for each worker by itself. The generator is seeded by run
// seed and group, so the choice does not depend on other groups.
func (r *Run) drawSubsets(group int, from []int) []cpuset.CPUSet {
	rng := rand.New(rand.NewPCG(uint64(r.Seed), uint64(group)))
	sets := make([]cpuset.CPUSet, r.Groups[group].Workers)
	for w := range sets {
		drawn := make([]int, 0, r.Groups[group].Affinity.RandomSubset.Count)
		for _, p := range rng.Perm(len(from))[:min(cap(drawn), len(from))] {
			drawn = append(drawn, from[p])
		}
		sets[w] = cpuset.New(drawn...)
	}
	return sets
}

// Unfit says what of the run a machine cannot give, nil if it can give all.
// Preconditions: the run is valid.
func (r *Run) Unfit(m Machine) error {
	if m.CPUs.IsEmpty() {
		return errors.New("it has no CPU to use")
	}
	for i := range r.Groups {
		if err := r.Groups[i].Affinity.unfit(i, m.CPUs); err != nil {
			return err
		}
	}
	for i := range r.MemoryPolicies {
		if err := r.MemoryPolicies[i].unfit(i, m.MemoryNodes); err != nil {
			return err
		}
	}
	return nil
}

// unfit says which CPUs of a group's affinity a machine lacks.
func (a *Affinity) unfit(group int, cpus cpuset.CPUSet) error {
	if a == nil {
		return nil
	}
	field, list := "exact", a.Exact
	if a.RandomSubset != nil {
		field, list = "randomSubset.from", a.RandomSubset.From
	}
	want, err := cpuset.Parse(list)
	if err != nil {
		return fmt.Errorf("groups[%d].affinity.%s: %w", group, field, err)
	}
	if missing := want.Difference(cpus); !missing.IsEmpty() {
		return fmt.Errorf("lacks CPU %s of groups[%d].affinity.%s (it has %s)", missing, group, field, cpus)
	}
	return nil
}
