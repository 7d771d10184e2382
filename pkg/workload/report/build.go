// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// maxMigrations bounds the migrations in the logs of a report. Each worker may
// take an equal part of them.
const maxMigrations = 8192

// AddWorkers fills in what the workers of a run left, all of them in order.
// started and stopped are the common start and stop on CLOCK_MONOTONIC.
func (r *Report) AddWorkers(workers func(yield func(spawn.Worker) bool), started, stopped int64) {
	r.Hold = stopped - started
	var g *groupSum
	for w := range workers {
		if w.Index == 0 {
			g.close()
			r.Groups = append(r.Groups, newGroup(w))
			g = newGroupSum(&r.Groups[len(r.Groups)-1], w)
		}
		whole := w.Whole()
		row := newWorker(w, whole, started)
		g.add(w, whole, &row)
		r.Workers = append(r.Workers, row)
		if w.Began > 0 {
			r.StartSkew = max(r.StartSkew, w.Began-started)
		}
	}
	g.close()
	r.cutLogs()
}

func newWorker(w spawn.Worker, whole spawn.Phase, started int64) Worker {
	row := Worker{
		Group: w.Group.Name, Index: w.Index, PID: w.PID, TID: w.TID, Stage: w.Stage.String(), Exit: w.Exit.String(),
		Completed: w.Stage == arena.StageStopped && w.Exit.Clean(),
		Affinity:  w.Group.WorkerCPUs(w.Index).String(), Allowed: w.Allowed.String(), Figures: figuresOf(whole, started),
	}
	if role := roleOf(w); role != nil {
		row.Role = role.Name
	}
	if p := w.Program; p != nil {
		row.Exit, row.Completed = p.Exit.Text, p.Exit.Did()
	}
	for _, p := range inPhases(w) {
		row.Phases = append(row.Phases, Phase{Phase: int(p.Epoch) - 1, Figures: figuresOf(p, started)})
	}
	for _, m := range w.Migrations {
		row.MigrationLog = append(row.MigrationLog, Migration{At: m.At - started, From: m.From, To: m.To, Distance: m.Distance.String()})
	}
	if !row.Completed {
		row.Problem = problem(w)
	}
	return row
}

// roleOf is what a worker was in its set, nil where all were alike.
func roleOf(w spawn.Worker) *work.Role {
	shape := w.Group.Kind.Shape()
	return shape.Role(w.Index % shape.SetSize)
}

// inPhases are a worker's phases without the time before and between them.
func inPhases(w spawn.Worker) []spawn.Phase {
	if len(w.Phases) < 3 {
		return nil
	}
	return w.Phases[1 : len(w.Phases)-1]
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

func newGroup(w spawn.Worker) Group {
	shape := w.Group.Kind.Shape()
	g := Group{
		Name: w.Group.Name, Kind: w.Group.Kind.Name(), CloneMode: string(w.Group.CloneMode), Policy: groupPolicy(w.Group),
		Workers: w.Group.Workers, Progress: shape.Progress, Quiet: int64(shape.Quiet),
		Distributions: emptyDistributions(shape.Metrics),
	}
	position := 0
	for _, role := range shape.Roles {
		g.Roles = append(g.Roles, Role{Name: role.Name, MayStarve: role.MayStarve, Policy: policyText(w.Group.Class(position))})
		position += role.Workers
	}
	return g
}

// groupPolicy is a group's scheduling policy for a person.
func groupPolicy(g *spec.ResolvedGroup) string {
	shape := g.Kind.Shape()
	for n := range shape.Roles {
		if shape.Roles[n].Class != nil {
			return "by role"
		}
	}
	return policyText(g.Class(0))
}

// policyText is a scheduling class for a person.
func policyText(c work.Class) string {
	switch c.Policy {
	case sys.PolicyBatch:
		return "batch"
	case sys.PolicyIdle:
		return "idle"
	case sys.PolicyFIFO:
		return fmt.Sprintf("fifo %d", c.Priority)
	case sys.PolicyRR:
		return fmt.Sprintf("rr %d", c.Priority)
	case sys.PolicyDeadline:
		return fmt.Sprintf("deadline %v/%v/%v", time.Duration(c.Runtime), time.Duration(c.Deadline), time.Duration(c.Period))
	case sys.PolicyExt:
		return "ext"
	default:
		return "other"
	}
}

func emptyDistributions(metrics []work.Measure) []Distribution {
	var list []Distribution
	for _, measure := range metrics {
		list = append(list, Distribution{Measure: measure, Histogram: &telemetry.Histogram{}})
	}
	return list
}

// groupSum adds up the workers of a group. The CPUs are united as sets and
// written down at the end.
type groupSum struct {
	group *Group
	cpus  cpuset.CPUSet
	// asked and allowed are those of all workers together.
	asked, allowed cpuset.CPUSet
	setup          map[arena.SetupStep]int
	// roleCPUs are those of each role.
	roleCPUs []cpuset.CPUSet
	// phaseCPUs are those of each of the group's phases.
	phaseCPUs []cpuset.CPUSet
}

func newGroupSum(g *Group, w spawn.Worker) *groupSum {
	s := &groupSum{group: g, setup: map[arena.SetupStep]int{}, roleCPUs: make([]cpuset.CPUSet, len(g.Roles))}
	for _, p := range inPhases(w) {
		g.Phases = append(g.Phases, Phase{Phase: int(p.Epoch) - 1, Distributions: emptyDistributions(w.Group.Kind.Shape().Metrics)})
		s.phaseCPUs = append(s.phaseCPUs, cpuset.New())
	}
	return s
}

func (s *groupSum) add(w spawn.Worker, whole spawn.Phase, row *Worker) {
	g := s.group
	if row.Completed {
		g.Completed++
	}
	for _, step := range w.Setup {
		s.setup[step]++
	}
	g.Figures.add(&row.Figures)
	s.cpus = s.cpus.Union(cpuset.New(whole.CPUs...))
	asked := w.Group.WorkerCPUs(w.Index)
	if asked.IsEmpty() {
		asked = w.Group.Pool
	}
	if !asked.IsSubsetOf(s.asked) {
		s.asked = s.asked.Union(asked)
	}
	if !w.Allowed.IsSubsetOf(s.allowed) {
		s.allowed = s.allowed.Union(w.Allowed)
	}
	if w.Program != nil {
		g.Programs = append(g.Programs, newProgram(w))
	}
	merge(g.Distributions, whole.Histograms)
	for n, name := range w.Group.Kind.Shape().Counters {
		count(&g.Counters, name, whole.Figures.Counters[n])
	}
	for n := range g.Roles {
		if role := &g.Roles[n]; role.Name == row.Role {
			role.Workers++
			role.Figures.add(&row.Figures)
			s.roleCPUs[n] = s.roleCPUs[n].Union(cpuset.New(whole.CPUs...))
		}
	}
	for i, p := range inPhases(w) {
		g.Phases[i].Figures.add(&row.Phases[i].Figures)
		s.phaseCPUs[i] = s.phaseCPUs[i].Union(cpuset.New(p.CPUs...))
		merge(g.Phases[i].Distributions, p.Histograms)
	}
}

func merge(into []Distribution, histograms []*telemetry.Histogram) {
	for i, h := range histograms {
		into[i].Histogram.Merge(h)
	}
}

// close writes down what was united. There is nothing to close before the first group.
func (s *groupSum) close() {
	if s == nil {
		return
	}
	s.group.CPUs, s.group.AskedCPUs, s.group.AllowedCPUs = s.cpus.String(), s.asked.String(), s.allowed.String()
	for n, cpus := range s.roleCPUs {
		s.group.Roles[n].CPUs = cpus.String()
	}
	for i, cpus := range s.phaseCPUs {
		s.group.Phases[i].CPUs = cpus.String()
	}
	for step := range arena.SetupSteps {
		if n := s.setup[step]; n > 0 {
			s.group.Setup = append(s.group.Setup, Setup{Step: step.Name(), Workers: n})
		}
	}
}

// WorkersCPU is the CPU time of all workers, by their own clocks, in ns.
func (r *Report) WorkersCPU() int64 {
	var sum int64
	for i := range r.Groups {
		sum += r.Groups[i].CPU
	}
	return sum
}

// cutLogs keeps the logs of all workers together within their bound.
func (r *Report) cutLogs() {
	if len(r.Workers) == 0 {
		return
	}
	each := maxMigrations / len(r.Workers)
	for i := range r.Workers {
		w := &r.Workers[i]
		w.MigrationLog = w.MigrationLog[:min(len(w.MigrationLog), each)]
	}
}
