// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const second = int64(1e9)

// atWork is what a worker does in a second if nothing is wrong.
func atWork() report.Figures {
	return report.Figures{Iterations: 100, WorkUnits: 1000, Wall: second, CPU: second / 2, MaxGap: second / 100, CPUs: "0"}
}

// oneGroup is a run of a second without steps, with some workers in the group g.
func oneGroup(workers int, changes ...func(*report.Report)) *report.Report {
	r := &report.Report{Hold: second, Planned: second, Groups: []report.Group{{Name: "g", Workers: workers, Starts: 1, Progress: work.ProgressIterations}}}
	for i := range workers {
		r.Workers = append(r.Workers, report.Worker{Group: "g", Index: i, Completed: true, Allowed: "0-1", Figures: atWork()})
	}
	for _, change := range changes {
		change(r)
	}
	summed(r)
	return r
}

// summed fills in the figures of groups from those of their workers, as far as checks look at them.
func summed(r *report.Report) {
	for i := range r.Groups {
		g := &r.Groups[i]
		if g.Wall > 0 || g.Iterations > 0 {
			continue
		}
		for j := range r.Workers {
			if w := &r.Workers[j]; w.Group == g.Name {
				add(&g.Figures, &w.Figures)
			}
		}
	}
}

func add(to, from *report.Figures) {
	to.Iterations += from.Iterations
	to.WorkUnits += from.WorkUnits
	to.Wall += from.Wall
	to.CPU += from.CPU
	to.Migrations += from.Migrations
	for node, n := range from.Pages {
		if to.Pages == nil {
			to.Pages = map[int]uint64{}
		}
		to.Pages[node] += n
	}
}

// inSteps is a run of steps of a second each, with the group g of some workers in
// all of them. change may change a worker's figures in a step.
func inSteps(names []string, workers int, changes ...func(*report.Report)) *report.Report {
	r := &report.Report{Hold: int64(len(names)) * second, StepCount: len(names), Groups: []report.Group{{Name: "g", Workers: workers, Starts: 1, Progress: work.ProgressIterations}}}
	for i := range workers {
		w := report.Worker{Group: "g", Index: i, Completed: true, Allowed: "0-1"}
		for step := range names {
			w.Phases = append(w.Phases, report.Phase{Step: step, Allowed: "0-1", Figures: atWork()})
			add(&w.Figures, &w.Phases[step].Figures)
		}
		r.Workers = append(r.Workers, w)
	}
	for step, name := range names {
		begin := int64(step) * second
		r.Steps = append(r.Steps, report.Step{Name: name, Begin: begin, Start: begin, End: begin + second, Planned: second, Groups: []string{"g"}})
		p := report.Phase{Step: step}
		for i := range r.Workers {
			add(&p.Figures, &r.Workers[i].Phases[step].Figures)
		}
		r.Groups[0].Phases = append(r.Groups[0].Phases, p)
		add(&r.Groups[0].Figures, &p.Figures)
	}
	for _, change := range changes {
		change(r)
	}
	return r
}

func recorded(metric work.Metric, sample work.Sample, values ...uint64) report.Distribution {
	h := &telemetry.Histogram{}
	for _, v := range values {
		h.Record(v, 1)
	}
	return report.Distribution{Measure: work.Measure{Metric: metric, Sample: sample}, Histogram: h}
}

// twoNodes is a machine whose CPUs 0-1 are on node 0 and 2-3 on node 1.
func twoNodes() *report.Host {
	m, err := topology.Synthetic("2n2l2c1t")
	if err != nil {
		panic(err)
	}
	return &report.Host{Topology: m}
}

func bounded(metric spec.CheckMetric, limit string) spec.Check {
	return spec.Check{Name: "c", Metric: metric, Max: limit}
}

func floor(metric spec.CheckMetric, limit string) spec.Check {
	return spec.Check{Name: "c", Metric: metric, Min: limit}
}
