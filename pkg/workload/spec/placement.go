// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// placement is where a run's cgroups and groups are on a machine.
type placement struct {
	run     *Run
	machine *Machine
	// cpus are the machine's.
	cpus cpus
	// usable is the usable CPUs in their order, nil until somebody asks.
	usable []int
	// now is what there is and runs, and where.
	now *walk
	// declared are the CPUs of the cpusets that cgroups are made with, and sets those in
	// force now, empty where they are inherited.
	declared, sets []cpus
	// above are the positions of the nearest declared cgroups above them, none for the run's own.
	above []int
	// pools are the CPUs in force in the run's own cgroup and, from 1, in the others, nil until somebody asks.
	pools []cpus
	// groups are where the groups are.
	groups []place
	// ops are what the ops of each step do on the machine.
	ops [][]opPlace
	// offline are the CPUs that have been taken offline.
	offline cpus
	// aligned is what was found last: which CPUs of alignedIn share a cache.
	aligned, alignedIn cpus
}

// none stands for the run's own cgroup, which is not declared.
const none = -1

// place is where one group's workers are.
type place struct {
	// kind has its parameters filled in for the machine.
	kind    work.Kind
	workers int
	pool    cpus
	confinement
	// now is the affinity at the moment; the other is that of the start.
	now confinement
	// placed says that it has been decided.
	placed bool
}

// confinement is an affinity on a machine.
type confinement struct {
	// cpus is that of all workers, empty where it is inherited or drawn.
	cpus cpus
	// from is what is drawn from, count CPUs for each worker.
	from  cpus
	count int
}

// placeOn finds out where everything is on a machine, or what the machine lacks.
// Affinities are not drawn yet. Preconditions: the run is valid.
func (r *Run) placeOn(m Machine) (*placement, error) {
	if m.CPUs.IsEmpty() {
		return nil, errors.New("has no CPU to use")
	}
	if err := r.lacking(m.Capabilities); err != nil {
		return nil, err
	}
	if err := m.Policy.refuses(r, m.Capabilities); err != nil {
		return nil, err
	}
	p := &placement{
		run: r, machine: &m, cpus: cpusOf(m.CPUs), now: newWalk(r), pools: make([]cpus, 1+len(r.Cgroups)),
		declared: make([]cpus, len(r.Cgroups)), above: make([]int, len(r.Cgroups)), groups: make([]place, len(r.Groups)),
	}
	if len(r.Steps) > 0 {
		return p, p.placeSteps()
	}
	p.now.all()
	for _, step := range []func() error{p.placeCgroups, p.checkNesting, p.checkPartitions, p.checkMemory, p.placeGroups, p.checkHosts, p.checkScratch, p.checkTasks, p.checkBounds, p.admitDeadlines} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p, nil
}
