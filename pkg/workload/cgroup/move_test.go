// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestFreezeAndThaw(t *testing.T) {
	run := mustChild(t, testRoot(t), "run")
	sleeper(t, mustChild(t, run, "a"))
	for _, step := range []struct {
		do   func(context.Context) error
		want uint64
	}{{run.Freeze, 1}, {run.Freeze, 1}, {run.Thaw, 0}} {
		if err := step.do(bound(t)); err != nil {
			t.Fatal(err)
		}
		content, err := run.read(eventsFile)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := event(content, "frozen"); got != step.want || err != nil {
			t.Errorf("frozen %d, %v; want %d", got, err, step.want)
		}
	}
	missing := &Dir{path: filepath.Join(run.Path(), "missing")}
	if err := missing.Freeze(bound(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("freezing a missing cgroup: %v", err)
	}
}

func TestThawBelowAFrozenCgroupIsBounded(t *testing.T) {
	run := mustChild(t, testRoot(t), "run")
	inner := mustChild(t, run, "a")
	sleeper(t, inner)
	if err := run.Freeze(bound(t)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := inner.Thaw(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("thawing what is frozen from above: %v", err)
	}
}

func TestMoveProcess(t *testing.T) {
	root := testRoot(t)
	from, to := mustChild(t, root, "from"), mustChild(t, root, "to")
	cmd := sleeper(t, from)
	if err := to.MoveProcess(t.Context(), cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if pids, err := Procs(to.Path()); !slices.Equal(pids, []int{cmd.Process.Pid}) || err != nil {
		t.Errorf("Procs = %v, %v", pids, err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err := from.MoveProcess(t.Context(), cmd.Process.Pid); err != nil {
		t.Errorf("moving one that has ended: %v", err)
	}
	if err := from.MoveThread(cmd.Process.Pid); err != nil {
		t.Errorf("moving a thread that has ended: %v", err)
	}
	missing := &Dir{path: filepath.Join(root.Path(), "missing")}
	if err := missing.MoveProcess(t.Context(), os.Getpid()); err == nil || !strings.Contains(err.Error(), "try 1 of 3") {
		t.Errorf("moving to a missing cgroup: %v", err)
	}
}

// TestWhatIsWedgedIsGivenUp has pipes that nobody reads or writes for files: to
// open one blocks, as files of a stuck kernel do.
func TestWhatIsWedgedIsGivenUp(t *testing.T) {
	d := &Dir{path: t.TempDir()}
	for _, file := range []string{"cpu.max", eventsFile, "cgroup.freeze"} {
		if err := unix.Mkfifo(d.file(file), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			// Lets the goroutines go that still wait.
			if f, err := os.OpenFile(d.file(file), os.O_RDWR|unix.O_NONBLOCK, 0); err == nil {
				_ = f.Close()
			}
		})
	}
	for name, step := range map[string]func() error{
		"writing a setting": func() error {
			return apply(d, &node{settings: &Settings{CPU: CPUSettings{Quota: time.Second}}})
		},
		"waiting for the end of processes": func() error { return d.WaitEmpty(t.Context()) },
		"reading for removal":              func() error { return d.thaw() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			err := step()
			if !errors.Is(err, unix.ETIMEDOUT) || !strings.Contains(err.Error(), d.path) {
				t.Errorf("error %v, want ETIMEDOUT and the path", err)
			}
			if took := time.Since(began); took > 3*fileTimeout {
				t.Errorf("it took %v", took)
			}
		})
	}
}
