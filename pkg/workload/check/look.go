// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// looked is what a check has looked at.
type looked struct {
	// seen is what was found.
	seen *seen
	// had are the subjects of which something was read, overruled those for which another check holds, by step.
	had, overruled map[place]bool
	// why says of a subject why nothing was read.
	why map[place]string
}

// place is a subject in a hold.
type place struct{ step, subject string }

// look reads all figures that a check is about. What it names and what is not
// there was promised, and is a reading, too.
// It returns why there is nothing, where there is nothing.
func (e *evaluation) look(i int, into *seen) (none string) {
	c := &e.checks[i]
	l := looked{seen: into, had: map[place]bool{}, overruled: map[place]bool{}, why: map[place]string{}}
	holds := e.holds
	if outOfHolds[c.Metric] != nil {
		holds = []*hold{e.programs()}
	}
	for _, h := range holds {
		e.lookAt(i, h, &l)
	}
	for _, r := range e.promised(c, &l) {
		l.seen.add(r)
	}
	switch {
	case len(l.seen.counts) > 0:
		return ""
	case len(l.overruled) > 0:
		return "a more specific check of the same figure holds everywhere"
	case len(e.holds) == 0:
		return "the run came to no hold"
	case len(l.why) > 0:
		p := slices.MinFunc(slices.Collect(keys(l.why)), func(a, b place) int { return cmp.Or(cmp.Compare(a.step, b.step), cmp.Compare(a.subject, b.subject)) })
		return fmt.Sprintf("there was nothing to check; %s: %s", named(reading{hold: &hold{}}, c, p.subject).who(), l.why[p])
	default:
		return "there was nothing to check"
	}
}

// lookAt reads the figures in one hold.
func (e *evaluation) lookAt(i int, h *hold, l *looked) {
	c := &e.checks[i]
	read := func(subject string, of func() ([]reading, string)) {
		if !covers(c, h, subject) {
			return
		}
		p := place{h.name, subject}
		if best, _ := holding(e.checks, figureOf(c), h, subject); best != i {
			l.overruled[p] = true
			return
		}
		list, none := of()
		if len(list) == 0 {
			l.why[p] = none
			return
		}
		l.had[p] = true
		for _, r := range list {
			r.hold = h
			l.seen.add(named(r, c, subject))
		}
	}
	rule, _ := c.Metric.Rule()
	if rule.Scope == spec.ScopeCgroup {
		for n := range h.cgroups {
			read(h.cgroups[n].Name, func() ([]reading, string) { return cgroupMetrics[c.Metric](c, h, n) })
		}
		return
	}
	of := groupMetrics[c.Metric]
	if of == nil {
		of = outOfHolds[c.Metric]
	}
	for _, g := range h.groups {
		read(g.Name, func() ([]reading, string) {
			if g.frozen && c.Metric != spec.CheckIsolation && (len(c.Steps) == 0 || len(c.Groups) == 0) {
				return nil, "an op had frozen it"
			}
			return of(c, h, g)
		})
	}
}

func named(r reading, c *spec.Check, subject string) reading {
	if rule, _ := c.Metric.Rule(); rule.Scope == spec.ScopeCgroup {
		r.cgroup = subject
	} else {
		r.group = subject
	}
	return r
}

// programs is the run as one hold, with the groups whose workers became programs.
func (e *evaluation) programs() *hold {
	h := e.whole()
	for i := range e.rep.Groups {
		if g := &e.rep.Groups[i]; g.Progress == work.ProgressCPU {
			h.groups = append(h.groups, &group{Group: g, Figures: &g.Figures})
		}
	}
	return h
}

// promised are readings of what a check names and what nothing was read of: a named
// subject in a named step, or in none of the steps, or a named step that was not reached.
func (e *evaluation) promised(c *spec.Check, l *looked) (list []reading) {
	names := subjects(c)
	steps := c.Steps
	for _, step := range steps {
		if !slices.ContainsFunc(e.holds, func(h *hold) bool { return h.name == step }) {
			list = append(list, reading{hold: &hold{rep: e.rep, step: e.numberOf(step), name: step}, verdict: report.Inconclusive, why: "its hold was not reached"})
			steps = slices.DeleteFunc(slices.Clone(steps), func(s string) bool { return s == step })
		}
	}
	for _, name := range names {
		if len(c.Steps) == 0 {
			list = append(list, e.absent(c, l, name, e.holds)...)
		}
		for _, step := range steps {
			at := slices.IndexFunc(e.holds, func(h *hold) bool { return h.name == step })
			list = append(list, e.absent(c, l, name, e.holds[at:at+1])...)
		}
	}
	return list
}

// absent is a reading that says that nothing was read of a subject in any of the
// holds; none if something was, or if another check holds there.
func (e *evaluation) absent(c *spec.Check, l *looked, name string, holds []*hold) []reading {
	in, why := e.whole(), ""
	if outOfHolds[c.Metric] != nil {
		holds = []*hold{e.whole()}
	}
	for _, h := range holds {
		p := place{h.name, name}
		if l.had[p] || l.overruled[p] {
			return nil
		}
		why = cmp.Or(why, l.why[p])
	}
	if len(holds) == 1 {
		in = holds[0]
	}
	r := unknown(cmp.Or(why, "nothing was measured of it"))
	r.hold = in
	return []reading{named(r, c, name)}
}

// numberOf is the number of a step, that after the last if it was not begun.
func (e *evaluation) numberOf(step string) int {
	for i := range e.rep.Steps {
		if e.rep.Steps[i].Name == step {
			return i
		}
	}
	return len(e.rep.Steps)
}

func keys[V any](m map[place]V) func(yield func(place) bool) {
	return func(yield func(place) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
