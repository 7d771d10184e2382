// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// wholeRun stands for a run without steps where a step is asked for.
const wholeRun = -1

func (b *Builder) newWorker(c *Crew, w spawn.Worker, whole spawn.Phase) Worker {
	name := w.Group.Name
	row := Worker{
		Group: name, Index: w.Index, PID: w.PID, TID: w.TID, Stage: w.Stage.String(), Exit: w.Exit.String(),
		Completed: w.Stage == arena.StageStopped && w.Exit.Clean(),
		Affinity:  w.Group.WorkerCPUs(w.Index).String(), Allowed: w.Allowed.String(), Figures: figuresOf(whole, b.origin),
		Began: b.sinceOrigin(w.Began), Ended: b.sinceOrigin(w.Ended),
	}
	if role := roleOf(w); role != nil {
		row.Role = role.Name
	}
	if p := w.Program; p != nil {
		row.Exit, row.Completed = p.Exit.Text, p.Exit.Did()
	}
	progress := w.Group.Kind.Shape().Progress
	for i, p := range inPhases(w, c.Steps) {
		row.Phases = append(row.Phases, b.newPhase(c, name, w.Index, c.FirstStep+i, figuresOf(p, b.origin), progress))
	}
	if c.Steps == 0 && c.State != nil && !row.advanced(progress) {
		row.State = c.State(name, w.Index, wholeRun)
	}
	if c.Steps == 0 && c.Allowed != nil {
		if allowed := c.Allowed(name, w.Index, wholeRun); !allowed.IsEmpty() {
			row.Allowed = allowed.String()
		}
	}
	for _, m := range w.Migrations {
		row.MigrationLog = append(row.MigrationLog, Migration{At: m.At - b.origin, From: m.From, To: m.To, Distance: m.Distance.String()})
	}
	if !row.Completed {
		row.Problem = problem(w)
	}
	return row
}

func (b *Builder) newPhase(c *Crew, group string, worker, step int, f Figures, progress work.Progress) Phase {
	p := Phase{Step: step, Figures: f}
	if c.Allowed != nil {
		p.Allowed = c.Allowed(group, worker, step).String()
	}
	if c.State != nil && !f.advanced(progress) {
		p.State = c.State(group, worker, step)
	}
	return p
}

// sinceOrigin is a time on CLOCK_MONOTONIC counted from the common start, nil for one that never came.
func (b *Builder) sinceOrigin(at int64) *int64 {
	if at == 0 {
		return nil
	}
	return new(at - b.origin)
}

// roleOf is what a worker was in its set, nil where all were alike.
func roleOf(w spawn.Worker) *work.Role {
	shape := w.Group.Kind.Shape()
	return shape.Role(w.Index % shape.SetSize)
}

// inPhases are a worker's phases, at most so many, without the time before and between them.
func inPhases(w spawn.Worker, most int) []spawn.Phase {
	if len(w.Phases) < 3 {
		return nil
	}
	phases := w.Phases[1 : len(w.Phases)-1]
	return phases[:min(len(phases), most)]
}

func problem(w spawn.Worker) string {
	if p := w.Program; p != nil {
		return fmt.Sprintf("%s: %s", p.Name, p.Exit.Text)
	}
	if w.Text != "" {
		return w.Text
	}
	return w.Exit.String() + " at stage " + w.Stage.String()
}
