// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/hotplug"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// Why a hold was shorter than planned.
const (
	truncatedCancelled = "the run was cancelled"
	truncatedFailed    = "an op failed"
)

// engine carries the steps of a run out. It is used by one goroutine.
type engine struct {
	script  *spec.Script
	groups  *cgroups
	crews   *crews
	cpus    *hotplug.CPUs
	inForce inForce
	rep     *report.Report
	builder *report.Builder
	// origin is the common start and end the time by which the last hold ends at the latest, both on
	// CLOCK_MONOTONIC. allowance is what everything between the holds may take altogether.
	origin, end int64
	allowance   time.Duration
	// cancelled says that the run was told to end early.
	cancelled func() bool
	// frozen are the cgroups that an op froze, offline the CPUs that one took offline.
	frozen map[string]bool
	// repetition counts how often the ops of the step were carried out before.
	repetition int
	// holding is the step whose hold is on, none otherwise.
	holding int
	// spans are the holds without cgroups that count CPU time, by step.
	spans map[int]span
}

// none is no step.
const none = -1

// perform lets the workers work through the steps and fills the report in.
func (e *engine) perform(ctx context.Context, start *start, emit func(EventType)) {
	e.groups.begin()
	around := lookAround(e.groups)
	start.reach(e.rep)
	e.origin = sys.Monotonic()
	for i, n := range e.crews.all() {
		if e.start(ctx, n); i == 0 {
			e.origin = n.started
		}
	}
	e.builder = report.NewBuilder(e.crews.run, e.origin)
	limit := e.crews.run.Run.Duration.D() + e.allowance
	e.end = e.origin + limit.Nanoseconds()
	emit(EventStarted)
	e.cancelled = func() bool { return ctx.Err() != nil }
	bounded, release := context.WithTimeout(ctx, limit)
	defer release()
	for k := range e.script.Steps {
		if err := e.step(bounded, k); err != nil {
			e.rep.StepError = err.Error()
		}
		if e.rep.StepError != "" || e.cancelled() {
			break
		}
	}
	e.rep.Cancelled = e.cancelled()
	whole := around.until(e.groups)
	e.finish(&around, &whole)
}

// finish stops everything and completes the report.
func (e *engine) finish(around *look, whole *span) {
	e.thawAll()
	list := e.crews.all()
	// Who is still there after this is told by the report, and ended with the run's cgroup.
	_ = stop(list, e.groups.kill)
	around.moves(whole)
	for _, n := range list {
		e.builder.Add(n.report())
	}
	e.builder.Finish(e.rep)
	e.rep.SupervisorCPU, e.rep.NUMAPagesMigrated = whole.supervisorCPU, whole.moved
	e.rep.Cgroups = e.groups.whole()
	e.rep.Interference = whole.interference(func() *int64 { return new(e.rep.WorkersCPU()) })
	for k, s := range e.spans {
		e.rep.Steps[k].Interference = s.interference(func() *int64 { return e.workersCPU(k) })
	}
	if e.inForce.err != nil {
		e.rep.Notes = append(e.rep.Notes, e.inForce.err.Error())
	}
	e.rep.Notes = append(e.rep.Notes, e.groups.notes()...)
}

// workersCPU is the CPU time of all workers in a step, nil if there are programs, of which nobody knows.
func (e *engine) workersCPU(step int) *int64 {
	var sum int64
	for i := range e.rep.Groups {
		g := &e.rep.Groups[i]
		if len(g.Programs) > 0 {
			return nil
		}
		for _, p := range g.Phases {
			if p.Step == step {
				sum += p.CPU
			}
		}
	}
	return &sum
}

// start lets the workers of a crew go.
func (e *engine) start(ctx context.Context, n *crew) {
	n.handle.HurryWith(ctx)
	if e.holding != none {
		n.handle.SetPhase(e.holding)
		e.noteCPUs(n)
	}
	n.started = n.handle.Start()
}

// step carries one step out. An error ends the run.
func (e *engine) step(ctx context.Context, k int) error {
	s := &e.script.Steps[k]
	begin := sys.Monotonic()
	if begin >= e.end {
		return fmt.Errorf("step %s: was not begun: the steps before took all the time there is, %v for holds and %v for what is between them",
			s.Name, e.crews.run.Run.Duration, e.allowance)
	}
	e.rep.Steps = append(e.rep.Steps, report.Step{Name: s.Name, Begin: begin - e.origin, Planned: s.Hold.Nanoseconds()})
	e.repetition = 0
	err := e.enter(ctx, s)
	if err == nil {
		err = e.hold(ctx, k)
	} else {
		now := sys.Monotonic() - e.origin
		e.last().Start, e.last().End = now, now
	}
	e.last().Ops = slices.DeleteFunc(e.last().Ops, func(op report.Op) bool { return op.Times == 0 }) // those after one that failed
	if err != nil && e.cancelled() {
		e.last().Truncated, err = truncatedCancelled, nil // what was not finished is no failure then
	}
	if err == nil && !e.cancelled() {
		err = e.leave(s)
	}
	if err != nil {
		if e.last().Truncated == "" && e.last().End-e.last().Start < e.last().Planned {
			e.last().Truncated = truncatedFailed
		}
		return fmt.Errorf("step %s, %w", s.Name, err)
	}
	return nil
}

// last is the step that is on.
func (e *engine) last() *report.Step { return &e.rep.Steps[len(e.rep.Steps)-1] }

// enter makes what a step has, starts its groups and carries its ops out.
func (e *engine) enter(ctx context.Context, s *spec.ScriptStep) error {
	for _, name := range s.Create {
		if err := e.makeCgroup(name); err != nil {
			return fmt.Errorf("cgroups: %w", err)
		}
	}
	if err := e.startCrews(ctx, s.Start); err != nil {
		return fmt.Errorf("groups: %w", err)
	}
	e.last().Ops = make([]report.Op, len(s.Ops))
	return e.carryOutOps(ctx, s)
}

// leave stops the groups of a step and removes its cgroups.
func (e *engine) leave(s *spec.ScriptStep) error {
	if err := e.stopCrews(s.Stop); err != nil {
		return fmt.Errorf("groups: %w", err)
	}
	for _, name := range s.Remove {
		if err := e.removeCgroup(name); err != nil {
			return fmt.Errorf("cgroups: %w", err)
		}
	}
	return nil
}

// hold is the time of a step in which the workers are measured.
func (e *engine) hold(ctx context.Context, k int) error {
	s, rec := &e.script.Steps[k], e.last()
	whole := e.crews.all()
	e.holding = k
	e.noteAllCPUs()
	e.noteFrozen()
	around := lookAround(e.groups)
	used := e.groups.usage()
	begin := sys.Monotonic()
	for _, n := range whole {
		n.handle.SetPhase(k)
	}
	end := begin + s.Hold.Nanoseconds()
	if end > e.end {
		end, rec.Truncated = e.end, fmt.Sprintf("what is between holds took longer than %v altogether", e.allowance)
	}
	err := e.workUntil(ctx, s, begin, end)
	now := sys.Monotonic()
	for _, n := range e.crews.all() {
		n.handle.EndPhase()
	}
	e.holding = none
	rec.Start, rec.End = begin-e.origin, now-e.origin
	if e.cancelled() && now < end {
		rec.Truncated = truncatedCancelled
	}
	after := e.groups.usage()
	e.readHold(k, &around, whole)
	rec.Cgroups = e.groups.between(used, after)
	return err
}

// readHold reads what is counted around the workers at the end of a hold.
func (e *engine) readHold(k int, around *look, whole []*crew) {
	rec := e.last()
	s := around.until(e.groups)
	around.moves(&s)
	rec.NUMAPagesMigrated = s.moved
	if s.runCPU != nil {
		rec.Interference = s.interference(nil)
	} else {
		e.spans[k] = s
	}
	var there []string
	for _, n := range e.crews.all() {
		n.noteStates(k)
		if slices.Contains(whole, n) {
			for _, g := range n.groups {
				there = append(there, g.Name)
			}
		}
	}
	rec.Groups = e.inOrder(there)
	rec.Frozen = e.inOrder(rec.Frozen)
}

// inOrder are names of groups in the order of the manifest.
func (e *engine) inOrder(names []string) []string {
	var list []string
	for i := range e.crews.run.Groups {
		if name := e.crews.run.Groups[i].Name; slices.Contains(names, name) {
			list = append(list, name)
		}
	}
	return list
}

// workUntil lets the workers work, and repeats the ops of a step that has that, at times that are counted
// from the begin of the hold. One that comes late is left out.
func (e *engine) workUntil(ctx context.Context, s *spec.ScriptStep, begin, end int64) error {
	every := s.RepeatEvery.Nanoseconds()
	for next := begin + every; every > 0 && next < end; {
		if !waitUntil(ctx, next) {
			return nil
		}
		e.repetition++
		if err := e.carryOutOps(ctx, s); err != nil {
			return err
		}
		next += ((sys.Monotonic()-next)/every + 1) * every
	}
	waitUntil(ctx, end)
	return nil
}

// waitUntil waits until a time on CLOCK_MONOTONIC, and says whether it came to that before ctx ended.
func waitUntil(ctx context.Context, at int64) bool {
	timer := time.NewTimer(time.Duration(at - sys.Monotonic()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// startCrews makes the workers of crews, and lets them go when all are parked.
func (e *engine) startCrews(ctx context.Context, numbers []int) error {
	list := make([]*crew, 0, len(numbers))
	for _, number := range numbers {
		step := len(e.rep.Steps) - 1
		n, err := e.crews.spawn(ctx, number, step, e.inForce.of)
		if err != nil {
			return err
		}
		list = append(list, n)
	}
	for _, n := range list {
		e.start(ctx, n)
	}
	return nil
}

// stopCrews stops crews. What is frozen does not follow a stop, so that their cgroups are thawed before.
func (e *engine) stopCrews(numbers []int) error {
	var list []*crew
	for _, number := range numbers {
		n := e.crews.live[number]
		if n == nil {
			continue
		}
		list = append(list, n)
		for _, g := range n.groups {
			if err := e.thawFor(g); err != nil {
				return err
			}
		}
	}
	err := stop(list, nil)
	for _, n := range list {
		err = errors.Join(err, e.crews.leave(n, e.builder))
	}
	return err
}

// thawFor thaws what keeps a group frozen, from above.
func (e *engine) thawFor(g *liveGroup) error {
	for _, name := range slices.Sorted(maps.Keys(e.frozen)) {
		if isIn(g.cgroup, name) {
			if err := e.thaw(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// thawAll lets everything run that is frozen: it would not follow a stop.
func (e *engine) thawAll() {
	for _, name := range slices.Sorted(maps.Keys(e.frozen)) {
		_ = e.thaw(name) // what cannot be thawed is killed
	}
	e.groups.thaw()
}

// noteFrozen notes which groups are frozen now.
func (e *engine) noteFrozen() {
	rec := e.last()
	for _, n := range e.crews.all() {
		for _, g := range n.groups {
			for name := range e.frozen {
				if isIn(g.cgroup, name) && !slices.Contains(rec.Frozen, g.Name) {
					rec.Frozen = append(rec.Frozen, g.Name)
				}
			}
		}
	}
}

// noteAllCPUs notes which CPUs workers can have now, for the step whose hold is on.
func (e *engine) noteAllCPUs() {
	for _, n := range e.crews.all() {
		e.noteCPUs(n)
	}
}

func (e *engine) noteCPUs(n *crew) {
	for _, g := range n.groups {
		e.inForce.note(g, e.holding)
	}
}

// cpusChanged says that workers may have other CPUs from now on.
func (e *engine) cpusChanged() {
	e.inForce.changed()
	if e.holding != none {
		e.noteAllCPUs()
	}
}

// newEngine prepares the steps of a run.
func newEngine(rep *report.Report, groups *cgroups, workers *crews, cpus *hotplug.CPUs, usable cpuset.CPUSet) *engine {
	return &engine{
		script: workers.run.Script, groups: groups, crews: workers, cpus: cpus, rep: rep, holding: none,
		allowance: allowanceOf(workers.run.Run), inForce: inForce{run: usable, cgroups: groups}, frozen: map[string]bool{}, spans: map[int]span{},
	}
}
