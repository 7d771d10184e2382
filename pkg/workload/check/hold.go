// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"slices"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// wholeRun is in the place of a step's number for a run without steps.
const wholeRun = -1

// hold is a stretch of time that is judged for itself: the hold of a step, or the
// whole of a run without steps. Times count from the common start, in ns.
type hold struct {
	rep *report.Report
	// step is the number of the step, and name its name, empty for a whole run.
	step       int
	name       string
	begin, end int64
	groups     []*group
	cgroups    []report.Cgroup
	// migrated is how many pages the machine moved between NUMA nodes in it.
	migrated *uint64
}

func (h *hold) length() int64 { return h.end - h.begin }

// group is what a group did in a hold.
type group struct {
	*report.Group
	*report.Figures
	distributions []report.Distribution
	workers       []*worker
	// missing is how many workers have no row in the report.
	missing int
	// partly says that it was not there during the whole hold, frozen that an op had
	// frozen it for some of it.
	partly, frozen bool
}

// worker is what a worker did in a hold.
type worker struct {
	row *report.Worker
	*report.Figures
	// allowed are the CPUs in force.
	allowed, state string
}

// holdsOf are the holds of a report, those of length 0 left out: nothing was
// measured in them.
func holdsOf(r *report.Report) []*hold {
	rows := rowsOf(r)
	if len(r.Steps) == 0 && r.StepCount == 0 && r.StepError == "" {
		h := &hold{rep: r, step: wholeRun, end: r.Hold, cgroups: r.Cgroups, migrated: r.NUMAPagesMigrated}
		for i := range r.Groups {
			h.groups = append(h.groups, wholeGroup(&r.Groups[i], rows[r.Groups[i].Name]))
		}
		return []*hold{h}
	}
	var holds []*hold
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.End <= s.Start {
			continue
		}
		h := &hold{rep: r, step: i, name: s.Name, begin: s.Start, end: s.End, cgroups: s.Cgroups, migrated: s.NUMAPagesMigrated}
		for j := range r.Groups {
			if g := groupIn(s, i, &r.Groups[j], rows[r.Groups[j].Name]); g != nil {
				h.groups = append(h.groups, g)
			}
		}
		holds = append(holds, h)
	}
	return holds
}

// rowsOf are the workers of each group in an order of their own, whatever that of
// the report is.
func rowsOf(r *report.Report) map[string][]*report.Worker {
	rows := map[string][]*report.Worker{}
	for i := range r.Workers {
		w := &r.Workers[i]
		rows[w.Group] = append(rows[w.Group], w)
	}
	for _, list := range rows {
		slices.SortFunc(list, func(a, b *report.Worker) int {
			return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Start, b.Start), cmp.Compare(a.TID, b.TID))
		})
	}
	return rows
}

func wholeGroup(g *report.Group, rows []*report.Worker) *group {
	out := &group{Group: g, Figures: &g.Figures, distributions: g.Distributions, missing: max(g.Workers-len(rows), 0)}
	for _, w := range rows {
		out.workers = append(out.workers, &worker{row: w, Figures: &w.Figures, allowed: w.Allowed, state: w.State})
	}
	return out
}

// groupIn is what a group did in a step's hold, nil if it was not there. Programs
// count for themselves, over their whole life, and are in no hold.
func groupIn(s *report.Step, step int, g *report.Group, rows []*report.Worker) *group {
	phase := phaseOf(g.Phases, step)
	there := slices.Contains(s.Groups, g.Name)
	if phase == nil || g.Progress == work.ProgressCPU || !there && phase.Wall == 0 {
		return nil
	}
	out := &group{
		Group: g, Figures: &phase.Figures, distributions: phase.Distributions, missing: max(g.Workers-len(rows), 0),
		partly: !there, frozen: slices.Contains(s.Frozen, g.Name),
	}
	for _, w := range rows {
		if p := phaseOf(w.Phases, step); p != nil && (there || p.Wall > 0) {
			out.workers = append(out.workers, &worker{row: w, Figures: &p.Figures, allowed: p.Allowed, state: p.State})
		}
	}
	return out
}

func phaseOf(phases []report.Phase, step int) *report.Phase {
	for i := range phases {
		if phases[i].Step == step {
			return &phases[i]
		}
	}
	return nil
}

// group is the named one, nil if it was not there.
func (h *hold) group(name string) *group {
	for _, g := range h.groups {
		if g.Name == name {
			return g
		}
	}
	return nil
}

// idle are the workers that made no progress, which only one that was there all
// the time can be blamed for.
func (g *group) idle(yield func(*worker) bool) {
	for _, w := range g.workers {
		if !advanced(w.Figures, g.Progress) && !yield(w) {
			return
		}
	}
}
