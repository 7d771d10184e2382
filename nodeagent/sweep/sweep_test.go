// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
)

// TestSweep is about what a killed agent leaves: cgroups of runs with live processes.
func TestSweep(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make cgroups")
	}
	mount, err := cgroup.Mount()
	if errors.Is(err, cgroup.ErrNoCgroup2) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := Sweeper{Root: filepath.Join(mount, "schedfleet-test-sweep", "node")}
	removed, err := s.Sweep(t.Context())
	if errors.Is(err, unix.EROFS) {
		t.Skipf("the cgroup tree is read-only: %v", err)
	}
	t.Cleanup(func() { _ = unix.Rmdir(filepath.Dir(s.Root)) })
	if err != nil || len(removed) != 0 {
		t.Fatalf("the first Sweep = %v, %v; want it to make the agent's cgroup", removed, err)
	}
	run, err := cgroup.Create(filepath.Join(s.Root, "run-1", "group"))
	if err != nil {
		t.Fatal(err)
	}
	left := start(t, run)

	removed, err = s.Sweep(t.Context())
	if want := []string{filepath.Join(s.Root, "run-1")}; err != nil || !slices.Equal(removed, want) {
		t.Errorf("Sweep = %v, %v; want %v", removed, err, want)
	}
	if err := left.Wait(); err == nil {
		t.Error("the process left behind ended well, want it killed")
	}
	if err := s.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the agent's cgroup is still there (%v)", err)
	}
}

func start(t *testing.T, d *cgroup.Dir) *exec.Cmd {
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
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

func TestOutsideACgroupIsRefused(t *testing.T) {
	if _, err := (Sweeper{Root: filepath.Join(t.TempDir(), "node")}).Sweep(t.Context()); !errors.Is(err, cgroup.ErrOutside) {
		t.Errorf("Sweep = %v, want ErrOutside", err)
	}
}
