// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

const (
	// tick is how long a worker blocks at most before it looks for the stop.
	tick = 100_000_000
	// checkpointUnits is after how many work units a worker looks at clock and CPU.
	checkpointUnits = 1024
	// publishEvery is how often a worker reads its CPU clock while it works.
	publishEvery = 10_000_000
	// spinChunk bounds one call of the spin loop.
	spinChunk = 1024
)

// Worker is what a loop works with. It is made before the fork.
type Worker struct {
	// Position is the worker's place in its set.
	Position int
	// Region is the memory of the set.
	Region arena.Region
	// ReadFD and WriteFD are the worker's ends of the pair's pipes.
	ReadFD, WriteFD int

	control    *arena.Control
	block      *arena.Block
	histograms [2]*arena.Histogram

	units     *uint64
	seenUnits uint64
	lastCheck int64
	published int64
	cpu       uint32
	schedstat schedstat
}

// Bind points the worker at its part of the arena.
func (w *Worker) Bind(a *arena.Arena, index, histograms int) {
	*w = Worker{control: a.Control(), block: a.Block(index)}
	w.units = w.block.WorkUnits()
	for n := range histograms {
		w.histograms[n] = a.Histogram(index, n)
	}
}

// Run does the work and accounts for it.
func (w *Worker) Run(k Kind) {
	w.begin()
	k.Run(w)
	w.end()
}

func (w *Worker) begin() {
	w.schedstat.read()
	w.cpu = sys.RawCPU()
	w.block.UseCPU(w.cpu)
	now := sys.Monotonic()
	w.lastCheck, w.published = now, now
	w.block.SetStage(arena.StageRunning)
	w.block.SetBegan(now)
}

func (w *Worker) end() {
	cpu, now := sys.RawThreadCPU(), sys.Monotonic()
	w.block.SetCPU(cpu)
	w.block.SetEnded(now)
	before := w.schedstat
	if w.schedstat.read() && before.ok {
		w.block.SetSchedstat(w.schedstat.cpu-before.cpu, w.schedstat.delay-before.delay, uint64(w.schedstat.runs-before.runs))
	}
	if w.control.Stopped() {
		w.block.SetStage(arena.StageStopped)
	} else {
		w.block.SetStage(arena.StageLeft)
	}
}

// Leave says why the loop is about to return before the stop.
func (w *Worker) Leave(why string) { w.block.SetText(why) }

// Stopped says whether to stop.
func (w *Worker) Stopped() bool { return w.control.Stopped() }

// Spin burns n pause instructions, one work unit each, or fewer when stopped.
func (w *Worker) Spin(n int64) {
	for n > 0 && !w.Stopped() {
		chunk := min(n, spinChunk)
		spin(w.units, uint64(chunk))
		n -= chunk
	}
}

// AddUnits counts work units.
func (w *Worker) AddUnits(n uint64) { *w.units += n }

// EndIteration counts a pass of the loop. Every 1024 work units, or every pass of
// a loop that counts none, it looks at the clock and the CPU.
func (w *Worker) EndIteration() {
	w.block.AddIteration()
	units := *w.units
	if units != w.seenUnits && units-w.seenUnits < checkpointUnits {
		return
	}
	w.seenUnits = units
	w.checkpoint()
}

func (w *Worker) checkpoint() {
	now := sys.Monotonic()
	if gap := now - w.lastCheck; gap > w.block.MaxGap() {
		w.block.SetMaxGap(gap, w.cpu)
	}
	w.lastCheck = now
	if cpu := sys.RawCPU(); cpu != w.cpu {
		w.cpu = cpu
		w.block.AddMigration()
		w.block.UseCPU(cpu)
	}
	if now-w.published >= publishEvery {
		w.published = now
		w.block.SetCPU(sys.RawThreadCPU())
	}
}

// ResetGap forgets the time since the last checkpoint, which was spent waiting on purpose.
func (w *Worker) ResetGap() { w.lastCheck = sys.Monotonic() }

// Record adds a value in nanoseconds to the n-th metric of the kind's Shape.
func (w *Worker) Record(n int, ns int64) { w.histograms[n].Record(ns) }

// AwaitChange blocks until the word no longer holds value or the worker is
// stopped, and reports whether the word changed.
func (w *Worker) AwaitChange(word *uint32, value uint32) bool {
	for load(word) == value {
		if w.Stopped() {
			return false
		}
		// A timeout, a signal and a word that has just changed are all answered
		// by looking again.
		sys.RawFutexWait(word, value, tick)
	}
	return true
}

// SleepUntil sleeps until a time on CLOCK_MONOTONIC, or until soon after the
// stop. A long sleep waits on the stop word for all but its last half tick, so
// that it is woken once more at most.
func (w *Worker) SleepUntil(deadline int64) {
	if deadline-sys.Monotonic() > tick {
		w.control.WaitStop(deadline - tick/2)
	}
	for !w.Stopped() && sys.RawSleepUntil(deadline) == sys.Interrupted {
	}
}
