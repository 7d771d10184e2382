// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func threads(name string, workers int, process string, w work.Spec) spec.Group {
	g := group(name, workers, w)
	g.CloneMode, g.ProcessName = spec.CloneModeThread, process
	return g
}

var (
	spins = work.Spec{SpinWait: &work.SpinWait{}}
	ticks = work.Spec{TimerLatency: &work.TimerLatency{Interval: ms(1)}}
	pairs = work.Spec{PipeIO: &work.PipeIO{BurstIters: new(int64(16))}}
)

func requireRoot(t *testing.T, why string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip(why + " needs root")
	}
}

func procFile(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"/proc"}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func statusField(t *testing.T, tid int, name string) string {
	t.Helper()
	for line := range strings.Lines(procFile(t, fmt.Sprint(tid), "status")) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("/proc/%d/status has no %s", tid, name)
	return ""
}

func tasksOf(t *testing.T, pid int) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// The three shapes in one run: forks, threads in a host of their own, and the
// threads of two groups in one named process.
func TestShapesMix(t *testing.T) {
	named := threads("late", 2, "server", ticks)
	named.Comm = "worker"
	h := start(t, group("fork", 2, spins), threads("early", 1, "server", spins), threads("own", 3, "", ticks), named)
	h.Start()
	waitFor(t, "every worker to have worked", func() bool {
		for _, n := range h.Iterations() {
			if n < 3 {
				return false
			}
		}
		return true
	})
	pids := map[string]map[int]bool{}
	for _, w := range workers(h) {
		if pids[w.Group.Name] == nil {
			pids[w.Group.Name] = map[int]bool{}
		}
		pids[w.Group.Name][w.PID] = true
		if got := statusField(t, w.TID, "Tgid"); got != fmt.Sprint(w.PID) {
			t.Errorf("worker %d of %s has pid %d, the kernel says %s", w.Index, w.Group.Name, w.PID, got)
		}
		want := map[string]string{"fork": "fork", "early": "early/0", "own": fmt.Sprintf("own/%d", w.Index), "late": "worker"}[w.Group.Name]
		if got := procFile(t, fmt.Sprint(w.PID), "task", fmt.Sprint(w.TID), "comm"); got != want {
			t.Errorf("worker %d of %s is called %q, want %q", w.Index, w.Group.Name, got, want)
		}
	}
	for name, want := range map[string]int{"fork": 2, "early": 1, "own": 1, "late": 1} {
		if len(pids[name]) != want {
			t.Errorf("group %s is in %d processes, want %d", name, len(pids[name]), want)
		}
	}
	for pid := range pids["late"] {
		if !pids["early"][pid] {
			t.Error("groups of one process name are in different processes")
		}
		if comm, tasks := procFile(t, fmt.Sprint(pid), "comm"), tasksOf(t, pid); comm != "server" || tasks != 4 {
			t.Errorf("the named process is %q with %d tasks, want server with its leader and 3 threads", comm, tasks)
		}
	}
	for pid := range pids["own"] {
		if comm, tasks := procFile(t, fmt.Sprint(pid), "comm"), tasksOf(t, pid); comm != "own" || tasks != 4 {
			t.Errorf("the group's own host is %q with %d tasks, want own with its leader and 3 threads", comm, tasks)
		}
	}
	h.Stop(nil)
	for _, w := range workers(h) {
		if !w.Exit.Clean() {
			t.Errorf("worker %d of %s: %v", w.Index, w.Group.Name, w.Exit)
		}
	}
}

func TestAHostHoldsThePipesOfItsThreadsOnly(t *testing.T) {
	h := start(t, threads("a", 4, "", pairs), threads("b", 2, "", pairs), threads("none", 2, "", spins))
	seen := map[string]string{}
	for _, w := range workers(h) {
		if w.Index > 0 {
			continue
		}
		dir := fmt.Sprintf("/proc/%d/fd", w.PID)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int{"a": 3 + 2*4, "b": 3 + 4, "none": 3}[w.Group.Name]
		if len(entries) != want {
			t.Errorf("the host of %s has %d descriptors, want %d", w.Group.Name, len(entries), want)
		}
		for _, e := range entries {
			target, err := os.Readlink(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(target, "pipe:") {
				if target != os.DevNull {
					t.Errorf("the host of %s holds %s", w.Group.Name, target)
				}
				continue
			}
			if other := seen[target]; other != "" && other != w.Group.Name {
				t.Errorf("%s is held by the hosts of %s and %s", target, other, w.Group.Name)
			}
			seen[target] = w.Group.Name
		}
	}
}

// Threads of one process are set up each for itself.
func TestThreadsAreSetUpOneByOne(t *testing.T) {
	requireRoot(t, "a real-time class")
	realtime := threads("rt", 1, "p", ticks)
	realtime.SchedulingPolicy = "rt"
	niced := threads("nice", 1, "p", ticks)
	niced.Nice = new(7)
	h := startRun(t, &spec.Run{Duration: ms(1000), Seed: 1, Groups: []spec.Group{realtime, niced},
		SchedulingPolicies: []spec.SchedulingPolicy{{Name: "rt", RoundRobin: &spec.Realtime{Priority: 3}}}})
	list := workers(h)
	policy := func(tid int) string { return procFile(t, fmt.Sprint(list[0].PID), "task", fmt.Sprint(tid), "sched") }
	if got := policy(list[0].TID); !strings.Contains(got, "policy                                       :                    2") {
		t.Errorf("the real-time thread:\n%s", got)
	}
	if got := policy(list[1].TID); !strings.Contains(got, "policy                                       :                    0") ||
		!strings.Contains(got, "prio                                         :                  127") {
		t.Errorf("the nice thread:\n%s", got)
	}
}

func TestCredentialsAreDropped(t *testing.T) {
	requireRoot(t, "changing the user")
	for _, mode := range []spec.CloneMode{spec.CloneModeFork, spec.CloneModeThread} {
		t.Run(string(mode), func(t *testing.T) {
			g := group("g", 2, ticks)
			g.CloneMode, g.UID, g.GID = mode, new(int64(65533)), new(int64(65532))
			g.Nice = new(-3) // what needs the old credentials comes before
			h := start(t, g)
			for _, w := range workers(h) {
				for _, id := range []int{w.PID, w.TID} {
					if got := statusField(t, id, "Uid"); got != "65533\t65533\t65533\t65533" {
						t.Errorf("task %d of worker %d has uids %s", id, w.Index, got)
					}
					if got := statusField(t, id, "Gid"); got != "65532\t65532\t65532\t65532" {
						t.Errorf("task %d of worker %d has gids %s", id, w.Index, got)
					}
					if got := statusField(t, id, "Groups"); got != "" {
						t.Errorf("task %d of worker %d has supplementary groups %s", id, w.Index, got)
					}
				}
			}
			// The kernel forgets the death signal when the user changes.
			close(h.parent)
			<-h.ended
			h.parent = make(chan struct{})
			waitFor(t, "the workers to end with their parent", func() bool { return h.reaper.wait(1) })
			for _, w := range workers(h) {
				if w.Exit.Killed != NotKilled || w.Exit.Status.Signal() != 9 {
					t.Errorf("worker %d: %v", w.Index, w.Exit)
				}
			}
		})
	}
}

// The node is the last one: on a machine of several, not where the pages would be anyway.
func TestMemoryPolicyDecidesWherePagesAre(t *testing.T) {
	nodes := memoryNodes(t)
	node := nodes.List()[nodes.Size()-1]
	for _, mode := range []spec.CloneMode{spec.CloneModeFork, spec.CloneModeThread} {
		t.Run(string(mode), func(t *testing.T) {
			g := group("g", 2, work.Spec{CachePressure: &work.CachePressure{Size: 1 << 20, Stride: 64}})
			g.CloneMode, g.MemoryPolicy = mode, "bound"
			h := startRun(t, &spec.Run{Duration: ms(1000), Seed: 1, Groups: []spec.Group{g},
				MemoryPolicies: []spec.MemoryPolicy{{Name: "bound", Mode: "Bind", Nodes: strconv.Itoa(node)}}})
			h.Start()
			waitFor(t, "the memory to have been walked", func() bool {
				n := h.Iterations()
				return min(n[0], n[1]) > 32
			})
			for _, w := range workers(h) {
				bound := 0
				for line := range strings.Lines(procFile(t, fmt.Sprint(w.PID), "task", fmt.Sprint(w.TID), "numa_maps")) {
					if strings.Contains(line, fmt.Sprintf(" bind:%d ", node)) && strings.Contains(line, fmt.Sprintf("N%d=256", node)) {
						bound++
					}
				}
				if bound == 0 {
					t.Errorf("worker %d has no memory of 256 pages bound to node %d", w.Index, node)
				}
			}
			h.Stop(nil)
			for _, w := range workers(h) {
				if got := whole(w).Figures.Pages; len(got) != 1 || got[node] != 256 {
					t.Errorf("worker %d reports pages %v, want 256 on node %d", w.Index, got, node)
				}
			}
		})
	}
}

// A host beside a group whose workers write to cgroups has none of those open.
func TestAHostHoldsNoCgroupOfOthers(t *testing.T) {
	dir, err := os.Open(v2Cgroup(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	churn := group("churn", 2, work.Spec{CgroupChurn: &work.CgroupChurn{Groups: 2, Cycle: ms(1)}})
	run := &spec.Run{Duration: ms(1000), Seed: 1, AllowDangerousWork: true, Groups: []spec.Group{churn, threads("beside", 2, "", pairs)}}
	cfg := config(t, run)
	cfg.Cgroups = map[string]*os.File{LeafName("churn", 0): dir, LeafName("churn", 1): dir}
	h, err := Spawn(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, w := range workers(h) {
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", w.PID))
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]int{"churn": 3 + 2, "beside": 3 + 4}[w.Group.Name]; len(entries) != want {
			t.Errorf("worker %d of %s has %d descriptors, want %d", w.Index, w.Group.Name, len(entries), want)
		}
	}
}
