// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// stopTimeout is how long workers may take to see the stop: 200 ms, and the rest is for what else the
// machine does meanwhile.
const stopTimeout = time.Second

// crew is a set of workers on threads of this process, with descriptors of the test's.
type crew struct {
	kind  work.Kind
	arena *arena.Arena
	done  chan struct{}
	// before, if any, is called on each worker's thread before it works.
	before func() error
}

// hire makes workers that have the descriptors, by their position.
func hire(t *testing.T, c *crew, fds [][]int) {
	t.Helper()
	if err := c.kind.Validate(); err != nil {
		t.Fatal(err)
	}
	shape := c.kind.Shape()
	plan := arena.Plan{}
	for range shape.SetSize {
		plan.Workers = append(plan.Workers, arena.WorkerPlan{Histograms: len(shape.Metrics)})
	}
	var err error
	if c.arena, err = arena.New(plan); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.arena.Close() })
	c.done = make(chan struct{}, shape.SetSize)
	ready := make(chan error)
	for i := range shape.SetSize {
		w := &work.Worker{}
		w.Bind(c.arena, i, len(shape.Metrics), nil)
		w.Position, w.Seed = i, uint64(i+1)
		if i < len(fds) {
			copy(w.FDs[:], fds[i])
		}
		go func() { // its thread, which it leaves locked, ends with it
			runtime.LockOSThread()
			ready <- c.prepare(w)
			w.Run(c.kind)
			c.done <- struct{}{}
		}()
	}
	for range shape.SetSize {
		if err := <-ready; err != nil {
			t.Fatal(err)
		}
	}
}

func (c *crew) prepare(w *work.Worker) error {
	if c.before != nil {
		if err := c.before(); err != nil {
			return err
		}
	}
	if p, ok := c.kind.(work.Preparer); ok {
		if errno := p.Prepare(w); errno != 0 {
			return errno
		}
	}
	return nil
}

// start lets the workers of a kind work until each has made some passes.
func start(t *testing.T, k work.Kind, passes uint64, fds ...[]int) *crew {
	t.Helper()
	c := &crew{kind: k}
	hire(t, c, fds)
	c.passes(t, passes)
	return c
}

// passes waits until each worker has made n passes.
func (c *crew) passes(t *testing.T, n uint64) {
	t.Helper()
	deadline := time.Now().Add(progressTimeout)
	for i := range c.arena.Workers() {
		for c.arena.Record(i, 0).Iterations() < n && c.arena.Block(i).Stage() < arena.StageStopped {
			if time.Now().After(deadline) {
				t.Fatalf("worker %d made %d passes, want %d", i, c.arena.Record(i, 0).Iterations(), n)
			}
			runtime.Gosched()
		}
	}
}

// stop stops the workers, who see it in time.
func (c *crew) stop(t *testing.T) []arena.Figures {
	t.Helper()
	began := time.Now()
	c.arena.Control().Stop()
	for range c.arena.Workers() {
		<-c.done
	}
	if took := time.Since(began); took > stopTimeout {
		t.Errorf("they stopped after %v, want %v", took, stopTimeout)
	}
	var figures []arena.Figures
	for i := range c.arena.Workers() {
		if b := c.arena.Block(i); b.Stage() != arena.StageStopped {
			t.Errorf("worker %d is at stage %s: %s", i, b.Stage(), b.Text())
		}
		figures = append(figures, c.arena.Record(i, 0).Figures(0))
	}
	return figures
}

// leaves says why the only worker of a kind left by itself.
func leaves(t *testing.T, k work.Kind, fds []int) string {
	t.Helper()
	c := &crew{kind: k}
	hire(t, c, [][]int{fds})
	select {
	case <-c.done:
	case <-time.After(progressTimeout):
		c.arena.Control().Stop()
		t.Fatal("it works on")
	}
	if stage := c.arena.Block(0).Stage(); stage != arena.StageLeft {
		t.Errorf("it is at stage %s", stage)
	}
	return c.arena.Block(0).Text()
}

// forks is how many tasks the machine has made since it started.
func forks(t *testing.T) (n uint64) {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\nprocesses ")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func assertNoChildren(t *testing.T) {
	t.Helper()
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		t.Errorf("there is a child, dead or alive: %d, %v", pid, err)
	}
}

func TestForkExitForks(t *testing.T) {
	for name, k := range map[string]*work.ForkExit{
		"one after the other":  {},
		"requests that arrive": {Arrival: &work.Arrival{RatePerSecond: 500, Distribution: work.ArrivalFixed}},
	} {
		t.Run(name, func(t *testing.T) {
			before := forks(t)
			c := start(t, k, 50)
			f := c.stop(t)[0]
			if made := forks(t) - before; made < f.Iterations {
				t.Errorf("%d iterations, and the machine has made %d tasks", f.Iterations, made)
			}
			assertNoChildren(t)
			reaped := c.arena.ReadHistogram(0, 0, 0)
			if f.WorkUnits != f.Iterations || reaped.Count() != f.Iterations || f.Counters[0] != 0 || f.Counters[1] == 0 {
				t.Errorf("%d iterations, %d units, %d waits, %d forks failed, children had %d ns", f.Iterations, f.WorkUnits, reaped.Count(), f.Counters[0], f.Counters[1])
			}
			// A child has to get a memory map, run and take it down.
			if reaped.Max() < 5_000 || f.Counters[1]/f.Iterations < 5_000 {
				t.Errorf("the longest wait was %d ns, a child had %d ns", reaped.Max(), f.Counters[1]/f.Iterations)
			}
			if k.Arrival != nil && c.arena.ReadHistogram(0, 0, 1).Count() != f.Iterations {
				t.Errorf("%d response times in %d iterations", c.arena.ReadHistogram(0, 0, 1).Count(), f.Iterations)
			}
		})
	}
}

// A task of SCHED_DEADLINE may not fork: the kernel answers EAGAIN, as it does where
// there are too many processes. Who never forks makes no progress.
func TestForksThatFailAreCounted(t *testing.T) {
	const runtime, period = 10 * time.Millisecond, 100 * time.Millisecond
	deadline := func() error {
		if errno := sys.RawSetDeadline(uint64(runtime), uint64(period), uint64(period)); errno != 0 {
			return errno
		}
		return nil
	}
	for name, tc := range map[string]struct {
		kind     work.Kind
		failures int
	}{
		"forkExit":          {&work.ForkExit{}, 0},
		"cgroupAttachStorm": {&work.CgroupAttachStorm{Reap: work.ReapWait}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tried(deadline); err != nil {
				t.Skipf("this machine allows no deadline task: %v", err)
			}
			c := &crew{kind: tc.kind, before: deadline}
			hire(t, c, [][]int{{-1}})
			c.passes(t, 10)
			f := c.stop(t)[0]
			if f.Iterations < 10 || f.WorkUnits != 0 || f.Counters[tc.failures] != f.Iterations || c.arena.ReadHistogram(0, 0, 0).Count() != 0 {
				t.Errorf("%d iterations, %d units, counters %v", f.Iterations, f.WorkUnits, f.Counters)
			}
		})
	}
}

// tried calls what changes a thread on one that is thrown away.
func tried(change func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		result <- change()
	}()
	return <-result
}

// procs is cgroup.procs of an empty cgroup, open for writing.
func procs(t *testing.T) int {
	t.Helper()
	mount, err := cgroup.Mount()
	if err != nil || os.Geteuid() != 0 {
		t.Skipf("making cgroups needs root and cgroup v2: uid %d, %v", os.Geteuid(), err)
	}
	dir, err := cgroup.Create(filepath.Join(mount, fmt.Sprintf("schedfleet-test-attach-%d", os.Getpid())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dir.Remove(context.Background()); err != nil {
			t.Error(err)
		}
	})
	fd, err := unix.Open(filepath.Join(dir.Path(), "cgroup.procs"), unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

func TestCgroupAttachStormAttachesItsChildren(t *testing.T) {
	for name, reap := range map[string]string{"the kernel reaps": work.ReapIgnore, "the worker reaps": work.ReapWait} {
		t.Run(name, func(t *testing.T) {
			k := &work.CgroupAttachStorm{Reap: reap}
			fd := procs(t)
			t.Cleanup(func() { sys.RawReapChildren(false) })
			before := forks(t)
			c := start(t, k, 200, []int{fd})
			f := c.stop(t)[0]
			if made := forks(t) - before; made < f.Iterations {
				t.Errorf("%d iterations, and the machine has made %d tasks", f.Iterations, made)
			}
			attached, late, failed := f.Counters[0], f.Counters[1], f.Counters[2]
			if attached == 0 || attached+late != f.Iterations || failed != 0 || f.WorkUnits != f.Iterations {
				t.Errorf("%d iterations, %d attached, %d too late, %d forks failed", f.Iterations, attached, late, failed)
			}
			if reap == work.ReapIgnore {
				return
			}
			if n := c.arena.ReadHistogram(0, 0, 0).Count(); n != f.Iterations || late != 0 {
				t.Errorf("%d iterations, %d waits, %d too late though nobody reaped them", f.Iterations, n, late)
			}
			assertNoChildren(t)
		})
	}
}

// What the kernel does not take, but for a child that is gone, is no pass.
func TestWritesThatFail(t *testing.T) {
	full, err := unix.Open("/dev/full", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip(err)
	}
	defer unix.Close(full)
	for want, k := range map[string]work.Kind{
		"moving to its next cgroup: no space left on device":         &work.CgroupChurn{Groups: 1, Cycle: ms(1)},
		"attaching its child to the cgroup: no space left on device": &work.CgroupAttachStorm{Reap: work.ReapWait},
		"sending a frame: no space left on device":                   &work.NetTraffic{Interval: new(ms(0)), FrameBytes: 60},
	} {
		if got := leaves(t, k, []int{full}); got != want {
			t.Errorf("%s says %q, want %q", k.Name(), got, want)
		}
	}
}

// files are n empty files, in place of cgroup.procs: a write to the real ones would
// move this process.
func files(t *testing.T, n int) (fds []int, contents func() []string) {
	t.Helper()
	for range n {
		fd, err := unix.MemfdCreate("procs", unix.MFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		fds = append(fds, fd)
	}
	return fds, func() (all []string) {
		for _, fd := range fds {
			content := make([]byte, 64<<10)
			n, err := unix.Pread(fd, content, 0)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(content[:n]))
		}
		return all
	}
}

func TestCgroupChurnGoesRound(t *testing.T) {
	fds, contents := files(t, 3)
	began := time.Now()
	f := start(t, &work.CgroupChurn{Groups: 3, Cycle: ms(5)}, 10, fds).stop(t)[0]
	if most := uint64(time.Since(began)/(5*time.Millisecond)) + 1; f.Iterations > most || f.WorkUnits < (f.Iterations-1)*256 {
		t.Errorf("%d iterations of 5 ms and %d units in %v", f.Iterations, f.WorkUnits, time.Since(began))
	}
	moves := contents()
	total := 0
	for i, text := range moves {
		lines := strings.Count(text, "0\n")
		total += lines
		if text != strings.Repeat("0\n", lines) || lines > strings.Count(moves[0], "\n") || lines < strings.Count(moves[0], "\n")-1 {
			t.Errorf("cgroup %d of the round was written %q, the first one %q", i, text, moves[0])
		}
	}
	if uint64(total) != f.Iterations {
		t.Errorf("%d moves in %d iterations", total, f.Iterations)
	}
}

func TestALongCycleEndsWithTheStop(t *testing.T) {
	fds, _ := files(t, 1)
	c := start(t, &work.CgroupChurn{Groups: 1, Cycle: ms(60_000)}, 0, fds)
	c.stop(t)
}

func TestRolesOfStarvation(t *testing.T) {
	fifo := func(priority int) *work.Class { return &work.Class{Policy: sys.PolicyFIFO, Priority: priority} }
	for _, tc := range []struct {
		kind work.Kind
		want []work.Role
	}{
		{&work.RTStarvation{RTWorkers: 2, FairWorkers: 3, RTPriority: 98}, []work.Role{{Name: "rt", Workers: 2, Class: fifo(98)}, {Name: "fair", Workers: 3, MayStarve: true}}},
		{&work.PreemptStorm{FairWorkers: 2}, []work.Role{{Name: "rt", Workers: 1, Class: fifo(1)}, {Name: "fair", Workers: 2, MayStarve: true}}},
	} {
		shape := tc.kind.Shape()
		if diff := cmp.Diff(tc.want, shape.Roles); diff != "" {
			t.Errorf("%s: roles (-want +got):\n%s", tc.kind.Name(), diff)
		}
		workers := 0
		for _, role := range shape.Roles {
			workers += role.Workers
		}
		if workers != shape.SetSize || !shape.Dangerous {
			t.Errorf("%s: roles of %d workers, a set of %d; dangerous: %t", tc.kind.Name(), workers, shape.SetSize, shape.Dangerous)
		}
	}
}

// Only the real-time worker of a preempt storm gives up its CPU.
func TestOnlyOneOfAPreemptStormSleeps(t *testing.T) {
	f := start(t, &work.PreemptStorm{FairWorkers: 1, RTBurstIters: new(int64(64)), RTSleep: ms(20)}, 5).stop(t)
	if f[0].Voluntary < f[0].Iterations-1 || f[1].Voluntary > f[0].Voluntary || f[1].Iterations < 10*f[0].Iterations {
		t.Errorf("the storm made %d passes and waited %d times, its victim %d and %d", f[0].Iterations, f[0].Voluntary, f[1].Iterations, f[1].Voluntary)
	}
	if f[0].WorkUnits < (f[0].Iterations-1)*64 {
		t.Errorf("%d passes of 64 units made %d", f[0].Iterations, f[0].WorkUnits)
	}
}

func TestDangerousParametersOutOfBounds(t *testing.T) {
	some := new(int64(1))
	for name, tc := range map[string]struct {
		kind work.Kind
		want string // empty: within bounds
	}{
		"forkExit as it is":                {&work.ForkExit{}, ""},
		"forks that never arrive":          {&work.ForkExit{Arrival: &work.Arrival{Distribution: work.ArrivalFixed}}, "arrival.ratePerSecond must be"},
		"no cgroup to go to":               {&work.CgroupChurn{Cycle: ms(1)}, "groups must be 1 to 16, not 0"},
		"as many cgroups as there may be":  {&work.CgroupChurn{Groups: 16, Cycle: ms(1)}, ""},
		"too many cgroups":                 {&work.CgroupChurn{Groups: 17, Cycle: ms(1)}, "groups must be 1 to 16, not 17"},
		"moves without a pause":            {&work.CgroupChurn{Groups: 1}, "cycle must be above 0s"},
		"children that nobody reaps":       {&work.CgroupAttachStorm{}, `reap must be Ignore or Wait, not ""`},
		"nobody in real time":              {&work.RTStarvation{FairWorkers: 1, RTPriority: 1, BurstIters: some}, "rtWorkers must be 1 to 4096, not 0"},
		"nobody to starve":                 {&work.RTStarvation{RTWorkers: 1, RTPriority: 1, BurstIters: some}, "fairWorkers must be 1 to 4096, not 0"},
		"too many to starve":               {&work.RTStarvation{RTWorkers: 1, FairWorkers: 4097, RTPriority: 1, BurstIters: some}, "fairWorkers must be 1 to 4096, not 4097"},
		"the watchdog's priority":          {&work.RTStarvation{RTWorkers: 1, FairWorkers: 1, RTPriority: 99, BurstIters: some}, "rtPriority must be 1 to 98, not 99"},
		"the highest priority":             {&work.RTStarvation{RTWorkers: 1, FairWorkers: 1, RTPriority: 98, BurstIters: some}, ""},
		"no priority":                      {&work.RTStarvation{RTWorkers: 1, FairWorkers: 1, BurstIters: some}, "rtPriority must be 1 to 98, not 0"},
		"starvation without a number":      {&work.RTStarvation{RTWorkers: 1, FairWorkers: 1, RTPriority: 1}, "burstIters must be 0 to"},
		"a storm over nobody":              {&work.PreemptStorm{RTBurstIters: some, RTSleep: ms(1)}, "fairWorkers must be 1 to 4096, not 0"},
		"a storm that never lets up":       {&work.PreemptStorm{FairWorkers: 1, RTBurstIters: some}, "rtSleep must be at least 1us"},
		"a storm without a number":         {&work.PreemptStorm{FairWorkers: 1, RTSleep: ms(1)}, "rtBurstIters must be 0 to"},
		"frames without a pause":           {&work.NetTraffic{Interval: new(ms(0)), FrameBytes: 60}, ""},
		"traffic without an interval":      {&work.NetTraffic{FrameBytes: 60}, "interval must be 0s to 1h"},
		"frames back in time":              {&work.NetTraffic{Interval: new(ms(-1)), FrameBytes: 60}, "interval must be 0s to 1h"},
		"frames that are too short":        {&work.NetTraffic{Interval: new(ms(0)), FrameBytes: 59}, "frameBytes must be 60 to 1514, not 59"},
		"frames that are too long":         {&work.NetTraffic{Interval: new(ms(0)), FrameBytes: 1515}, "frameBytes must be 60 to 1514, not 1515"},
		"wakes without a pause":            {&work.IRQWake{FrameBytes: 60}, "interval must be at least 1us"},
		"wakes by frames that are no such": {&work.IRQWake{Interval: ms(1)}, "frameBytes must be 60 to 1514, not 0"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.kind.Validate()
			if (err == nil) != (tc.want == "") || err != nil && !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
