// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
)

// phaseRig is a worker in a run of some phases, at work.
func phaseRig(t *testing.T, phases int) (*arena.Arena, *Worker) {
	t.Helper()
	a, err := arena.New(arena.Plan{Workers: []arena.WorkerPlan{{}}, Phases: phases})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	w := &Worker{}
	w.Bind(a, 0, 0, nil)
	w.begin(1)
	return a, w
}

// A starvation that begins in one phase and ends in another is one of both, and of those between.
func TestAGapCountsWholeInEveryPhaseItSpans(t *testing.T) {
	const second = int64(time.Second)
	for name, tc := range map[string]struct {
		// change is what happens during the gap, in phase 1 of 4.
		change func(c *arena.Control)
		want   []int // the records that have the gap
	}{
		"within a phase":             {func(*arena.Control) {}, []int{1}},
		"into the time between":      {func(c *arena.Control) { c.EndPhase() }, []int{1, 5}},
		"into the next phase":        {func(c *arena.Control) { c.EndPhase(); c.SetPhase(2) }, []int{1, 2}},
		"into a phase without a gap": {func(c *arena.Control) { c.SetPhase(2) }, []int{1, 2}},
		"over a phase":               {func(c *arena.Control) { c.EndPhase(); c.SetPhase(2); c.EndPhase(); c.SetPhase(3) }, []int{1, 2, 3}},
		"over the last phases":       {func(c *arena.Control) { c.SetPhase(2); c.SetPhase(3); c.SetPhase(4); c.EndPhase() }, []int{1, 2, 3, 4, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			a, w := phaseRig(t, 4)
			a.Control().SetPhase(1)
			w.EndIteration()
			w.lastCheck -= second
			tc.change(a.Control())
			w.EndIteration()
			w.EndIteration()
			var got []int
			for r := range a.Records() {
				f := a.Record(0, r).Figures(0)
				if f.MaxGap > 0 && !a.Block(0).Entered(r) {
					t.Errorf("record %d has a gap and was never entered", r)
				}
				if f.MaxGap >= second {
					got = append(got, r)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("records with the gap (-want +got):\n%s", diff)
			}
		})
	}
}

// A phase that is over before the worker has looked at its CPU has none.
func TestACPUFoundTooLateIsOfNoPhase(t *testing.T) {
	a, w := phaseRig(t, 2)
	a.Control().SetPhase(1)
	a.Control().EndPhase()
	w.changePhase(1, w.lastCheck)
	if cpus := a.Record(0, 1).CPUs(); len(cpus) > 0 {
		t.Errorf("CPUs %v of a phase that was over", cpus)
	}
	w.EndIteration()
	if cpus := a.Record(0, 3).CPUs(); len(cpus) == 0 {
		t.Error("no CPU between the phases")
	}
}

// Between phases a worker is moved from one CPU to another, as a change of cpusets does: of each phase it has
// noted the CPU it had in it and no other.
func TestAPhaseHasNoCPUOfAnother(t *testing.T) {
	var mine unix.CPUSet
	if err := unix.SchedGetaffinity(0, &mine); err != nil {
		t.Fatal(err)
	}
	if mine.Count() < 2 {
		t.Skip("needs two CPUs")
	}
	var cpus []int
	for cpu := 0; len(cpus) < 2; cpu++ {
		if mine.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	for range 4 {
		a, w := phaseRig(t, arena.MaxPhases)
		restrict := func(tid, cpu int) {
			var one unix.CPUSet
			one.Set(cpu)
			if err := unix.SchedSetaffinity(tid, &one); err != nil {
				t.Error(err)
			}
		}
		ready, done := make(chan int), make(chan struct{})
		go func() { // ends with the stop
			defer close(done)
			runtime.LockOSThread() // never unlocked: the thread's affinity ends with it
			ready <- unix.Gettid()
			for !w.Stopped() {
				w.EndIteration()
			}
		}()
		tid := <-ready
		for p := 1; p <= arena.MaxPhases; p++ {
			restrict(tid, cpus[p%2])
			a.Control().SetPhase(uint32(p))
			for before := a.Record(0, p).Iterations(); a.Record(0, p).Iterations() < before+3; {
				runtime.Gosched()
			}
			a.Control().EndPhase()
		}
		a.Control().Stop()
		<-done
		for p := 1; p <= arena.MaxPhases; p++ {
			if diff := cmp.Diff([]int{cpus[p%2]}, a.Record(0, p).CPUs()); diff != "" {
				t.Fatalf("CPUs of phase %d (-want +got):\n%s", p, diff)
			}
		}
	}
}
