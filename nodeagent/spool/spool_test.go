// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/types"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func openTest(t *testing.T) *Spool {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func entry(uid string) *Entry {
	return &Entry{
		Namespace: "ns", Name: "run-" + uid, UID: types.UID(uid), RunID: "id-" + uid,
		Workload: "w", Status: v1alpha1.NodeRunStatus{AgentInstance: "me"},
	}
}

// raw is the raw report that save saves.
const raw = `{"runID":"id"}`

// save saves entries, each a second younger than the one before.
func save(t *testing.T, s *Spool, uids ...string) (dropped Dropped) {
	t.Helper()
	for i, uid := range uids {
		d, err := s.Save(entry(uid), []byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		dropped.Raw = append(dropped.Raw, d.Raw...)
		dropped.Entries = append(dropped.Entries, d.Entries...)
		at := time.Unix(int64(1_000_000+i), 0)
		if err := os.Chtimes(s.file(types.UID(uid)), at, at); err != nil {
			t.Fatal(err)
		}
	}
	return dropped
}

func loaded(t *testing.T, s *Spool) (uids []string) {
	t.Helper()
	entries, damaged, err := s.Load()
	if err != nil || len(damaged) > 0 {
		t.Fatalf("Load: damaged %v, error %v", damaged, err)
	}
	for _, e := range entries {
		uids = append(uids, string(e.UID))
	}
	return uids
}

func TestEntriesComeBackOldestFirst(t *testing.T) {
	s := openTest(t)
	save(t, s, "c", "a", "b")
	entries, _, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	want := entry("c")
	want.RawBytes = len(raw)
	if diff := cmp.Diff(want, entries[0]); diff != "" {
		t.Errorf("first entry (-want +got):\n%s", diff)
	}
	if got, want := loaded(t, s), []string{"c", "a", "b"}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

func TestTheRawReportIsOnTheDisk(t *testing.T) {
	s := openTest(t)
	save(t, s, "a")
	if got, err := s.Raw("a"); err != nil || string(got) != raw {
		t.Errorf("Raw = %q, %v", got, err)
	}
	if _, err := s.Save(entry("b"), make([]byte, MaxRaw+1)); err == nil || !strings.Contains(err.Error(), "ns/run-b") {
		t.Errorf("Save of a raw report that is too large: %v, want an error with the NodeRun's name", err)
	}
	if _, err := s.Save(entry("a"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Raw("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Raw of an entry saved again without one: %v, want fs.ErrNotExist", err)
	}
}

func TestSavingAgainReplaces(t *testing.T) {
	s := openTest(t)
	save(t, s, "a")
	changed := entry("a")
	changed.Status.AgentInstance = "again"
	if _, err := s.Save(changed, nil); err != nil {
		t.Fatal(err)
	}
	entries, _, err := s.Load()
	if err != nil || len(entries) != 1 || entries[0].Status.AgentInstance != "again" {
		t.Errorf("entries %v, error %v: want the second one only", entries, err)
	}
}

func TestRemove(t *testing.T) {
	s := openTest(t)
	save(t, s, "a", "b")
	for range 2 { // the second time it is removed already
		if err := s.Remove("a"); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := loaded(t, s), []string{"b"}; !slices.Equal(got, want) {
		t.Errorf("left %v, want %v", got, want)
	}
}

func TestTheOldestGoFirst(t *testing.T) {
	size := func(e *Entry, raw string) int64 {
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return int64(len(text) + len(raw))
	}
	whole := entry("x")
	whole.RawBytes = len(raw)
	for name, tc := range map[string]struct {
		maxEntries int
		maxBytes   int64
		save       []string
		want       []string
		wantRaw    []string
	}{
		"too many": {
			maxEntries: 2, maxBytes: 1 << 20, save: []string{"a", "b", "c"}, want: []string{"b", "c"}, wantRaw: []string{"b", "c"},
		},
		"raw reports go first, and then entries": {
			maxEntries: 100, maxBytes: 3 * size(whole, ""), save: []string{"a", "b", "c"}, want: []string{"b", "c"}, wantRaw: []string{"c"},
		},
		"room for all entries, but not for all raw reports": {
			maxEntries: 100, maxBytes: 3*size(whole, "") + int64(len(raw)), save: []string{"a", "b", "c"},
			want: []string{"a", "b", "c"}, wantRaw: []string{"c"},
		},
		"one that replaces needs no room": {
			maxEntries: 2, maxBytes: 1 << 20, save: []string{"a", "b", "b"}, want: []string{"a", "b"}, wantRaw: []string{"a", "b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openTest(t)
			s.maxEntries, s.maxBytes = tc.maxEntries, tc.maxBytes
			dropped := save(t, s, tc.save...)
			if got := loaded(t, s); !slices.Equal(got, tc.want) {
				t.Errorf("left %v, want %v", got, tc.want)
			}
			var withRaw []string
			for _, uid := range tc.want {
				if _, err := s.Raw(types.UID(uid)); err == nil {
					withRaw = append(withRaw, uid)
				}
			}
			if !slices.Equal(withRaw, tc.wantRaw) {
				t.Errorf("raw reports left of %v, want %v", withRaw, tc.wantRaw)
			}
			distinct := slices.Compact(slices.Clone(tc.save))
			if got, want := len(dropped.Entries), len(distinct)-len(tc.want); got != want {
				t.Errorf("%d entries reported as dropped, want %d", got, want)
			}
		})
	}
}

func TestOpenCleansUp(t *testing.T) {
	dir := t.TempDir()
	half := filepath.Join(dir, tempPrefix+"123")
	if err := os.WriteFile(half, []byte(`{"uid`), 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(dir, "0123"+suffix)
	if err := os.WriteFile(damaged, []byte(`{"uid`), 0o600); err != nil {
		t.Fatal(err)
	}
	orphan := filepath.Join(dir, "4567"+rawSuffix)
	if err := os.WriteFile(orphan, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := os.Stat(orphan); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a raw report of no entry is still there (%v)", err)
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a half-written file is still there (%v)", err)
	}
	save(t, s, "a")
	entries, bad, err := s.Load()
	if err != nil || len(entries) != 1 || !slices.Equal(bad, []string{"0123" + suffix}) {
		t.Errorf("Load = %d entries, damaged %v, %v", len(entries), bad, err)
	}
	if _, err := os.Stat(damaged); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a damaged entry is still there (%v)", err)
	}
}

func TestOneAgentPerSpool(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("a second Open: %v, want ErrInUse", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatalf("Open after Close: %v", err)
	}
	_ = again.Close()
}

// TestFullDisk saves to a file system with room for nothing.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a file system")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4k"); err != nil {
		t.Skipf("cannot mount a file system here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.Save(entry("a"), make([]byte, 1<<16)); !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "ns/run-a") {
		t.Errorf("Save = %v, want ENOSPC and the NodeRun's name", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("a failed Save left %v (%v)", left, err)
	}
}
