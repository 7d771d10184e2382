// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Crew is the run reduced to the groups of a crew: what is spawned together.
func (r *Resolved) Crew(i int) *Resolved {
	run := *r.Run
	run.Groups, run.Steps, run.Checks = nil, nil, nil
	out := &Resolved{Run: &run, Cgroups: slices.Clone(r.Cgroups)}
	for _, g := range r.Script.Crews[i].Groups {
		run.Groups = append(run.Groups, r.Run.Groups[g])
		out.Groups = append(out.Groups, r.Groups[g])
	}
	return out
}

// crews are the groups by their lives: the moments at which they are started and
// stopped. what repeats has the same moments each time.
func (w *walk) crews() []Crew {
	lives := make([]string, len(w.run.Groups))
	first, last := make([]int, len(w.run.Groups)), make([]int, len(w.run.Groups))
	for i := range first {
		first[i], last[i] = len(w.run.Steps), none
	}
	for _, e := range w.events {
		if e.pass > 0 || e.kind != groupStarted && e.kind != groupStopped {
			continue
		}
		lives[e.group] += fmt.Sprintf("%d %d.%d ", e.kind, e.step, e.op)
		first[e.group], last[e.group] = min(first[e.group], max(e.step, 0)), max(last[e.group], e.step)
	}
	var crews []Crew
	byLife := map[string]int{}
	for g, life := range lives {
		if w.groups[g].runs {
			last[g] = len(w.run.Steps) - 1
		}
		crew, known := byLife[life]
		if !known {
			crew = len(crews)
			byLife[life] = crew
			crews = append(crews, Crew{First: first[g], Last: max(last[g], 0)})
		}
		crews[crew].Groups = append(crews[crew].Groups, g)
	}
	return crews
}

// script is what happens on any machine. Preconditions: the run has steps, and the
// walk is through all of them.
func (w *walk) script() *Script {
	s := &Script{Crews: w.crews(), Steps: make([]ScriptStep, len(w.run.Steps))}
	holds := w.run.holds()
	for i := range s.Steps {
		step, out := &w.run.Steps[i], &s.Steps[i]
		out.Name, out.Hold = step.Name, holds[i]
		if step.RepeatOpsEvery != nil {
			out.RepeatEvery = step.RepeatOpsEvery.D()
		}
		for j := range step.Ops {
			out.Ops = append(out.Ops, ScriptOp{Op: &step.Ops[j], Field: fmt.Sprintf("steps[%d].ops[%d].%s", i, j, step.Ops[j].name())})
		}
	}
	of := make([]int, len(w.run.Groups)) // the crews of the groups
	for i := range s.Crews {
		for _, g := range s.Crews[i].Groups {
			of[g] = i
		}
	}
	for _, e := range w.events {
		if e.pass == 0 {
			s.add(w.run, &e, of)
		}
	}
	return s
}

// add puts what happens at one moment where it belongs.
func (s *Script) add(r *Run, e *event, crewOf []int) {
	starts, stops, creates, removes := &s.Start, new([]int), &s.Cgroups, new([]string)
	if e.step != none {
		step := &s.Steps[e.step]
		starts, stops, creates, removes = &step.Start, &step.Stop, &step.Create, &step.Remove
		if e.op >= 0 {
			op := &step.Ops[e.op]
			starts, stops, creates, removes = &op.Crews, &op.Crews, new([]string), &op.Remove
		}
	}
	switch e.kind {
	case groupStarted:
		addOnce(starts, crewOf[e.group])
	case groupStopped:
		addOnce(stops, crewOf[e.group])
	case cgroupMade:
		*creates = append(*creates, r.Cgroups[e.cgroup].Name)
	case cgroupRemoved:
		*removes = append(*removes, r.Cgroups[e.cgroup].Name)
	default:
	}
}

func addOnce(list *[]int, n int) {
	if !slices.Contains(*list, n) {
		*list = append(*list, n)
	}
}

// byDepth is positions of cgroups, those above others first.
func (r *Run) byDepth(cgroups []int) []int {
	sorted := slices.Clone(cgroups)
	slices.SortStableFunc(sorted, func(a, b int) int {
		return strings.Count(r.Cgroups[a].Name, "/") - strings.Count(r.Cgroups[b].Name, "/")
	})
	return sorted
}
