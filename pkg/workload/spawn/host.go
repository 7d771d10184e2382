// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"sync/atomic"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// thread is a worker that is a thread of a host.
type thread struct {
	group  *preparedGroup
	index  int
	block  *arena.Block
	worker work.Worker
	opened opened // of the set, if the thread is its first
	start  func()
}

// hosted counts the threads of a host.
func (z *zygote) hosted(p *process) int {
	n := 0
	for _, g := range p.groups {
		_, count := p.part(z.groups[g].plan.Workers)
		n += count
	}
	return n
}

// prepareThreads makes what the host with the most threads needs; all forks share
// it until they write to it.
func (z *zygote) prepareThreads() error {
	most := 0
	for n, p := range z.processes() {
		if z.plan.mine(n) && p.host >= 0 {
			most = max(most, z.hosted(&p))
		}
	}
	if most == 0 {
		return nil
	}
	var err error
	if z.stacks, err = sys.NewThreads(most); err != nil {
		return err
	}
	z.threads = make([]thread, most)
	for n := range z.threads {
		t := &z.threads[n]
		t.start = func() { z.liveAsThread(t) }
	}
	return nil
}

// forkHost forks a process that hosts threads, with all its pipes.
func (z *zygote) forkHost(p *process) bool {
	threads := z.threads[:z.hosted(p)]
	n := 0
	for _, number := range p.groups {
		g := &z.groups[number]
		first, count := p.part(g.plan.Workers)
		for i := range count {
			if !z.prepareThread(threads, n, g, first+i) {
				return false
			}
			n++
		}
	}
	first := &z.groups[p.groups[0]]
	pid, errno := sys.Fork(first.target, z.arena.Control().HostWord(p.host))
	if errno != 0 {
		z.arena.Control().SetForkError(first.bases.worker+p.first, arena.ForkClone, errno)
		return false
	}
	if pid == 0 {
		z.liveAsHost(first, threads)
	}
	for n := range threads {
		threads[n].opened.close()
	}
	return true
}

// prepareThread makes the n-th thread of a host the i-th worker of a group.
func (z *zygote) prepareThread(threads []thread, n int, g *preparedGroup, i int) bool {
	t := &threads[n]
	s := slotOf(g.bases, &g.shape, i)
	t.group, t.index, t.block = g, i, z.arena.Block(s.worker)
	opener := t
	if g.together {
		opener = &threads[n-s.position]
	}
	if opener == t && !z.open(g, s, &t.opened) {
		return false
	}
	z.bind(&t.worker, g, s, &opener.opened)
	if g.shape.MemoryBytes > 0 {
		t.worker.Pages = &work.PageCounter{}
	}
	return true
}

// From here on the rules of package sys hold.

// liveAsHost is the life of a host's first thread: it makes the others and waits
// for them. Steps that are of the process are noted in the first worker's block.
func (z *zygote) liveAsHost(g *preparedGroup, threads []thread) {
	block := threads[0].block
	z.followParent(block)
	mustNote(block, arena.StepDescriptors, z.nullStdio())
	mustNote(block, arena.StepSignals, sys.RawIgnorePipeSignal())
	mustNote(block, arena.StepProcessGroup, sys.RawOwnGroup())
	mustNote(block, arena.StepName, sys.RawSetName((*[16]byte)(&g.process)))
	for n := range threads {
		t := &threads[n]
		t.block.SetStage(arena.StageForked)
		cgroup := -1
		if t.group.cgroup != g.cgroup {
			cgroup = t.group.cgroup // another of the same threaded domain
		}
		mustNote(t.block, arena.StepThread, z.stacks.RawStart(n, &t.start, t.block.TIDWord(), cgroup))
	}
	mustNote(block, arena.StepDescriptors, z.arrangeHost())
	if g.changesCredentials() {
		mustNote(block, arena.StepCredentials, g.become())
		z.followParent(block)
	}
	atomic.StoreUint32(&z.settled, 1)
	sys.RawFutexWake(&z.settled, len(threads))
	for n := range threads {
		z.stacks.RawJoin(n)
	}
	if block.Stage() == arena.StageAborted {
		sys.RawExit(exitAborted)
	}
	sys.RawExit(exitDone)
}

// arrangeHost leaves the host with the descriptors of its threads, which are above all others,
// and nothing else but its standard ones. The threads are there, so the cgroups are not needed any more.
func (z *zygote) arrangeHost() sys.Errno { return sys.RawCloseRange(workerFD, z.ownFD) }

// liveAsThread is the life of a worker that is a thread. It does not return.
func (z *zygote) liveAsThread(t *thread) {
	setUp(t.group, t.index, t.block, &t.worker)
	for atomic.LoadUint32(&z.settled) == 0 {
		sys.FutexWait(&z.settled, 0, 0)
	}
	if z.park(t.block) {
		t.worker.Run(t.group.kind)
	}
	sys.RawExitThread()
}
