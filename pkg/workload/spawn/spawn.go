// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package spawn makes workers, holds them parked, lets them work, stops them and
// collects how they ended.
//
// # How a worker comes to be
//
//	runner                     zygote (runner re-executed)         worker
//	  | arena, plan, cgroups ---> reads the plan                      .
//	  |                           prepares one process at a time      .
//	  |                           clone3(CLONE_PARENT,                .
//	  |                                  CLONE_INTO_CGROUP) --------> born in its cgroup,
//	  |                           exits when all are made             a child of the runner
//	  | opens a pidfd on each                                         arms its death signal, sets itself up
//	  | waits until all are parked <------ arena: parked ------------ parks
//	  | Start ------------------------------ arena: start ----------> works
//	  | Stop ------------------------------- arena: stop -----------> leaves its loop, exits
//	  | reaps, reads the arena
//
// A worker is one kernel task: a copy of the zygote that never execs. It shares
// almost all of its memory with the zygote's, costs about a tenth of a
// millisecond, and there is no runtime thread beside it. The price is the
// discipline described in package sys: after the fork no allocation, no Go
// scheduler, raw system calls only. Everything a worker needs is therefore made
// in the zygote, which does nothing else: one locked thread, the collector off,
// preemption signals off.
//
// Many workers are divided among several zygotes, which fork side by side.
//
// Workers that are threads live in a host: a process forked in the same way whose
// first thread makes one thread for each worker, by the kernel's means and not by
// Go's, and then waits for them. So there too is no task but those, nobody puts a
// worker to sleep but the kernel, and no stop of the world can wait for one. The
// price: what fails in the code of one thread ends its host.
//
// # Who ends when
//
// A process gets SIGKILL when the runner's thread that made the zygotes ends. That
// thread is locked to a goroutine that lives as long as the Handle. A process that
// was forked while the runner was dying sees another parent than it expects and
// leaves. Stop is a word in shared memory; who does not follow it is killed through its pidfd.
package spawn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	// defaultParkTimeout is Config.ParkTimeout where none is given.
	defaultParkTimeout = 30 * time.Second
	// parkPoll is how often the wait for parked workers looks for dead ones.
	parkPoll = 100 * time.Millisecond
	// StopTimeout is how long workers have to leave after Stop before they are
	// killed, KillTimeout how long a killed worker has to be gone. The kernel takes
	// its time with thousands: each process adds EndTimePerProcess to both.
	StopTimeout       = 5 * time.Second
	KillTimeout       = 3 * time.Second
	EndTimePerProcess = time.Millisecond
)

// Config is what Spawn needs.
type Config struct {
	// Run is what to make.
	Run *spec.Resolved
	// Whole is the run that Run is a part of; nil, it is all of it.
	Whole *spec.Resolved
	// Phases is how many phases there are, FirstPhase the number of the first one;
	// SetPhase announces them.
	Phases, FirstPhase int
	// CPUs are those of workers without an affinity; empty, those of the caller.
	CPUs cpuset.CPUSet
	// Places are where the machine's CPUs are; nil when that is unknown.
	Places *work.Places
	// ParkTimeout bounds the time from the last fork until all workers are parked;
	// 0 is 30 s.
	ParkTimeout time.Duration
	// Cgroups are descriptors of directories by the name groups use; workers of a
	// group whose name is missing are born in the runner's own cgroup.
	// Those that only the workers' kind of work uses are named by LeafName.
	Cgroups map[string]*os.File
	// Scratch is the directory of files without a name; empty, os.TempDir().
	Scratch string
	// Network is the network namespace with a virtual Ethernet pair for each set
	// that needs one; nil if none does.
	Network *os.File
	// Programs are the paths of the programs that workers may become, by the name that
	// groups use.
	Programs map[string]string
	// Stderr gets what a zygote says that has no place in the arena; nil discards it.
	// An error has it too.
	Stderr *os.File
}

// Handle owns the workers from Spawn to Close.
type Handle struct {
	run         *spec.Resolved
	first       int           // Config.FirstPhase
	cpus        cpuset.CPUSet // Config.CPUs
	parkTimeout time.Duration
	processes   []process
	processOf   []int // the process of each worker
	workerOf    []int // the first worker of each process
	arena       *arena.Arena
	reaper      *reaper
	allowed     []cpuset.CPUSet // the CPUs each worker may use, as the kernel says before the start
	programs    programs
	hurry       atomic.Pointer[<-chan struct{}] // closed when programs have no more time to end by themselves
	stopped     atomic.Int64                    // when Stop was first called
	parent      chan struct{}                   // closed to end the thread that is the workers' parent
	ended       chan struct{}                   // closed when it has ended; nil before there is one
}

// Spawn makes all workers and returns when they are parked. An error leaves
// nothing behind. It names the worker and the step.
func Spawn(ctx context.Context, cfg Config) (*Handle, error) {
	h, zygotes, err := prepare(&cfg)
	if err != nil {
		return nil, err
	}
	if err := h.populate(ctx, zygotes); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// prepare makes everything that is there before the first process.
func prepare(cfg *Config) (*Handle, []*exec.Cmd, error) {
	h := &Handle{run: cfg.Run, first: cfg.FirstPhase, cpus: cfg.CPUs, parkTimeout: cmp.Or(cfg.ParkTimeout, defaultParkTimeout), parent: make(chan struct{})}
	shapes, workers := shapesOf(cfg.Run)
	groups, end := basesOf(shapes, workers)
	p, files := newPlan(cfg)
	for _, process := range processesOf(p.shapes(shapes)) {
		h.processes = append(h.processes, process)
	}
	h.assignProcesses(groups, end)
	var err error
	if h.arena, err = arena.New(layoutOf(shapes, workers, cfg.Phases)); err != nil {
		return nil, nil, err
	}
	h.allowed = make([]cpuset.CPUSet, h.arena.Workers())
	if h.programs, err = newPrograms(cfg, groups); err != nil {
		return nil, nil, errors.Join(err, h.Close())
	}
	files = h.programs.plan(&p, files)
	zygotes, err := h.zygotes(&p, files, cfg.Stderr)
	if err != nil {
		return nil, nil, errors.Join(err, h.Close())
	}
	return h, zygotes, nil
}

func shapesOf(run *spec.Resolved) (shapes []work.Shape, workers []int) {
	for i := range run.Groups {
		shapes = append(shapes, run.Groups[i].Kind.Shape())
		workers = append(workers, run.Groups[i].Workers)
	}
	return shapes, workers
}

func (h *Handle) assignProcesses(groups []bases, end bases) {
	h.processOf = make([]int, end.worker)
	for n := range h.processes {
		p := &h.processes[n]
		for _, g := range p.groups {
			first, count := p.part(h.run.Groups[g].Workers)
			first += groups[g].worker
			if g == p.groups[0] {
				h.workerOf = append(h.workerOf, first)
			}
			for w := range count {
				h.processOf[first+w] = n
			}
		}
	}
}

// pid is the id of the n-th process, 0 when there never was one.
func (h *Handle) pid(n int) int {
	if host := h.processes[n].host; host >= 0 {
		return h.arena.Control().Host(host)
	}
	return h.arena.Block(h.workerOf[n]).TID()
}

// hasThreads says whether some process has threads: a host, or a program, which may.
func (h *Handle) hasThreads() bool {
	return len(h.programs) > 0 || slices.ContainsFunc(h.processes, func(p process) bool { return p.host >= 0 })
}

func (h *Handle) populate(ctx context.Context, zygotes []*exec.Cmd) error {
	room := makeRoom(len(h.processes))
	var forkErr error
	if len(h.processes) > 0 {
		forkErr = h.fork(ctx, zygotes)
	}
	forkErr = errors.Join(forkErr, h.programs.started())
	<-room
	// Also after an error: whatever was forked has to be ended.
	pids := make([]int, len(h.processes))
	for n := range pids {
		pids[n] = h.pid(n)
	}
	var err error
	if h.reaper, err = newReaper(pids, h.hasThreads(), func(n int) string { return h.name(h.workerOf[n]) }); err != nil {
		killAll(pids)
		return errors.Join(forkErr, fmt.Errorf("watching the workers: %w", err))
	}
	if forkErr != nil {
		return forkErr
	}
	if err := h.awaitParked(ctx); err != nil {
		return err
	}
	return h.readBack()
}

// makeRoom lets the kernel enlarge the table of descriptors for n more at once and
// while the workers are forked. Bit by bit, each time it grows costs milliseconds.
func makeRoom(n int) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Where that fails, opening them will tell.
		if fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, n+64); err == nil {
			_ = unix.Close(fd)
		}
	}()
	return done
}

// killAll is the way out when there is no reaper: the children are ours and not
// reaped, so their pids are theirs. It waits for KillTimeout at most; who is stuck
// in the kernel for longer is reaped when it is gone.
func killAll(pids []int) {
	pids = slices.DeleteFunc(pids, func(pid int) bool { return pid == 0 })
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	gone := make(chan struct{})
	go func() { // ends with the last of them
		defer close(gone)
		for _, pid := range pids {
			err := error(syscall.EINTR)
			for errors.Is(err, syscall.EINTR) {
				_, err = syscall.Wait4(pid, nil, 0, nil)
			}
		}
	}()
	timer := time.NewTimer(KillTimeout)
	defer timer.Stop()
	select {
	case <-gone:
	case <-timer.C:
	}
}

// locate finds the group of a worker and its number in it.
func (h *Handle) locate(worker int) (*spec.ResolvedGroup, int) {
	for i := range h.run.Groups {
		g := &h.run.Groups[i]
		if worker < g.Workers {
			return g, worker
		}
		worker -= g.Workers
	}
	return &spec.ResolvedGroup{Name: "?"}, worker
}

// name is what messages call a worker.
func (h *Handle) name(worker int) string {
	group, i := h.locate(worker)
	text := fmt.Sprintf("group %s, worker %d of %d", group.Name, i, group.Workers)
	if group.ProcessName != "" {
		text += fmt.Sprintf(" (in process %q)", group.ProcessName)
	}
	return text
}

// awaitParked returns when every worker is parked with all set-up steps done.
func (h *Handle) awaitParked(ctx context.Context) error {
	deadline := time.Now().Add(h.parkTimeout)
	for h.arena.Control().AwaitParked(parkPoll) < h.arena.Workers() {
		select {
		case <-h.reaper.early:
			return h.setupErrors()
		default:
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("waiting for workers to park: %w", err)
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("not all workers were ready within %v", h.parkTimeout), h.setupErrors())
		}
	}
	return h.setupErrors()
}

const maxNamedErrors = 3

// setupErrors names the first workers of which something cannot be had, nil if
// there are none. A step that failed comes before a worker that ended, and stands
// for all threads of its host, which end with it.
func (h *Handle) setupErrors() error {
	var failed, ended []error
	known := map[int]bool{} // processes of which a step failed
	for i := range h.arena.Workers() {
		for _, e := range h.arena.Block(i).SetupErrors() {
			known[h.processOf[i]] = true
			failed = append(failed, fmt.Errorf("%s: %v: %w%s", h.name(i), e.Step, e.Errno, setupHint(e.Step, e.Errno)))
		}
	}
	for i, exits := 0, h.reaper.snapshot(); i < h.arena.Workers(); i++ {
		if exit := exits[h.processOf[i]]; exit.Ended() && !known[h.processOf[i]] {
			ended = append(ended, fmt.Errorf("%s: ended while %s: %s", h.name(i), h.arena.Block(i).Stage(), exit))
		}
	}
	errs := append(failed, ended...)
	if more := len(errs) - maxNamedErrors; more > 0 {
		errs = append(errs[:maxNamedErrors], fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}

func setupHint(step arena.SetupStep, errno syscall.Errno) string {
	if step == arena.StepThread || step == arena.StepMemory {
		return forkHint(errno)
	}
	switch {
	case step == arena.StepPolicy && errno == syscall.EBUSY:
		return " (the bandwidth of SCHED_DEADLINE is used up: kernel.sched_rt_runtime_us, and what the kernel keeps for itself)"
	case step == arena.StepPolicy && errno == syscall.EINVAL:
		return " (the kernel does not know the policy, or the period of SCHED_DEADLINE is outside kernel.sched_deadline_period_min_us and _max_us)"
	case errno != syscall.EPERM && errno != syscall.EACCES:
		return ""
	}
	switch step {
	case arena.StepCredentials:
		return " (the node needs CAP_SETUID and CAP_SETGID)"
	case arena.StepPolicy, arena.StepNice:
		return " (the node needs CAP_SYS_NICE, and real-time bandwidth for a real-time class)"
	}
	return ""
}
