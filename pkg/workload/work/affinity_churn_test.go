// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// twoCPUs are the first and the last CPU the test may use.
func twoCPUs(t *testing.T) (first, last int) {
	t.Helper()
	var mask cpuMask
	if errno := sys.RawAffinity(mask[:]); errno != 0 {
		t.Fatal(errno)
	}
	if mask.count() < 2 {
		t.Skip("this test may use one CPU only")
	}
	return mask.nth(0), mask.nth(mask.count() - 1)
}

func setOf(cpus ...int) (set unix.CPUSet) {
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	return set
}

// restrict lets the calling thread use some CPUs only.
func restrict(t *testing.T, cpus ...int) {
	set := setOf(cpus...)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		t.Error(err)
	}
}

func TestCPUMask(t *testing.T) {
	var m cpuMask
	cpus := []int{0, 1, 63, 64, 130, maxCPUs - 1}
	for _, cpu := range cpus {
		m.set(cpu)
	}
	for n, cpu := range cpus {
		if got := m.nth(n); got != cpu || !m.has(cpu) {
			t.Errorf("CPU %d of the set is %d, want %d", n, got, cpu)
		}
	}
	m.unset(64)
	if m.count() != 5 || m.has(64) || m.has(65) || m.nth(3) != 130 || m.nth(5) != -1 {
		t.Errorf("%d CPUs, the fourth is %d, the sixth is %d", m.count(), m.nth(3), m.nth(5))
	}
}

// Seen from outside: the worker is pinned to each of its CPUs and to no other, and
// has all of them back in the end.
func TestAffinityChurn(t *testing.T) {
	first, last := twoCPUs(t)
	for name, iters := range map[string]int64{"spinning": 1024, "spinning little": 16, "without spinning": 0} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, &AffinityChurn{SpinIters: &iters}, 1, nil)
			r.inside = func(int) { restrict(t, first, last) }
			r.prepared = func(int) { restrict(t, first) } // as another worker may do, once it works
			r.after = func(int) {
				if got := affinityOf(t, 0); got != setOf(first, last) {
					t.Errorf("in the end it may use %v", got)
				}
			}
			r.startAll()
			seen := map[unix.CPUSet]bool{}
			r.await("both CPUs were pinned to", func() bool {
				seen[affinityOf(t, r.arena.Block(0).TID())] = true
				return seen[setOf(first)] && seen[setOf(last)]
			})
			r.passes(100)
			r.stop()
			delete(seen, setOf(first, last)) // before the first pass
			if len(seen) != 2 {
				t.Errorf("it was pinned to %v", seen)
			}
			f := r.arena.Record(0, 0).Figures(0)
			if r.samples(0, 0) != f.Iterations || (f.WorkUnits > 0) != (iters > 0) {
				t.Errorf("%d samples, %d units in %d passes", r.samples(0, 0), f.WorkUnits, f.Iterations)
			}
			if n := f.TotalMigrations(); n < f.Iterations/4 { // half of them
				t.Errorf("%d migrations in %d passes", n, f.Iterations)
			}
		})
	}
}

// Alone on a CPU, or without others, there is nothing to change.
func TestNothingToChangeIsRefused(t *testing.T) {
	first, last := twoCPUs(t)
	iters := int64(16)
	nodes := &Places{Node: make([]int32, last+1)}
	for name, tc := range map[string]struct {
		kind   Kind
		n      int
		cpus   []int
		places *Places
		errno  unix.Errno
		want   string
	}{
		"a CPU to pin to":     {&AffinityChurn{&iters}, 1, []int{first}, nil, unix.EINVAL, "one CPU only"},
		"one CPU for others":  {&CrossAffinityChurn{&iters}, 2, []int{last}, nil, unix.EINVAL, "one CPU only"},
		"nobody else":         {&CrossAffinityChurn{&iters}, 1, []int{first, last}, nil, unix.EINVAL, "no other worker"},
		"one CPU of a node":   {&NUMAMigrationChurn{1}, 1, []int{last}, nodes, unix.EINVAL, "one CPU only"},
		"one node":            {&NUMAMigrationChurn{1}, 1, []int{first, last}, nodes, unix.EINVAL, "one NUMA node"},
		"nodes not known":     {&NUMAMigrationChurn{1}, 1, []int{first, last}, nil, unix.ENODATA, "not known"},
		"nodes of other CPUs": {&NUMAMigrationChurn{1}, 1, []int{first, last}, &Places{Node: []int32{-1}}, unix.ENODATA, "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tc.kind, tc.n, tc.places)
			r.inside = func(int) { restrict(t, tc.cpus...) }
			if errno, text := r.refused(); errno != tc.errno || !strings.Contains(text, tc.want) {
				t.Errorf("refused: %v: %q", errno, text)
			}
		})
	}
}

// One worker changes the other, which has a thread and does nothing, and not itself.
func TestCrossAffinityChurn(t *testing.T) {
	first, last := twoCPUs(t)
	iters := int64(16)
	r := newRig(t, &CrossAffinityChurn{&iters}, 4, nil)
	r.inside = func(int) { restrict(t, first, last) }
	r.prepared = func(int) { restrict(t, first) }
	r.after = func(int) {
		if got := affinityOf(t, 0); got != setOf(first) {
			t.Errorf("it changed itself: %v", got)
		}
	}
	victim, release := idleThread(t)
	defer close(release)
	ended, gone := idleThread(t)
	close(gone)
	r.await("the end of a thread", func() bool { return threadGone(ended) })
	*r.arena.Block(1).TIDWord() = uint32(victim)
	r.arena.Block(1).SetStage(arena.StageRunning)
	*r.arena.Block(2).TIDWord() = uint32(ended)
	r.arena.Block(2).SetStage(arena.StageRunning)
	parked, unpark := idleThread(t) // its worker is not at work
	defer close(unpark)
	*r.arena.Block(3).TIDWord() = uint32(parked)
	r.arena.Block(3).SetStage(arena.StageStopped)
	before := affinityOf(t, parked)

	r.start(0)
	seen := map[unix.CPUSet]bool{}
	fewer := setOf(first, last)
	fewer.Clear(last)
	r.await("both affinities were seen", func() bool {
		seen[affinityOf(t, victim)] = true
		return seen[setOf(first, last)] && seen[fewer]
	})
	// The id of the one that ended becomes that of a stranger.
	stranger, dismiss := idleThread(t)
	defer close(dismiss)
	*r.arena.Block(2).TIDWord() = uint32(stranger)
	r.passes(r.arena.Record(0, 0).Iterations() + 10)
	r.stop()
	if got := affinityOf(t, stranger); got != before {
		t.Errorf("a stranger was changed from %v to %v", before, got)
	}
	f := r.arena.Record(0, 0).Figures(0)
	// The last pass may have been cut short.
	if n := f.Counters[countAffinityChanges]; n != f.Iterations && n+1 != f.Iterations {
		t.Errorf("%d changes in %d passes", n, f.Iterations)
	}
	if r.samples(0, 0) != f.Iterations {
		t.Errorf("%d samples in %d passes", r.samples(0, 0), f.Iterations)
	}
	if got := affinityOf(t, parked); got != before {
		t.Errorf("a worker that has left was changed from %v to %v", before, got)
	}
}

func threadGone(tid int) bool {
	var set unix.CPUSet
	return unix.SchedGetaffinity(tid, &set) == unix.ESRCH
}

// idleThread is a thread that lasts until release is closed. It is not the first one, which
// never ends.
func idleThread(t *testing.T) (tid int, release chan struct{}) {
	t.Helper()
	release = make(chan struct{})
	ids := make(chan int)
	for tid = unix.Getpid(); tid == unix.Getpid(); {
		go func() {
			runtime.LockOSThread()
			ids <- unix.Gettid()
			<-release
		}()
		tid = <-ids
	}
	return tid, release
}

// The worker goes round the nodes of the CPUs it may use.
func TestNUMAMigrationChurn(t *testing.T) {
	first, last := twoCPUs(t)
	places := &Places{Node: make([]int32, last+1)}
	for cpu := range places.Node {
		places.Node[cpu] = -1
	}
	places.Node[first], places.Node[last] = 7, 3
	r := newRig(t, &NUMAMigrationChurn{Period: 1000}, 1, places)
	r.inside = func(int) { restrict(t, first, last) }
	r.prepared = func(int) { restrict(t, first) } // as another worker may do, once it works
	r.after = func(int) {
		if got := affinityOf(t, 0); got != setOf(first, last) {
			t.Errorf("in the end it may use %v", got)
		}
	}
	r.startAll()
	seen := map[unix.CPUSet]bool{}
	r.await("both nodes were visited", func() bool {
		seen[affinityOf(t, r.arena.Block(0).TID())] = true
		return seen[setOf(first)] && seen[setOf(last)]
	})
	r.passes(100)
	r.stop()
	f := r.arena.Record(0, 0).Figures(0)
	if n := f.WorkUnits / migrationSpin; n+1 < f.Iterations || n > f.Iterations {
		t.Errorf("%d units in %d passes", f.WorkUnits, f.Iterations)
	}
	if n := f.TotalMigrations(); n+2 < f.Iterations {
		t.Errorf("%d migrations in %d passes", n, f.Iterations)
	}
}

func TestNodesOfCPUs(t *testing.T) {
	p := &Places{Node: []int32{5, 2, -1, 2, 9, 5}}
	var all, some cpuMask
	for cpu := range 80 {
		all.set(cpu)
	}
	for _, cpu := range []int{0, 2, 3} {
		some.set(cpu)
	}
	for _, tc := range []struct {
		of          *cpuMask
		after, want int32
	}{
		{&all, -1, 2}, {&all, 2, 5}, {&all, 5, 9}, {&all, 9, 2}, {&some, -1, 2}, {&some, 2, 5}, {&some, 5, 2}, {&cpuMask{}, -1, -1},
	} {
		if got := p.nodeAfter(tc.after, tc.of); got != tc.want {
			t.Errorf("after node %d comes %d, want %d", tc.after, got, tc.want)
		}
	}
	var got, want cpuMask
	got.set(77) // of the node before
	want.set(1)
	want.set(3)
	if p.cpusOf(2, &all, &got); got != want {
		t.Errorf("node 2 has CPUs %x", got)
	}
	want.unset(1)
	if p.cpusOf(2, &some, &got); got != want {
		t.Errorf("of some, node 2 has CPUs %x", got)
	}
}
