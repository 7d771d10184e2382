// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// What no group asks for is left as it is inherited: no call is made for it.
func TestOnlyWhatIsAskedForIsSet(t *testing.T) {
	always := []arena.SetupStep{arena.StepParentCheck, arena.StepDescriptors, arena.StepSignals, arena.StepProcessGroup}
	for name, tc := range map[string]struct {
		change func(*spec.Group)
		steps  []arena.SetupStep
	}{
		"nothing":                   {func(*spec.Group) {}, nil},
		"the normal class":          {func(g *spec.Group) { g.SchedulingPolicy = "normal" }, nil},
		"another class":             {func(g *spec.Group) { g.SchedulingPolicy = "batch" }, []arena.SetupStep{arena.StepPolicy}},
		"a nice value of 0":         {func(g *spec.Group) { g.Nice = new(0) }, []arena.SetupStep{arena.StepNice}},
		"the default memory policy": {func(g *spec.Group) { g.MemoryPolicy = "default" }, nil},
		"the local memory policy":   {func(g *spec.Group) { g.MemoryPolicy = "local" }, []arena.SetupStep{arena.StepMemoryPolicy}},
		"one CPU":                   {func(g *spec.Group) { g.Affinity = &spec.Affinity{SingleCPU: &struct{}{}} }, []arena.SetupStep{arena.StepAffinity}},
		"memory of its own": {func(g *spec.Group) {
			g.Work = work.Spec{CachePressure: &work.CachePressure{Size: 4096, Stride: 64}}
		}, []arena.SetupStep{arena.StepMemory}},
	} {
		t.Run(name, func(t *testing.T) {
			g := group("g", 1, spins)
			tc.change(&g)
			run := runOf(g)
			run.SchedulingPolicies = []spec.SchedulingPolicy{{Name: "normal", Normal: &struct{}{}}, {Name: "batch", Batch: &struct{}{}}}
			run.MemoryPolicies = []spec.MemoryPolicy{{Name: "default", Mode: "Default"}, {Name: "local", Mode: "Local"}}
			want := append(slices.Concat(always, tc.steps), arena.StepName)
			if diff := cmp.Diff(want, workers(startRun(t, run))[0].Setup); diff != "" {
				t.Errorf("set-up steps (-want +got):\n%s", diff)
			}
		})
	}
}

// Figures begin with the start and end with the stop, in whatever shape.
func TestWorkIsCountedFromTheStartToTheStop(t *testing.T) {
	for _, mode := range bothModes {
		t.Run(string(mode), func(t *testing.T) {
			h := start(t, inMode(mode, group("g", 2, spins)))
			for _, w := range workers(h) {
				if whole(w).Figures.Wall != 0 || whole(w).Figures.CPU != 0 || len(whole(w).CPUs) != 0 {
					t.Errorf("worker %d was measured before the start: %+v", w.Index, whole(w))
				}
			}
			started := h.Start()
			awaitWork(t, h)
			stopped := h.Stop(nil)
			for _, w := range workers(h) {
				f := whole(w).Figures
				if w.Began < started || w.Ended < stopped || f.Wall != w.Ended-w.Began {
					t.Errorf("worker %d worked from %d to %d, %d ns, between start %d and stop %d", w.Index, w.Began, w.Ended, f.Wall, started, stopped)
				}
				// A pass of spinWait is 1024 work units.
				if f.WorkUnits != 1024*f.Iterations && f.WorkUnits != 1024*(f.Iterations-1) {
					t.Errorf("worker %d did %d work units in %d passes", w.Index, f.WorkUnits, f.Iterations)
				}
			}
		})
	}
}

// Two workers that want one CPU wait for each other. The kernel's account is of the
// worker itself, not of the first thread of its process, and of each phase.
func TestTheKernelsAccountIsOfTheWorker(t *testing.T) {
	for _, mode := range bothModes {
		t.Run(string(mode), func(t *testing.T) {
			g := inMode(mode, group("g", 2, spins))
			g.Affinity = &spec.Affinity{SingleCPU: &struct{}{}}
			cfg := config(t, runOf(g))
			cfg.Phases = 1
			h, err := Spawn(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			const enough = int64(150 * time.Millisecond)
			used := func(record int) func() bool {
				return func() bool {
					list := workers(h)
					return min(list[0].Phases[record].Figures.CPU, list[1].Phases[record].Figures.CPU) > enough
				}
			}
			h.Start()
			waitFor(t, "CPU time before the phase", used(0))
			h.SetPhase(0)
			waitFor(t, "CPU time in the phase", used(1))
			h.Stop(nil)
			progress := h.Iterations()
			for i, w := range workers(h) {
				if progress[i] != whole(w).Figures.Iterations {
					t.Errorf("worker %d made %d passes, %d in its phases", i, progress[i], whole(w).Figures.Iterations)
				}
				for _, p := range w.Phases[:2] {
					checkAccount(t, fmt.Sprintf("worker %d, epoch %d", w.Index, p.Epoch), p.Figures)
				}
			}
		})
	}
}

// checkAccount compares what two clocks say of a worker that never sleeps.
func checkAccount(t *testing.T, name string, f arena.Figures) {
	t.Helper()
	slack := f.Wall/5 + int64(20*time.Millisecond)
	apart := func(a, b int64) bool { return max(a, b)-min(a, b) > slack }
	if !f.Schedstat || apart(f.SchedCPU, f.CPU) || apart(f.RunDelay, f.Wall-f.CPU) || f.RunDelay <= 0 || f.RunCount == 0 || f.CPU > f.Wall+slack {
		t.Errorf("%s: wall %v, CPU %v; schedstat: %t, CPU %v, run delay %v, scheduled %d times", name, time.Duration(f.Wall), time.Duration(f.CPU),
			f.Schedstat, time.Duration(f.SchedCPU), time.Duration(f.RunDelay), f.RunCount)
	}
}

// The first thread of a host makes the others, waits for them, and does nothing else.
func TestTheFirstThreadOfAHostSleeps(t *testing.T) {
	g := inMode(spec.CloneModeThread, group("g", 3, spins))
	h := start(t, g)
	pid := workers(h)[0].PID
	account := func() string {
		return fmt.Sprint(procFile(t, strconv.Itoa(pid), "task", strconv.Itoa(pid), "schedstat"), " ", statusField(t, pid, "voluntary_ctxt_switches"))
	}
	waitFor(t, "it to sleep", func() bool { return statusField(t, pid, "State") == "S (sleeping)" })
	before := account()
	h.Start()
	waitFor(t, "CPU time of its threads", func() bool { return whole(workers(h)[0]).Figures.CPU > int64(300*time.Millisecond) })
	if after := account(); after != before {
		t.Errorf("CPU time, run delay, times scheduled and switches were %s, and are %s", before, after)
	}
	h.Stop(nil)
}

// The waker waits for nobody, so it has no latency; it cools down after each wake.
func TestTheWakerOfAFanOutMeasuresNothing(t *testing.T) {
	h := start(t, group("g", 10, work.Spec{FutexFanOut: &work.FutexFanOut{FanOut: 4, SpinIters: new(int64(0))}}))
	h.Start()
	waitFor(t, "every receiver to have been woken", func() bool {
		for _, w := range workers(h) {
			if w.Index%5 != 0 && whole(w).Histograms[0].Count() < 3 {
				return false
			}
		}
		return true
	})
	h.Stop(nil)
	for _, w := range workers(h) {
		f, values := whole(w).Figures, whole(w).Histograms[0].Count()
		switch {
		case w.Index%5 != 0:
			if f.WorkUnits != 0 || values > f.Iterations {
				t.Errorf("receiver %d: %d values in %d passes, %d work units", w.Index, values, f.Iterations, f.WorkUnits)
			}
		case values != 0 || (f.WorkUnits != 256*f.Iterations && f.WorkUnits != 256*(f.Iterations-1)):
			t.Errorf("waker %d: %d values, %d work units in %d passes", w.Index, values, f.WorkUnits, f.Iterations)
		}
	}
}

func TestRegionsAreAsLargeAsTheirKindSays(t *testing.T) {
	small := work.Shape{SetSize: 2, RegionBytes: 4, Metrics: []work.Measure{{Metric: work.MetricWake}}}
	large := work.Shape{SetSize: 3, RegionBytes: 100}
	none := work.Shape{SetSize: 1, Metrics: []work.Measure{{Metric: work.MetricWake}, {Metric: work.MetricTimer}}}
	got := layoutOf([]work.Shape{small, none, large}, []int{4, 1, 6}, 2)
	want := arena.Plan{
		Workers: []arena.WorkerPlan{{Histograms: 1}, {Histograms: 1}, {Histograms: 1}, {Histograms: 1}, {Histograms: 2}, {}, {}, {}, {}, {}, {}},
		Phases:  2, Regions: []int{4, 4, 100, 100},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNamesOfTasks(t *testing.T) {
	for name, tc := range map[string]struct {
		got  taskName
		want string
	}{
		"a short one":                {newTaskName("web"), "web"},
		"one of 15 bytes":            {newTaskName("123456789012345"), "123456789012345"},
		"one that is cut":            {newTaskName("1234567890123456"), "123456789012345"},
		"with a number":              {numberedName("web", 7), "web/7"},
		"cut to have a number":       {numberedName("123456789012345", 7), "1234567890123/7"},
		"cut to have a large number": {numberedName("123456789012345", 19999), "123456789/19999"},
	} {
		t.Run(name, func(t *testing.T) {
			text, _, ended := strings.Cut(string(tc.got[:]), "\x00")
			if text != tc.want || !ended {
				t.Errorf("got %q, ended by a zero byte: %t, want %q", text, ended, tc.want)
			}
		})
	}
}

// One word on many workers that lack the same.
func TestWhatManyWorkersLackIsSaidOnce(t *testing.T) {
	cfg := config(t, runOf(group("g", 10, spins)))
	cfg.Run.Groups[0].Nice, cfg.Run.Groups[0].CPUs = nil, []cpuset.CPUSet{cpuset.New(1000)}
	h, err := Spawn(t.Context(), cfg)
	if err == nil {
		_ = h.Close()
	}
	assertSays(t, err, "group g, worker 0 of 10: ", "and 7 more")
	if n := strings.Count(err.Error(), "group g, worker "); n != 3 {
		t.Errorf("%d workers are named: %v", n, err)
	}
	assertNoChildren(t)
}

// A new user has no supplementary groups that the runner had.
func TestSupplementaryGroupsAreCleared(t *testing.T) {
	requireRoot(t, "changing the user")
	before, err := syscall.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setgroups([]int{4242, 4243}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setgroups(before); err != nil {
			t.Error(err)
		}
	}()
	for _, mode := range bothModes {
		other := inMode(mode, group("other", 1, spins))
		other.UID = new(int64(65534))
		h := start(t, inMode(mode, group("same", 1, spins)), other)
		for _, w := range workers(h) {
			want := map[string]string{"same": "4242 4243", "other": ""}[w.Group.Name]
			for _, id := range []int{w.PID, w.TID} {
				if got := statusField(t, id, "Groups"); got != want {
					t.Errorf("%s, task %d of %s has groups %q, want %q", mode, id, w.Group.Name, got, want)
				}
			}
		}
	}
}

// Pages are looked for at the end of each phase, and are those that are there.
func TestPagesAreCountedInEachPhase(t *testing.T) {
	if _, err := os.Stat("/proc/self/numa_maps"); err != nil {
		t.Skip(err)
	}
	for _, mode := range bothModes {
		const pages = 16
		g := inMode(mode, group("g", 2, work.Spec{CachePressure: &work.CachePressure{Size: quantity.Bytes(pages * os.Getpagesize()), Stride: 4096}}))
		cfg := config(t, runOf(g))
		cfg.Phases = 2
		h, err := Spawn(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		h.Start()
		awaitWork(t, h)
		h.SetPhase(0)
		waitFor(t, "the phase to begin", func() bool {
			return min(workers(h)[0].Phases[1].Figures.Iterations, workers(h)[1].Phases[1].Figures.Iterations) > 0
		})
		h.Stop(nil)
		for _, w := range workers(h) {
			for _, p := range w.Phases {
				var n, want uint64
				for _, of := range p.Figures.Pages {
					n += of
				}
				if p.Figures.Wall > 0 {
					want = pages
				}
				if n != want {
					t.Errorf("%s, worker %d, epoch %d: %d pages, want %d", mode, w.Index, p.Epoch, n, want)
				}
			}
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}
