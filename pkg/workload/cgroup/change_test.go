// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"
)

// Cgroups come and go during the life of a tree, with what is below them and what runs in them.
func TestCgroupsComeAndGo(t *testing.T) {
	root := filepath.Join(testRoot(t).Path(), "tree")
	made, err := NewTree(root, []Definition{{Name: "now"}, {Name: "late", Later: true}, {Name: "late/a/b", Later: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.Remove(bound(t)); err != nil {
			t.Error(err)
		}
	})
	there := func(names ...string) {
		t.Helper()
		for _, name := range []string{"now", "late", "late/a", "late/a/b"} {
			_, err := os.Stat(filepath.Join(root, name))
			want := false
			for _, n := range names {
				want = want || n == name
			}
			if got := err == nil; got != want || made.Live(name) != want {
				t.Errorf("%s is there: %v, by the tree %v, want %v", name, got, made.Live(name), want)
			}
		}
	}
	there("now")
	for range 2 {
		for _, name := range []string{"late", "late/a/b"} {
			if err := made.Make(name); err != nil {
				t.Fatal(err)
			}
		}
		there("now", "late", "late/a", "late/a/b")
		if err := made.Make("late"); err == nil || !strings.Contains(err.Error(), "there already") {
			t.Errorf("making it twice: %v", err)
		}
		process := sleeper(t, made.Dir("late/a/b"))
		if err := made.RemoveOne(bound(t), "late"); err != nil {
			t.Fatal(err)
		}
		_ = process.Wait() // it was killed
		there("now")
	}
	if err := made.RemoveOne(bound(t), "late"); err != nil {
		t.Errorf("removing what is gone: %v", err)
	}
	for what, err := range map[string]error{
		`no cgroup "other"`: made.Make("other"), `no cgroup ""`: made.RemoveOne(bound(t), ""),
		`"late" is not there`: made.SetCPUs("late", cpuset.New(0), cpuset.New()),
	} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want %q", err, what)
		}
	}
}

// What cannot be made leaves nothing, and can be made when that is possible.
func TestACgroupThatCannotBeMade(t *testing.T) {
	root := filepath.Join(testRoot(t).Path(), "tree")
	made, err := NewTree(root, []Definition{{Name: "a/b", Later: true}, {Name: "a", Later: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.Remove(bound(t)); err != nil {
			t.Error(err)
		}
	})
	most := filepath.Join(root, "cgroup.max.descendants")
	if err := os.WriteFile(most, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := made.Make("a/b"); !errors.Is(err, unix.EAGAIN) || !strings.Contains(err.Error(), `"a/b"`) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "a")); err == nil || made.Live("a") {
		t.Error("a is left")
	}
	if err := os.WriteFile(most, []byte("2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := made.Make("a/b"); err != nil {
		t.Error(err)
	}
}

// A change keeps what it does not name.
func TestAChangeOfSettingsKeepsTheRest(t *testing.T) {
	was := Settings{
		CPU: CPUSettings{Weight: new(10), Quota: 1e6, Period: 1e7}, Memory: MemorySettings{Max: new(int64(1 << 20)), Min: new(int64(1))},
		IO: IOSettings{Weight: new(3), Limits: []IOLimit{{Device: "8:0", ReadBytesPerSecond: new(int64(1))}, {Device: "8:1", ReadBytesPerSecond: new(int64(2))}}},
	}
	change := Settings{
		CPU: CPUSettings{Quota: 2e6}, Memory: MemorySettings{High: new(int64(4096))}, PidsMax: new(int64(7)),
		IO: IOSettings{Limits: []IOLimit{{Device: "8:1", WriteBytesPerSecond: new(int64(9))}}},
	}
	want := Settings{
		CPU: CPUSettings{Weight: new(10), Quota: 2e6, Period: 1e7}, Memory: MemorySettings{Max: new(int64(1 << 20)), Min: new(int64(1)), High: new(int64(4096))},
		IO:      IOSettings{Weight: new(3), Limits: []IOLimit{{Device: "8:1", WriteBytesPerSecond: new(int64(9))}, {Device: "8:0", ReadBytesPerSecond: new(int64(1))}}},
		PidsMax: new(int64(7)),
	}
	sameSets := cmp.Comparer(func(a, b cpuset.CPUSet) bool { return a.Equals(b) })
	if diff := cmp.Diff(want, *was.with(&change), sameSets); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}
