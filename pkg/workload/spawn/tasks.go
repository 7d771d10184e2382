// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Move calls process with the id of every process of a group, each while it cannot be reaped. A process with threads of other groups stays where it is:
// for it thread is called with the id of each thread of the group. It returns the ids.
func (h *Handle) Move(group string, process, thread func(id int) error) (processes, threads []int, err error) {
	first, err := h.find(group, 0)
	if err != nil {
		return nil, nil, err
	}
	g, _ := h.locate(first)
	last := -1
	for i := first; i < first+g.Workers && err == nil; i++ {
		n := h.processOf[i]
		switch shared := len(h.processes[n].groups) > 1; {
		case shared:
			h.reaper.whileThere(n, func() {
				threads = append(threads, h.arena.Block(i).TID())
				err = thread(h.arena.Block(i).TID())
			})
		case n != last:
			h.reaper.whileThere(n, func() {
				processes = append(processes, h.reaper.pids[n])
				err = process(h.reaper.pids[n])
			})
		}
		last = n
	}
	return processes, threads, err
}

// AwaitEnd waits until all processes of a group have ended.
func (h *Handle) AwaitEnd(ctx context.Context, group string) error {
	first, err := h.find(group, 0)
	if err != nil {
		return err
	}
	g, _ := h.locate(first)
	for {
		left, turn := h.reaper.leftOf(h.processOf[first : first+g.Workers])
		if left == 0 {
			return nil
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return fmt.Errorf("group %s: %d of %d have not ended: %w", group, left, g.Workers, ctx.Err())
		}
	}
}

// Alive is how many processes there are still.
func (h *Handle) Alive() int {
	h.reaper.mu.Lock()
	defer h.reaper.mu.Unlock()
	return h.reaper.left
}

// State is the state of a worker that gets nowhere: the letter that /proc shows.
type State struct {
	Group  string
	Index  int
	Letter string
}

// States are those of the workers that are there and made no progress in a phase, or in the whole run in
// phase -1. Of programs it is not known whether they made any.
func (h *Handle) States(phase int) []State {
	var list []State
	for i := range h.arena.Workers() {
		group, n := h.locate(i)
		progress, stage := group.Kind.Shape().Progress, h.arena.Block(i).Stage()
		there := stage == arena.StageRunning || stage == arena.StageParked // who never got a CPU after the start
		if progress == work.ProgressCPU || !there || h.progressed(i, phase, progress) {
			continue
		}
		process := h.processOf[i]
		h.reaper.whileThere(process, func() {
			if letter := stateOf(h.reaper.pids[process], h.arena.Block(i).TID()); letter != "" {
				list = append(list, State{Group: group.Name, Index: n, Letter: letter})
			}
		})
	}
	return list
}

// progressed says whether a worker's counter moved in a phase.
func (h *Handle) progressed(worker, phase int, progress work.Progress) bool {
	for r := range h.arena.Records() {
		if phase >= 0 && r != phase-h.first+1 || !h.arena.Block(worker).Entered(r) {
			continue
		}
		units, iterations := h.arena.Record(worker, r).Counts()
		if progress == work.ProgressUnits && units > 0 || progress == work.ProgressIterations && iterations > 0 {
			return true
		}
	}
	return false
}

// stateOf is the letter of a task's state, empty when it is gone.
func stateOf(pid, tid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/stat", pid, tid))
	if err != nil {
		return ""
	}
	if fields := statFields(stat); len(fields) > 0 {
		return fields[0]
	}
	return ""
}

// IsThere says whether a process or thread is there and has not ended.
func IsThere(id int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	if err != nil {
		return false
	}
	fields := statFields(stat)
	return len(fields) > 0 && fields[0] != "Z" && fields[0] != "X"
}

// statFields are the fields of a /proc/<pid>/stat behind the name: state, parent, process group.
func statFields(stat []byte) []string {
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
}

// TellStop tells the workers to leave and waits for nothing; Stop has to follow. It returns the time of the first
// stop on CLOCK_MONOTONIC in ns.
func (h *Handle) TellStop() int64 {
	h.arena.Control().Abort()
	h.stopped.CompareAndSwap(0, sys.Monotonic())
	h.arena.Control().Stop()
	return h.stopped.Load()
}

// HurryWith ends the time that programs have to end by themselves when a context ends.
func (h *Handle) HurryWith(ctx context.Context) {
	hurry := ctx.Done()
	h.hurry.Store(&hurry)
}
