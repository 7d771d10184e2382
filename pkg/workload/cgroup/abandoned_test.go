// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestOnlyWhatNobodyHoldsIsAbandoned(t *testing.T) {
	parent := testRoot(t).Path()
	old := time.Now().Add(-2 * abandonedAge)
	trees := map[string]*Tree{}
	for _, name := range []string{"run-held", "run-left", "run-young", "other"} {
		tree, err := NewTree(filepath.Join(parent, name), []Definition{{Name: "a/b"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := tree.Remove(t.Context()); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
		})
		if name != "run-held" {
			tree.letGo() // as the end of the process would
		}
		if name != "run-young" {
			if err := os.Chtimes(filepath.Join(parent, name), old, old); err != nil {
				t.Fatal(err)
			}
		}
		trees[name] = tree
	}
	removed, err := RemoveAbandoned(t.Context(), parent, "run-")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(parent, "run-left")}; !slices.Equal(removed, want) {
		t.Errorf("removed %v, want %v", removed, want)
	}
	for name, tree := range trees {
		_, err := os.Stat(tree.Root().Path())
		if gone := errors.Is(err, os.ErrNotExist); gone != (name == "run-left") {
			t.Errorf("%s: gone %v", name, gone)
		}
	}
}

func TestATreeThatAnotherProcessHoldsIsNotTaken(t *testing.T) {
	path := filepath.Join(testRoot(t).Path(), "run")
	first, err := NewTree(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewTree(path, nil); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("a second tree at the same place: %v", err)
	}
	if err := first.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := NewTree(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Remove(t.Context()); err != nil {
		t.Error(err)
	}
}
