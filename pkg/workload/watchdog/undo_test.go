// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package watchdog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// changed is what a run has changed: two files that read 0, a journal that says so, and an undo that makes them 1 and 0.
func changed(t *testing.T) *Undo {
	t.Helper()
	create := func(name, text string) *os.File {
		f, err := os.OpenFile(filepath.Join(t.TempDir(), name), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		return f
	}
	return &Undo{Journal: create("journal", "two files\n"), Settings: []Setting{{create("a", "0\n"), '1'}, {create("b", "0\n"), '0'}}}
}

func content(t *testing.T, f *os.File) string {
	t.Helper()
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWhatARunChangedIsUndone(t *testing.T) {
	for name, tc := range map[string]struct {
		end           func(*scene, *Watchdog)
		a, journal    string
		said, notSaid string
	}{
		"the run is over": {func(*scene, *Watchdog) {}, "0\n", "two files\n", "", "put back"},
		"the runner is gone": {func(_ *scene, w *Watchdog) { _ = w.tell.Close() },
			"1\n", "", "killed what was left of it; put back what it had changed of the machine\n", "not as they were"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.cfg.Undo = changed(t)
			w := start(t, s.cfg)
			tc.end(s, w)
			_ = w.End() // an error if it acted, which other tests are about
			undo := s.cfg.Undo
			if a, b, journal := content(t, undo.Settings[0].File), content(t, undo.Settings[1].File), content(t, undo.Journal); a != tc.a || b != "0\n" || journal != tc.journal {
				t.Errorf("a is %q, b %q, the journal %q; want %q, 0, %q", a, b, journal, tc.a, tc.journal)
			}
			if said := s.text(t); !strings.HasSuffix(said, tc.said) || strings.Contains(said, tc.notSaid) {
				t.Errorf("said %q", said)
			}
		})
	}
}

func TestAStuckRunnersChangesAreUndone(t *testing.T) {
	s := newScene(t)
	s.cfg.Undo, s.cfg.Deadline = changed(t), 100*time.Millisecond
	w := start(t, s.cfg)
	if !s.runner.killed() {
		t.Error("want the runner killed")
	}
	_ = w.End()
	if a := content(t, s.cfg.Undo.Settings[0].File); a != "1\n" {
		t.Errorf("a is %q", a)
	}
}

// What cannot be undone is said, and stays in the journal.
func TestAnUndoThatFailsIsSaid(t *testing.T) {
	s := newScene(t)
	s.cfg.Undo = changed(t)
	readOnly, err := os.Open(s.cfg.Undo.Settings[0].File.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	s.cfg.Undo.Settings[0].File = readOnly
	w := start(t, s.cfg)
	_ = w.tell.Close()
	_ = w.cmd.Wait()
	if said := s.text(t); !strings.Contains(said, "putting setting 1 of 2 back: writing 1: bad file descriptor; 1 settings are not as they were") {
		t.Errorf("said %q", said)
	}
	if journal := content(t, s.cfg.Undo.Journal); journal != "two files\n" {
		t.Errorf("the journal is %q", journal)
	}
}
