// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"cmp"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// stay is a time that a worker was on a CPU, or on some of several: which, is not known.
type stay struct {
	from, to int64
	cpus     []int
	// weight is how much of a CPU it used meanwhile.
	weight float64
}

func (s *stay) vague() bool { return len(s.cpus) > 1 }

// leastWeight makes a worker that hardly ever runs be seen where nobody else is.
const leastWeight = 0.01

// weightOf is the part of its time that a worker used a CPU.
func weightOf(f *report.Figures) float64 {
	if f.Wall <= 0 {
		return leastWeight
	}
	return max(min(float64(f.CPU)/float64(f.Wall), 1), leastWeight)
}

// parsed are CPU lists that were read, since most workers have the same few.
type parsed map[string][]int

func (p parsed) cpus(list string) []int {
	if cpus, known := p[list]; known {
		return cpus
	}
	set, err := cpuset.Parse(list)
	if err != nil {
		set = cpuset.New() // then the worker is nowhere
	}
	p[list] = set.List()
	return p[list]
}

// stays tells where a worker was. cutAt is when its log of migrations ends although there
// were more, -1 if it does not.
func (p parsed) stays(rep *report.Report, w *report.Worker) (list []stay, cutAt int64) {
	if w.Began == nil && len(w.MigrationLog) == 0 && w.CPUs == "" {
		return nil, -1
	}
	now, end := int64(0), rep.Hold
	if w.Began != nil {
		now = *w.Began
	}
	if w.Ended != nil {
		end = *w.Ended
	}
	weight := weightOf(&w.Figures)
	add := func(until int64, cpus []int) {
		if until > now && len(cpus) > 0 {
			list = append(list, stay{now, until, cpus, weight})
		}
		now = max(now, until)
	}
	for i := range w.MigrationLog {
		m := &w.MigrationLog[i]
		add(m.At, []int{int(m.From)})
	}
	logged := len(w.MigrationLog)
	if uint64(logged) == w.Migrations && logged > 0 {
		add(end, []int{int(w.MigrationLog[logged-1].To)})
		return list, -1
	}
	cutAt = -1
	if w.Migrations > 0 {
		cutAt = now
	}
	for i := range w.Phases { // what is known of each step is nearer than what is known of all
		f := &w.Phases[i]
		if f.Step < 0 || f.Step >= len(rep.Steps) || rep.Steps[f.Step].End <= now {
			continue
		}
		add(rep.Steps[f.Step].Start, p.cpus(w.CPUs))
		weight = weightOf(&f.Figures)
		add(min(rep.Steps[f.Step].End, end), p.cpus(cmp.Or(f.CPUs, w.CPUs)))
		weight = weightOf(&w.Figures)
	}
	add(end, p.cpus(w.CPUs))
	return list, cutAt
}
