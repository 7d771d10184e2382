// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// leftMark begins the line of a runner that left something open.
const leftMark = "a runner left behind: "

// mainAndCount is a runner's main function. It says on standard error if it ends
// with more open, or with other children, than it began with.
func mainAndCount(args []string) int {
	wakePoller()
	before := open(os.Getpid())
	code := Main(args)
	after := open(os.Getpid())
	if !slices.Equal(before, after) {
		fmt.Fprintf(os.Stderr, "%sdescriptors: before %q, after %q\n", leftMark, before, after)
	}
	if kids := childrenOf(os.Getpid()); len(kids) > 0 {
		fmt.Fprintf(os.Stderr, "%schildren: %v\n", leftMark, kids)
	}
	return code
}

// wakePoller makes the Go runtime open what it keeps open for good.
func wakePoller() {
	if r, w, err := os.Pipe(); err == nil {
		_, _ = r.Close(), w.Close()
	}
}

// open is what a process has open, without what the look itself opens.
func open(pid int) []string {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return []string{err.Error()}
	}
	var list []string
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			list = append(list, e.Name()+" "+target)
		}
	}
	slices.Sort(list)
	return list
}

// childrenOf are a process' children, those that nobody has waited for included.
func childrenOf(pid int) []int {
	var list []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range tasks {
		text, _ := os.ReadFile(file) // a task that is gone has none
		for word := range strings.FieldsSeq(string(text)) {
			if kid, err := strconv.Atoi(word); err == nil {
				list = append(list, kid)
			}
		}
	}
	return list
}

// workersOf are the processes of the run that the test has started: the children of its
// one child that has some. While tasks end, the kernel may leave some out, so it looks again; none
// are found where the test itself comes too late.
func workersOf() []int {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); <-ticker.C {
		for _, runner := range childrenOf(os.Getpid()) {
			if workers := childrenOf(runner); len(workers) > 0 {
				return workers
			}
		}
	}
	return nil
}

// descendantsOf are a process' children and theirs.
func descendantsOf(pid int) []int {
	list := childrenOf(pid)
	for _, kid := range list {
		list = append(list, descendantsOf(kid)...)
	}
	return list
}

// snapshot is what of a run could be left on the machine: things by what they are.
type snapshot map[string][]string

// take looks at what there is. Processes are the test's own children, for what
// loses its parent becomes one; namespaces are those of networks they are in.
func take(t *testing.T, scratch string) snapshot {
	t.Helper()
	s := snapshot{"descriptors": open(os.Getpid())}
	for _, pid := range append(descendantsOf(os.Getpid()), os.Getpid()) {
		if space, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid)); err == nil {
			s["namespaces"] = append(s["namespaces"], space)
		}
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && pid != os.Getpid() {
			s["processes"] = append(s["processes"], string(line))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	s["mounts"] = strings.Split(string(mounts), "\n")
	for what, dir := range map[string]string{"interfaces": "/sys/class/net", "files": scratch} {
		entries, err := os.ReadDir(dir)
		if err != nil && dir != "" {
			t.Fatal(err)
		}
		for _, e := range entries {
			s[what] = append(s[what], e.Name())
		}
	}
	return s
}

// settle is how long the kernel may take to let go of what a process had, and how
// long other tests on the machine may have something of their own.
const settle = 5 * time.Second

// assertOnlyLeft checks that there is nothing now that was not there before.
func assertOnlyLeft(t *testing.T, before snapshot, scratch string) {
	t.Helper()
	left := snapshot{}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(settle); time.Now().Before(deadline); <-ticker.C {
		left = snapshot{}
		for what, now := range take(t, scratch) {
			for _, thing := range now {
				if !slices.Contains(before[what], thing) {
					left[what] = append(left[what], thing)
				}
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("the run left %v", left)
}

// adopt makes the test the parent of all that loses its own.
func adopt(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
}

// watchClosely makes the test see what happens when it happens: real-time workers do
// not keep it from the CPUs, as they do not keep the supervisor.
func watchClosely(t *testing.T) {
	t.Helper()
	if err := BecomeRealtime(); err != nil {
		t.Logf("what is seen may be seen late: %v", err)
	}
	t.Cleanup(func() {
		_ = eachThread(func(tid int) error {
			if errno := sys.RawSetScheduler(tid, sys.PolicyOther, 0); errno != 0 {
				return errno
			}
			return nil
		})
	})
}
