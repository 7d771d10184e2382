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

// zygoteSays begins what a zygote writes to its standard error.
const zygoteSays = "schedfleet-runner: zygote:"

// Descriptors of a zygote: the arena, then the cgroups.
const (
	zygoteArenaFD  = 3
	zygoteCgroupFD = 4
	// zygoteLowFD is where descriptors begin that the zygote opens itself, at least:
	// above those that a worker arranges, and below 64, from where on the kernel makes
	// each process a table.
	zygoteLowFD = 32
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
var zygoteEnv = []string{"GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1", "GOGC=off", "GOTRACEBACK=none"}

// preparedGroup is a group with everything made that its workers use.
type preparedGroup struct {
	plan  groupPlan
	kind  work.Kind
	shape work.Shape
	bases bases
	// process is the name of the process that hosts the threads, names are one for
	// all workers, or one for each.
	process taskName
	names   []taskName
	// cgroup is a descriptor of the cgroup its workers are born in, -1 for the runner's.
	cgroup int
	target *sys.ForkTarget
}

func (g *preparedGroup) name(i int) *taskName { return &g.names[i%len(g.names)] }

// pipes are a pair's descriptors: {A reads, B writes, B reads, A writes}.
type pipes [4]int

type zygote struct {
	plan   plan
	arena  *arena.Arena
	groups []preparedGroup
	null   int
	lowFD  int // zygoteLowFD, or above the cgroups where they are many
	// worker, pages and pair are those of the next fork, which takes its own copy along.
	worker work.Worker
	pages  work.PageCounter
	pair   pipes
	// stacks and threads are for hosts; each fork has its own copy of both.
	stacks  *sys.Threads
	threads []thread
	// settled is 1 when a host's first thread has no old credentials any more: before
	// that its workers do not park.
	settled uint32
}

// Zygote is the main function of a zygote. It returns the exit code. In a worker
// it does not return.
func Zygote() int {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	z, err := newZygote()
	if err == nil {
		err = sys.BecomeZygote()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, zygoteSays, err)
		return zygoteBadPlan
	}
	// The runner may be in a real-time class, and the zygote with it, which a faulty
	// scheduler must not starve either. Its workers are not, unless they ask for it.
	if errno := sys.RawResetOnFork(); errno != 0 {
		fmt.Fprintln(os.Stderr, zygoteSays, "keeping the runner's scheduling class from the workers:", errno)
		return zygoteBadPlan
	}
	for n, p := range processesOf(z.plan.shapes()) {
		if z.plan.mine(n) && !z.fork(&p) {
			return zygoteForkFailed
		}
	}
	return zygoteDone
}

func newZygote() (*zygote, error) {
	z := &zygote{}
	if err := json.NewDecoder(os.Stdin).Decode(&z.plan); err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	z.lowFD = max(zygoteLowFD, zygoteCgroupFD+z.plan.Cgroups)
	if errno := sys.RawCloseRange(z.lowFD, sys.LastFD); errno != 0 { // whatever was inherited
		return nil, fmt.Errorf("closing descriptors: %w", errno)
	}
	shapes, workers, err := z.prepare()
	if err != nil {
		return nil, err
	}
	if z.arena, err = arena.Attach(os.NewFile(zygoteArenaFD, "arena"), layoutOf(shapes, workers, z.plan.Phases)); err != nil {
		return nil, fmt.Errorf("attaching to the arena: %w", err)
	}
	if z.null, err = z.openHigh(func() (int, error) { return unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0) }); err != nil {
		return nil, fmt.Errorf("opening %s: %w%s", os.DevNull, err, limitHint(err))
	}
	return z, z.prepareThreads()
}

// openHigh moves what open gives above the descriptors that a worker arranges.
func (z *zygote) openHigh(open func() (int, error)) (int, error) {
	fd, err := open()
	if err != nil {
		return -1, err
	}
	defer func() { _ = unix.Close(fd) }()
	moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, z.lowFD)
	if err == unix.EINVAL { //nolint:errorlint // x/sys/unix returns errnos as they are
		return -1, unix.EMFILE // the limit is not even above lowFD
	}
	return moved, err
}

func (z *zygote) prepare() (shapes []work.Shape, workers []int, err error) {
	for i := range z.plan.Groups {
		kind, err := z.plan.Groups[i].Work.Kind()
		if err != nil {
			return nil, nil, fmt.Errorf("group %d: %w", i, err)
		}
		z.groups = append(z.groups, prepareGroup(z.plan.Groups[i], kind))
		shapes, workers = append(shapes, kind.Shape()), append(workers, z.plan.Groups[i].Workers)
	}
	for i, b := range basesOf(shapes, workers) {
		z.groups[i].bases = b
	}
	return shapes, workers, nil
}

func prepareGroup(gp groupPlan, kind work.Kind) preparedGroup {
	g := preparedGroup{plan: gp, kind: kind, shape: kind.Shape()}
	g.process = newTaskName(gp.Comm)
	if gp.Process != "" {
		g.process = newTaskName(gp.Process)
	}
	if gp.Numbered {
		for i := range gp.Workers {
			g.names = append(g.names, numberedName(gp.Comm, i))
		}
	} else {
		g.names = []taskName{newTaskName(gp.Comm)}
	}
	g.cgroup = -1
	if gp.Cgroup >= 0 {
		g.cgroup = zygoteCgroupFD + gp.Cgroup
	}
	g.target = sys.NewForkTarget(g.cgroup)
	return g
}

// fork makes a process. What keeps it from being made is noted in the arena.
func (z *zygote) fork(p *process) bool {
	if p.host >= 0 {
		return z.forkHost(p)
	}
	return z.forkWorker(&z.groups[p.groups[0]], p.index)
}

// forkWorker forks a group's i-th worker. The first of a pair makes the pipes and
// the second closes them behind itself, so that each inherits its own pair's only.
func (z *zygote) forkWorker(g *preparedGroup, i int) bool {
	s := slotOf(g.bases, g.shape, i)
	if s.pair >= 0 && i%2 == 0 {
		if errno := z.openPair(&z.pair); errno != 0 {
			z.arena.Control().SetForkError(s.worker, arena.ForkPipes, errno)
			return false
		}
	}
	block := z.arena.Block(s.worker)
	pid, errno := sys.Fork(g.target, block.TIDWord())
	if errno != 0 {
		z.arena.Control().SetForkError(s.worker, arena.ForkClone, errno)
		return false
	}
	if pid == 0 {
		// Not before: the fork would have to copy what the zygote wrote.
		z.bind(&z.worker, g, s)
		z.worker.Pages = &z.pages
		z.liveAsProcess(g, i, block)
	}
	if s.pair >= 0 && i%2 == 1 {
		closePair(&z.pair)
	}
	return true
}

// bind points a worker at its part of the arena.
func (z *zygote) bind(w *work.Worker, g *preparedGroup, s slot) {
	w.Bind(z.arena, s.worker, len(g.shape.Metrics), z.plan.Places)
	w.Position = s.position
	if s.region >= 0 {
		w.Region = z.arena.Region(s.region)
	}
}

// openPair makes a pipe in each direction.
func (z *zygote) openPair(pair *pipes) sys.Errno {
	for n := 0; n < len(pair); n += 2 {
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
			return errnoOf(err)
		}
		for e, fd := range ends {
			moved, err := z.openHigh(func() (int, error) { return fd, nil })
			if err != nil {
				return errnoOf(err)
			}
			pair[n+e] = moved
		}
	}
	return 0
}

func closePair(pair *pipes) {
	for _, fd := range pair {
		_ = unix.Close(fd)
	}
}

// ends are the descriptors of a pair that its i-th member reads and writes.
func (p *pipes) ends(i int) (read, write int) {
	if i%2 == 1 {
		return p[2], p[1]
	}
	return p[0], p[3]
}

func errnoOf(err error) sys.Errno {
	if errno, ok := err.(sys.Errno); ok { //nolint:errorlint // x/sys/unix returns errnos as they are
		return errno
	}
	return unix.EIO
}
