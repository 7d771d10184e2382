// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

//go:build guest

package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The root of a tree can have settings of its own; what is below it gets no
// controller for that.
func TestTheRootHasSettings(t *testing.T) {
	root := parent(t, "schedfleet-root")
	made := tree(t, filepath.Join(root, "run"), Definition{Settings: Settings{Memory: MemorySettings{Max: new(int64(64 << 20))}}}, Definition{Name: "a"})
	applied := must(made.Applied(""))(t)
	if got := applied.Files["memory.max"]; got != "67108864" {
		t.Errorf("memory.max of the root is %q, want 67108864", got)
	}
	if got := must(os.ReadFile(filepath.Join(root, "run", subtreeFile)))(t); strings.TrimSpace(string(got)) != "" {
		t.Errorf("the root hands %q down, want nothing", got)
	}
}

func TestTheRootHasSettingsAboveThreads(t *testing.T) {
	root := parent(t, "schedfleet-root-threads")
	made := tree(t, filepath.Join(root, "run"), Definition{Settings: Settings{Memory: MemorySettings{Max: new(int64(64 << 20))}}},
		Definition{Name: "a", Settings: Settings{Threaded: true, CPU: CPUSettings{Weight: new(5)}}})
	if got := must(made.Applied(""))(t).Files["memory.max"]; got != "67108864" {
		t.Errorf("memory.max of the root is %q, want 67108864", got)
	}
}
