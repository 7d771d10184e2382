//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const rtRuntimeFile = "/proc/sys/kernel/sched_rt_runtime_us"

// withoutMercy takes away what the kernel keeps for fair tasks: the limit on real-time tasks and, where
// there is one, the server that runs fair tasks in spite of them.
func withoutMercy(t *testing.T) {
	t.Helper()
	before, err := os.ReadFile(rtRuntimeFile)
	if err != nil {
		t.Fatal(err)
	}
	set := func(file, text string) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	debug := t.TempDir()
	if err := unix.Mount("debugfs", debug, "debugfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(debug, unix.MNT_DETACH) })
	servers, err := filepath.Glob(filepath.Join(debug, "sched/fair_server/cpu*/runtime"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range servers {
		had, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set(file, "0")
		t.Cleanup(func() { set(file, strings.TrimSpace(string(had))) })
	}
	t.Logf("the kernel has a fair server on %d CPUs", len(servers))
	set(rtRuntimeFile, "-1")
	t.Cleanup(func() { set(rtRuntimeFile, strings.TrimSpace(string(before))) })
}

// starvingJob takes all CPUs of the machine for the highest priority that a worker may have.
func starvingJob(t *testing.T, d time.Duration) Job {
	t.Helper()
	j := dangerousJob(t, d)
	hogs := int32(runtime.NumCPU())
	j.Run.Groups[0].Work = work.Spec{RTStarvation: &work.RTStarvation{RTWorkers: hogs, FairWorkers: 1, RTPriority: 98, BurstIters: new(int64(1024))}}
	j.Run.Groups[0].Workers = int(hogs) + 1
	return j
}

func TestMachineThatIsStarvedEndsTheRunInTime(t *testing.T) {
	withoutMercy(t)
	const length, late = 2 * time.Second, 500 * time.Millisecond
	rep, err := client().Run(t.Context(), starvingJob(t, length), nil)
	if err != nil {
		t.Fatal(err)
	}
	if hold := time.Duration(rep.Hold); hold < length || hold > length+late {
		t.Errorf("it worked for %v, want %v", hold, length)
	}
	hogs := rep.Workers[:len(rep.Workers)-1]
	starved := rep.Workers[len(rep.Workers)-1]
	for i := range hogs {
		if cpu := time.Duration(hogs[i].CPU); cpu < length*9/10 {
			t.Errorf("real-time worker %d had %v of CPU in %v", i, cpu, length)
		}
	}
	// Before the last of them starts, it may get a moment.
	if cpu := time.Duration(starved.CPU); cpu > length/10 {
		t.Errorf("the fair worker had %v of CPU in %v", cpu, length)
	}
}

// Nothing but its watchdog can end such a run when its runner is stuck.
func TestMachineThatIsStarvedIsSavedByTheWatchdog(t *testing.T) {
	withoutMercy(t)
	if err := BecomeRealtime(); err != nil { // or else this test could not run during the run
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := eachThread(func(tid int) error { return asError(sys.RawSetScheduler(tid, sys.PolicyOther, 0)) }); err != nil {
			t.Error(err)
		}
	})
	t.Setenv(guardTimeVariable, "1s")
	j := starvingJob(t, time.Second)
	began := time.Now()
	_, err := client().Run(t.Context(), j, func(ev Event) {
		if ev.Type == EventStarted {
			if err := syscall.Kill(runnerOf(t), syscall.SIGSTOP); err != nil {
				t.Error(err)
			}
		}
	})
	if err == nil || !strings.Contains(err.Error(), "watchdog: the runner did not end the run in time") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	assertNothingLeft(t, j)
}

func asError(errno sys.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}
