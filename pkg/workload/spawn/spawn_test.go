// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// The test binary is its own zygote, and a runner that a test can do without.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == ZygoteCommand:
		if err := injectHere(); err != nil {
			fmt.Fprintln(os.Stderr, "zygote of the test:", err)
			os.Exit(1)
		}
		os.Exit(Zygote())
	case len(os.Args) > 1 && os.Args[1] == runnerCommand:
		os.Exit(beRunner())
	}
	os.Exit(m.Run())
}

func ms(n int) quantity.Duration { return quantity.Duration(time.Duration(n) * time.Millisecond) }

func group(name string, workers int, w work.Spec) spec.Group {
	return spec.Group{Name: name, Workers: workers, CloneMode: spec.CloneModeFork, Work: w}
}

func start(t *testing.T, groups ...spec.Group) *Handle {
	t.Helper()
	return startRun(t, &spec.Run{Duration: ms(1000), Seed: 1, Groups: groups})
}

func startRun(t *testing.T, run *spec.Run) *Handle {
	t.Helper()
	h, err := Spawn(context.Background(), config(t, run))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func config(t testing.TB, run *spec.Run) Config {
	t.Helper()
	resolved, err := run.Resolve(spec.Machine{CPUs: cpuset.New(allowedCPUs(t)...), MemoryNodes: memoryNodes(t)})
	if err != nil {
		t.Fatal(err)
	}
	return Config{Run: resolved, Stderr: os.Stderr}
}

func allowedCPUs(t testing.TB) []int {
	t.Helper()
	var mask unix.CPUSet
	if err := unix.SchedGetaffinity(0, &mask); err != nil {
		t.Fatal(err)
	}
	var cpus []int
	for cpu := range 1024 {
		if mask.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}

// memoryNodes are the NUMA nodes with memory; a kernel without NUMA has one.
func memoryNodes(t testing.TB) cpuset.CPUSet {
	t.Helper()
	text, err := os.ReadFile("/sys/devices/system/node/has_memory")
	if err != nil {
		return cpuset.New(0)
	}
	nodes, err := cpuset.Parse(strings.TrimSpace(string(text)))
	if err != nil || nodes.IsEmpty() {
		t.Fatalf("nodes with memory: %q, %v", text, err)
	}
	return nodes
}

func workers(h *Handle) []Worker {
	var list []Worker
	for w := range h.Workers {
		list = append(list, w)
	}
	return list
}

func whole(w Worker) Phase { return w.Whole() }

var everyKind = map[string]struct {
	workers int
	spec    work.Spec
}{
	"spinWait":      {2, work.Spec{SpinWait: &work.SpinWait{}}},
	"yieldHeavy":    {2, work.Spec{YieldHeavy: &work.YieldHeavy{}}},
	"bursty":        {2, work.Spec{Bursty: &work.Bursty{Burst: ms(2), Sleep: ms(3)}}},
	"pipeIo":        {4, work.Spec{PipeIO: &work.PipeIO{BurstIters: new(int64(64))}}},
	"futexPingPong": {4, work.Spec{FutexPingPong: &work.FutexPingPong{SpinIters: new(int64(64))}}},
	"futexFanOut":   {5, work.Spec{FutexFanOut: &work.FutexFanOut{FanOut: 4, SpinIters: new(int64(64))}}},
	"timerLatency":  {2, work.Spec{TimerLatency: &work.TimerLatency{Interval: ms(1)}}},
	"cachePressure": {2, work.Spec{CachePressure: &work.CachePressure{Size: 64 << 10, Stride: 64}}},
}

func TestEveryKindWorksAndStopsInEveryShape(t *testing.T) {
	for name, tc := range everyKind {
		for _, mode := range []spec.CloneMode{spec.CloneModeFork, spec.CloneModeThread} {
			t.Run(name+" "+string(mode), func(t *testing.T) { testKind(t, mode, tc.workers, tc.spec) })
		}
	}
}

func testKind(t *testing.T, mode spec.CloneMode, count int, what work.Spec) {
	g := group("g", count, what)
	g.CloneMode = mode
	h := start(t, g)
	h.Start()
	waitFor(t, "every worker to have worked", func() bool {
		for _, w := range workers(h) {
			if whole(w).Figures.Iterations < 3 {
				return false
			}
		}
		return true
	})
	h.Stop(nil)
	kind, _ := what.Kind()
	var samples uint64
	for _, w := range workers(h) {
		if w.Stage != arena.StageStopped || !w.Exit.Clean() {
			t.Errorf("worker %d: stage %v, %v, %q", w.Index, w.Stage, w.Exit, w.Text)
		}
		if f := whole(w).Figures; f.CPU == 0 || f.Wall <= 0 || w.Ended <= w.Began || !f.Schedstat {
			t.Errorf("worker %d: %+v", w.Index, f)
		}
		if len(whole(w).CPUs) == 0 {
			t.Errorf("worker %d ran on no CPU", w.Index)
		}
		for _, hist := range whole(w).Histograms {
			samples += hist.Count()
		}
	}
	if wants := len(kind.Shape().Metrics) > 0; wants != (samples > 0) {
		t.Errorf("%d latency samples", samples)
	}
}

// The claim of the design: a worker is one task, and nothing runs beside it.
func TestAWorkerIsOneTask(t *testing.T) {
	h := start(t, group("g", 8, work.Spec{SpinWait: &work.SpinWait{}}))
	h.Start()
	for _, w := range workers(h) {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", w.TID))
		if err != nil {
			t.Fatal(err)
		}
		if len(tasks) != 1 {
			t.Errorf("worker %d has %d tasks", w.Index, len(tasks))
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.TID))
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("PPid:\t%d\n", os.Getpid()); !strings.Contains(string(status), want) {
			t.Errorf("worker %d is not our child", w.Index)
		}
	}
	h.Stop(nil)
}

func TestAWorkerHoldsItsOwnDescriptorsOnly(t *testing.T) {
	h := start(t,
		group("alone", 1, work.Spec{SpinWait: &work.SpinWait{}}),
		group("pairs", 4, work.Spec{PipeIO: &work.PipeIO{BurstIters: new(int64(1))}}))
	pipes := map[string][]int{}
	for i, w := range workers(h) {
		dir := fmt.Sprintf("/proc/%d/fd", w.TID)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		want := 3
		if w.Group.Name == "pairs" {
			want = 5
		}
		if len(entries) != want {
			t.Errorf("worker %d of %s has %d descriptors, want %d", w.Index, w.Group.Name, len(entries), want)
		}
		for _, e := range entries {
			target, err := os.Readlink(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(target, "pipe:") {
				pipes[target] = append(pipes[target], i)
			} else if target != os.DevNull {
				t.Errorf("worker %d of %s holds %s", w.Index, w.Group.Name, target)
			}
		}
	}
	if len(pipes) != 4 {
		t.Errorf("%d pipes, want 4", len(pipes))
	}
	for pipe, holders := range pipes {
		if len(holders) != 2 || holders[0]%2 == 0 || holders[1] != holders[0]+1 {
			t.Errorf("%s is held by workers %v, not by one pair", pipe, holders)
		}
	}
}

func TestSetUpReachesTheKernel(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("real-time classes and negative nice values need root")
	}
	cpu := config(t, &spec.Run{Duration: ms(1), Groups: []spec.Group{func() spec.Group {
		g := group("g", 1, work.Spec{SpinWait: &work.SpinWait{}})
		g.Affinity = &spec.Affinity{SingleCPU: &struct{}{}}
		return g
	}()}}).Run.Groups[0].CPUs[0]
	nice := -3
	g := group("a-rather-long-group-name", 2, work.Spec{TimerLatency: &work.TimerLatency{Interval: ms(1)}})
	g.Nice, g.SchedulingPolicy, g.Affinity = &nice, "rt", &spec.Affinity{Exact: cpu.String()}
	run := &spec.Run{Duration: ms(1000), Seed: 1, Groups: []spec.Group{g},
		SchedulingPolicies: []spec.SchedulingPolicy{{Name: "rt", FIFO: &spec.Realtime{Priority: 7}}}}
	h := startRun(t, run)
	for _, w := range workers(h) {
		var mask unix.CPUSet
		if err := unix.SchedGetaffinity(w.TID, &mask); err != nil || mask.Count() != 1 || !mask.IsSet(cpu.List()[0]) {
			t.Errorf("worker %d: affinity to %d CPUs, %v", w.Index, mask.Count(), err)
		}
		attr, err := unix.SchedGetAttr(w.TID, 0)
		if err != nil || attr.Policy != unix.SCHED_FIFO || attr.Priority != 7 {
			t.Errorf("worker %d: %+v, %v", w.Index, attr, err)
		}
		if got, err := unix.Getpriority(unix.PRIO_PROCESS, w.TID); err != nil || 20-got != nice {
			t.Errorf("worker %d: nice %d, %v", w.Index, 20-got, err)
		}
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", w.TID))
		if got := strings.TrimSpace(string(comm)); got != "a-rather-long-g" {
			t.Errorf("worker %d is called %q", w.Index, got)
		}
	}
}

func TestStopBeforeStart(t *testing.T) {
	h := start(t, group("g", 4, work.Spec{SpinWait: &work.SpinWait{}}))
	h.Stop(nil)
	h.Stop(nil)
	for _, w := range workers(h) {
		if w.Stage != arena.StageAborted || w.Exit.Status.ExitStatus() != exitAborted || whole(w).Figures.Iterations != 0 {
			t.Errorf("worker %d: stage %v, %v, %d iterations", w.Index, w.Stage, w.Exit, whole(w).Figures.Iterations)
		}
	}
}

func TestAKilledWorkerKeepsWhatItMeasured(t *testing.T) {
	h := start(t, group("g", 2, work.Spec{TimerLatency: &work.TimerLatency{Interval: ms(1)}}))
	h.Start()
	victim := workers(h)[0]
	waitFor(t, "the victim to have measured", func() bool { return whole(workers(h)[0]).Histograms[0].Count() > 20 })
	if err := unix.Kill(victim.TID, unix.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	<-h.reaper.early
	h.Stop(nil)
	after := workers(h)
	if got := after[0].Exit; !got.Status.Signaled() || got.Status.Signal() != unix.SIGSEGV || got.Killed != NotKilled {
		t.Errorf("the victim %v", got)
	}
	if after[0].Stage != arena.StageRunning || whole(after[0]).Histograms[0].Count() <= 20 {
		t.Errorf("the victim's stage is %v with %d samples", after[0].Stage, whole(after[0]).Histograms[0].Count())
	}
	if !after[1].Exit.Clean() || after[1].Stage != arena.StageStopped {
		t.Errorf("the other one %v at stage %v", after[1].Exit, after[1].Stage)
	}
}

func TestAFrozenWorkerIsKilledAtTheStop(t *testing.T) {
	h := start(t, group("g", 2, work.Spec{SpinWait: &work.SpinWait{}}))
	h.Start()
	if err := unix.Kill(workers(h)[1].TID, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	h.Stop(nil)
	after := workers(h)
	if got := after[1].Exit; got.Killed != KilledLate || !got.Reaped || !strings.Contains(got.String(), "did not stop in time") {
		t.Errorf("the stopped one: %v", got)
	}
	if !after[0].Exit.Clean() {
		t.Errorf("the other one: %v", after[0].Exit)
	}
}

func TestARefusedSetUpNamesWorkerAndStep(t *testing.T) {
	run := &spec.Run{Duration: ms(1000), Groups: []spec.Group{group("g", 2, work.Spec{SpinWait: &work.SpinWait{}})}}
	cfg := config(t, run)
	cfg.Run.Groups[0].CPUs = []cpuset.CPUSet{cpuset.New(1000)}
	h, err := Spawn(t.Context(), cfg)
	if err == nil {
		h.Close()
		t.Fatal("spawned on a CPU that is not there")
	}
	for _, want := range []string{"group g, worker 0 of 2", "setting the CPU affinity", "invalid argument"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	assertNoChildren(t)
}

// A fork that hits the Go runtime at a bad moment hangs: of ten thousand processes
// and two thousand threads none may.
func TestManyForks(t *testing.T) {
	yielding := work.Spec{YieldHeavy: &work.YieldHeavy{}}
	for range 20 {
		testManyAtOnce(t, group("forks", 500, yielding))
	}
	for range 5 {
		var hosts []spec.Group
		for n := range 8 {
			hosts = append(hosts, threads(fmt.Sprintf("host%d", n), 50, "", yielding))
		}
		testManyAtOnce(t, hosts...)
	}
	assertNoChildren(t)
}

func testManyAtOnce(t *testing.T, groups ...spec.Group) {
	t.Helper()
	h := start(t, groups...)
	h.Start()
	h.Stop(nil)
	for _, w := range workers(h) {
		if !w.Exit.Clean() {
			t.Fatalf("worker %d of %s: %v at stage %v", w.Index, w.Group.Name, w.Exit, w.Stage)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	before := descriptors(t)
	for _, stage := range []string{"parked", "running"} {
		h := start(t, group("g", 4, work.Spec{PipeIO: &work.PipeIO{BurstIters: new(int64(1))}}))
		if stage == "running" {
			h.Start()
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := h.Close(); err != nil {
			t.Errorf("closing twice: %v", err)
		}
		assertNoChildren(t)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestSlots(t *testing.T) {
	alone := work.Shape{SetSize: 1}
	pair := work.Shape{SetSize: 2, RegionBytes: 4}
	linked := work.Shape{SetSize: 2, Opens: work.Opens{Packets: true}}
	five := work.Shape{SetSize: 5, RegionBytes: 4}
	b, end := basesOf([]work.Shape{alone, pair, five, linked, linked}, []int{3, 4, 10, 4, 2})
	for name, tc := range map[string]struct {
		shape work.Shape
		at    bases
		i     int
		want  slot
	}{
		"the first worker of all":           {alone, b[0], 0, slot{0, 0, 0, -1, -1}},
		"no region for who works alone":     {alone, b[0], 2, slot{2, 2, 0, -1, -1}},
		"the second pair's second":          {pair, b[1], 3, slot{6, 1, 1, 1, -1}},
		"a set begins with position 0":      {five, b[2], 5, slot{12, 1, 0, 3, -1}},
		"regions go on after another group": {five, b[2], 4, slot{11, 0, 4, 2, -1}},
		"a link for each set":               {linked, b[3], 3, slot{20, 1, 1, -1, 1}},
		"links go on after another group":   {linked, b[4], 0, slot{21, 0, 0, -1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := slotOf(tc.at, &tc.shape, tc.i); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
	if want := (bases{worker: 23, region: 4, link: 3}); end != want {
		t.Errorf("the groups end at %+v, want %+v", end, want)
	}
}

func listOf(groups []groupShape) []process {
	var list []process
	for n, p := range processesOf(groups) {
		if n != len(list) {
			panic("processes are not numbered one after the other")
		}
		list = append(list, p)
	}
	return list
}

func TestProcesses(t *testing.T) {
	fork := groupShape{workers: 2, together: 1}
	threads := groupShape{threads: true, workers: 3, together: 1}
	program := groupShape{workers: 6, program: 3, together: 1}
	named := func(domain, process string) groupShape {
		return groupShape{threads: true, workers: 1, domain: domain, process: process, together: 1}
	}
	worker := func(group, i int) process {
		return process{host: -1, groups: []int{group}, first: i, workers: 1, together: 1}
	}
	host := func(n, first, workers int, groups ...int) process {
		return process{host: n, groups: groups, first: first, workers: workers, together: 1}
	}
	for name, tc := range map[string]struct {
		groups []groupShape
		want   []process
	}{
		"a process for each forked worker":         {[]groupShape{fork}, []process{worker(0, 0), worker(0, 1)}},
		"a host for each group of threads":         {[]groupShape{threads, threads}, []process{host(0, 0, 3, 0), host(1, 0, 3, 1)}},
		"a host for each program":                  {[]groupShape{threads, program}, []process{host(0, 0, 3, 0), host(1, 0, 3, 1), host(2, 3, 3, 1)}},
		"one host for one name in one cgroup":      {[]groupShape{named("a", "x"), fork, named("a", "x")}, []process{host(0, 0, 1, 0, 2), worker(1, 0), worker(1, 1)}},
		"a host in each cgroup":                    {[]groupShape{named("a", "x"), named("b", "x")}, []process{host(0, 0, 1, 0), host(1, 0, 1, 1)}},
		"a named host is not that of unnamed ones": {[]groupShape{named("a", ""), named("a", "x"), named("a", "")}, []process{host(0, 0, 1, 0), host(1, 0, 1, 1), host(2, 0, 1, 2)}},
		"no process without a worker":              {[]groupShape{{workers: 0, together: 1}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, listOf(tc.groups), cmp.AllowUnexported(process{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPartsOfGroups(t *testing.T) {
	for name, tc := range map[string]struct {
		process      process
		first, count int
	}{
		"a worker":                         {process{groups: []int{0}, first: 4, workers: 1}, 4, 1},
		"a program of several":             {process{groups: []int{0}, first: 3, workers: 3}, 3, 3},
		"all of each group that shares it": {process{groups: []int{0, 2}, workers: 2}, 0, 7},
	} {
		t.Run(name, func(t *testing.T) {
			if first, count := tc.process.part(7); first != tc.first || count != tc.count {
				t.Errorf("got %d from %d, want %d from %d", count, first, tc.count, tc.first)
			}
		})
	}
}

func TestShares(t *testing.T) {
	fork := func(workers int) groupShape { return groupShape{workers: workers, together: 1} }
	sets := func(size, workers int) groupShape { return groupShape{workers: workers, together: size} }
	host := groupShape{threads: true, workers: 3, together: 1}
	for name, tc := range map[string]struct {
		groups []groupShape
		n      int
		want   []int
	}{
		"all to one":                      {[]groupShape{fork(5)}, 1, []int{5}},
		"halves":                          {[]groupShape{fork(6)}, 2, []int{3, 6}},
		"a pair is not torn":              {[]groupShape{sets(2, 6)}, 2, []int{4, 6}},
		"nor is a ring of five":           {[]groupShape{sets(5, 15)}, 2, []int{10, 15}},
		"a group that begins in a half":   {[]groupShape{fork(3), sets(2, 4)}, 2, []int{3, 7}},
		"a host goes whole":               {[]groupShape{host, host, host}, 2, []int{1, 3}},
		"less than there are zygotes":     {[]groupShape{sets(2, 2)}, 3, []int{0, 2, 2}},
		"a pair at the end of all shares": {[]groupShape{fork(1), sets(2, 2)}, 3, []int{1, 3, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := sharesOf(listOf(tc.groups), tc.n); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func assertNoChildren(t *testing.T) {
	t.Helper()
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("children are left: wait4 gives pid %d, %v", pid, err)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
