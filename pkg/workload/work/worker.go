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
	// lookChunks is after how many of such chunks a worker looks around: a few ms at most.
	lookChunks = 64
	// MaxMetrics is how many histograms a kind may fill.
	MaxMetrics = 4
	// MaxFDs is how many descriptors a worker may have besides the standard ones.
	MaxFDs = 16
)

// Worker is what a loop works with. It is made before the fork.
type Worker struct {
	// Position is the worker's place in its set.
	Position int
	// Region is the memory of the set.
	Region arena.Region
	// FDs are what the kind's Shape.Opens says.
	FDs [MaxFDs]int
	// FileBytes is the size of the worker's file.
	FileBytes int64
	// Peers are the other workers in the same cgroup, as ranges of arena indices,
	// of which the second is behind the last. The worker itself is in one of them.
	Peers [][2]int
	// Seed differs between workers and is the same in a repetition of the run.
	Seed uint64
	// Program is what the worker turns into, nil if it stays what it is.
	Program *Program
	// Memory is the worker's own, mapped by itself; Pages counts where it is.
	Memory []byte
	Pages  *PageCounter

	// own are the CPUs it may use, for kinds that look at them before the start.
	own cpuMask

	arena   *arena.Arena
	control *arena.Control
	index   int
	metrics int
	places  *Places

	// What follows is of the phase that is on.
	phase      uint32
	number     int // of the record
	block      *arena.Block
	record     *arena.Record
	histograms [MaxMetrics]*arena.Histogram
	filled     [MaxMetrics]bool
	units      *uint64
	seenUnits  uint64

	lastCheck int64
	published int64
	cpu       uint32
	before    account
	schedstat schedstat
}

// account is what the kernel had counted for the thread when it was last asked.
type account struct {
	cpu                    int64
	voluntary, involuntary int64
}

// Bind points the worker at its part of the arena.
func (w *Worker) Bind(a *arena.Arena, index, metrics int, places *Places) {
	*w = Worker{arena: a, control: a.Control(), block: a.Block(index), index: index, metrics: metrics, places: places}
}

// enter makes the epoch's record the one that is written.
func (w *Worker) enter(epoch uint32, now int64) {
	w.phase = epoch
	w.number = w.arena.Plan().Record(epoch)
	w.record = w.arena.Record(w.index, w.number)
	w.units = w.record.WorkUnits()
	for n := range w.metrics {
		w.histograms[n] = w.arena.Histogram(w.index, w.number, n)
		w.filled[n] = false
	}
	w.seenUnits = *w.units
	w.block.SetEntered(w.number)
	w.record.Enter(now)
}

// Run does the work and accounts for it.
func (w *Worker) Run(k Kind) {
	w.begin(sys.Monotonic())
	k.Run(w)
	w.end()
}

func (w *Worker) begin(now int64) {
	w.block.SetBegan(now)
	w.block.SetStage(arena.StageRunning)
	w.enter(w.control.Phase(), now)
	w.schedstat.read()
	w.before.cpu = sys.RawThreadCPU()
	w.before.voluntary, w.before.involuntary = sys.RawSwitches()
	w.cpu = sys.RawCPU()
	w.useCPU()
	w.lastCheck = sys.Monotonic()
	w.published = w.lastCheck
}

func (w *Worker) end() {
	stopped := w.control.Stopped()
	now := sys.Monotonic()
	w.closeRecord(now)
	w.block.SetEnded(now)
	if stopped {
		w.block.SetStage(arena.StageStopped)
	} else {
		w.block.SetStage(arena.StageLeft)
	}
}

// closeRecord brings the record of the phase that is on up to date.
func (w *Worker) closeRecord(now int64) {
	w.record.Leave(now)
	w.publish()
	before := w.schedstat
	if w.schedstat.read() && before.ok {
		w.record.AddSchedstat(w.schedstat.cpu-before.cpu, w.schedstat.delay-before.delay, uint64(w.schedstat.runs-before.runs))
	}
	if len(w.Memory) > 0 {
		w.countPages()
	}
}

// publish adds what the thread used since it was last asked.
func (w *Worker) publish() {
	now := account{cpu: sys.RawThreadCPU()}
	now.voluntary, now.involuntary = sys.RawSwitches()
	w.record.AddCPU(now.cpu-w.before.cpu, uint64(now.voluntary-w.before.voluntary), uint64(now.involuntary-w.before.involuntary))
	w.before = now
}

// changePhase ends one phase and begins another, as was seen at a time. The gap in which that happened
// counts whole in both, and in the phases that it spans. What the change costs is in no gap.
func (w *Worker) changePhase(epoch uint32, seen int64) {
	last, gap := w.phase, seen-w.lastCheck
	w.noteGap(w.record, gap, seen)
	w.closeRecord(seen)
	for p := arena.Begun(last) + 1; p < epoch && p <= min(arena.Begun(epoch), uint32(w.arena.Plan().Phases)); p++ {
		w.noteMissed(p, gap, seen)
	}
	now := sys.Monotonic()
	w.enter(epoch, now)
	w.noteGap(w.record, gap, seen)
	w.lastCheck, w.published = now, now
	w.findCPU(now)
}

// noteMissed notes a gap in the record of a phase that went by unseen.
func (w *Worker) noteMissed(epoch uint32, gap, now int64) {
	number := w.arena.Plan().Record(epoch)
	w.block.SetEntered(number)
	w.noteGap(w.arena.Record(w.index, number), gap, now)
}

// noteGap notes a time between two checkpoints if it is the longest of a record.
func (w *Worker) noteGap(r *arena.Record, gap, now int64) {
	if gap > r.MaxGap() {
		r.SetMaxGap(gap, now, w.cpu)
	}
}

// Count adds to the n-th counter of the kind's Shape.
func (w *Worker) Count(n int, delta uint64) { w.record.Count(n, delta) }

// PeerTID is the task id of a worker of Peers, 0 for the worker itself.
func (w *Worker) PeerTID(index int) int {
	if index == w.index {
		return 0
	}
	return w.arena.Block(index).TID()
}

// Leave says why the loop is about to return before the stop.
func (w *Worker) Leave(why string) { w.block.SetText(why) }

// LeaveErrno is Leave after a system call that failed.
func (w *Worker) LeaveErrno(what string, errno sys.Errno) { w.block.SetText(what, ": ", errno.Error()) }

// Stopped says whether to stop.
func (w *Worker) Stopped() bool { return w.control.Stopped() }

// Spin burns n pause instructions, one work unit each, or fewer when stopped. In a long
// one it looks around.
func (w *Worker) Spin(n int64) {
	for n > 0 && !w.Stopped() {
		chunk := min(n, spinChunk)
		spin(w.units, uint64(chunk))
		n -= chunk
		w.lookWithin(n)
	}
}

// lookWithin looks around now and then in a pass that has n steps left to do, in chunks.
func (w *Worker) lookWithin(n int64) {
	if n > 0 && n/spinChunk%lookChunks == 0 {
		w.LookAround()
	}
}

// AddUnits counts work units.
func (w *Worker) AddUnits(n uint64) { *w.units += n }

// EndIteration counts a pass of the loop and looks around.
func (w *Worker) EndIteration() {
	w.record.AddIteration()
	w.LookAround()
}

// LookAround is for a loop whose passes take longer than a few ms, and for
// EndIteration: it follows a change of phase, and every 1024 work units, or every time in
// a loop that counts none, it looks at the clock and the CPU.
func (w *Worker) LookAround() {
	if w.control.Phase() != w.phase {
		w.checkpoint()
		return
	}
	units := *w.units
	if units != w.seenUnits && units-w.seenUnits < checkpointUnits {
		return
	}
	w.seenUnits = units
	w.checkpoint()
}

func (w *Worker) checkpoint() {
	now, cpu := sys.Monotonic(), sys.RawCPU()
	// Read last: only what was seen while the phase was still on is of this phase. Between
	// phases CPUs are taken away and given.
	if epoch := w.control.Phase(); epoch != w.phase {
		w.changePhase(epoch, now)
		return
	}
	w.noteGap(w.record, now-w.lastCheck, now)
	w.lastCheck = now
	if cpu != w.cpu {
		w.migrated(now, cpu)
		w.record.UseCPU(cpu)
	}
	if now-w.published >= publishEvery {
		w.published = now
		w.publish()
	}
}

// findCPU looks at the CPU in a phase that has just begun.
func (w *Worker) findCPU(now int64) {
	if cpu := sys.RawCPU(); cpu != w.cpu {
		w.migrated(now, cpu)
	}
	w.useCPU()
}

// useCPU notes the CPU that was found since the phase began, if the phase is still on: only then the
// worker was there in this phase.
func (w *Worker) useCPU() {
	if w.control.Phase() == w.phase {
		w.record.UseCPU(w.cpu)
	}
}

func (w *Worker) migrated(now int64, to uint32) {
	m := arena.Migration{At: now, From: w.cpu, To: to, Distance: w.places.distance(w.cpu, to), Record: w.number}
	w.cpu = to
	w.record.AddMigration(m.Distance)
	w.arena.Log(w.index).Add(m)
}

// ResetGap forgets the time since the last checkpoint, which was spent waiting on purpose.
func (w *Worker) ResetGap() { w.lastCheck = sys.Monotonic() }

// Record adds a value in nanoseconds to the n-th metric of the kind's Shape.
func (w *Worker) Record(n int, ns int64) {
	w.histograms[n].Record(ns)
	if !w.filled[n] {
		w.filled[n] = true
		w.record.SetFilled(n)
	}
}

// AwaitChange blocks until the word no longer holds value or the worker is
// stopped, and reports whether the word changed before that. A change after the stop
// may come from a worker whose work the stop cut short.
func (w *Worker) AwaitChange(word *uint32, value uint32) bool {
	for load(word) == value {
		if w.Stopped() {
			return false
		}
		// A timeout, a signal and a word that has just changed are all answered
		// by looking again.
		sys.FutexWait(word, value, tick)
	}
	return !w.Stopped()
}

// SleepUntil sleeps until a time on CLOCK_MONOTONIC, or until soon after the
// stop. A long sleep waits on the stop word for all but its last half tick, so
// that it is woken once more at most. It returns the time, read first thing after
// waking.
func (w *Worker) SleepUntil(deadline int64) (woke int64) {
	woke = sys.Monotonic()
	if deadline-woke > tick {
		w.control.WaitStop(deadline - tick/2)
	}
	for again := true; again && !w.Stopped(); {
		again = sys.SleepUntil(deadline) == sys.Interrupted
		woke = sys.Monotonic()
	}
	return woke
}
