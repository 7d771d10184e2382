// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import "fmt"

// The methods below may be called while workers work. Workers are named by group
// and index; the order of lists is that of Workers.

// Iterations is how many passes each worker has made. Each number never
// decreases; together they are no consistent cut.
func (h *Handle) Iterations() []uint64 {
	list := make([]uint64, h.arena.Workers())
	for i := range list {
		for r := range h.arena.Records() {
			if h.arena.Block(i).Entered(r) {
				list[i] += h.arena.Record(i, r).Iterations()
			}
		}
	}
	return list
}

// SetPhase begins the k-th phase for all workers, counted like Config.FirstPhase. Phases follow one
// another without a hole; see EndPhase.
func (h *Handle) SetPhase(k int) { h.arena.Control().SetPhase(uint32(k-h.first) + 1) }

// EndPhase says that no phase is on until the next.
func (h *Handle) EndPhase() { h.arena.Control().EndPhase() }

// find is the number of a worker in the arena.
func (h *Handle) find(group string, index int) (int, error) {
	first := 0
	for i := range h.run.Groups {
		g := &h.run.Groups[i]
		if g.Name != group {
			first += g.Workers
			continue
		}
		if index < 0 || index >= g.Workers {
			return 0, fmt.Errorf("group %s has workers 0 to %d, not %d", group, g.Workers-1, index)
		}
		return first + index, nil
	}
	return 0, fmt.Errorf("there is no group %q", group)
}

// Kill ends all workers at once and waits for nothing, so that none competes for
// a CPU while the others are collected. Stop or Close has to follow.
func (h *Handle) Kill() {
	h.reaper.kill(KilledOnOrder) // first, so that no worker has time to leave by itself
	h.arena.Control().Abort()
	h.stopped.CompareAndSwap(0, h.arena.Control().Stop())
}
