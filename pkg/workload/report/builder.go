// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// Bounds of a report's rows. What groups add up is never cut.
const (
	// MaxWorkerRows is how many workers have a row of their own.
	MaxWorkerRows = 20_000
	// MaxPhaseRows is how many phases these rows have altogether.
	MaxPhaseRows = 100_000
	// reservedRows are as many more, with all their phases, of workers that did not complete
	// or made no progress: without a row of such a worker the sample would count.
	reservedRows = 1_000
	// maxMigrations bounds the migrations in the logs of a report. Each worker may
	// take an equal part of them.
	maxMigrations = 8192
)

// Crew is what the workers left that were started and stopped together.
type Crew struct {
	// Workers yields all of them, by groups.
	Workers func(yield func(spawn.Worker) bool)
	// Started and Stopped are on CLOCK_MONOTONIC.
	Started, Stopped int64
	// FirstStep is the step of the workers' first phase, Steps how many phases they
	// have: one for each step from the first on. A run without steps has none.
	FirstStep, Steps int
	// Allowed are the CPUs that were in force for a worker at some time of a step, State is its
	// state at the step's end as /proc has it, asked for where it made no progress. Step -1 is
	// the whole of a run without steps. Both may be nil.
	Allowed func(group string, worker, step int) cpuset.CPUSet
	State   func(group string, worker, step int) string
}

// Builder adds up what the crews of a run left.
type Builder struct {
	origin int64
	groups []*groupSum // in the order of the run's
	index  map[string]int
	steps  int // of the run
	rows   []row
	phases int // of the rows that are not reserved
	spare  int // reserved rows that are used
	cut    int // workers without a row
	skew   int64
	last   int64 // the last stop
}

// row is a worker, with what tells whether it was there in a step.
type row struct {
	Worker
	group            int
	started, stopped int64
}

// NewBuilder begins a report. origin is the common start on CLOCK_MONOTONIC.
func NewBuilder(run *spec.Resolved, origin int64) *Builder {
	b := &Builder{origin: origin, last: origin, steps: len(run.Run.Steps), index: map[string]int{}}
	for i := range run.Groups {
		b.index[run.Groups[i].Name] = i
		b.groups = append(b.groups, newGroupSum(&run.Groups[i]))
	}
	return b
}

// Add adds a crew that was stopped. A group may be of several crews, one after the
// other. Preconditions: the groups are the run's.
func (b *Builder) Add(c Crew) {
	b.last = max(b.last, c.Stopped)
	started := make([]bool, len(b.groups))
	for w := range c.Workers {
		i := b.index[w.Group.Name]
		if !started[i] {
			started[i] = true
			b.groups[i].group.Starts++
		}
		b.add(&c, i, w)
	}
}

func (b *Builder) add(c *Crew, group int, w spawn.Worker) {
	g := b.groups[group]
	whole := w.Whole()
	r := row{Worker: b.newWorker(c, w, whole), group: group, started: c.Started - b.origin, stopped: c.Stopped - b.origin}
	r.Start = g.group.Starts - 1
	g.add(w, whole, &r)
	if w.Began > 0 {
		b.skew = max(b.skew, w.Began-c.Started)
	}
	b.keep(r, !r.Completed || !r.advanced(g.group.Progress))
}

// keep keeps a row if there is room; notable says that it may have a reserved one.
func (b *Builder) keep(r row, notable bool) {
	switch {
	case len(b.rows)-b.spare < MaxWorkerRows && b.phases+len(r.Phases) <= MaxPhaseRows:
		b.phases += len(r.Phases)
	case notable && b.spare < reservedRows:
		b.spare++
	default:
		b.cut++
		return
	}
	b.rows = append(b.rows, r)
}

// Finish writes down what was added. The steps of the report are those that were begun.
func (b *Builder) Finish(r *Report) {
	r.Hold, r.StartSkew, r.StepCount = b.last-b.origin, b.skew, b.steps
	r.Groups, r.Workers = make([]Group, 0, len(b.groups)), make([]Worker, 0, len(b.rows))
	for _, g := range b.groups {
		r.Groups = append(r.Groups, g.close(r.Steps))
	}
	slices.SortStableFunc(b.rows, func(x, y row) int {
		return cmp.Or(cmp.Compare(x.group, y.group), cmp.Compare(x.Start, y.Start), cmp.Compare(x.Index, y.Index))
	})
	for i := range b.rows {
		x := &b.rows[i]
		x.Phases = slices.DeleteFunc(x.Phases, func(p Phase) bool { return !p.entered() && !present(r.Steps, p.Step, x.started, x.stopped) })
		r.Workers = append(r.Workers, x.Worker)
	}
	if b.cut > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d workers have no row of their own: at most %d have, with %d steps, and %d that failed; figures of groups have them all",
			b.cut, MaxWorkerRows, MaxPhaseRows, reservedRows))
	}
	r.cutLogs()
}

// present says whether a worker was there in a step's hold: one that was but never ran has
// nothing to show but that. Without steps, phases are what they are.
func present(steps []Step, step int, started, stopped int64) bool {
	if len(steps) == 0 {
		return true
	}
	return step < len(steps) && started <= steps[step].End && stopped >= steps[step].Start
}

// cutLogs keeps the logs of all workers together within their bound.
func (r *Report) cutLogs() {
	if len(r.Workers) == 0 {
		return
	}
	each, cut := maxMigrations/len(r.Workers), 0
	for i := range r.Workers {
		w := &r.Workers[i]
		if len(w.MigrationLog) > each {
			w.MigrationLog = w.MigrationLog[:each]
			cut++
		}
	}
	if cut > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("the migration logs of %d workers hold their first %d; all are counted", cut, each))
	}
}
