// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// Descriptors of a worker: 0 to 2 are /dev/null; then its ends of the pair's pipes.
const (
	workerReadFD  = 3
	workerWriteFD = 4
)

// live is a worker's life from the fork to its exit. It does not return. From
// here on the rules of package sys hold.
func (z *zygote) live(g *preparedGroup, i int, block *arena.Block, pair *[4]int) {
	defer func() {
		if r := recover(); r != nil {
			block.SetStage(arena.StagePanicked)
			block.SetText(panicText(r))
			sys.RawExit(exitPanic)
		}
	}()
	block.SetStage(arena.StageForked)
	if errno := sys.RawDieWithParent(); errno != 0 {
		block.AddSetupError(arena.StepParentCheck, errno)
		sys.RawExit(exitSetup)
	}
	if sys.RawParent() != z.parent {
		sys.RawExit(exitOrphan)
	}
	if errno := z.arrange(g, i, pair); errno != 0 {
		block.AddSetupError(arena.StepDescriptors, errno)
		sys.RawExit(exitSetup)
	}
	setUp(g, i, block)

	block.SetStage(arena.StageParked)
	if !z.arena.Control().Park() {
		block.SetStage(arena.StageAborted)
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

// arrange leaves the worker with its own descriptors and nothing else.
func (z *zygote) arrange(g *preparedGroup, i int, pair *[4]int) sys.Errno {
	for fd := range 3 {
		if errno := sys.RawMoveFD(z.null, fd); errno != 0 {
			return errno
		}
	}
	if !g.shape.Pipes {
		return sys.RawCloseFrom(workerReadFD)
	}
	read, write := pair[0], pair[3]
	if i%2 == 1 {
		read, write = pair[2], pair[1]
	}
	if errno := sys.RawMoveFD(read, workerReadFD); errno != 0 {
		return errno
	}
	if errno := sys.RawMoveFD(write, workerWriteFD); errno != 0 {
		return errno
	}
	z.worker.ReadFD, z.worker.WriteFD = workerReadFD, workerWriteFD
	return sys.RawCloseFrom(workerWriteFD + 1)
}

// setUp gives the worker what its group asks for. A step that fails is noted and
// the next one done all the same, so that the runner can name all that failed.
func setUp(g *preparedGroup, i int, block *arena.Block) {
	note := func(step arena.SetupStep, errno sys.Errno) {
		if errno != 0 {
			block.AddSetupError(step, errno)
		}
	}
	note(arena.StepSignals, sys.RawIgnorePipeSignal())
	note(arena.StepProcessGroup, sys.RawOwnGroup())
	if n := len(g.plan.CPUs); n > 0 {
		note(arena.StepAffinity, sys.RawSetAffinity(g.plan.CPUs[i%n]))
	}
	if g.plan.Policy != sys.PolicyOther {
		note(arena.StepPolicy, sys.RawSetScheduler(0, g.plan.Policy, g.plan.Priority))
	}
	if g.plan.Nice != nil {
		note(arena.StepNice, sys.RawSetNice(*g.plan.Nice))
	}
	note(arena.StepName, sys.RawSetName(&g.name))
}
