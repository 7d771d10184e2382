// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// testTimeout is far more than anything here takes.
const testTimeout = 20 * time.Second

// testRoot returns a cgroup of the test's own on the real kernel.
func testRoot(t *testing.T) *Dir {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to make cgroups")
	}
	point, err := Mount()
	if errors.Is(err, ErrNoCgroup2) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	name := strings.NewReplacer("/", "_").Replace(t.Name())
	root, err := Create(filepath.Join(point, "schedfleet-test-"+name))
	if errors.Is(err, unix.EROFS) {
		t.Skipf("the cgroup tree is read-only: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		if err := root.Remove(ctx); err != nil {
			t.Error(err)
		}
	})
	return root
}

// sleeper starts a process in d that would sleep for ever.
func sleeper(t *testing.T, d *Dir) *exec.Cmd {
	t.Helper()
	f, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command("sleep", "infinity")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(f.Fd())}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func bound(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

func mustChild(t *testing.T, d *Dir, name string) *Dir {
	t.Helper()
	child, err := Create(filepath.Join(d.path, name))
	if err != nil {
		t.Fatal(err)
	}
	return child
}

func isGone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there (stat: %v)", path, err)
	}
}

func TestProcessIsBornInItsCgroup(t *testing.T) {
	child := mustChild(t, testRoot(t), "a/b")
	if live, err := child.Populated(); live || err != nil {
		t.Errorf("Populated of a new cgroup = %v, %v", live, err)
	}
	cmd := sleeper(t, child)
	pids, err := Procs(child.Path())
	if want := []int{cmd.Process.Pid}; err != nil || !slices.Equal(pids, want) {
		t.Errorf("Procs = %v, %v; want %v", pids, err, want)
	}
	if live, err := child.Populated(); !live || err != nil {
		t.Errorf("Populated with a process = %v, %v", live, err)
	}
	if used, err := child.CPU(); used == nil || err != nil {
		t.Errorf("CPU = %v, %v; want a time", used, err)
	}
}

func TestKillReachesNestedCgroups(t *testing.T) {
	root := testRoot(t)
	cmd := sleeper(t, mustChild(t, root, "a/b/c"))
	if err := root.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := root.WaitEmpty(bound(t)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the process ended with %v, want it killed", err)
	}
}

func TestWaitEmptyIsWokenByTheKernel(t *testing.T) {
	child := mustChild(t, testRoot(t), "run")
	cmd := sleeper(t, child)
	done := make(chan error, 1)
	ctx := bound(t)
	go func() { done <- child.WaitEmpty(ctx) }()
	select {
	case err := <-done:
		t.Fatalf("WaitEmpty returned %v while process %d lives", err, cmd.Process.Pid)
	default:
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("WaitEmpty = %v", err)
	}
}

func TestWaitEmptyEndsWithItsContext(t *testing.T) {
	child := mustChild(t, testRoot(t), "run")
	sleeper(t, child)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := child.WaitEmpty(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("WaitEmpty = %v, want the context's error", err)
	}
}

func TestRemove(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(t *testing.T, run *Dir)
	}{
		"an empty cgroup": {prepare: func(*testing.T, *Dir) {}},
		"nested cgroups with processes": {prepare: func(t *testing.T, run *Dir) {
			sleeper(t, run)
			sleeper(t, mustChild(t, run, "a"))
			sleeper(t, mustChild(t, run, "b/c"))
		}},
		"frozen processes": {prepare: func(t *testing.T, run *Dir) {
			inner := mustChild(t, run, "a")
			sleeper(t, inner)
			sleeper(t, run)
			for _, d := range []*Dir{inner, run} {
				if err := d.write("cgroup.freeze", "1"); err != nil {
					t.Fatal(err)
				}
			}
		}},
		"a cgroup that is gone": {prepare: func(t *testing.T, run *Dir) {
			if err := unix.Rmdir(run.Path()); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			run := mustChild(t, testRoot(t), "run")
			tc.prepare(t, run)
			if err := run.Remove(bound(t)); err != nil {
				t.Fatal(err)
			}
			isGone(t, run.Path())
		})
	}
}

func TestRemoveSaysWhatIsLeft(t *testing.T) {
	run := mustChild(t, testRoot(t), "run")
	sleeper(t, run)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := run.Remove(ctx)
	// The process may be dead by the time the error is written, so its id is not asked for.
	if err == nil {
		isGone(t, run.Path())
		return
	}
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), run.Path()) {
		t.Errorf("Remove = %v, want the context's error and the cgroup's path", err)
	}
}

func TestStillThereNamesProcesses(t *testing.T) {
	run := mustChild(t, testRoot(t), "run")
	cmd := sleeper(t, mustChild(t, run, "a"))
	if got, want := run.stillThere(), fmt.Sprintf(" (processes [%d] are in it)", cmd.Process.Pid); got != want {
		t.Errorf("stillThere = %q, want %q", got, want)
	}
}

func TestSweep(t *testing.T) {
	root := testRoot(t)
	if removed, err := Sweep(bound(t), filepath.Join(root.Path(), "never-made")); err != nil || len(removed) != 0 {
		t.Errorf("Sweep of a missing root = %v, %v", removed, err)
	}
	first, second := mustChild(t, root, "run-1"), mustChild(t, root, "run-2")
	sleeper(t, mustChild(t, first, "groups/a"))
	frozen := mustChild(t, second, "b")
	sleeper(t, frozen)
	if err := frozen.write("cgroup.freeze", "1"); err != nil {
		t.Fatal(err)
	}
	removed, err := Sweep(bound(t), root.Path())
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(removed)
	if want := []string{first.Path(), second.Path()}; !slices.Equal(removed, want) {
		t.Errorf("Sweep removed %v, want %v", removed, want)
	}
	isGone(t, first.Path())
	isGone(t, second.Path())
	if _, err := os.Stat(root.Path()); err != nil {
		t.Errorf("Sweep removed the root too: %v", err)
	}
}
