// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// A limit on tasks that cannot hold those of the manifest is refused with the least
// that would do.
func TestValidateTheRoomForTasks(t *testing.T) {
	fork := func(workers int, cgroup string) Group {
		return Group{CloneMode: CloneModeFork, Workers: workers, Cgroup: cgroup}
	}
	thread := func(workers int, cgroup, process string) Group {
		return Group{CloneMode: CloneModeThread, Workers: workers, Cgroup: cgroup, ProcessName: process}
	}
	for name, tc := range map[string]struct {
		groups []Group
		least  int64 // that pidsMax of a can be
	}{
		"nobody":                          {[]Group{fork(9, "")}, 1},
		"processes":                       {[]Group{fork(3, "a"), fork(2, "a")}, 5},
		"those below":                     {[]Group{fork(3, "a"), fork(2, "a/t")}, 5},
		"those beside":                    {[]Group{fork(3, "a"), fork(9, "ab")}, 3},
		"threads and their host":          {[]Group{thread(3, "a", "")}, 4},
		"threads with a host each":        {[]Group{thread(3, "a", ""), thread(3, "a", "")}, 8},
		"threads that share a host":       {[]Group{thread(3, "a", "p"), thread(3, "a", "p")}, 7},
		"threads of a domain share it":    {[]Group{thread(3, "a", "p"), thread(3, "a/t", "p")}, 7},
		"hosts of one name in two places": {[]Group{thread(3, "ab", "p"), thread(3, "a", "p")}, 4},
		"a share is one worker at least":  {[]Group{{CloneMode: CloneModeFork, WorkersPercent: 1, Cgroup: "a"}, fork(2, "a")}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			run := valid(func(r *Run) {
				r.Groups, r.Cgroups = tc.groups, []Cgroup{{Name: "a"}, {Name: "a/t", Threaded: true}, {Name: "ab"}}
				for i := range r.Groups {
					r.Groups[i].Name, r.Groups[i].Work = fmt.Sprint("g", i), work.Spec{SpinWait: &work.SpinWait{}}
				}
			})
			run.Cgroups[0].PidsMax = &tc.least
			if err := run.Validate(); err != nil {
				t.Errorf("room for %d: %v", tc.least, err)
			}
			run.Cgroups[0].PidsMax = new(tc.least - 1)
			if tc.least > 1 {
				wantError(t, run.Validate(), fmt.Sprintf("cgroups[0].pidsMax: must be at least %d, for the workers and their host processes, not %d", tc.least, tc.least-1))
			}
		})
	}
}

// The host of threads is in the cgroup of its first group, and only there.
func TestAHostIsWhereItsFirstGroupIs(t *testing.T) {
	run := threads(Group{ProcessName: "p", Cgroup: "c/x"}, Group{ProcessName: "p", Cgroup: "c/y"})
	run.Cgroups = append(run.Cgroups, Cgroup{Name: "c/x", Threaded: true}, Cgroup{Name: "c/y", Threaded: true})
	x, y := len(run.Cgroups)-2, len(run.Cgroups)-1
	run.Cgroups[x].PidsMax, run.Cgroups[y].PidsMax = new(int64(5)), new(int64(4))
	wantError(t, run.Validate(), "")
	run.Cgroups[x].PidsMax = new(int64(4))
	wantError(t, run.Validate(), fmt.Sprintf("cgroups[%d].pidsMax: must be at least 5", x))
}

// How many workers a share of the CPUs is shows on a machine.
func TestAMachineCanHaveTooManyWorkersForACgroup(t *testing.T) {
	run := valid(func(r *Run) {
		r.Groups[0].Workers, r.Groups[0].WorkersPercent, r.Groups[0].Work = 0, 100, work.Spec{SpinWait: &work.SpinWait{}}
		r.Cgroups, r.Groups[0].Cgroup = []Cgroup{{Name: "a", PidsMax: new(int64(4))}}, "a"
	})
	for shape, want := range map[string]string{
		"1n1l4c1t": "",
		"1n1l5c1t": "would have 5 tasks in cgroups[0] (a), with what depends on its CPUs; its pidsMax is 4",
	} {
		if got := errorText(run.Unfit(machineOf(t, shape))); got != want {
			t.Errorf("%s: %q, want %q", shape, got, want)
		}
	}
}
