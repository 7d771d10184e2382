// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const cgroupMount = "/sys/fs/cgroup"

// v1Cgroup makes a cgroup of a controller of the first version, for the test.
func v1Cgroup(t *testing.T, controller string) string {
	t.Helper()
	base := filepath.Join(cgroupMount, controller)
	if _, err := os.Stat(filepath.Join(base, "release_agent")); err != nil {
		t.Skipf("there is no %s controller here that can be used: %v", controller, err)
	}
	return makeCgroup(t, base)
}

// cgroupWith makes a cgroup that a controller governs, of either version, for the test.
func cgroupWith(t *testing.T, controller string) string {
	t.Helper()
	enabled, _ := os.ReadFile(filepath.Join(cgroupMount, "cgroup.subtree_control"))
	if slices.Contains(strings.Fields(string(enabled)), controller) {
		return makeCgroup(t, cgroupMount)
	}
	return v1Cgroup(t, controller)
}

// v2Cgroup makes a cgroup of the second version, for the test.
func v2Cgroup(t *testing.T) string {
	t.Helper()
	for _, base := range []string{filepath.Join(cgroupMount, "unified"), cgroupMount} {
		if _, err := os.Stat(filepath.Join(base, "cgroup.controllers")); err == nil {
			return makeCgroup(t, base)
		}
	}
	t.Skip("there is no cgroup v2 here")
	return ""
}

func makeCgroup(t *testing.T, base string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making a cgroup needs root")
	}
	dir, err := os.MkdirTemp(base, "schedfleet-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeCgroup(t, dir) })
	return dir
}

// removeCgroup ends whatever is in it, frozen or not.
func removeCgroup(t *testing.T, dir string) {
	_ = os.WriteFile(filepath.Join(dir, "freezer.state"), []byte("THAWED"), 0o600)
	_ = os.WriteFile(filepath.Join(dir, "pids.max"), []byte("max"), 0o600)
	var err error
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		for pid := range strings.FieldsSeq(string(text)) {
			if n, _ := strconv.Atoi(pid); n > 1 {
				_ = unix.Kill(n, unix.SIGKILL)
			}
		}
		if err = unix.Rmdir(dir); err == nil {
			return
		}
		_, _ = unix.Poll(nil, 5)
	}
	t.Errorf("removing %s: %v", dir, err)
}
