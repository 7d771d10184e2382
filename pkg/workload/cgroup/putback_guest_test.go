// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

//go:build guest

package cgroup

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func weight() []Definition {
	return []Definition{{Name: "a", Settings: Settings{CPU: CPUSettings{Weight: new(10)}}}}
}

func TestTheLastTreePutsControllersBack(t *testing.T) {
	one, two := parent(t, "schedfleet-one"), parent(t, "schedfleet-two")
	top := &Dir{path: filepath.Dir(one)}
	first := tree(t, filepath.Join(one, "deep/run"), weight()...)
	both := append(weight(), Definition{Name: "b", Settings: Settings{PidsMax: new(int64(4))}})
	second := tree(t, filepath.Join(two, "run"), both...)
	controllers := func(d *Dir) []string { return distinct(must(d.names(subtreeFile))(t)) }
	if got := controllers(top); !slices.Equal(got, []string{"cpu", "pids"}) {
		t.Errorf("both have %v", got)
	}
	remove(t, first)
	if got := controllers(top); !slices.Equal(got, []string{"cpu", "pids"}) {
		t.Errorf("the second has %v left", got)
	}
	if got := controllers(&Dir{path: filepath.Join(one, "deep")}); len(got) != 0 {
		t.Errorf("the parent of the first has %v left", got)
	}
	if got := must(second.Applied("a"))(t).Files["cpu.weight"]; got != "10" {
		t.Errorf("the second has the weight %q", got)
	}
	remove(t, second)
	if got := controllers(top); len(got) != 0 {
		t.Errorf("%v are left", got)
	}
}

func TestWhatWasEnabledBeforeStays(t *testing.T) {
	above := parent(t, "schedfleet-before")
	top := &Dir{path: filepath.Dir(above)}
	if err := top.write(subtreeFile, "+pids"); err != nil {
		t.Fatal(err)
	}
	made := tree(t, filepath.Join(above, "run"), Definition{Name: "a", Settings: Settings{PidsMax: new(int64(4)), CPU: CPUSettings{Weight: new(1)}}})
	remove(t, made)
	if got := must(top.text(subtreeFile))(t); got != "pids" {
		t.Errorf("controllers %q, want those of before", got)
	}
	if err := top.write(subtreeFile, "-pids"); err != nil {
		t.Fatal(err)
	}
}

func TestSweepPutsBackWhatAKilledRunnerEnabled(t *testing.T) {
	above := parent(t, "schedfleet-killed")
	cmd := child("tree=" + filepath.Join(above, "run"))
	waitMade(t, cmd)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	top := &Dir{path: filepath.Dir(above)}
	if got := distinct(must(top.names(subtreeFile))(t)); !slices.Equal(got, []string{"cpu", "cpuset", "pids"}) {
		t.Errorf("the killed runner left %v", got)
	}
	removed, err := Sweep(bound(t), above)
	if want := []string{filepath.Join(above, "run")}; err != nil || !slices.Equal(removed, want) {
		t.Errorf("Sweep = %v, %v; want %v", removed, err, want)
	}
}

// TestWhatCouldNotBeRecordedIsPutBackByItsTree has a tree forget its records, as
// on a kernel that keeps none.
func TestWhatCouldNotBeRecordedIsPutBackByItsTree(t *testing.T) {
	above := &Dir{path: parent(t, "schedfleet-unrecorded")}
	made := tree(t, filepath.Join(above.path, "run"), weight()...)
	for _, d := range []*Dir{above, above.parent()} {
		if err := d.setRecord(recordControllers, ""); err != nil {
			t.Fatal(err)
		}
		made.unrecorded[d.path] = []string{"cpu"}
	}
	remove(t, made)
	if got := must(above.parent().text(subtreeFile))(t); got != "" {
		t.Errorf("%q is left", got)
	}
}

func TestRemoveOutrunsForks(t *testing.T) {
	made := tree(t, filepath.Join(parent(t, "schedfleet-forks"), "run"), Definition{Name: "a/b", Settings: Settings{PidsMax: new(int64(40))}})
	startIn(t, made.Dir("a/b"), exec.Command("sh", "-c", "while :; do sh -c 'sleep 1000 & exec sleep 0.01' & done"))
	eventually(t, "20 processes", func() bool { return *usage(t, made, "a/b").PIDsPeak >= 20 })
	remove(t, made)
}

func waitMade(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out := must(cmd.StdoutPipe())(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "made\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
}

func TestTreesOfManyAtOnce(t *testing.T) {
	above := parent(t, "schedfleet-many")
	done := make(chan error, 6)
	for i := range cap(done) {
		go func() {
			root := filepath.Join(above, string(rune('a'+i)), "run")
			for range 3 {
				made, err := NewTree(root, weight())
				if err == nil {
					_, err = made.Applied("a")
				}
				if err == nil {
					err = made.Remove(t.Context())
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestChangesWaitForTheLock(t *testing.T) {
	above := parent(t, "schedfleet-lock")
	root := filepath.Join(above, "run")
	top := &Dir{path: filepath.Dir(above)}
	var made *Tree
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"making a tree", func() (err error) { made, err = NewTree(root, weight()); return err }},
		{"removing it", func() error { return made.Remove(t.Context()) }},
		{"probing", func() error { _, err := ProbeFiles(above); return err }},
	} {
		before := must(top.text(subtreeFile))(t)
		unlock := must(lock(t.Context(), top))(t)
		done := make(chan error, 1)
		go func() { done <- step.do() }()
		select {
		case err := <-done:
			t.Errorf("%s did not wait: %v", step.name, err)
			done <- err
		case <-time.After(100 * lockRetry):
		}
		if got := must(top.text(subtreeFile))(t); got != before {
			t.Errorf("%s: controllers %q while another has the lock, %q before", step.name, got, before)
		}
		unlock()
		if err := <-done; err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
	}
}

func TestProcessesInTheParentAreNamedAsTheReason(t *testing.T) {
	above := &Dir{path: parent(t, "schedfleet-inhabited")}
	top := above.parent()
	cmd := sleeper(t, above)
	for name, tc := range map[string]struct {
		give Settings
		want []string
	}{
		"a controller of whole processes": {
			give: Settings{Memory: MemorySettings{Max: new(int64(1 << 30))}}, want: []string{"controller memory", "holds processes itself", above.path},
		},
		"a controller of threads": {give: weight()[0].Settings, want: []string{"controller cpu", "domain invalid", "holds processes"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewTree(filepath.Join(above.path, "run"), []Definition{{Name: "a", Settings: tc.give}})
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
			isGone(t, filepath.Join(above.path, "run"))
			if got := must(top.text(subtreeFile))(t); got != "" {
				t.Errorf("%q is left at the top", got)
			}
		})
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
