// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// ZygoteCommand is the argument with which the runner's binary becomes a zygote.
const ZygoteCommand = "zygote"

// Descriptors of a zygote: the arena, then the cgroups.
const (
	zygoteArenaFD  = 3
	zygoteCgroupFD = 4
	// zygoteLowFD is where descriptors begin that the zygote opens itself: above
	// those that a worker arranges.
	zygoteLowFD = 256
)

// Exit codes of a zygote.
const (
	zygoteDone       = 0
	zygoteBadPlan    = 2
	zygoteForkFailed = 3
)

// zygoteEnv are the settings of the Go runtime in a zygote. One processor and no
// preemption signals keep everything but the forking thread asleep; without a
// collector no other thread ever touches the heap.
var zygoteEnv = []string{"GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1", "GOGC=off"}

// preparedGroup is a group with everything made that its workers use.
type preparedGroup struct {
	plan   groupPlan
	kind   work.Kind
	shape  work.Shape
	bases  bases
	name   [16]byte
	target *sys.ForkTarget
}

type zygote struct {
	parent int
	arena  *arena.Arena
	groups []preparedGroup
	null   int
	// worker is made once; every fork takes its own copy along.
	worker work.Worker
}

// Zygote is the main function of a zygote. It returns the exit code. In a worker
// it does not return.
func Zygote() int {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	z, err := newZygote()
	if err != nil {
		fmt.Fprintln(os.Stderr, "schedfleet-runner: zygote:", err)
		return zygoteBadPlan
	}
	// The runner may be in a real-time class; its workers are not, unless they ask for it.
	if errno := sys.RawSetScheduler(0, sys.PolicyOther, 0); errno != 0 {
		fmt.Fprintln(os.Stderr, "schedfleet-runner: zygote: leaving the runner's scheduling class:", errno)
		return zygoteBadPlan
	}
	sys.GrowStack()
	for g := range z.groups {
		if errno := z.forkGroup(&z.groups[g]); errno != 0 {
			return zygoteForkFailed
		}
	}
	return zygoteDone
}

func newZygote() (*zygote, error) {
	var p plan
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	z := &zygote{parent: p.Parent}
	if err := z.prepare(p.Groups); err != nil {
		return nil, err
	}
	var err error
	if z.arena, err = arena.Attach(os.NewFile(zygoteArenaFD, "arena"), z.arenaPlan()); err != nil {
		return nil, fmt.Errorf("attaching to the arena: %w", err)
	}
	z.null, err = unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", os.DevNull, err)
	}
	z.null, err = unix.FcntlInt(uintptr(z.null), unix.F_DUPFD_CLOEXEC, zygoteLowFD)
	if err != nil {
		return nil, fmt.Errorf("moving the descriptor of %s: %w", os.DevNull, err)
	}
	return z, nil
}

func (z *zygote) prepare(groups []groupPlan) error {
	var at bases
	for i, gp := range groups {
		kind, err := gp.Work.Kind()
		if err != nil {
			return fmt.Errorf("group %d: %w", i, err)
		}
		g := preparedGroup{plan: gp, kind: kind, shape: kind.Shape(), bases: at}
		copy(g.name[:len(g.name)-1], gp.Comm)
		cgroup := -1
		if gp.Cgroup >= 0 {
			cgroup = zygoteCgroupFD + gp.Cgroup
		}
		g.target = sys.NewForkTarget(cgroup)
		z.groups = append(z.groups, g)
		at = at.next(g.shape, gp.Workers)
	}
	return nil
}

func (z *zygote) arenaPlan() arena.Plan {
	var shapes []work.Shape
	var workers []int
	for i := range z.groups {
		shapes = append(shapes, z.groups[i].shape)
		workers = append(workers, z.groups[i].plan.Workers)
	}
	return layoutOf(shapes, workers)
}

// forkGroup forks the workers of a group in order. Pipes are made for a pair at a
// time and closed behind it, so that each worker inherits its own pair's only.
func (z *zygote) forkGroup(g *preparedGroup) sys.Errno {
	var pair [4]int
	for i := range g.plan.Workers {
		if g.shape.Pipes && i%2 == 0 {
			if errno := openPair(&pair); errno != 0 {
				z.arena.Control().SetForkError(g.bases.worker+i, arena.ForkPipes, errno)
				return errno
			}
		}
		if errno := z.fork(g, i, &pair); errno != 0 {
			z.arena.Control().SetForkError(g.bases.worker+i, arena.ForkClone, errno)
			return errno
		}
		if g.shape.Pipes && i%2 == 1 {
			closePair(&pair)
		}
	}
	return 0
}

func (z *zygote) fork(g *preparedGroup, i int, pair *[4]int) sys.Errno {
	s := slotOf(g.bases, g.shape, i)
	w := &z.worker
	w.Bind(z.arena, s.worker, len(g.shape.Metrics))
	w.Position = s.position
	if s.region >= 0 {
		w.Region = z.arena.Region(s.region)
	}
	block := z.arena.Block(s.worker)
	pid, errno := sys.Fork(g.target, block.TIDWord())
	if errno != 0 {
		return errno
	}
	if pid == 0 {
		z.live(g, i, block, pair)
	}
	return 0
}

// openPair makes a pipe in each direction: {A reads, B writes, B reads, A writes}.
func openPair(pair *[4]int) sys.Errno {
	for n := 0; n < len(pair); n += 2 {
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
			return errnoOf(err)
		}
		for e, fd := range ends {
			moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, zygoteLowFD)
			if err != nil {
				return errnoOf(err)
			}
			_ = unix.Close(fd)
			pair[n+e] = moved
		}
	}
	return 0
}

func closePair(pair *[4]int) {
	for _, fd := range pair {
		_ = unix.Close(fd)
	}
}

func errnoOf(err error) sys.Errno {
	if errno, ok := err.(sys.Errno); ok { //nolint:errorlint // x/sys/unix returns errnos as they are
		return errno
	}
	return unix.EIO
}
