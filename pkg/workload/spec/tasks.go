// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
)

// host tells the processes of threads apart: those that groups share by their name,
// and those of one group alone.
type host struct {
	domain, process string
	group           int // that has it for itself, none if it is shared
}

// hostOf is the process whose threads a group's workers are.
func (r *Run) hostOf(group int) host {
	g := &r.Groups[group]
	if g.ProcessName == "" {
		return host{group: group}
	}
	return host{domain: r.DomainOf(g.Cgroup), process: g.ProcessName, group: none}
}

// tasksIn is how many tasks a cgroup and those below it are to hold: workers of groups
// that run, and host processes, which are where the first of their groups is.
func (r *Run) tasksIn(cgroup int, where func(group int) (cgroup string, runs bool), workers func(group int) int) int {
	name := r.Cgroups[cgroup].Name
	hosts := map[host]bool{}
	tasks := 0
	for i := range r.Groups {
		g := &r.Groups[i]
		in, runs := where(i)
		if !runs {
			continue
		}
		inside := in == name || below(in, name)
		if inside {
			tasks += workers(i)
		}
		if inside && g.CloneMode != CloneModeThread {
			tasks += r.programsOf(i) // the first thread of each works for the others
		}
		if at := r.hostOf(i); g.CloneMode == CloneModeThread && !hosts[at] {
			hosts[at] = true
			if inside {
				tasks++
			}
		}
	}
	return tasks
}

// programsOf is how many processes of its own a group's work has, whose threads its workers are.
func (r *Run) programsOf(group int) int {
	g := &r.Groups[group]
	if _, shape, ok := g.work(); ok && shape.OneProcess && g.CloneMode != CloneModeThread {
		return g.Workers
	}
	return 0
}

// checkHosts bounds the processes with threads.
func (p *placement) checkHosts() error {
	hosts := map[host]bool{}
	n := 0
	for i := range p.run.Groups {
		if n += p.run.programsOf(i); p.run.Groups[i].CloneMode == CloneModeThread {
			hosts[p.run.hostOf(i)] = true
		}
	}
	if n += len(hosts); n > arena.MaxHosts {
		return fmt.Errorf("would have %d processes with threads; at most %d are possible", n, arena.MaxHosts)
	}
	return nil
}

// checkScratch bounds the scratch files.
func (p *placement) checkScratch() error {
	if bytes := p.run.scratch(func(group int) int { return p.groups[group].workers }); bytes > maxScratch {
		return fmt.Errorf("would have %v of scratch files, with what depends on its CPUs; at most %v are possible", bytes, maxScratch)
	}
	return nil
}

// declared is where a group is that runs all the time.
func (r *Run) declared(group int) (cgroup string, runs bool) { return r.Groups[group].Cgroup, true }

// validateTasks checks that cgroups have room for the workers whose number does
// not depend on a machine. A share of the CPUs is one worker at least. With steps it
// depends on the time, too.
func (r *Run) validateTasks() []error {
	if len(r.Steps) > 0 {
		return nil
	}
	var errs []error
	for i := range r.Cgroups {
		most := r.Cgroups[i].PidsMax
		if most == nil {
			continue
		}
		least := r.tasksIn(i, r.declared, func(group int) int { return max(r.Groups[group].Workers, 1) })
		if int64(least) > *most {
			errs = append(errs, fmt.Errorf("cgroups[%d].pidsMax: must be at least %d, for the workers and their host processes, not %d", i, least, *most))
		}
	}
	return errs
}

// checkTasks checks that cgroups have room for the workers there are on a machine.
func (p *placement) checkTasks() error {
	for i := range p.run.Cgroups {
		most := p.now.cgroups[i].pidsMax
		if most == nil {
			continue
		}
		if n := p.run.tasksIn(i, p.now.where, func(group int) int { return p.groups[group].workers }); int64(n) > *most {
			return fmt.Errorf("would have %d tasks in cgroups[%d] (%s), with what depends on its CPUs; its pidsMax is %d", n, i, p.run.Cgroups[i].Name, *most)
		}
	}
	return nil
}
