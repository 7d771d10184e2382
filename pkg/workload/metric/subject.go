// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package metric

import (
	"path"

	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Subject is what metrics are asked of: a worker, group, cgroup or step, or the run.
type Subject struct {
	scope Scope
	// figures are those of a worker, a group or a role of it.
	figures *report.Figures
	// silent says that it became programs, which count for themselves.
	silent    bool
	workers   int
	perWorker *report.PerWorker
	// allowed are the CPUs in force, machine where they are, moved the pages the machine moved.
	allowed string
	machine *topology.Machine
	moved   *uint64
	// distribution and program are the one that is asked about, of the lists.
	distribution  *report.Distribution
	program       *payload.Total
	distributions []report.Distribution
	programs      []payload.Total

	cgroup *report.Cgroup
	// level is the CPU time of the cgroup and those beside it, nil if there are none or it is not known.
	level *int64
	// elapsed is how long the hold was, in ns.
	elapsed int64

	interference *interference.Figures
	run          *report.Report
	// balance is the iterations and the workers of each group.
	balance [][2]uint64
}

func subject(rep *report.Report, scope Scope, step int) Subject {
	s := Subject{scope: scope, run: rep, elapsed: rep.Hold, moved: rep.NUMAPagesMigrated, interference: rep.Interference}
	if step >= 0 && step < len(rep.Steps) {
		at := &rep.Steps[step]
		s.elapsed, s.moved, s.interference = at.End-at.Start, at.NUMAPagesMigrated, at.Interference
	}
	if rep.Host != nil {
		s.machine = rep.Host.Topology
	}
	return s
}

// OfGroup is a group over the whole run.
func OfGroup(rep *report.Report, g *report.Group) *Subject {
	s := subject(rep, Group, -1)
	s.figures, s.silent, s.workers, s.perWorker, s.allowed = &g.Figures, countsItself(g), g.Workers, &g.PerWorker, g.AllowedCPUs
	s.distributions, s.programs = g.Distributions, g.ProgramMetrics
	return &s
}

// OfGroupIn is a group in the hold of a step: p is one of its phases.
func OfGroupIn(rep *report.Report, g *report.Group, p *report.Phase) *Subject {
	s := subject(rep, Group, p.Step)
	s.figures, s.silent, s.workers, s.perWorker, s.allowed = &p.Figures, countsItself(g), p.Workers, &p.PerWorker, p.Allowed
	s.distributions = p.Distributions
	return &s
}

// OfWorker is a worker over the whole run; g is its group.
func OfWorker(rep *report.Report, g *report.Group, w *report.Worker) *Subject {
	s := subject(rep, Worker, -1)
	s.figures, s.silent, s.allowed = &w.Figures, countsItself(g), w.Allowed
	return &s
}

// OfWorkerIn is a worker in the hold of a step: p is one of its phases.
func OfWorkerIn(rep *report.Report, g *report.Group, p *report.Phase) *Subject {
	s := subject(rep, Worker, p.Step)
	s.figures, s.silent, s.allowed = &p.Figures, countsItself(g), p.Allowed
	return &s
}

// OfCgroup is the i-th cgroup over the whole run.
func OfCgroup(rep *report.Report, i int) *Subject {
	s := subject(rep, Cgroup, -1)
	s.cgroup, s.level = &rep.Cgroups[i], level(rep.Cgroups, i)
	return &s
}

// OfCgroupIn is the i-th cgroup of a step in its hold.
func OfCgroupIn(rep *report.Report, step, i int) *Subject {
	s := subject(rep, Cgroup, step)
	s.cgroup, s.level = &rep.Steps[step].Cgroups[i], level(rep.Steps[step].Cgroups, i)
	return &s
}

// OfRun is the run as a whole.
func OfRun(rep *report.Report) *Subject {
	s := subject(rep, Run, -1)
	for i := range rep.Groups {
		if g := &rep.Groups[i]; !countsItself(g) && g.Workers > 0 {
			s.balance = append(s.balance, [2]uint64{g.Iterations, uint64(g.Workers)})
		}
	}
	return &s
}

// OfStep is the hold of a step as a whole.
func OfStep(rep *report.Report, step int) *Subject {
	s := subject(rep, Step, step)
	for i := range rep.Groups {
		g := &rep.Groups[i]
		for n := range g.Phases {
			if p := &g.Phases[n]; p.Step == step && !countsItself(g) && p.Workers > 0 {
				s.balance = append(s.balance, [2]uint64{p.Iterations, uint64(p.Workers)})
			}
		}
	}
	return &s
}

// Values are all metrics that the subject has, in the order of All: those of distributions once
// for each distribution, and those of programs once for each of their figures.
func (s *Subject) Values() []Value {
	var list []Value
	for _, m := range All {
		for i := range max(1, len(s.distributions), len(s.programs)) {
			v, ok := m.Of(s.at(i))
			if ok && (i == 0 || v.Of != "") {
				list = append(list, v)
			}
		}
	}
	return list
}

// at is the subject with the i-th of its distributions and figures of programs.
func (s *Subject) at(i int) *Subject {
	one := *s
	one.distribution, one.program = nil, nil
	if i < len(s.distributions) {
		one.distribution = &s.distributions[i]
	}
	if i < len(s.programs) {
		one.program = &s.programs[i]
	}
	return &one
}

// Distribution is the subject when asked for what is of one distribution.
func (s *Subject) Distribution(d *report.Distribution) *Subject {
	one := *s
	one.distribution = d
	return &one
}

// Program is the subject when asked for a figure of its programs.
func (s *Subject) Program(t *payload.Total) *Subject {
	one := *s
	one.program = t
	return &one
}

func countsItself(g *report.Group) bool { return g.Progress == work.ProgressCPU }

// level is the CPU time of a cgroup together with those that have the same parent.
func level(all []report.Cgroup, i int) *int64 {
	var sum int64
	n := 0
	for c := range all {
		if parent(all[c].Name) != parent(all[i].Name) {
			continue
		}
		if all[c].CPU == nil {
			return nil
		}
		sum += *all[c].CPU
		n++
	}
	if n < 2 {
		return nil
	}
	return &sum
}

// parent is the cgroup above. That of groups which name none has no name, and is beside the
// cgroups of the first level.
func parent(name string) string {
	if name == "" {
		return "."
	}
	return path.Dir(name)
}
