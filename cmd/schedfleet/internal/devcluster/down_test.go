// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newCluster makes the directory of a cluster that was up once, with a file in
// each place.
func newCluster(t *testing.T) paths {
	t.Helper()
	p := paths(filepath.Join(t.TempDir(), "cluster"))
	if err := p.make(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{p.lock(), p.newState(), p.kubeconfig(), p.log("etcd"), p.user("manager"), p.spools() + "/x", p.temp() + "/x"} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func down(t *testing.T, p paths) string {
	t.Helper()
	var said strings.Builder
	if err := Down(testContext(t), string(p), &said); err != nil {
		t.Fatalf("Down() = %v", err)
	}
	return said.String()
}

func wantGone(t *testing.T, p paths) {
	t.Helper()
	if _, err := os.Lstat(string(p)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func TestDownEndsSupervisorAndItsProcesses(t *testing.T) {
	p := newCluster(t)
	supervisor, _ := startHelper(t)
	orphan, _ := startHelper(t, envMark+"="+string(p))
	s := State{Supervisor: supervisor, Ready: true}
	if err := s.write(string(p)); err != nil {
		t.Fatal(err)
	}
	if said := down(t, p); !strings.Contains(said, "stopping the cluster") {
		t.Errorf("Down() said %q", said)
	}
	if supervisor.alive() || orphan.alive() {
		t.Errorf("alive: supervisor %v, orphan %v", supervisor.alive(), orphan.alive())
	}
	wantGone(t, p)
	if said := down(t, p); !strings.Contains(said, "no cluster is up") {
		t.Errorf("a second Down() said %q", said)
	}
}

func TestDownLeavesAProcessWithAReusedNumberAlone(t *testing.T) {
	p := newCluster(t)
	other, _ := startHelper(t)
	s := State{Supervisor: Process{PID: other.PID, StartTime: other.StartTime - 1}}
	if err := s.write(string(p)); err != nil {
		t.Fatal(err)
	}
	if said := down(t, p); said != "" {
		t.Errorf("Down() said %q of a supervisor that is gone", said)
	}
	if !other.alive() {
		t.Error("Down() killed a process that only has the supervisor's number")
	}
	wantGone(t, p)
}

func TestDownTakesADamagedStateForNone(t *testing.T) {
	p := newCluster(t)
	if err := os.WriteFile(p.state(), []byte(`{"supervisor":`), 0o600); err != nil {
		t.Fatal(err)
	}
	down(t, p)
	wantGone(t, p)
}

func TestDownKeepsFilesThatAreNotTheClusters(t *testing.T) {
	p := newCluster(t)
	mine := filepath.Join(string(p), "notes.txt")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	down(t, p)
	entries, err := os.ReadDir(string(p))
	if err != nil || len(entries) != 1 || entries[0].Name() != "notes.txt" {
		t.Errorf("left are %v, %v, want notes.txt alone", entries, err)
	}
	if err := Down(testContext(t), string(p), io.Discard); err == nil {
		t.Error("Down() took a directory with foreign files for a cluster's")
	}
}

func TestDownRemovesCgroups(t *testing.T) {
	p := newCluster(t)
	root, err := chooseCgroupRoot(string(p))
	if err != nil {
		t.Skipf("no cgroup can be made here: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(root, "node-a", "run"), 0o755); err != nil {
		t.Skipf("no cgroup can be made here: %v", err)
	}
	t.Cleanup(func() { _ = removeCgroups(context.Background(), root) })
	down(t, p)
	if _, err := os.Stat(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("cgroup %s is still there: %v", root, err)
	}
}

func TestLock(t *testing.T) {
	p := newCluster(t)
	held, err := p.tryLock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.tryLock(); !errors.Is(err, errLocked) {
		t.Errorf("a second tryLock() = %v, want errLocked", err)
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := p.waitLock(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waitLock() = %v while the lock is held, want the context's error", err)
	}

	// A supervisor inherits the file, and with it the lock.
	fd, err := unix.FcntlInt(held.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	held.Close()
	if _, err := p.tryLock(); !errors.Is(err, errLocked) {
		t.Errorf("tryLock() = %v while an heir has the lock, want errLocked", err)
	}
	_ = unix.Close(fd)
	again, err := p.waitLock(testContext(t))
	if err != nil {
		t.Fatalf("the lock is not free after its last holder: %v", err)
	}
	again.Close()
}

func TestCheckDir(t *testing.T) {
	tests := map[string]struct {
		prepare func(dir string) error
		want    string
	}{
		"an empty one is fine":      {func(d string) error { return os.Mkdir(d, 0o700) }, ""},
		"a file":                    {func(d string) error { return os.WriteFile(d, nil, 0o600) }, "not a directory"},
		"a link to a directory":     {func(d string) error { return os.Symlink("/", d) }, "not a directory"},
		"one that others may read":  {func(d string) error { return os.Mkdir(d, 0o755) }, "open to other users"},
		"one with something inside": {func(d string) error { return os.MkdirAll(d+"/x", 0o700) }, "no development cluster's"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			if err := tc.prepare(dir); err != nil {
				t.Fatal(err)
			}
			err := paths(dir).make()
			if (tc.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("make() = %v, want %q in it", err, tc.want)
			}
		})
	}
}
