// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// forksAndThreads is a run of forks, of threads with a host of their own, and of
// two groups that share a host.
func forksAndThreads(t *testing.T) Job {
	t.Helper()
	j := job(t, 300*time.Millisecond)
	ticks := work.Spec{TimerLatency: &work.TimerLatency{Interval: quantity.Duration(time.Millisecond)}}
	walks := work.Spec{CachePressure: &work.CachePressure{Size: 64 << 10, Stride: 64}}
	subset := &spec.Affinity{RandomSubset: &spec.RandomSubset{Count: 1}}
	j.Run.Seed = 42
	j.Run.MemoryPolicies = []spec.MemoryPolicy{{Name: "local", Mode: "Local"}}
	j.Run.Groups = []spec.Group{
		{Name: "forks", Workers: 3, CloneMode: spec.CloneModeFork, Work: ticks, Affinity: subset},
		{Name: "alone", Workers: 2, CloneMode: spec.CloneModeThread, Work: ticks, Nice: new(1)},
		{Name: "front", Workers: 2, CloneMode: spec.CloneModeThread, ProcessName: "server", Work: ticks},
		{Name: "back", Workers: 4, CloneMode: spec.CloneModeThread, ProcessName: "server", Work: walks, MemoryPolicy: "local", Affinity: &spec.Affinity{SingleCPU: &struct{}{}}},
	}
	return j
}

func TestAReportSaysWhatWorkersWere(t *testing.T) {
	j := forksAndThreads(t)
	rep, err := client().Run(t.Context(), j, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := check.Sample(rep); !v.Valid || rep.Seed != 42 {
		t.Errorf("judged %+v, seed %d", v, rep.Seed)
	}
	if slices.ContainsFunc(rep.Notes, func(note string) bool { return strings.Contains(note, "distances") }) {
		t.Errorf("notes %q", rep.Notes)
	}
	assertProcesses(t, rep, map[string]int{"forks": 3, "alone": 1, "front": 1, "back": 1})
	ofGroup := map[string]*report.Group{}
	for i := range rep.Groups {
		ofGroup[rep.Groups[i].Name] = &rep.Groups[i]
	}
	for name, want := range map[string]struct {
		mode  string
		setup string
	}{
		"forks": {"Fork", "ParentCheck 3, Descriptors 3, Signals 3, ProcessGroup 3, Affinity 3, Name 3"},
		// What is of a process is noted for the first worker in it.
		"alone": {"Thread", "ParentCheck 1, Descriptors 1, Signals 1, ProcessGroup 1, Thread 2, Nice 2, Name 2"},
		"front": {"Thread", "ParentCheck 1, Descriptors 1, Signals 1, ProcessGroup 1, Thread 2, Name 2"},
		"back":  {"Thread", "Thread 4, Affinity 4, MemoryPolicy 4, Memory 4, Name 4"},
	} {
		t.Run(name, func(t *testing.T) {
			g := ofGroup[name]
			if g == nil || g.CloneMode != want.mode {
				t.Fatalf("the group is %+v, want cloneMode %s", g, want.mode)
			}
			var steps []string
			for _, s := range g.Setup {
				steps = append(steps, fmt.Sprint(s.Step, " ", s.Workers))
			}
			if got := strings.Join(steps, ", "); got != want.setup {
				t.Errorf("steps %s, want %s", got, want.setup)
			}
			if ticks := name != "back"; ticks && g.Voluntary == 0 {
				t.Errorf("no voluntary switches in %d passes", g.Iterations)
			} else if !ticks && g.Involuntary == 0 {
				t.Error("four workers shared a CPU and none was ever switched out")
			}
		})
	}
	if _, err := os.Stat("/proc/self/numa_maps"); err != nil {
		t.Logf("pages are not checked: %v", err)
		return
	}
	var pages uint64
	for _, n := range ofGroup["back"].Pages {
		pages += n
	}
	if want := uint64(4 * (64 << 10) / os.Getpagesize()); pages != want {
		t.Errorf("%d pages of memory were found, want %d", pages, want)
	}
}

// assertProcesses checks how many processes the workers of a group share, that only
// groups of one processName share any, and what the workers were restricted to.
func assertProcesses(t *testing.T, rep *report.Report, want map[string]int) {
	t.Helper()
	pids := map[string]map[int]bool{}
	tids := map[int]bool{}
	for i := range rep.Workers {
		w := &rep.Workers[i]
		if pids[w.Group] == nil {
			pids[w.Group] = map[int]bool{}
		}
		pids[w.Group][w.PID], tids[w.TID] = true, true
		if fork := w.Group == "forks"; fork != (w.PID == w.TID) || w.PID == 0 || w.TID == 0 {
			t.Errorf("group %s, worker %d is task %d of process %d", w.Group, w.Index, w.TID, w.PID)
		}
		restricted := w.Group == "forks" || w.Group == "back"
		if _, err := strconv.Atoi(w.Affinity); restricted != (err == nil) || restricted && w.CPUs != w.Affinity {
			t.Errorf("group %s, worker %d was restricted to %q and ran on %s", w.Group, w.Index, w.Affinity, w.CPUs)
		}
	}
	if len(tids) != len(rep.Workers) {
		t.Errorf("%d workers are %d tasks", len(rep.Workers), len(tids))
	}
	for group, n := range want {
		if len(pids[group]) != n {
			t.Errorf("group %s is in processes %v, want %d", group, pids[group], n)
		}
	}
	for pid := range pids["front"] {
		if !pids["back"][pid] || pids["alone"][pid] || pids["forks"][pid] {
			t.Errorf("process %d: %v", pid, pids)
		}
	}
}
