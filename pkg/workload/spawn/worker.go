// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// workerFD is the first of a worker's own descriptors; 0 to 2 are /dev/null, but for
// programs, whose output is read.
const workerFD = 3

// In this file the rules of package sys hold.

// liveAsProcess is a worker's life from the fork to its exit. It does not return.
func (z *zygote) liveAsProcess(g *preparedGroup, i int, block *arena.Block) {
	defer func() {
		if r := recover(); r != nil {
			block.SetStage(arena.StagePanicked)
			block.SetText(panicText(r))
			sys.RawExit(exitPanic)
		}
	}()
	block.SetStage(arena.StageForked)
	z.followParent(block)
	mustNote(block, arena.StepDescriptors, z.arrange(g, i))
	note(block, arena.StepSignals, sys.RawIgnorePipeSignal())
	note(block, arena.StepProcessGroup, sys.RawOwnGroup())
	setUp(g, i, block, &z.worker)
	if g.changesCredentials() {
		z.followParent(block) // the kernel forgot the death signal
	}
	if !z.park(block) {
		sys.RawExit(exitAborted)
	}
	z.worker.Run(g.kind)
	sys.RawExit(exitDone)
}

// panicText is the message of a panic whose value has one at hand. Others would
// have to be formatted, which allocates.
func panicText(r any) string {
	switch v := r.(type) {
	case string:
		return v
	case error:
		return v.Error()
	default:
		return "panic with a value that is neither a string nor an error"
	}
}

// followParent makes the process end with its parent, or ends it when the parent
// is gone already.
func (z *zygote) followParent(block *arena.Block) {
	mustNote(block, arena.StepParentCheck, sys.RawDieWithParent())
	if sys.RawParent() != z.plan.Parent {
		sys.RawExit(exitOrphan)
	}
}

// park waits for the start and reports whether to work.
func (z *zygote) park(block *arena.Block) bool {
	block.SetStage(arena.StageParked)
	if z.arena.Control().Park() {
		return true
	}
	block.SetStage(arena.StageAborted)
	return false
}

// note notes how a step went. One that fails does not end the worker at once, so
// that the runner can name all that failed.
func note(block *arena.Block, step arena.SetupStep, errno sys.Errno) { block.SetSetup(step, errno) }

// mustNote notes how a step went without which the process must not go on.
func mustNote(block *arena.Block, step arena.SetupStep, errno sys.Errno) {
	block.SetSetup(step, errno)
	if errno != 0 {
		sys.RawExit(exitSetup)
	}
}

// arrange leaves the worker with its own descriptors and nothing else.
func (z *zygote) arrange(g *preparedGroup, i int) sys.Errno {
	if errno := z.nullStdio(); errno != 0 {
		return errno
	}
	if g.shape.Opens.Output {
		output := zygoteCgroupFD + g.plan.Programs[i].Output
		for n := range 2 {
			if errno := sys.RawMoveFD(output+n, 1+n, 0); errno != 0 {
				return errno
			}
		}
	}
	next := workerFD
	for n := range g.descriptors {
		if errno := sys.RawMoveFD(z.worker.FDs[n], next, unix.O_CLOEXEC); errno != 0 {
			return errno
		}
		z.worker.FDs[n] = next
		next++
	}
	return sys.RawCloseRange(next, sys.LastFD)
}

func (z *zygote) nullStdio() sys.Errno {
	for fd := range 3 {
		if errno := sys.RawMoveFD(z.null, fd, 0); errno != 0 {
			return errno
		}
	}
	return 0
}

// setUp gives the calling worker what its group asks for. Credentials come after
// all that needs the old ones.
func setUp(g *preparedGroup, i int, block *arena.Block, w *work.Worker) {
	if n := len(g.plan.CPUs); n > 0 {
		note(block, arena.StepAffinity, sys.RawSetAffinity(0, g.plan.CPUs[i%n]))
	}
	if class := g.class(w.Position); class.Policy == sys.PolicyDeadline {
		note(block, arena.StepPolicy, sys.RawSetDeadline(class.Runtime, class.Deadline, class.Period))
	} else if class.Policy != sys.PolicyOther {
		note(block, arena.StepPolicy, sys.RawSetScheduler(0, class.Policy, class.Priority))
	}
	if g.plan.Nice != nil {
		note(block, arena.StepNice, sys.RawSetNice(*g.plan.Nice))
	}
	if m := g.plan.Memory; m != nil {
		note(block, arena.StepMemoryPolicy, sys.RawSetMempolicy(m.Mode, m.Nodes, m.MaxNode))
	}
	if g.shape.MemoryBytes > 0 {
		var errno sys.Errno
		w.Memory, errno = sys.RawMap(g.shape.MemoryBytes)
		mustNote(block, arena.StepMemory, errno)
	}
	if g.preparer != nil {
		note(block, arena.StepWork, g.preparer.Prepare(w))
	}
	if g.changesCredentials() {
		mustNote(block, arena.StepCredentials, g.become())
	}
	note(block, arena.StepName, sys.RawSetName((*[16]byte)(g.name(i))))
}

func (g *preparedGroup) changesCredentials() bool { return g.plan.UID != nil || g.plan.GID != nil }

// become gives the calling thread its group's credentials. That the numbers are not
// -1, which would leave them as they are, was checked.
func (g *preparedGroup) become() sys.Errno {
	uid, gid := -1, -1
	if g.plan.UID != nil {
		uid = int(*g.plan.UID)
	}
	if g.plan.GID != nil {
		gid = int(*g.plan.GID)
	}
	return sys.RawBecome(uid, gid)
}
