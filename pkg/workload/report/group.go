// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// maxPrograms bounds the programs that a group tells of, with what they wrote. Their
// figures are added up before.
const maxPrograms = 1024

func newGroup(rg *spec.ResolvedGroup) Group {
	shape := rg.Kind.Shape()
	g := Group{
		Name: rg.Name, Kind: rg.Kind.Name(), CloneMode: string(rg.CloneMode), Policy: groupPolicy(rg),
		MemoryBound: rg.MemoryBound(), Progress: shape.Progress, Quiet: int64(shape.Quiet), Distributions: emptyDistributions(shape.Metrics),
	}
	position := 0
	for _, role := range shape.Roles {
		g.Roles = append(g.Roles, Role{Name: role.Name, MayStarve: role.MayStarve, Policy: policyText(rg.Class(position))})
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
	roleCPUs       []cpuset.CPUSet // of each role
	phases         map[int]*phaseSum
	metrics        []work.Measure
}

// phaseSum adds up what the workers of a group did in a step.
type phaseSum struct {
	Phase
	cpus, allowed cpuset.CPUSet
	// silent are workers that did nothing in it. Whether they were there is known at the end.
	silent []silent
}

type silent struct {
	worker           int
	started, stopped int64
	program          bool
}

func newGroupSum(rg *spec.ResolvedGroup) *groupSum {
	g := newGroup(rg)
	return &groupSum{
		group: &g, setup: map[arena.SetupStep]int{}, roleCPUs: make([]cpuset.CPUSet, len(g.Roles)),
		phases: map[int]*phaseSum{}, metrics: rg.Kind.Shape().Metrics,
	}
}

func (s *groupSum) add(w spawn.Worker, whole spawn.Phase, r *row) {
	g := s.group
	g.Workers++
	if r.Completed {
		g.Completed++
	}
	for _, step := range w.Setup {
		s.setup[step]++
	}
	g.Figures.add(&r.Figures)
	g.PerWorker.add(&r.Figures, r.Index, w.Program != nil)
	s.cpus = s.cpus.Union(cpuset.New(whole.CPUs...))
	s.addSets(w)
	if w.Program != nil {
		s.addProgram(newProgram(w))
	}
	merge(g.Distributions, whole.Histograms)
	for n, name := range w.Group.Kind.Shape().Counters {
		count(&g.Counters, name, whole.Figures.Counters[n])
	}
	for n := range g.Roles {
		if role := &g.Roles[n]; role.Name == r.Role {
			role.Workers++
			role.Figures.add(&r.Figures)
			s.roleCPUs[n] = s.roleCPUs[n].Union(cpuset.New(whole.CPUs...))
		}
	}
	for i, p := range inPhases(w, len(r.Phases)) {
		s.phase(r.Phases[i].Step).add(p, r, &r.Phases[i], w.Program != nil)
	}
}

// addSets unites the CPUs that the workers were to have and those they could have.
func (s *groupSum) addSets(w spawn.Worker) {
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
}

func (s *groupSum) addProgram(p Program) {
	s.group.ProgramMetrics = payload.AddValues(s.group.ProgramMetrics, p.Metrics)
	if len(s.group.Programs) < maxPrograms {
		s.group.Programs = append(s.group.Programs, p)
	}
}

func (s *groupSum) phase(step int) *phaseSum {
	p := s.phases[step]
	if p == nil {
		p = &phaseSum{Phase: Phase{Step: step, Distributions: emptyDistributions(s.metrics)}}
		s.phases[step] = p
	}
	return p
}

func (s *phaseSum) add(p spawn.Phase, r *row, did *Phase, program bool) {
	if allowed, err := cpuset.Parse(did.Allowed); err == nil && !allowed.IsSubsetOf(s.allowed) {
		s.allowed = s.allowed.Union(allowed)
	}
	if !did.entered() {
		s.silent = append(s.silent, silent{r.Index, r.started, r.stopped, program})
		return
	}
	s.Workers++
	s.Figures.add(&did.Figures)
	s.PerWorker.add(&did.Figures, r.Index, program)
	s.cpus = s.cpus.Union(cpuset.New(p.CPUs...))
	merge(s.Distributions, p.Histograms)
}

func merge(into []Distribution, histograms []*telemetry.Histogram) {
	for i, h := range histograms {
		into[i].Histogram.Merge(h)
	}
}

// close writes down what was united.
func (s *groupSum) close(steps []Step) Group {
	g := s.group
	g.CPUs, g.AskedCPUs, g.AllowedCPUs = s.cpus.String(), s.asked.String(), s.allowed.String()
	for n, cpus := range s.roleCPUs {
		g.Roles[n].CPUs = cpus.String()
	}
	for step := range arena.SetupSteps {
		if n := s.setup[step]; n > 0 {
			g.Setup = append(g.Setup, Setup{Step: step.Name(), Workers: n})
		}
	}
	for _, p := range s.phases {
		if p.close(steps); p.Workers > 0 {
			g.Phases = append(g.Phases, p.Phase)
		}
	}
	slices.SortFunc(g.Phases, func(a, b Phase) int { return a.Step - b.Step })
	return *g
}

// close counts the workers that were there and did nothing.
func (s *phaseSum) close(steps []Step) {
	for _, w := range s.silent {
		if present(steps, s.Step, w.started, w.stopped) {
			s.Workers++
			s.PerWorker.add(&Figures{}, w.worker, w.program)
		}
	}
	s.CPUs, s.Allowed = s.cpus.String(), s.allowed.String()
}

// WorkersCPU is the CPU time of all workers, by their own clocks, in ns.
func (r *Report) WorkersCPU() int64 {
	var sum int64
	for i := range r.Groups {
		sum += r.Groups[i].CPU
	}
	return sum
}
