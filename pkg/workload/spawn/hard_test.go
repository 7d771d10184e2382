// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// The main thread of a Go program stays when a goroutine that is locked to it ends.
// None of a test shall be there when it means to end its thread.
func init() { runtime.LockOSThread() }

// slack is what a bounded wait may take longer on a busy machine.
const slack = 2 * time.Second

// awaitWork waits until every worker has worked.
func awaitWork(t *testing.T, h *Handle) {
	t.Helper()
	waitFor(t, "every worker to have worked", func() bool { return slices.Min(h.Iterations()) > 2 })
}

func send(t *testing.T, pid int, signals ...unix.Signal) {
	t.Helper()
	for _, s := range signals {
		if err := unix.Kill(pid, s); err != nil {
			t.Fatalf("sending %v to %d: %v", s, pid, err)
		}
	}
}

// awaitStopped waits until no task of a process runs any more.
func awaitStopped(t *testing.T, pid int) {
	t.Helper()
	waitFor(t, "all tasks to be stopped", func() bool {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(tasks, func(task os.DirEntry) bool {
			tid, _ := strconv.Atoi(task.Name())
			return !strings.HasPrefix(statusField(t, tid, "State"), "T")
		})
	})
}

// What ends a process ends the worker that it is, or all workers that it hosts,
// and no other. How it ended, the stage and what was measured stay.
func TestAKilledProcessAtEveryStage(t *testing.T) {
	const stopping = "at the stop"
	for stage, tc := range map[string]struct {
		bring func(*testing.T, *Handle, Worker) // to the stage and to its end
		stage arena.Stage
	}{
		"parked": {func(*testing.T, *Handle, Worker) {}, arena.StageParked},
		"at work": {func(t *testing.T, h *Handle, _ Worker) {
			h.Start()
			awaitWork(t, h)
		}, arena.StageRunning},
		stopping: {func(t *testing.T, h *Handle, victim Worker) {
			h.Start()
			awaitWork(t, h)
			send(t, victim.PID, unix.SIGSTOP)
			awaitStopped(t, victim.PID)
			h.arena.Control().Stop()
			waitFor(t, "the other process to be gone", func() bool { return h.reaper.snapshot()[h.processOf[2]].Reaped })
		}, arena.StageRunning},
	} {
		for _, mode := range bothModes {
			for _, signal := range []unix.Signal{unix.SIGKILL, unix.SIGSEGV} {
				t.Run(fmt.Sprintf("%s %s %s", stage, mode, unix.SignalName(signal)), func(t *testing.T) {
					h := start(t, inMode(mode, group("victim", 2, ticks)), inMode(mode, group("other", 2, ticks)))
					victim := workers(h)[0]
					tc.bring(t, h, victim)
					before := workers(h)
					send(t, victim.PID, signal)
					if signal != unix.SIGKILL && stage == stopping {
						send(t, victim.PID, unix.SIGCONT) // only then it takes the signal
					}
					waitFor(t, "the victim to be gone", func() bool { return h.reaper.snapshot()[0].Reaped })
					h.Start()
					h.Stop(nil)
					checkVictims(t, workers(h), before, signal, tc.stage)
				})
			}
		}
	}
}

func checkVictims(t *testing.T, after, before []Worker, signal unix.Signal, stage arena.Stage) {
	t.Helper()
	for i, w := range after {
		name := fmt.Sprintf("%s %d", w.Group.Name, w.Index)
		if w.PID != before[0].PID {
			if !w.Exit.Clean() || w.Stage != arena.StageStopped {
				t.Errorf("%s: %v at stage %v", name, w.Exit, w.Stage)
			}
			continue
		}
		if w.Exit.Status.Signal() != signal || w.Exit.Killed != NotKilled || !strings.Contains(w.Exit.String(), unix.SignalName(signal)) {
			t.Errorf("%s: %v", name, w.Exit)
		}
		was, is := whole(before[i]), whole(w)
		if w.Stage != stage || is.Figures.Iterations < was.Figures.Iterations || is.Histograms[0].Count() < was.Histograms[0].Count() {
			t.Errorf("%s: stage %v, %d iterations, there were %d", name, w.Stage, is.Figures.Iterations, was.Figures.Iterations)
		}
		if ran := is.Figures.Iterations > 0 && is.Figures.Wall > 0; ran != (stage == arena.StageRunning) {
			t.Errorf("%s: stage %v with %+v", name, stage, is.Figures)
		}
	}
}

// A process that is born into a frozen cgroup stays before its first step.
func TestAProcessThatDoesNotPark(t *testing.T) {
	for name, tc := range map[string]struct {
		then    func(pid int, cancel func())
		timeout time.Duration
		want    []string
	}{
		"killed": {func(pid int, _ func()) { _ = unix.Kill(pid, unix.SIGKILL) }, 0,
			[]string{"group g, worker ", "of 2: ended while Declared: killed by signal 9 (SIGKILL)"}},
		"given up": {func(_ int, cancel func()) { cancel() }, 0, []string{"context canceled"}},
		"too slow": {func(int, func()) {}, 50 * time.Millisecond, []string{"not all workers were ready within 50ms"}},
	} {
		for _, mode := range bothModes {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				before := warmUp(t)
				run := runOf(inMode(mode, group("g", 2, spins)))
				cfg := config(t, run)
				cfg.ParkTimeout = tc.timeout
				assertSays(t, spawnFrozen(t, cfg, tc.then), tc.want...)
				assertNothingLeft(t, before, run)
			})
		}
	}
}

// spawnFrozen spawns into a frozen cgroup, does something when a process is born
// there, and returns Spawn's error.
func spawnFrozen(t *testing.T, cfg Config, then func(pid int, cancel func())) error {
	t.Helper()
	dir := v2Cgroup(t)
	writeFile(t, filepath.Join(dir, "cgroup.freeze"), "1")
	cgroup, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer cgroup.Close()
	cfg.Cgroups = map[string]*os.File{"": cgroup}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failure := make(chan error)
	go func() {
		h, err := Spawn(ctx, cfg)
		if err == nil {
			_ = h.Close()
		}
		failure <- err
	}()
	processes := 1
	if cfg.Run.Groups[0].CloneMode == spec.CloneModeFork {
		processes = cfg.Run.Groups[0].Workers
	}
	var pids []string
	waitFor(t, "the processes to be born", func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		pids = strings.Fields(string(text))
		return len(pids) == processes
	})
	pid, _ := strconv.Atoi(pids[0])
	then(pid, cancel)
	return <-failure
}

func TestTheOOMKiller(t *testing.T) {
	for _, mode := range bothModes {
		t.Run(string(mode), func(t *testing.T) {
			dir := cgroupWith(t, "memory")
			const size = 64 << 20
			h := start(t,
				inMode(mode, group("victim", 1, work.Spec{CachePressure: &work.CachePressure{Size: size, Stride: 4096}})),
				inMode(mode, group("other", 1, ticks)))
			limit := filepath.Join(dir, "memory.max")
			if _, err := os.Stat(limit); err != nil {
				limit = filepath.Join(dir, "memory.limit_in_bytes")
			}
			writeFile(t, limit, strconv.Itoa(size/8))
			writeFile(t, filepath.Join(dir, "cgroup.procs"), strconv.Itoa(workers(h)[0].PID))
			h.Start()
			<-h.reaper.early
			waitFor(t, "the other to have worked", func() bool { return h.Iterations()[1] > 2 })
			h.Stop(nil)
			after := workers(h)
			if got := after[0]; got.Exit.String() != "killed by signal 9 (SIGKILL)" || got.Exit.Killed != NotKilled || got.Stage != arena.StageRunning || whole(got).Figures.Iterations == 0 {
				t.Errorf("the victim: %v at stage %v, %d iterations", got.Exit, got.Stage, whole(got).Figures.Iterations)
			}
			if !after[1].Exit.Clean() {
				t.Errorf("the other: %v", after[1].Exit)
			}
		})
	}
}

// The freezer of cgroup v2 lets a process be killed.
func TestProcessesInAFrozenCgroupAreKilledAtTheStop(t *testing.T) {
	dir := v2Cgroup(t)
	cgroup, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer cgroup.Close()
	frozen := []spec.Group{group("process", 1, ticks), inMode(spec.CloneModeThread, group("threads", 2, ticks))}
	cfg := config(t, &spec.Run{Duration: ms(1000), Seed: 1, Groups: append(frozen, group("other", 1, ticks))})
	for i := range frozen {
		cfg.Run.Groups[i].Cgroup = "frozen"
	}
	cfg.Cgroups = map[string]*os.File{"frozen": cgroup}
	h, err := Spawn(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.Start()
	awaitWork(t, h)
	writeFile(t, filepath.Join(dir, "cgroup.freeze"), "1")
	waitFor(t, "the cgroup to be frozen", func() bool {
		events, err := os.ReadFile(filepath.Join(dir, "cgroup.events"))
		return err == nil && strings.Contains(string(events), "frozen 1")
	})
	began := time.Now()
	h.Stop(func() { t.Error("it came to the last resort") })
	if took := time.Since(began); took > StopTimeout+KillTimeout {
		t.Errorf("it took %v", took)
	}
	for _, w := range workers(h) {
		switch {
		case w.Group.Name == "other":
			if !w.Exit.Clean() {
				t.Errorf("the other: %v", w.Exit)
			}
		case w.Exit.String() != "killed because it did not stop in time" || w.Stage != arena.StageRunning || whole(w).Figures.Iterations == 0:
			t.Errorf("%s %d: %v at stage %v, %d iterations", w.Group.Name, w.Index, w.Exit, w.Stage, whole(w).Figures.Iterations)
		}
	}
}

// A process in a frozen cgroup v1 cannot be killed, like one that is stuck in the
// kernel. Nobody waits for it for long, and it is reaped in the end.
func TestAProcessThatCannotBeKilled(t *testing.T) {
	before := warmUp(t)
	dir := v1Cgroup(t, "freezer")
	h := start(t, group("stuck", 1, ticks), inMode(spec.CloneModeThread, group("host", 2, ticks)), group("other", 1, ticks))
	stuck := workers(h)[:2]
	for _, w := range stuck {
		writeFile(t, filepath.Join(dir, "cgroup.procs"), strconv.Itoa(w.PID))
	}
	h.Start()
	awaitWork(t, h)
	alone := exec.Command("sleep", "60")
	if err := alone.Start(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "cgroup.procs"), strconv.Itoa(alone.Process.Pid))
	writeFile(t, filepath.Join(dir, "freezer.state"), "FROZEN")
	waitFor(t, "the cgroup to be frozen", func() bool {
		state, err := os.ReadFile(filepath.Join(dir, "freezer.state"))
		return err == nil && string(state) == "FROZEN\n"
	})
	unwatched := make(chan time.Duration)
	began := time.Now()
	go func() {
		killAll([]int{0, alone.Process.Pid})
		unwatched <- time.Since(began)
	}()
	h.Stop(nil)
	if took := <-unwatched; took < KillTimeout || took > KillTimeout+slack {
		t.Errorf("killing without a reaper took %v", took)
	}
	if took := time.Since(began); took > StopTimeout+KillTimeout+slack {
		t.Errorf("the stop took %v", took)
	}
	for _, w := range workers(h) {
		want := "still there after SIGKILL"
		if w.Group.Name == "other" {
			want = "exited with 0"
		}
		if w.Exit.String() != want {
			t.Errorf("%s %d: %v", w.Group.Name, w.Index, w.Exit)
		}
	}
	began = time.Now()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > KillTimeout+slack {
		t.Errorf("closing took %v", took)
	}
	if got := holding(t); got.Arenas != 1 {
		t.Errorf("the arena is mapped %d times while workers are left", got.Arenas)
	}
	writeFile(t, filepath.Join(dir, "freezer.state"), "THAWED")
	for _, pid := range []int{stuck[0].PID, stuck[1].PID, alone.Process.Pid} {
		waitFor(t, "the process to be reaped", func() bool { return unix.Kill(pid, 0) == unix.ESRCH })
	}
	_ = alone.Process.Release() // it was reaped above
	waitFor(t, "all to be given back", func() bool { return holding(t) == before })
	assertNoChildren(t)
}

// Parameters that no manifest may have make the code of a worker fail. A panic in a
// thread ends its host where the Go runtime looks for what only its own threads have.
func TestFailingWorkerCode(t *testing.T) {
	astray := func(g *spec.ResolvedGroup) { g.Kind.(*work.CachePressure).Stride = 1 << 40 }
	without := func(g *spec.ResolvedGroup) { g.Kind.(*work.FutexPingPong).SpinIters = nil }
	walk := func() work.Spec { return work.Spec{CachePressure: &work.CachePressure{Size: 64 << 10, Stride: 64}} }
	play := func() work.Spec {
		return work.Spec{FutexPingPong: &work.FutexPingPong{SpinIters: new(int64(1))}}
	}
	for name, tc := range map[string]struct {
		mode  spec.CloneMode
		work  func() work.Spec
		spoil func(*spec.ResolvedGroup)
		exit  string
		stage arena.Stage
		text  string
	}{
		"a panic in a process":       {spec.CloneModeFork, walk, astray, "exited with 73: its code failed", arena.StagePanicked, "index out of range [1099511562240] with length 65536"},
		"a panic in a thread":        {spec.CloneModeThread, walk, astray, "killed by signal 11 (SIGSEGV", arena.StageRunning, ""},
		"a nil pointer in a process": {spec.CloneModeFork, play, without, "killed by signal 11 (SIGSEGV", arena.StageRunning, ""},
		"a nil pointer in a thread":  {spec.CloneModeThread, play, without, "killed by signal 11 (SIGSEGV", arena.StageRunning, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, &spec.Run{Duration: ms(1000), Seed: 1, Groups: []spec.Group{inMode(tc.mode, group("bad", 2, tc.work())), inMode(tc.mode, group("good", 2, ticks))}})
			tc.spoil(&cfg.Run.Groups[0])
			h, err := Spawn(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			h.Start()
			waitFor(t, "the bad ones to end", func() bool {
				exits := h.reaper.snapshot()
				return exits[h.processOf[0]].Reaped && exits[h.processOf[1]].Reaped
			})
			waitFor(t, "the good ones to have worked", func() bool { n := h.Iterations(); return min(n[2], n[3]) > 2 })
			h.Stop(nil)
			for _, w := range workers(h) {
				if w.Group.Name == "good" {
					if !w.Exit.Clean() {
						t.Errorf("good %d: %v", w.Index, w.Exit)
					}
					continue
				}
				if !strings.HasPrefix(w.Exit.String(), tc.exit) {
					t.Errorf("bad %d: %v", w.Index, w.Exit)
				}
				// Of the threads of a host only the first to fail is sure to have begun.
				if w.Stage != tc.stage && tc.mode == spec.CloneModeFork || !strings.Contains(w.Text, tc.text) {
					t.Errorf("bad %d: stage %v, %q", w.Index, w.Stage, w.Text)
				}
			}
		})
	}
}

// Whoever kills the runner kills the workers.
func TestAKilledRunnerTakesAllWorkersAlong(t *testing.T) {
	forks, host := group("forks", 3, spins), inMode(spec.CloneModeThread, group("host", 3, spins))
	forks.Comm, host.Comm = "sf-orphan", "sf-orphan"
	for name, started := range map[string]bool{"parked": false, "at work": true} {
		for user, uid := range map[string]*int64{"": nil, " with another user": new(int64(65534))} {
			t.Run(name+user, func(t *testing.T) {
				if uid != nil {
					requireRoot(t, "changing the user")
				}
				forks, host := forks, host
				forks.UID, host.UID = uid, uid
				r := startRunner(t, order{Run: &spec.Run{Duration: ms(1000), Seed: 1, Groups: []spec.Group{forks, host}}, Hold: true, Started: started})
				got := r.result(t)
				if got.Error != "" || len(got.PIDs) != 4 {
					t.Fatalf("%+v", got)
				}
				watches := make([]int, len(got.PIDs))
				for i, pid := range got.PIDs {
					fd, err := unix.PidfdOpen(pid, 0)
					if err != nil {
						t.Fatal(err)
					}
					defer func() { _ = unix.Close(fd) }()
					watches[i] = fd
				}
				if err := r.cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				for i, fd := range watches {
					if n, err := pollFor(fd, 5*time.Second); n != 1 {
						t.Errorf("process %d is still there: %v", got.PIDs[i], err)
						_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
					}
				}
			})
		}
	}
}

func pollFor(fd int, limit time.Duration) (int, error) {
	deadline := time.Now().Add(limit)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(max(time.Until(deadline), 0).Milliseconds()))
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// The end of the thread that is the parent is the end of the workers.
func TestTheParentThreadTakesAllWorkersAlong(t *testing.T) {
	for name, begin := range map[string]bool{"parked": false, "at work": true} {
		t.Run(name, func(t *testing.T) {
			h := start(t, group("forks", 3, spins), inMode(spec.CloneModeThread, group("host", 3, spins)))
			if begin {
				h.Start()
				awaitWork(t, h)
			}
			close(h.parent)
			<-h.ended
			h.parent = make(chan struct{}) // for Close
			if !h.reaper.wait(StopTimeout) {
				t.Fatal("the workers live on")
			}
			for _, w := range workers(h) {
				if w.Exit.Killed != NotKilled || w.Exit.Status.Signal() != unix.SIGKILL {
					t.Errorf("%s %d: %v", w.Group.Name, w.Index, w.Exit)
				}
			}
		})
	}
}
