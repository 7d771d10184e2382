// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package spawn makes workers, holds them parked, lets them work, stops them and
// collects how they ended.
//
// # How a worker comes to be
//
//	runner                     zygote (runner re-executed)         worker
//	  | arena, plan, cgroups ---> reads the plan                      .
//	  |                           prepares one worker at a time       .
//	  |                           clone3(CLONE_PARENT,                .
//	  |                                  CLONE_INTO_CGROUP) --------> born in its cgroup,
//	  |                           exits when all are made             a child of the runner
//	  | opens a pidfd on each                                         arms its death signal, sets itself up
//	  | waits until all are parked <------ arena: parked ------------ parks
//	  | Start ------------------------------ arena: start ----------> works
//	  | Stop ------------------------------- arena: stop -----------> leaves its loop, exits
//	  | reaps, reads the arena
//
// A worker is one kernel task: a copy of the zygote that never execs. It shares
// almost all of its memory with the zygote's, costs about a tenth of a
// millisecond, and there is no runtime thread beside it. The price is the
// discipline described in package sys: after the fork no allocation, no Go
// scheduler, raw system calls only. Everything a worker needs is therefore made
// in the zygote, which does nothing else: one locked thread, the collector off,
// preemption signals off.
//
// # Who ends when
//
// A worker gets SIGKILL when the runner's thread that made the zygote ends. That
// thread is locked to a goroutine that lives as long as the Handle. A worker that
// was forked while the runner was dying sees another parent than it expects and
// leaves. Stop is a word in shared memory; who does not follow it is killed through its pidfd.
package spawn

import (
	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Exit codes of a worker. They are above those of the Go runtime.
const (
	exitDone    = 0
	exitOrphan  = 71 // the parent was gone before the death signal was armed
	exitAborted = 72 // told to leave before the start
	exitPanic   = 73 // its code failed
	exitSetup   = 74 // a set-up step failed without which it must not run
)

// groupPlan is what the zygote is told of a group.
type groupPlan struct {
	Work     work.Spec `json:"work"`
	Workers  int       `json:"workers"`
	Comm     string    `json:"comm"`
	Policy   int       `json:"policy"`
	Priority int       `json:"priority"`
	Nice     *int      `json:"nice,omitempty"`
	// CPUs are masks of 64-bit words: none, one for all, or one for each worker.
	CPUs [][]uint64 `json:"cpus,omitempty"`
	// Cgroup is the position of the cgroup's descriptor among those passed, -1 for none.
	Cgroup int `json:"cgroup"`
}

// plan is what the zygote is told.
type plan struct {
	Parent int         `json:"parent"`
	Groups []groupPlan `json:"groups"`
}

// slot is where a worker stands.
type slot struct {
	// worker is its number in the arena.
	worker int
	// region is the number of its set's region, -1 when the kind has none.
	region int
	// position is its place in its set.
	position int
}

// bases are what the groups before take up.
type bases struct{ worker, region int }

// slotOf is the index arithmetic: the place of a group's i-th worker.
func slotOf(b bases, shape work.Shape, i int) slot {
	s := slot{worker: b.worker + i, region: -1, position: i % shape.SetSize}
	if shape.RegionBytes > 0 {
		s.region = b.region + i/shape.SetSize
	}
	return s
}

// next are the bases of the group after one of the given size.
func (b bases) next(shape work.Shape, workers int) bases {
	b.worker += workers
	if shape.RegionBytes > 0 {
		b.region += workers / shape.SetSize
	}
	return b
}

// layoutOf plans the arena for groups of workers.
func layoutOf(shapes []work.Shape, workers []int) arena.Plan {
	var p arena.Plan
	for g, shape := range shapes {
		for range workers[g] {
			p.Workers = append(p.Workers, arena.WorkerPlan{Histograms: len(shape.Metrics)})
		}
		if shape.RegionBytes > 0 {
			for range workers[g] / shape.SetSize {
				p.Regions = append(p.Regions, shape.RegionBytes)
			}
		}
	}
	return p
}

func newPlan(r *spec.Resolved, cgroups map[string]int, parent int) plan {
	p := plan{Parent: parent}
	for i := range r.Groups {
		g := &r.Groups[i]
		gp := groupPlan{Work: g.Work, Workers: g.Workers, Comm: g.Comm, Policy: g.Policy, Priority: g.Priority, Nice: g.Nice, Cgroup: -1}
		if n, ok := cgroups[g.Cgroup]; ok {
			gp.Cgroup = n
		}
		for _, set := range g.CPUs {
			gp.CPUs = append(gp.CPUs, maskOf(set.List()))
		}
		p.Groups = append(p.Groups, gp)
	}
	return p
}

// maskOf is the kernel's form of a set of CPUs.
func maskOf(cpus []int) []uint64 {
	var mask []uint64
	for _, cpu := range cpus {
		for cpu/64 >= len(mask) {
			mask = append(mask, 0)
		}
		mask[cpu/64] |= 1 << (cpu % 64)
	}
	return mask
}
