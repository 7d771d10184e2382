// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package watchdog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
)

// The test binary is its own watchdog.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == Command {
		os.Exit(Main())
	}
	os.Exit(m.Run())
}

// prompt is how long what a watchdog does at once may take on a busy machine; far is a deadline that does not come.
const (
	prompt = 10 * time.Second
	far    = time.Hour
)

// scene is a run with one process, and its runner.
type scene struct {
	cfg         Config
	run, runner *victim
	said        string // the file that standard error is
}

// victim is a process that only a kill ends.
type victim struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{cmd: exec.Command("sleep", "infinity"), ended: make(chan struct{})}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		_ = v.cmd.Wait()
		close(v.ended)
	}()
	t.Cleanup(func() {
		_ = v.cmd.Process.Kill()
		<-v.ended
	})
	return v
}

// killed waits for the victim to be dead.
func (v *victim) killed() bool {
	select {
	case <-v.ended:
		return v.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
	case <-time.After(prompt):
		return false
	}
}

// spared ends the victim, and says whether nobody had done that before: a kill on its way wins.
func (v *victim) spared() bool {
	_ = v.cmd.Process.Signal(syscall.SIGTERM)
	<-v.ended
	return v.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM
}

func newScene(t *testing.T) *scene {
	t.Helper()
	mount, err := cgroup.Mount()
	if err != nil || os.Geteuid() != 0 {
		t.Skipf("a watchdog needs root and cgroup v2: uid %d, %v", os.Geteuid(), err)
	}
	s := &scene{run: newVictim(t), runner: newVictim(t), said: filepath.Join(t.TempDir(), "stderr")}
	dir, err := cgroup.Create(filepath.Join(mount, fmt.Sprintf("schedfleet-test-watchdog-%d", s.run.cmd.Process.Pid)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dir.Remove(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := dir.MoveProcess(t.Context(), s.run.cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	kill, err := dir.OpenKill()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := os.Create(s.said)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = kill.Close(), stderr.Close() })
	s.cfg = Config{Kill: kill, Runner: s.runner.cmd.Process.Pid, Deadline: far, Stderr: stderr}
	return s
}

// start starts a watchdog, which is gone after the test whatever happens.
func start(t *testing.T, cfg Config) *Watchdog {
	t.Helper()
	w, err := Start(cfg)
	if errors.Is(err, unix.EPERM) || err != nil && strings.Contains(err.Error(), unix.EPERM.Error()) {
		t.Skipf("this machine allows no real-time class: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.cmd.Process.Kill() })
	return w
}

func (s *scene) text(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.said)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestARunThatIsOverIsLeftAlone(t *testing.T) {
	s := newScene(t)
	w := start(t, s.cfg)
	if err := w.End(); err != nil {
		t.Error(err)
	}
	if run, runner := s.run.spared(), s.runner.spared(); !run || !runner || s.text(t) != "" {
		t.Errorf("the run was spared: %t, the runner: %t; said %q", run, runner, s.text(t))
	}
	if w.cmd.ProcessState == nil {
		t.Error("the watchdog lives on")
	}
}

func TestARunWithoutARunnerIsKilled(t *testing.T) {
	s := newScene(t)
	w := start(t, s.cfg)
	if err := w.tell.Close(); err != nil { // as the kernel does when the runner dies
		t.Fatal(err)
	}
	if err := w.End(); err == nil {
		t.Error("a watchdog that had to act is no error")
	}
	if !s.run.killed() || !s.runner.spared() {
		t.Error("want the run killed, and nothing else")
	}
	if said := s.text(t); !strings.Contains(said, "watchdog: the runner ended before the run was over") {
		t.Errorf("said %q", said)
	}
}

func TestAStuckRunnerIsKilledWithItsRun(t *testing.T) {
	s := newScene(t)
	if err := s.runner.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.cfg.Deadline = 100 * time.Millisecond
	began := time.Now()
	w := start(t, s.cfg)
	if !s.run.killed() || !s.runner.killed() {
		t.Error("want the run and the runner killed")
	}
	if took := time.Since(began); took < s.cfg.Deadline {
		t.Errorf("killed after %v, the deadline is %v", took, s.cfg.Deadline)
	}
	if err := w.End(); err == nil {
		t.Error("a watchdog that had to act is no error")
	}
	if said := s.text(t); !strings.Contains(said, "watchdog: the runner did not end the run in time: killed") {
		t.Errorf("said %q", said)
	}
}

// It works where what it was started for cannot be found any more.
func TestACgroupThatIsGoneIsNoError(t *testing.T) {
	s := newScene(t)
	if err := s.run.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.run.ended
	w := start(t, s.cfg)
	if err := os.Remove(filepath.Dir(s.cfg.Kill.Name())); err != nil {
		t.Fatal(err)
	}
	if err := w.tell.Close(); err != nil {
		t.Fatal(err)
	}
	_ = w.cmd.Wait()
	if said := s.text(t); strings.Contains(said, "cgroup.kill") || !strings.Contains(said, "ended before") {
		t.Errorf("said %q", said)
	}
}

func TestOnlyItsRunnerEndsAWatchdog(t *testing.T) {
	s := newScene(t)
	w := start(t, s.cfg)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		if err := w.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	if group, err := unix.Getpgid(w.cmd.Process.Pid); err != nil || group == unix.Getpgrp() {
		t.Errorf("it is in the runner's process group, which others may signal (%v)", err)
	}
	if err := w.End(); err != nil {
		t.Error(err)
	}
}

func TestAWatchdogIsAboveEveryWorker(t *testing.T) {
	s := newScene(t)
	w := start(t, s.cfg)
	attr, err := unix.SchedGetAttr(w.cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	if attr.Policy != unix.SCHED_FIFO || attr.Priority != 99 {
		t.Errorf("policy %d, priority %d; want SCHED_FIFO and 99", attr.Policy, attr.Priority)
	}
	if err := w.End(); err != nil {
		t.Error(err)
	}
}

// To wait for a page of it to be read from a disk is to wait for tasks that may be starved.
func TestTheWholeWatchdogIsInMemory(t *testing.T) {
	s := newScene(t)
	w := start(t, s.cfg)
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", w.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var size, mapped, present, others int // in KiB
	var program bool
	for line := range strings.Lines(string(maps)) {
		switch f := strings.Fields(line); {
		case !strings.HasSuffix(f[0], ":"): // the first line of a mapping
			program = strings.Contains(line, "/")
		case f[0] == "Size:":
			_, err = fmt.Sscan(f[1], &size)
		case f[0] == "Rss:" && program:
			mapped += size
			_, err = fmt.Sscan(f[1], &size)
			present += size
		case f[0] == "Rss:":
			_, err = fmt.Sscan(f[1], &size)
			others += size
		case f[0] == "VmFlags:" && program && !strings.Contains(line, " lo"):
			t.Error("a part of the program is not locked")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// What the Go runtime might need some day is not there.
	if mapped == 0 || present != mapped || others > 16<<10 {
		t.Errorf("%d KiB of the program's %d are in memory, and %d others", present, mapped, others)
	}
	if err := w.End(); err != nil {
		t.Error(err)
	}
}

// A watchdog that could be starved itself is not started.
func TestNoWatchdogWithoutTheRightToItsClass(t *testing.T) {
	s := newScene(t)
	result := make(chan error)
	go func() { // ends with the start; its thread, which it leaves locked, goes with it
		runtime.LockOSThread()
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_NICE, 0, 0, 0); err != nil {
			result <- fmt.Errorf("dropping CAP_SYS_NICE: %w", err)
			return
		}
		w, err := Start(s.cfg)
		if err == nil {
			err = errors.Join(errors.New("it was started"), w.End())
		}
		result <- err
	}()
	err := <-result
	if err == nil || !strings.Contains(err.Error(), "starting the watchdog: SCHED_FIFO with priority 99: operation not permitted (dangerous work needs") {
		t.Errorf("got %v", err)
	}
	if !s.run.spared() || !s.runner.spared() {
		t.Error("something was killed")
	}
}

func TestAWatchdogThatIsGoneIsNoticed(t *testing.T) {
	s := newScene(t)
	w := start(t, s.cfg)
	if err := w.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := w.End(); err == nil || !strings.Contains(err.Error(), "watchdog of the run failed") {
		t.Errorf("got %v", err)
	}
}

func TestARunnerThatIsGoneHasNoWatchdog(t *testing.T) {
	s := newScene(t)
	if err := s.runner.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.runner.ended
	if w, err := Start(s.cfg); err == nil {
		t.Error(errors.Join(errors.New("it was started"), w.End()))
	}
}
