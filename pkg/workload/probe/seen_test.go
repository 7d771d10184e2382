// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// threads are the ids of the threads of this process.
func threads(t *testing.T) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	var tids []int
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids
}

// snapshot is the tree of cgroups with what each hands on to those below it, but
// for the cgroups of other tests, which come and go.
func snapshot(t *testing.T, mount string) map[string]string {
	t.Helper()
	seen := make(map[string]string)
	if mount == "" {
		return seen
	}
	err := filepath.WalkDir(mount, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil //nolint:nilerr // a cgroup that just went
		}
		if name := d.Name(); strings.HasPrefix(name, "schedfleet") && !strings.HasPrefix(name, "schedfleet-test-capability") && !strings.HasPrefix(name, "schedfleet-probe") {
			return fs.SkipDir
		}
		content, err := os.ReadFile(filepath.Join(path, "cgroup.subtree_control"))
		if err == nil {
			seen[path] = string(content)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}
