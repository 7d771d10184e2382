// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"fmt"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

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

// SetPhase begins the k-th phase, from 0, for all workers; see EndPhase.
func (h *Handle) SetPhase(k int) { h.arena.Control().SetPhase(uint32(k) + 1) }

// EndPhase says that no phase is on until the next.
func (h *Handle) EndPhase() { h.arena.Control().SetPhase(arena.EpochGap) }

// SetAffinity restricts a worker to the CPUs, now.
func (h *Handle) SetAffinity(group string, index int, cpus cpuset.CPUSet) error {
	fail := func(err error) error {
		return fmt.Errorf("group %s, worker %d: setting the CPU affinity to %q: %w", group, index, cpus, err)
	}
	i, err := h.find(group, index)
	if err != nil {
		return err
	}
	block := h.arena.Block(i)
	errno := unix.ESRCH
	there := h.reaper.whileThere(h.processOf[i], func() {
		if stage := block.Stage(); stage == arena.StageParked || stage == arena.StageRunning {
			errno = sys.RawSetAffinity(block.TID(), maskOf(cpus.List()))
		}
	})
	if !there || errno == unix.ESRCH {
		return fail(fmt.Errorf("it is not there any more (%w)", unix.ESRCH))
	}
	if errno != 0 {
		return fail(errno)
	}
	return nil
}

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
