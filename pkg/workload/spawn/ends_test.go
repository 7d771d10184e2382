// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// A stop that comes before a worker's first instruction is seen all the same.
func TestAnEarlyStopIsNotLost(t *testing.T) {
	for name, tc := range everyKind {
		for _, mode := range bothModes {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				cfg := config(t, runOf(inMode(mode, group("g", tc.workers, tc.spec))))
				h, zygotes, err := prepare(&cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer h.Close()
				h.arena.Control().Start()
				h.arena.Control().Stop()
				// That workers end before all are parked is, as such, an error.
				_ = h.populate(t.Context(), zygotes)
				if !h.reaper.wait(StopTimeout) {
					t.Error("it was not seen")
				}
				for _, w := range workers(h) {
					if w.Stage != arena.StageStopped || !w.Exit.Clean() || whole(w).Figures.Iterations > 1 {
						t.Errorf("worker %d: stage %v, %v, %d iterations", w.Index, w.Stage, w.Exit, whole(w).Figures.Iterations)
					}
				}
			})
		}
	}
}

// Who waits for a partner that does not come looks for the stop all the same, ten
// times a second, and who sleeps is woken.
func TestNobodyWaitsPastTheStop(t *testing.T) {
	for name, tc := range map[string]struct {
		workers int
		spec    work.Spec
		partner bool // worker 0 is one, and is held up
	}{
		"for a turn":       {2, work.Spec{FutexPingPong: &work.FutexPingPong{SpinIters: new(int64(1))}}, true},
		"for a generation": {4, work.Spec{FutexFanOut: &work.FutexFanOut{FanOut: 3, SpinIters: new(int64(1))}}, true},
		"for a byte":       {2, work.Spec{PipeIO: &work.PipeIO{BurstIters: new(int64(1))}}, true},
		"for a time":       {1, work.Spec{TimerLatency: &work.TimerLatency{Interval: ms(3_000_000)}}, false},
		"for a nap's end":  {1, work.Spec{Bursty: &work.Bursty{Burst: ms(1), Sleep: ms(3_000_000)}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, group("g", tc.workers, tc.spec))
			h.Start()
			waiting := workers(h)
			if tc.partner {
				awaitWork(t, h)
				send(t, waiting[0].PID, unix.SIGSTOP)
				waiting = waiting[1:]
			}
			for _, w := range waiting {
				waitFor(t, "it to wait", func() bool {
					return h.arena.Block(w.Index).Stage() == arena.StageRunning && statusField(t, w.TID, "State") == "S (sleeping)"
				})
			}
			stopped := h.arena.Control().Stop()
			for _, w := range waiting {
				waitFor(t, "it to leave", func() bool { return h.reaper.snapshot()[h.processOf[w.Index]].Reaped })
			}
			for _, w := range workers(h)[tc.workers-len(waiting):] {
				// Beside the tick, a second in which it may have to wait for a CPU.
				if took := time.Duration(w.Ended - stopped); w.Stage != arena.StageStopped || !w.Exit.Clean() || took > 1100*time.Millisecond {
					t.Errorf("worker %d left %v after the stop, %v at stage %v", w.Index, took, w.Exit, w.Stage)
				}
			}
			h.Kill()
		})
	}
}

// A pipe ends with the process that has its other end, since nobody else holds it.
func TestTheEndOfAPartnerIsSeen(t *testing.T) {
	h := start(t, group("g", 6, pairs))
	h.Start()
	awaitWork(t, h)
	send(t, workers(h)[2].PID, unix.SIGKILL)
	waitFor(t, "its partner to leave", func() bool { return h.reaper.snapshot()[3].Reaped })
	before := h.Iterations()
	waitFor(t, "the others to go on", func() bool {
		now := h.Iterations()
		return now[0] > before[0] && now[1] > before[1] && now[4] > before[4] && now[5] > before[5]
	})
	h.Stop(nil)
	for i, w := range workers(h) {
		want, text := arena.StageStopped, ""
		switch i {
		case 2:
			want = arena.StageRunning
		case 3:
			want, text = arena.StageLeft, "its partner closed the pipe"
		}
		if w.Stage != want || w.Text != text || w.Exit.Clean() != (i != 2) {
			t.Errorf("worker %d: %v at stage %v, %q", i, w.Exit, w.Stage, w.Text)
		}
	}
}

// A process leads a group, and what is in the group ends with it.
func TestAProcessLeadsItsGroup(t *testing.T) {
	for how, end := range map[string]func(*Handle){
		"stopped": func(h *Handle) { h.Stop(nil) },
		"killed":  (*Handle).Kill,
		"closed":  func(h *Handle) { _ = h.Close() },
	} {
		for _, mode := range bothModes {
			t.Run(how+" "+string(mode), func(t *testing.T) {
				h := start(t, inMode(mode, group("g", 2, ticks)))
				pid := workers(h)[1].PID
				if group, err := unix.Getpgid(pid); err != nil || group != pid {
					t.Fatalf("process %d is in group %d, %v", pid, group, err)
				}
				// As if the worker had made it.
				descendant := exec.CommandContext(t.Context(), "sleep", "infinity")
				descendant.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: pid}
				if err := descendant.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- descendant.Wait() }()
				h.Start()
				end(h)
				select {
				case err := <-ended:
					if err == nil || !strings.Contains(err.Error(), "killed") {
						t.Errorf("the descendant: %v", err)
					}
				case <-time.After(StopTimeout):
					_ = descendant.Process.Kill()
					t.Error("the descendant lives on")
				}
			})
		}
	}
}

// Who is born to another parent than expected came too late for the death signal.
func TestAnOrphanLeaves(t *testing.T) {
	for _, mode := range bothModes {
		t.Run(string(mode), func(t *testing.T) {
			cfg := config(t, runOf(inMode(mode, group("g", 2, spins))))
			h, zygotes, err := prepare(&cfg)
			if err != nil {
				t.Fatal(err)
			}
			p, _ := newPlan(&cfg)
			p.Parent++
			p.To = len(h.processes)
			text, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			zygotes[0].Stdin = bytes.NewReader(text)
			began := time.Now()
			assertSays(t, h.populate(t.Context(), zygotes), "group g, worker ", "exited with 71: the runner was gone")
			if took := time.Since(began); took > defaultParkTimeout/2 {
				t.Errorf("that nobody will park was found after %v", took)
			}
			if !h.reaper.wait(StopTimeout) {
				t.Error("orphans live on")
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			assertNoChildren(t)
		})
	}
}

func TestSpawnEndsWithItsContext(t *testing.T) {
	before := warmUp(t)
	t.Run("while a zygote hangs", func(t *testing.T) {
		cfg := config(t, runOf(group("g", 2, spins)))
		h, _, err := prepare(&cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		assertSays(t, h.populate(ctx, []*exec.Cmd{exec.Command("sleep", "infinity")}), "running the zygote: signal: killed", "context deadline exceeded")
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		// Whoever killed it may still have hold of it.
		waitFor(t, "all to be given back", func() bool { return holding(t) == before })
		assertNothingLeft(t, before, runOf(group("g", 2, spins)))
	})
	t.Run("while a worker does not park", func(t *testing.T) {
		dir := v2Cgroup(t)
		writeFile(t, filepath.Join(dir, "cgroup.freeze"), "1")
		cgroup, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		cfg := config(t, runOf(group("g", 2, spins)))
		cfg.Cgroups = map[string]*os.File{"": cgroup}
		ctx, cancel := context.WithCancel(t.Context())
		failure := make(chan error)
		polls := linksTo(t, "anon_inode:[eventpoll]")
		go func() {
			_, err := Spawn(ctx, cfg)
			failure <- err
		}()
		waitFor(t, "both to be watched", func() bool { return linksTo(t, "anon_inode:[eventpoll]") > polls })
		cancel()
		assertSays(t, <-failure, "waiting for workers to park: context canceled")
		cgroup.Close()
		assertNothingLeft(t, before, runOf(group("g", 2, spins)))
	})
}

// linksTo counts our descriptors of a thing.
func linksTo(t *testing.T, thing string) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if target, _ := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); target == thing {
			n++
		}
	}
	return n
}

// Who does not die of a kill is left to the last resort, here one that helps.
func TestTheLastResort(t *testing.T) {
	dir := v1Cgroup(t, "freezer")
	h := start(t, group("g", 1, ticks))
	writeFile(t, filepath.Join(dir, "cgroup.procs"), strconv.Itoa(workers(h)[0].PID))
	h.Start()
	awaitWork(t, h)
	writeFile(t, filepath.Join(dir, "freezer.state"), "FROZEN")
	called := 0
	h.Stop(func() {
		called++
		writeFile(t, filepath.Join(dir, "freezer.state"), "THAWED")
	})
	if w := workers(h)[0]; called != 1 || w.Exit.String() != "killed because it did not stop in time" {
		t.Errorf("called %d times, the worker was %v", called, w.Exit)
	}
}

// How a process ended, why we killed it and whether it is gone are told apart.
func TestEndsAreToldApart(t *testing.T) {
	exited := func(code int) unix.WaitStatus { return unix.WaitStatus(code << 8) }
	const core = 0x80
	for name, tc := range map[string]struct {
		exit  Exit
		want  string
		clean bool
	}{
		"by itself":                    {Exit{Reaped: true, Status: exited(0)}, "exited with 0", true},
		"by itself, after we lost it":  {Exit{Reaped: true, Status: exited(0), Killed: KilledLate}, "exited with 0, too late", false},
		"the runner was gone":          {Exit{Reaped: true, Status: exited(exitOrphan)}, "exited with 71: the runner was gone", false},
		"before the start":             {Exit{Reaped: true, Status: exited(exitAborted)}, "exited with 72: told to leave before the start", false},
		"by a panic":                   {Exit{Reaped: true, Status: exited(exitPanic)}, "exited with 73: its code failed", false},
		"by a set-up step":             {Exit{Reaped: true, Status: exited(exitSetup)}, "exited with 74: set-up failed", false},
		"with a code we do not use":    {Exit{Reaped: true, Status: exited(9)}, "exited with 9", false},
		"by a crash":                   {Exit{Reaped: true, Status: unix.WaitStatus(unix.SIGSEGV)}, "killed by signal 11 (SIGSEGV)", false},
		"by a crash with a core":       {Exit{Reaped: true, Status: unix.WaitStatus(unix.SIGSEGV | core)}, "killed by signal 11 (SIGSEGV, core dumped)", false},
		"killed by someone":            {Exit{Reaped: true, Status: unix.WaitStatus(unix.SIGKILL)}, "killed by signal 9 (SIGKILL)", false},
		"killed by us, late":           {Exit{Reaped: true, Status: unix.WaitStatus(unix.SIGKILL), Killed: KilledLate}, "killed because it did not stop in time", false},
		"killed by us, on order":       {Exit{Reaped: true, Status: unix.WaitStatus(unix.SIGKILL), Killed: KilledOnOrder}, "killed on order", false},
		"crashed while we killed it":   {Exit{Reaped: true, Status: unix.WaitStatus(unix.SIGBUS), Killed: KilledLate}, "killed by signal 7 (SIGBUS)", false},
		"not yet":                      {Exit{}, "still there", false},
		"not even of a kill":           {Exit{Killed: KilledLate}, "still there after SIGKILL", false},
		"stopped, which is not an end": {Exit{Reaped: true, Status: unix.WaitStatus(unix.SIGSTOP<<8 | 0x7f)}, "ended with wait status 0x137f", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.exit.String(); got != tc.want || tc.exit.Clean() != tc.clean {
				t.Errorf("%q, clean: %t; want %q, %t", got, tc.exit.Clean(), tc.want, tc.clean)
			}
		})
	}
}

// Whoever could not write its own end lasted until the stop, not until it is asked.
func TestTheTimeOfAKilledWorkerEndsWithTheStop(t *testing.T) {
	h := start(t, group("g", 2, spins))
	h.Start()
	awaitWork(t, h)
	send(t, workers(h)[0].PID, unix.SIGKILL)
	<-h.reaper.early
	stopped := h.Stop(nil)
	w := workers(h)[0]
	if got := whole(w).Figures.Wall; got != stopped-w.Began {
		t.Errorf("it worked for %v, until the stop it was %v", time.Duration(got), time.Duration(stopped-w.Began))
	}
}

// A process that is not a child, which only the kernel could tell of.
func TestAnEndThatNobodySawIsLost(t *testing.T) {
	shell := exec.Command("sh", "-c", "sleep 60 & echo $!; wait")
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shell.Wait() }()
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	r, err := newReaper([]int{pid}, false, func(int) string { return "the grandchild" })
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	r.kill(KilledLate)
	if !r.wait(KillTimeout) {
		t.Fatal("the reaper waits on")
	}
	if got := r.snapshot()[0]; got.Lost != unix.ECHILD || !got.Ended() || got.Clean() || got.String() != "ended, nobody knows how: wait4: no child processes" {
		t.Errorf("%+v: %v", got, got)
	}
}
