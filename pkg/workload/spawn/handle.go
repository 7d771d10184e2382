// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"context"
	"maps"
	"slices"
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
)

// Start lets the workers go, all by one store and one wake, and returns the time
// on CLOCK_MONOTONIC in ns.
func (h *Handle) Start() int64 { return h.arena.Control().Start() }

// Hold lets the workers work for d. It returns early when ctx is done or no
// worker is left.
func (h *Handle) Hold(ctx context.Context, d time.Duration) {
	h.HurryWith(ctx)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-h.reaper.gone:
	}
}

// Stop tells the workers to leave and waits until they are gone: by themselves
// within StopTimeout, else killed within KillTimeout, and at last by lastResort,
// which may be nil. Programs have their grace before that, until the context of Hold is done, and then
// get their stop signal. Workers that never started leave without having worked. It
// returns the time of the first stop on CLOCK_MONOTONIC in ns. Stopping twice is harmless,
// and so is stopping after Close.
func (h *Handle) Stop(lastResort func()) int64 {
	if h.arena == nil {
		return h.stopped.Load()
	}
	h.TellStop()
	h.endWorkers(lastResort)
	h.programs.collect()
	return h.stopped.Load()
}

func (h *Handle) endWorkers(lastResort func()) {
	h.endPrograms()
	if h.reaper.wait(h.within(StopTimeout)) {
		return
	}
	h.reaper.kill(KilledLate)
	if !h.reaper.wait(h.within(KillTimeout)) && lastResort != nil {
		lastResort()
		h.reaper.wait(h.within(KillTimeout))
	}
}

// within is a time to end for all processes.
func (h *Handle) within(limit time.Duration) time.Duration {
	return limit + time.Duration(len(h.processes))*EndTimePerProcess
}

// Close ends whatever is left and gives everything back. It may be called in any
// state, more than once; after it only Stop is harmless. Who is stuck in the kernel
// is not waited for: it is reaped, and what it uses given back, when it is gone.
func (h *Handle) Close() error {
	if h.arena == nil {
		return nil
	}
	clean := true
	if h.reaper != nil {
		h.reaper.kill(KilledOnOrder)
		clean = h.reaper.wait(h.within(KillTimeout))
	}
	close(h.parent)
	if h.ended != nil {
		<-h.ended
	}
	_ = h.programs.close() // pipes that are only read
	a, r := h.arena, h.reaper
	h.arena = nil
	if !clean {
		go func() { // ends with the last task
			<-r.gone
			r.close()
			_ = a.Close() // nobody is left to tell
		}()
		return nil
	}
	if r != nil {
		r.close()
	}
	return a.Close()
}

// Worker is what there is to know of a worker.
type Worker struct {
	Group *spec.ResolvedGroup
	// Index is its number in the group.
	Index int
	// PID is its process and TID its task; 0 when there never was one.
	PID, TID int
	Stage    arena.Stage
	// Allowed are the CPUs the kernel let it use before the start.
	Allowed cpuset.CPUSet
	// Began and Ended are on CLOCK_MONOTONIC, 0 when it did not come to that.
	Began, Ended int64
	// Setup are the set-up steps that were taken.
	Setup []arena.SetupStep
	// Text is what it said about leaving early or failing.
	Text string
	Exit Exit
	// Phases are what it did in each phase, in order; one when the run has none.
	// The time before, between and after phases has an epoch of its own.
	Phases []Phase
	// Migrations are its first changes of CPU.
	Migrations []arena.Migration
	// Program is what it became, nil if it stayed what it was.
	Program *Program
}

// Phase is what a worker did in a phase.
type Phase struct {
	Epoch   uint32
	Figures arena.Figures
	CPUs    []int
	// Histograms are in the order of its kind's metrics.
	Histograms []*telemetry.Histogram
}

// Whole is what the worker did in all phases together.
func (w *Worker) Whole() Phase {
	var whole Phase
	cpus := map[int]bool{}
	for _, p := range w.Phases {
		whole.Figures.Add(p.Figures)
		for _, cpu := range p.CPUs {
			cpus[cpu] = true
		}
		for n, h := range p.Histograms {
			if n == len(whole.Histograms) {
				whole.Histograms = append(whole.Histograms, &telemetry.Histogram{})
			}
			whole.Histograms[n].Merge(h)
		}
	}
	whole.CPUs = slices.Sorted(maps.Keys(cpus))
	return whole
}

// Workers yields every worker, in order. It may be called at any time; what a
// worker writes meanwhile is seen or not, word by word.
func (h *Handle) Workers(yield func(Worker) bool) {
	exits := h.reaper.snapshot()
	now := sys.Monotonic()
	for i := range h.arena.Workers() {
		if !yield(h.worker(i, exits, now)) {
			return
		}
	}
}

func (h *Handle) worker(i int, exits []Exit, now int64) Worker {
	group, n := h.locate(i)
	block := h.arena.Block(i)
	exit := exits[h.processOf[i]]
	w := Worker{
		Group: group, Index: n, PID: h.pid(h.processOf[i]), TID: block.TID(), Stage: block.Stage(), Began: block.Began(), Ended: block.Ended(),
		Allowed: h.allowed[i], Setup: block.SetupSteps(), Text: block.Text(), Exit: exit, Migrations: h.migrations(i),
	}
	// A worker that did not write its own end lasted until the stop at most.
	if stopped := h.stopped.Load(); stopped > 0 {
		now = max(stopped, w.Began)
	}
	for r := range h.arena.Records() {
		w.Phases = append(w.Phases, h.phase(i, r, len(group.Kind.Shape().Metrics), now))
	}
	if p := h.programs.of(i); p != nil {
		w.Program = h.program(p, &w)
	}
	return w
}

// phase reads a worker's record, if it was ever used.
func (h *Handle) phase(worker, record, metrics int, now int64) Phase {
	p := Phase{Epoch: h.arena.Plan().Epoch(record)}
	entered := h.arena.Block(worker).Entered(record)
	if entered {
		r := h.arena.Record(worker, record)
		p.Figures, p.CPUs = r.Figures(now), r.CPUs()
	}
	for m := range metrics {
		histogram := &telemetry.Histogram{}
		if entered {
			histogram = h.arena.ReadHistogram(worker, record, m)
		}
		p.Histograms = append(p.Histograms, histogram)
	}
	return p
}

// migrations reads a worker's log, if it ever ran.
func (h *Handle) migrations(worker int) []arena.Migration {
	if h.arena.Block(worker).Began() == 0 {
		return nil
	}
	return h.arena.Log(worker).Migrations()
}
