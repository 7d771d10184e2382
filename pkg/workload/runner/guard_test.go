// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/watchdog"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// guardTimeVariable gives the runners of a test less time to end a run before their watchdog does.
const guardTimeVariable = "SCHEDFLEET_TEST_GUARD_TIME"

func init() {
	if d, err := time.ParseDuration(os.Getenv(guardTimeVariable)); err == nil {
		guardTime = d
	}
}

// dangerousJob is a run whose real-time worker would keep a CPU for itself.
func dangerousJob(t *testing.T, d time.Duration) Job {
	t.Helper()
	j := job(t, d)
	if j.Cgroup == "" {
		t.Skip("a watchdog needs root and cgroup v2")
	}
	j.Run.AllowDangerousWork = true
	j.Run.Groups = []spec.Group{{
		Name: "starve", Workers: 2, CloneMode: spec.CloneModeFork,
		Work: work.Spec{PreemptStorm: &work.PreemptStorm{FairWorkers: 1, RTBurstIters: new(int64(64)), RTSleep: quantity.Duration(time.Millisecond)}},
	}}
	return j
}

// listed is a process of this machine.
type listed struct {
	pid, parent int
	command     []string
}

// listProcesses are the processes for which a condition holds.
func listProcesses(t *testing.T, holds func(listed) bool) (found []listed) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		command, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil {
			continue // it has ended
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		p := listed{pid: pid, command: strings.Split(strings.TrimSuffix(string(command), "\x00"), "\x00")}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if _, err := fmt.Sscanf(rest, "%s %d", new(string), &p.parent); err != nil {
			t.Fatal(err)
		}
		if holds(p) {
			found = append(found, p)
		}
	}
	return found
}

// runnerOf is the runner that this test started.
func runnerOf(t *testing.T) int {
	t.Helper()
	found := listProcesses(t, func(p listed) bool { return p.parent == os.Getpid() && len(p.command) == 2 && p.command[1] == Command })
	if len(found) != 1 {
		t.Fatalf("runners: %+v", found)
	}
	return found[0].pid
}

func watchdogsOf(t *testing.T, runner int) []listed {
	t.Helper()
	return listProcesses(t, func(p listed) bool {
		return p.parent == runner && len(p.command) == 2 && p.command[1] == watchdog.Command
	})
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// awaitGone waits for processes to have ended.
func awaitGone(t *testing.T, what string, pids ...int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range pids {
		for alive(pid) {
			if time.Now().After(deadline) {
				t.Errorf("%s %d lives on", what, pid)
				return
			}
			runtime.Gosched()
		}
	}
}

func TestDangerousWorkHasAWatchdog(t *testing.T) {
	j := dangerousJob(t, 300*time.Millisecond)
	var guards []listed
	var said strings.Builder
	rep, err := Client{Path: "/proc/self/exe", Stderr: &said}.Run(t.Context(), j, func(ev Event) {
		if ev.Type == EventStarted {
			guards = watchdogsOf(t, runnerOf(t))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := check.Sample(rep); !v.Valid {
		t.Errorf("judged %+v", v)
	}
	if len(guards) != 1 || alive(guards[0].pid) || said.Len() > 0 {
		t.Errorf("watchdogs while the run was on: %+v; now none may be there, and none have said %q", guards, said.String())
	}
	assertNothingLeft(t, j)
}

func TestOtherWorkHasNoWatchdog(t *testing.T) {
	j := job(t, 50*time.Millisecond)
	guards := []listed{{}}
	if _, err := client().Run(t.Context(), j, func(ev Event) {
		if ev.Type == EventStarted {
			guards = watchdogsOf(t, runnerOf(t))
		}
	}); err != nil || len(guards) != 0 {
		t.Errorf("watchdogs: %+v, %v", guards, err)
	}
}

// What a runner cannot end any more ends all the same, and the watchdog says why.
func TestTheWatchdogEndsTheRunOf(t *testing.T) {
	for name, tc := range map[string]struct {
		signal syscall.Signal
		says   string
	}{
		"a runner that is stuck":  {syscall.SIGSTOP, "watchdog: the runner did not end the run in time: killed the run and the runner"},
		"a runner that is killed": {syscall.SIGKILL, "watchdog: the runner ended before the run was over: killed what was left of it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(guardTimeVariable, "300ms")
			j := dangerousJob(t, 200*time.Millisecond)
			var workers, guards []int
			began := time.Now()
			_, err := client().Run(t.Context(), j, func(ev Event) {
				if ev.Type != EventStarted {
					return
				}
				runner := runnerOf(t)
				for _, p := range listProcesses(t, func(p listed) bool { return p.parent == runner }) {
					workers = append(workers, p.pid)
				}
				for _, p := range watchdogsOf(t, runner) {
					guards = append(guards, p.pid)
				}
				if err := syscall.Kill(runner, tc.signal); err != nil {
					t.Error(err)
				}
			})
			var setup *SetupError
			if err == nil || errors.As(err, &setup) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %q in it", err, tc.says)
			}
			// Long before the client would have lost patience.
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if len(workers) != 3 || len(guards) != 1 { // two workers and the watchdog
				t.Errorf("children of the runner: %v, of which watchdogs: %v", workers, guards)
			}
			awaitGone(t, "process", workers...)
			assertNothingLeft(t, j)
		})
	}
}

// Without a cgroup there is nothing by which a watchdog could end the run.
func TestDangerousWorkWithoutAWatchdogIsRefused(t *testing.T) {
	j := dangerousJob(t, time.Hour)
	j.Cgroup = ""
	started := false
	_, err := client().Run(t.Context(), j, func(ev Event) { started = started || ev.Type == EventStarted })
	var setup *SetupError
	if !errors.As(err, &setup) || !strings.Contains(err.Error(), "groups[0].work.preemptStorm: needs a watchdog that can end it: there is no cgroup v2 here") {
		t.Errorf("got %v", err)
	}
	if started {
		t.Error("it was started")
	}
}
