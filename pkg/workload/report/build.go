// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
)

// AddWorkers fills in what the workers of a run left, all of them in order.
// started and stopped are the common start and stop on CLOCK_MONOTONIC.
func (r *Report) AddWorkers(workers func(yield func(spawn.Worker) bool), started, stopped int64) {
	r.Hold = stopped - started
	cpus := cpuset.New()
	for w := range workers {
		row := newWorker(w, stopped)
		if w.Index == 0 {
			cpus = cpuset.New()
			r.Groups = append(r.Groups, newGroup(w))
		}
		cpus = cpus.Union(cpuset.New(w.CPUs...))
		g := &r.Groups[len(r.Groups)-1]
		g.CPUs = cpus.String()
		g.add(row, w.Histograms)
		r.Workers = append(r.Workers, row)
		if w.Figures.Began > 0 {
			r.StartSkew = max(r.StartSkew, w.Figures.Began-started)
		}
	}
}

func newWorker(w spawn.Worker, stopped int64) Worker {
	f := w.Figures
	row := Worker{
		Group: w.Group.Name, Index: w.Index, TID: w.TID, Stage: w.Stage.String(), Exit: w.Exit.String(),
		Completed:  w.Stage == arena.StageStopped && w.Exit.Clean(),
		Iterations: f.Iterations, WorkUnits: f.WorkUnits, Migrations: f.Migrations,
		CPU: f.CPU, MaxGap: f.MaxGap, MaxGapCPU: f.MaxGapCPU, CPUs: cpuset.New(w.CPUs...).String(),
	}
	if f.Began > 0 {
		// A worker that did not write its own end lasted until the stop at most.
		end := f.Ended
		if end == 0 {
			end = max(stopped, f.Began)
		}
		row.Wall = end - f.Began
	}
	if f.Schedstat {
		row.RunDelay = &f.RunDelay
	}
	if !row.Completed {
		row.Problem = problem(w)
	}
	return row
}

func problem(w spawn.Worker) string {
	if w.Text != "" {
		return w.Text
	}
	return w.Exit.String() + " at stage " + w.Stage.String()
}

func newGroup(w spawn.Worker) Group {
	shape := w.Group.Kind.Shape()
	g := Group{Name: w.Group.Name, Kind: w.Group.Kind.Name(), Workers: w.Group.Workers, Quiet: int64(shape.Quiet)}
	for _, metric := range shape.Metrics {
		g.Distributions = append(g.Distributions, Distribution{Metric: metric, Histogram: &telemetry.Histogram{}})
	}
	return g
}

func (g *Group) add(w Worker, histograms []*telemetry.Histogram) {
	if w.Completed {
		g.Completed++
	}
	g.Iterations += w.Iterations
	g.WorkUnits += w.WorkUnits
	g.Migrations += w.Migrations
	g.Wall += w.Wall
	g.CPU += w.CPU
	g.MaxGap = max(g.MaxGap, w.MaxGap)
	if w.RunDelay != nil {
		sum := *w.RunDelay
		if g.RunDelay != nil {
			sum += *g.RunDelay
		}
		g.RunDelay = &sum
	}
	for i, h := range histograms {
		g.Distributions[i].Histogram.Merge(h)
	}
}
