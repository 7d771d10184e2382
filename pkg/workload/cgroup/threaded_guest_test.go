// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

//go:build guest

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestThreadsOfOneProcessInSeveralCgroups(t *testing.T) {
	made := tree(t, filepath.Join(parent(t, "schedfleet-threaded"), "run"),
		Definition{Name: "app", Settings: Settings{Memory: MemorySettings{Max: new(int64(256 << 20))}}},
		Definition{Name: "app/a", Settings: Settings{Threaded: true, CPUs: set(t, "1"), CPU: CPUSettings{Weight: new(30)}}},
		Definition{Name: "app/b/c", Settings: Settings{Threaded: true, PidsMax: new(int64(50))}})
	for name, want := range map[string]string{
		"app": typeThreadDomain, "app/a": typeThreaded, "app/b": typeThreaded, "app/b/c": typeThreaded,
	} {
		if got := must(made.Applied(name))(t).Type; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	cmd := startIn(t, made.Dir("app"), child("threads"))
	pid := cmd.Process.Pid
	tids := func() []string {
		all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
		return all
	}
	eventually(t, "5 threads", func() bool { return len(tids()) >= 5 })
	var last int
	if _, err := fmt.Sscan(filepath.Base(tids()[len(tids())-1]), &last); err != nil {
		t.Fatal(err)
	}
	if err := made.Dir("app/a").MoveThread(last); err != nil {
		t.Fatal(err)
	}
	// A thread that the Go runtime made from that one meanwhile was born beside it.
	if got := must(Threads(made.Dir("app/a").Path()))(t); !slices.Contains(got, last) || slices.Contains(got, pid) {
		t.Errorf("threads of app/a %v, want %d and not the first, %d", got, last, pid)
	}
	if got := must(Procs(made.Dir("app").Path()))(t); !slices.Equal(got, []int{pid}) {
		t.Errorf("processes of app %v, want %d", got, pid)
	}
	if _, err := Procs(made.Dir("app/a").Path()); !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("processes of app/a: %v, want EOPNOTSUPP", err)
	}
	if live := must(made.Dir("app/a").Populated())(t); !live {
		t.Error("app/a is said to be empty")
	}
	// Only whole processes are killed, so nothing must be by these.
	if err := made.Dir("app/a").Kill(); !errors.Is(err, unix.EOPNOTSUPP) || !strings.Contains(err.Error(), "domain") {
		t.Errorf("killing in app/a: %v", err)
	}
	if err := made.Dir("app/a").Remove(bound(t)); err == nil || !strings.Contains(err.Error(), "domain") {
		t.Errorf("removing app/a: %v", err)
	}
	if err := made.Dir("app/b/c").Remove(bound(t)); err != nil {
		t.Errorf("removing app/b/c, which is empty: %v", err)
	}
	status := must(os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/status", pid, last)))(t)
	if !strings.Contains(string(status), "Cpus_allowed_list:\t1\n") {
		t.Errorf("the thread in app/a is not on CPU 1:\n%s", status)
	}
	if err := made.Dir("app").Freeze(bound(t)); err != nil {
		t.Error(err)
	}
	remove(t, made)
}

func TestProcessBornInAThreadedCgroup(t *testing.T) {
	made := tree(t, filepath.Join(parent(t, "schedfleet-born"), "run"),
		Definition{Name: "app/a", Settings: Settings{Threaded: true, CPU: CPUSettings{Quota: 10 * time.Millisecond}}})
	cmd := startIn(t, made.Dir("app/a"), spinner())
	if got := must(Threads(made.Dir("app/a").Path()))(t); !slices.Equal(got, []int{cmd.Process.Pid}) {
		t.Errorf("threads %v, want %d", got, cmd.Process.Pid)
	}
	eventually(t, "a throttled period", func() bool { return *usage(t, made, "app/a").Throttled > 0 })
}
