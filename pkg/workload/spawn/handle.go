// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"context"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
)

// Start lets the workers go, all by one store and one wake, and returns the time
// on CLOCK_MONOTONIC in ns.
func (h *Handle) Start() int64 { return h.arena.Control().Start() }

// Hold lets the workers work for d. It returns early when ctx is done or no
// worker is left.
func (h *Handle) Hold(ctx context.Context, d time.Duration) {
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
// which may be nil. Workers that never started leave without having worked. It
// returns the time of the stop on CLOCK_MONOTONIC in ns. Stopping twice is harmless.
func (h *Handle) Stop(lastResort func()) int64 {
	h.arena.Control().Abort()
	at := h.arena.Control().Stop()
	if h.reaper.wait(StopTimeout) {
		return at
	}
	h.reaper.kill(true)
	if !h.reaper.wait(KillTimeout) && lastResort != nil {
		lastResort()
		h.reaper.wait(KillTimeout)
	}
	return at
}

// Close ends whatever is left and gives everything back. It may be called in any
// state, more than once.
func (h *Handle) Close() error {
	if h.arena == nil {
		return nil
	}
	clean := true
	if h.reaper != nil {
		h.reaper.kill(false)
		clean = h.reaper.wait(KillTimeout)
		h.reaper.close()
	}
	close(h.parent)
	if h.ended != nil {
		<-h.ended
	}
	a := h.arena
	h.arena = nil
	if !clean {
		return nil // a task stuck in the kernel may still write: the mapping stays
	}
	return a.Close()
}

// Worker is what there is to know of a worker.
type Worker struct {
	Group *spec.ResolvedGroup
	// Index is its number in the group.
	Index   int
	TID     int
	Stage   arena.Stage
	Figures arena.Figures
	CPUs    []int
	// Text is what it said about leaving early or failing.
	Text string
	Exit Exit
	// Histograms are in the order of its kind's metrics.
	Histograms []*telemetry.Histogram
}

// Workers yields every worker, in order. It may be called at any time; what a
// worker writes meanwhile is seen or not, word by word.
func (h *Handle) Workers(yield func(Worker) bool) {
	exits := h.reaper.snapshot()
	for i := range h.arena.Workers() {
		group, n := h.locate(i)
		block := h.arena.Block(i)
		w := Worker{
			Group: group, Index: n, TID: block.TID(), Stage: block.Stage(), Figures: block.Figures(),
			CPUs: block.CPUs(), Text: block.Text(), Exit: exits[i],
		}
		for m := range group.Kind.Shape().Metrics {
			w.Histograms = append(w.Histograms, h.arena.ReadHistogram(i, m))
		}
		if !yield(w) {
			return
		}
	}
}
