// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"bytes"
	"encoding/json"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// every is a mask that lets an argument be compared as a whole.
const every = 1<<32 - 1

// injectionFile is where a zygote of the test binary finds what is to go wrong in
// it and in its workers: in the working directory, which it inherits.
const injectionFile = "inject.json"

// injectHere puts the injection that a test left for zygotes in force.
func injectHere() error {
	text, err := os.ReadFile(injectionFile)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var in injection
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	if in.Call == unix.SYS_RT_SIGACTION {
		// Else the runtime resets this signal in the fork, and is the first to fail.
		signal.Ignore(unix.Signal(in.Value))
	}
	return in.install(allThreads)
}

// leaveInjection leaves an injection for the zygotes to come, until undo.
func leaveInjection(t *testing.T, in injection) (undo func()) {
	t.Helper()
	t.Chdir(t.TempDir())
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(injectionFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(injectionFile); err != nil {
			t.Error(err)
		}
	}
}

// underInjection calls f on a thread of its own for which an injection is in force;
// the thread ends with it.
func underInjection(t *testing.T, in injection, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the filter is gone with the thread
		err := in.install(thisThread)
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// possessions are what a Spawn that failed must not leave anything of.
type possessions struct {
	Files  int `json:"files"`
	Arenas int `json:"arenas"`
}

func possessed() (possessions, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return possessions{}, err
	}
	files, err := os.ReadDir("/proc/self/fd")
	return possessions{Files: len(files), Arenas: bytes.Count(maps, []byte("memfd:schedfleet-arena"))}, err
}

func holding(t *testing.T) possessions {
	t.Helper()
	p, err := possessed()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// assertNothingLeft compares with what there was before, and makes sure that
// workers can still be made.
func assertNothingLeft(t *testing.T, before possessions, run *spec.Run) {
	t.Helper()
	assertNoChildren(t)
	if after := holding(t); after != before {
		t.Errorf("before there was %+v, after it %+v", before, after)
	}
	h, err := Spawn(t.Context(), config(t, run))
	if err != nil {
		t.Errorf("nothing can be spawned after it: %v", err)
		return
	}
	h.Start()
	h.Stop(nil)
	for _, w := range workers(h) {
		if !w.Exit.Clean() {
			t.Errorf("after it worker %d: %v", w.Index, w.Exit)
		}
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	assertNoChildren(t)
}

// warmUp makes the Go runtime open what it opens once.
func warmUp(t *testing.T) possessions {
	t.Helper()
	h := start(t, group("g", 1, work.Spec{SpinWait: &work.SpinWait{}}))
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return holding(t)
}

func assertSays(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Error("it did not fail")
		return
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not say %q: %v", w, err)
		}
	}
}

var bothModes = []spec.CloneMode{spec.CloneModeFork, spec.CloneModeThread}

func runOf(g spec.Group) *spec.Run {
	return &spec.Run{Duration: ms(1000), Seed: 1, Groups: []spec.Group{g}}
}

func inMode(mode spec.CloneMode, g spec.Group) spec.Group {
	g.CloneMode = mode
	return g
}

func TestAFailureInTheRunnerLeavesNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		injection injection
		want      []string
	}{
		"making the arena":  {injection{Call: unix.SYS_MEMFD_CREATE, Errno: unix.EPERM}, []string{"making the arena: memfd_create: operation not permitted", "seccomp"}},
		"sizing the arena":  {injection{Call: unix.SYS_FTRUNCATE, Errno: unix.EFBIG}, []string{"sizing the arena", "file too large", "fewer workers"}},
		"sealing the arena": {injection{Call: unix.SYS_FCNTL, Arg: 1, Mask: every, Value: unix.F_ADD_SEALS, Errno: unix.EPERM}, []string{"sealing the arena: operation not permitted"}},
		"mapping the arena": {injection{Call: unix.SYS_MMAP, Arg: 3, Mask: unix.MAP_SHARED, Value: unix.MAP_SHARED, Errno: unix.ENOMEM}, []string{"mapping the arena", "cannot allocate memory", "fewer workers"}},
		"making the zygote's file": {injection{Call: unix.SYS_MEMFD_CREATE, Arg: 1, Mask: every, Value: unix.MFD_CLOEXEC, Errno: unix.EMFILE},
			[]string{"making a file for what the zygote says: memfd_create: too many open files"}},
		"making an epoll":    {injection{Call: unix.SYS_EPOLL_CREATE1, Errno: unix.EMFILE}, []string{"watching the workers: epoll_create1: too many open files"}},
		"making an eventfd":  {injection{Call: unix.SYS_EVENTFD2, Errno: unix.ENFILE}, []string{"watching the workers: eventfd: too many open files in system"}},
		"adding to an epoll": {injection{Call: unix.SYS_EPOLL_CTL, Errno: unix.ENOSPC}, []string{"watching the workers: epoll_ctl: no space left on device"}},
		"opening a pidfd": {injection{Call: unix.SYS_PIDFD_OPEN, Errno: unix.EMFILE},
			[]string{"group g, worker 0 of 3", "opening a descriptor on it", "too many open files", "raise the limit on open files"}},
		"watching a pidfd": {injection{Call: unix.SYS_EPOLL_CTL, Arg: 1, Mask: every, Value: unix.EPOLL_CTL_ADD, Errno: unix.ENOMEM},
			[]string{"watching the workers: epoll_ctl: cannot allocate memory"}},
	} {
		for _, mode := range bothModes {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				before := warmUp(t)
				run := runOf(inMode(mode, group("g", 3, spins)))
				cfg := config(t, run)
				underInjection(t, tc.injection, func() {
					h, err := Spawn(t.Context(), cfg)
					if err == nil {
						_ = h.Close()
					}
					assertSays(t, err, tc.want...)
				})
				assertNothingLeft(t, before, run)
			})
		}
	}
}

// What another thread does for Spawn can only be hit in a process of its own.
func TestAFailureToStartTheZygoteLeavesNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		injection injection
		want      string
	}{
		"no process":    {injection{Call: unix.SYS_CLONE, Mask: unix.CLONE_VFORK, Value: unix.CLONE_VFORK, Errno: unix.EAGAIN}, "resource temporarily unavailable"},
		"no program":    {injection{Call: unix.SYS_EXECVE, Errno: unix.EACCES}, "permission denied"},
		"no pipe to it": {injection{Call: unix.SYS_PIPE2, Errno: unix.EMFILE}, "too many open files"},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRunner(t, order{Run: runOf(group("g", 3, spins)), Inject: &tc.injection})
			got := r.result(t)
			if !strings.Contains(got.Error, "running the zygote") || !strings.Contains(got.Error, tc.want) {
				t.Errorf("the error does not say %q: %s", tc.want, got.Error)
			}
			got.assertNothingLeft(t)
		})
	}
}

func TestAFailureInTheZygoteLeavesNothing(t *testing.T) {

	for name, tc := range map[string]struct {
		injection injection
		work      work.Spec
		modes     []spec.CloneMode
		want      string
	}{
		"mapping the arena": {injection{Call: unix.SYS_MMAP, Arg: 4, Mask: every, Value: zygoteArenaFD, Errno: unix.ENOMEM}, spins, bothModes,
			"running the zygote: exit status 2: attaching to the arena: mapping the arena"},
		"opening /dev/null": {injection{Call: unix.SYS_OPENAT, Arg: 2, Mask: every, Value: unix.O_RDWR | unix.O_CLOEXEC | unix.O_LARGEFILE, Errno: unix.ENFILE}, spins, bothModes,
			"running the zygote: exit status 2: opening /dev/null: too many open files in system"},
		"moving a descriptor": {injection{Call: unix.SYS_FCNTL, Arg: 1, Mask: every, Value: unix.F_DUPFD_CLOEXEC, Errno: unix.EMFILE}, spins, bothModes,
			"running the zygote: exit status 2: opening /dev/null: too many open files"},
		"mapping stacks": {injection{Call: unix.SYS_MMAP, Arg: 1, Mask: every, Value: 4 * 64 << 10, Errno: unix.ENOMEM}, spins, bothModes[1:],
			"running the zygote: exit status 2: mapping the stacks of 4 threads: cannot allocate memory"},
		"keeping the runner's class": {injection{Call: unix.SYS_SCHED_SETSCHEDULER, Arg: 1, Mask: every, Value: unix.SCHED_RESET_ON_FORK, Errno: unix.EPERM}, spins, bothModes,
			"running the zygote: exit status 2: keeping the runner's scheduling class from the workers: operation not permitted"},
		"making pipes": {injection{Call: unix.SYS_PIPE2, Errno: unix.EMFILE}, pairs, bothModes,
			"group g, worker 0 of 4: opening what it works with: too many open files (each worker needs a descriptor"},
		"forking": {injection{Call: unix.SYS_CLONE3, Errno: unix.EAGAIN}, pairs, bothModes,
			"group g, worker 0 of 4: forking it: resource temporarily unavailable (a limit on processes is reached"},
		"forking without memory": {injection{Call: unix.SYS_CLONE3, Errno: unix.ENOMEM}, spins, bothModes,
			"group g, worker 0 of 4: forking it: cannot allocate memory (memory is exhausted"},
	} {
		for _, mode := range tc.modes {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				warmUp(t)
				run := runOf(inMode(mode, group("g", 4, tc.work)))
				undo := leaveInjection(t, tc.injection)
				before := holding(t)
				cfg := config(t, run)
				cfg.Stderr = nil
				h, err := Spawn(t.Context(), cfg)
				undo()
				if err == nil {
					_ = h.Close()
				}
				assertSays(t, err, tc.want)
				assertNothingLeft(t, before, run)
			})
		}
	}
}

func TestAnArenaOfAnotherPlanIsRefused(t *testing.T) {
	warmUp(t)
	run := runOf(group("g", 3, spins))
	cfg := config(t, run)
	told, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer told.Close()
	before := holding(t)
	cfg.Stderr = told
	h, zygotes, err := prepare(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	other, err := arena.New(arena.Plan{Workers: make([]arena.WorkerPlan, 2)})
	if err != nil {
		t.Fatal(err)
	}
	zygotes[0].ExtraFiles[0] = other.File()
	const want = "for 2 workers, not of version 3 for 3"
	assertSays(t, h.populate(t.Context(), zygotes), "running the zygote: exit status 2: attaching to the arena", want)
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(told.Name()); err != nil || !strings.Contains(string(text), want) {
		t.Errorf("on standard error stands %q, %v", text, err)
	}
	assertNothingLeft(t, before, run)
}

func TestAFailureInAWorkerLeavesNothing(t *testing.T) {
	const memory = 73 * 4096 // with two guards, a size that nobody else maps
	own := work.Spec{CachePressure: &work.CachePressure{Size: quantity.Bytes(memory), Stride: 64}}
	prctl := func(option uint32) injection {
		return injection{Call: unix.SYS_PRCTL, Mask: every, Value: option, Errno: unix.EPERM}
	}
	for name, tc := range map[string]struct {
		injection injection
		work      work.Spec
		change    func(*spec.ResolvedGroup)
		modes     []spec.CloneMode
		want      string
	}{
		"death signal":   {prctl(unix.PR_SET_PDEATHSIG), spins, nil, bothModes, "arming the parent check: operation not permitted"},
		"descriptors":    {injection{Call: unix.SYS_DUP3, Errno: unix.EMFILE}, spins, nil, bothModes, "arranging descriptors: too many open files"},
		"closing":        {injection{Call: unix.SYS_CLOSE_RANGE, Mask: every, Value: workerFD, Errno: unix.ENOSYS}, spins, nil, bothModes, "arranging descriptors: function not implemented"},
		"signals":        {injection{Call: unix.SYS_RT_SIGACTION, Mask: every, Value: uint32(unix.SIGPIPE), Errno: unix.EINVAL}, spins, nil, bothModes, "arranging signals: invalid argument"},
		"process group":  {injection{Call: unix.SYS_SETPGID, Errno: unix.EPERM}, spins, nil, bothModes, "making a process group: operation not permitted"},
		"affinity":       {injection{Call: unix.SYS_SCHED_SETAFFINITY, Errno: unix.EINVAL}, spins, withAffinity, bothModes, "setting the CPU affinity: invalid argument"},
		"policy":         {injection{Call: unix.SYS_SCHED_SETSCHEDULER, Arg: 1, Mask: every, Value: unix.SCHED_BATCH, Errno: unix.EPERM}, spins, withPolicy, bothModes, "setting the scheduling policy: operation not permitted (the node needs CAP_SYS_NICE"},
		"nice":           {injection{Call: unix.SYS_SETPRIORITY, Errno: unix.EACCES}, spins, withNice, bothModes, "setting the nice value: permission denied (the node needs CAP_SYS_NICE"},
		"memory policy":  {injection{Call: unix.SYS_SET_MEMPOLICY, Errno: unix.EINVAL}, spins, withMemoryPolicy, bothModes, "setting the memory policy: invalid argument"},
		"mapping memory": {injection{Call: unix.SYS_MMAP, Arg: 1, Mask: every, Value: memory + 2*4096, Errno: unix.ENOMEM}, own, nil, bothModes, "mapping its memory: cannot allocate memory (memory is exhausted"},
		"memory's rights": {injection{Call: unix.SYS_MPROTECT, Arg: 1, Mask: every, Value: memory, Errno: unix.ENOMEM}, own, nil, bothModes,
			"mapping its memory: cannot allocate memory"},
		"name": {prctl(unix.PR_SET_NAME), spins, nil, bothModes, "setting the name: operation not permitted"},
		// Not an errno but the end, on the way to being parked.
		"killed when a process": {injection{Call: unix.SYS_SETPGID}, spins, nil, bothModes[:1], "ended while Forked: killed by signal 31 (SIGSYS"},
		"killed when a thread":  {injection{Call: unix.SYS_SCHED_SETAFFINITY}, spins, withAffinity, bothModes[1:], "ended while Forked: killed by signal 31 (SIGSYS"},
		"killed when a host":    {injection{Call: unix.SYS_SETPGID}, spins, nil, bothModes[1:], "ended while Declared: killed by signal 31 (SIGSYS"},
	} {
		for _, mode := range tc.modes {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				warmUp(t)
				run := runOf(inMode(mode, group("g", 3, tc.work)))
				cfg := config(t, run)
				if tc.change != nil {
					tc.change(&cfg.Run.Groups[0])
				}
				undo := leaveInjection(t, tc.injection)
				before := holding(t)
				h, err := Spawn(t.Context(), cfg)
				undo()
				if err == nil {
					_ = h.Close()
				}
				assertSays(t, err, "of 3: "+tc.want, "group g, worker ")
				assertNothingLeft(t, before, run)
			})
		}
	}
}

func withAffinity(g *spec.ResolvedGroup)     { g.CPUs = []cpuset.CPUSet{cpuset.New(0)} }
func withPolicy(g *spec.ResolvedGroup)       { g.Policy = unix.SCHED_BATCH }
func withNice(g *spec.ResolvedGroup)         { g.Nice = new(5) }
func withMemoryPolicy(g *spec.ResolvedGroup) { g.Memory = &spec.MempolicyCall{} }
func withNobody(g *spec.ResolvedGroup)       { g.UID, g.GID = new(int64(65534)), new(int64(65534)) }

// A worker that could not change its credentials must not work with the old ones.
func TestCredentialsFailClosed(t *testing.T) {
	for name, call := range map[string]int{
		"supplementary groups": unix.SYS_SETGROUPS,
		"group":                unix.SYS_SETRESGID,
		"user":                 unix.SYS_SETRESUID,
	} {
		for _, mode := range bothModes {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				warmUp(t)
				run := runOf(inMode(mode, group("g", 3, spins)))
				cfg := config(t, run)
				withNobody(&cfg.Run.Groups[0])
				undo := leaveInjection(t, injection{Call: call, Errno: unix.EPERM})
				before := holding(t)
				h, zygotes, err := prepare(&cfg)
				if err != nil {
					t.Fatal(err)
				}
				h.Start() // a worker that parks would be off at once
				err = h.populate(t.Context(), zygotes)
				undo()
				assertSays(t, err, "group g, worker ", "of 3: changing user and group: operation not permitted (the node needs CAP_SETUID and CAP_SETGID)")
				if !h.reaper.wait(StopTimeout) {
					t.Error("workers are still there")
				}
				for _, w := range workers(h) {
					if w.Stage > arena.StageForked || w.Began != 0 || whole(w).Figures.Iterations != 0 {
						t.Errorf("worker %d went on: stage %v, %v", w.Index, w.Stage, w.Exit)
					}
					if !w.Exit.Status.Exited() || w.Exit.Status.ExitStatus() != exitSetup {
						t.Errorf("worker %d: %v", w.Index, w.Exit)
					}
				}
				if err := h.Close(); err != nil {
					t.Error(err)
				}
				assertNothingLeft(t, before, run)
			})
		}
	}
}
