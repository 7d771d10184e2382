// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"encoding/json"
	"fmt"
	"iter"
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
	// preparer is nil where there is nothing to prepare.
	preparer work.Preparer
	number   int
	// descriptors is how many each worker has, shared are those that all have, and
	// together says that a set opens them as one.
	descriptors int
	shared      [work.MaxFDs]int
	together    bool
	// peers are the workers in the same cgroup.
	peers [][2]int
	// programs are what the workers become; none, they stay what they are.
	programs []*work.Program
	// cgroup is a descriptor of the cgroup its workers are born in, -1 for the runner's.
	cgroup int
	target *sys.ForkTarget
}

func (g *preparedGroup) name(i int) *taskName { return &g.names[i%len(g.names)] }

func (g *preparedGroup) class(position int) *work.Class {
	return &g.plan.Classes[position%len(g.plan.Classes)]
}

type zygote struct {
	plan   plan
	arena  *arena.Arena
	groups []preparedGroup
	null   int
	lowFD  int // zygoteLowFD, or above the cgroups where they are many
	// ownFD is the highest descriptor that no thread works with: it is opened before theirs.
	ownFD int
	// network is a descriptor of the run's network namespace, -1 if it has none.
	network int
	// worker and pages are those of the next fork, which takes its own copy along.
	worker work.Worker
	pages  work.PageCounter
	opened opened
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
	for n, p := range z.processes() {
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
	z.lowFD, z.network = max(zygoteLowFD, zygoteCgroupFD+z.plan.Cgroups+1+z.plan.Outputs), -1
	if z.plan.Network {
		z.network = zygoteCgroupFD + z.plan.Cgroups
	}
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
	z.ownFD = z.null
	for g := range z.groups {
		if err := z.openShared(&z.groups[g]); err != nil {
			return nil, err
		}
	}
	return z, z.prepareThreads()
}

// processes are those of the run, of which the plan says which are this zygote's.
func (z *zygote) processes() iter.Seq2[int, process] {
	var shapes []work.Shape
	for g := range z.groups {
		shapes = append(shapes, z.groups[g].shape)
	}
	return processesOf(z.plan.shapes(shapes))
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
		g, err := prepareGroup(i, z.plan.Groups[i], kind)
		if err != nil {
			return nil, nil, fmt.Errorf("group %d: %w", i, err)
		}
		z.groups = append(z.groups, g)
		shapes, workers = append(shapes, kind.Shape()), append(workers, z.plan.Groups[i].Workers)
	}
	list, _ := basesOf(shapes, workers)
	for i, b := range list {
		b.link = z.plan.Groups[i].FirstLink
		z.groups[i].bases = b
	}
	for i := range z.groups {
		z.groups[i].peers = z.peersOf(z.plan.Groups[i].Cgroup)
	}
	return shapes, workers, nil
}

// peersOf are the workers in a cgroup.
func (z *zygote) peersOf(cgroup int) [][2]int {
	var list [][2]int
	for i := range z.groups {
		if g := &z.groups[i]; g.plan.Cgroup == cgroup {
			list = append(list, [2]int{g.bases.worker, g.bases.worker + g.plan.Workers})
		}
	}
	return list
}

func prepareGroup(number int, gp groupPlan, kind work.Kind) (preparedGroup, error) {
	g := preparedGroup{plan: gp, number: number, kind: kind, shape: kind.Shape()}
	g.descriptors = descriptorsOf(&g.shape)
	g.together = g.shape.Opens.Ring || g.shape.Opens.Epoll
	g.preparer, _ = kind.(work.Preparer)
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
	for _, p := range gp.Programs {
		program, err := work.NewProgram(p.Path, p.Args, p.Env)
		if err != nil {
			return g, err
		}
		g.programs = append(g.programs, program)
	}
	return g, nil
}

// fork makes a process. What keeps it from being made is noted in the arena.
func (z *zygote) fork(p *process) bool {
	if p.host >= 0 {
		return z.forkHost(p)
	}
	return z.forkWorker(&z.groups[p.groups[0]], p.first)
}

// forkWorker forks a group's i-th worker. The first of a set opens what they share and
// the last closes it behind itself, so that each inherits its own set's only.
func (z *zygote) forkWorker(g *preparedGroup, i int) bool {
	s := slotOf(g.bases, &g.shape, i)
	if (s.position == 0 || !g.together) && !z.open(g, s, &z.opened) {
		return false
	}
	block := z.arena.Block(s.worker)
	pid, errno := sys.Fork(g.target, block.TIDWord())
	if errno != 0 {
		z.arena.Control().SetForkError(s.worker, arena.ForkClone, errno)
		return false
	}
	if pid == 0 {
		// Not before: the fork would have to copy what the zygote wrote.
		z.bind(&z.worker, g, s, &z.opened)
		z.worker.Pages = &z.pages
		z.liveAsProcess(g, i, block)
	}
	if s.position == g.shape.SetSize-1 || !g.together {
		z.opened.close()
	}
	return true
}

// bind points a worker at its part of the arena.
func (z *zygote) bind(w *work.Worker, g *preparedGroup, s slot, o *opened) {
	w.Bind(z.arena, s.worker, len(g.shape.Metrics), z.plan.Places)
	w.Position = s.position
	w.Seed = uint64(z.plan.Seed) + uint64(s.worker+g.plan.Elsewhere)
	w.Peers = g.peers
	o.give(w, g, s.position)
	if s.region >= 0 {
		w.Region = z.arena.Region(s.region)
	}
	if g.programs != nil {
		w.Program = g.programs[s.worker-g.bases.worker]
	}
}
