// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// orphanPoll is how long orphans that were killed have before they are looked at again.
const orphanPoll = time.Millisecond

// orphans are what programs started and left behind, in a process group of its own. The run's cgroup
// holds it; where there is none, the runner becomes its parent.
type orphans struct {
	// others are children that the process had before the run.
	others []int
}

// adoptOrphans makes this process the parent of what programs leave behind, nil where there is no need to.
// end has to be called.
func adoptOrphans(run *spec.Resolved, groups *cgroups) (*orphans, error) {
	isProgram := func(g spec.ResolvedGroup) bool { _, is := g.Kind.(*work.Exec); return is }
	if groups.tree != nil || !slices.ContainsFunc(run.Groups, isProgram) {
		return nil, nil
	}
	others, err := ownChildren()
	if err == nil {
		err = setSubreaper(1)
	}
	if err != nil {
		return nil, fmt.Errorf("preparing to end what programs leave behind: %w", err)
	}
	return &orphans{others: others}, nil
}

func setSubreaper(on uintptr) error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, on, 0, 0, 0); err != nil {
		return fmt.Errorf("prctl(PR_SET_CHILD_SUBREAPER): %w", err)
	}
	return nil
}

// end kills the orphans, and those that become orphans by that, until none is left. All
// workers are to be gone by then.
func (o *orphans) end() error {
	if o == nil {
		return nil
	}
	for deadline := time.Now().Add(spawn.KillTimeout); ; time.Sleep(orphanPoll) {
		all, err := ownChildren()
		if err != nil {
			return fmt.Errorf("ending what programs left behind: %w", err)
		}
		left := slices.DeleteFunc(all, func(pid int) bool { return slices.Contains(o.others, pid) })
		if len(left) == 0 {
			return setSubreaper(0)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d processes that programs left behind are still there %v after they were killed, pid %d for one", len(left), spawn.KillTimeout, left[0])
		}
		for _, pid := range left {
			// A child's pid is its own until this process reaps it.
			_ = unix.Kill(pid, unix.SIGKILL)
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
	}
}

// ownChildren are the pids of the children of this process, as /proc shows them: not every kernel lists
// them under /proc/<pid>/task.
func ownChildren() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var list []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat"); err == nil && parentIn(stat) == os.Getpid() {
			list = append(list, pid)
		}
	}
	return list, nil
}

// parentIn is the pid of the parent in a /proc/<pid>/stat: 12 (a name) S 1 ...
func parentIn(stat []byte) int {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}
