// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func TestStopInAnyState(t *testing.T) {
	for _, mode := range bothModes {
		t.Run(string(mode), func(t *testing.T) {
			h := start(t, inMode(mode, group("g", 3, spins)))
			first := h.Stop(nil)
			if second := h.Stop(nil); second < first {
				t.Errorf("stopped at %d, and again at %d", first, second)
			}
			for _, w := range workers(h) {
				if w.Stage != arena.StageAborted || w.Exit.Status.ExitStatus() != exitAborted || w.Began != 0 || whole(w).Figures.Iterations != 0 {
					t.Errorf("worker %d: stage %v, %v, began at %d", w.Index, w.Stage, w.Exit, w.Began)
				}
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			if at := h.Stop(nil); at != first {
				t.Errorf("after Close it says that it stopped at %d, not at %d", at, first)
			}
			assertNoChildren(t)
		})
	}
}

func TestNoWorkersAtAll(t *testing.T) {
	before := warmUp(t)
	h, err := Spawn(t.Context(), Config{Run: &spec.Resolved{Run: &spec.Run{}}})
	if err != nil {
		t.Fatal(err)
	}
	assertNoChildren(t)
	h.Start()
	h.Hold(t.Context(), time.Hour) // nobody is there to be waited for
	h.Stop(nil)
	if list := workers(h); len(list) != 0 {
		t.Errorf("%d workers", len(list))
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if after := holding(t); after != before {
		t.Errorf("before there was %+v, after it %+v", before, after)
	}
}

func TestFiveThousandProcesses(t *testing.T) {
	const many = 5000
	began := time.Now()
	h := start(t, group("g", many, work.Spec{TimerLatency: &work.TimerLatency{Interval: ms(300)}}))
	spawned := time.Since(began)
	if limit := forkTimeout + many*forkTimePerWorker; spawned > limit {
		t.Errorf("spawning took %v, more than %v", spawned, limit)
	}
	began = time.Now()
	h.Start()
	waitFor(t, "every worker to have worked", func() bool { return slices.Min(h.Iterations()) > 0 })
	worked := time.Since(began)
	began = time.Now()
	h.Stop(nil)
	stopped := time.Since(began)
	late := 0
	for _, w := range workers(h) {
		if w.Exit.Killed == KilledLate && w.Exit.Reaped {
			late++ // a machine that is busy with other things
		} else if !w.Exit.Clean() {
			t.Fatalf("worker %d: %v", w.Index, w.Exit)
		}
	}
	if late > many/10 {
		t.Errorf("%d workers did not stop in time", late)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	assertNoChildren(t)
	t.Logf("%d processes: spawned in %v, all had worked after %v, stopped in %v, %d of them killed", many, spawned, worked, stopped, late)
}

func TestAHostOfManyThreads(t *testing.T) {
	const many = 256
	g := inMode(spec.CloneModeThread, group("many", many, work.Spec{TimerLatency: &work.TimerLatency{Interval: ms(20)}}))
	g.ProcessName = "host"
	h := start(t, g)
	list := workers(h)
	tasks := map[int]string{}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", list[0].PID))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		tid, _ := strconv.Atoi(e.Name())
		tasks[tid] = strings.TrimSpace(procFile(t, strconv.Itoa(list[0].PID), "task", e.Name(), "comm"))
	}
	if len(tasks) != many+1 || tasks[list[0].PID] != "host" {
		t.Errorf("%d tasks, the first of which is called %q", len(tasks), tasks[list[0].PID])
	}
	for _, w := range list {
		if want := fmt.Sprintf("many/%d", w.Index); tasks[w.TID] != want || w.PID != list[0].PID {
			t.Errorf("worker %d is task %d of process %d, called %q", w.Index, w.TID, w.PID, tasks[w.TID])
		}
	}
	h.Start()
	awaitWork(t, h)
	h.Stop(nil)
	for _, w := range workers(h) {
		if !w.Exit.Clean() || w.Stage != arena.StageStopped || whole(w).Figures.CPU == 0 {
			t.Errorf("worker %d: %v at stage %v, %+v", w.Index, w.Exit, w.Stage, whole(w).Figures)
		}
	}
}

// What workers write is seen or not, but never goes back.
func TestReadingWhileWorkersWrite(t *testing.T) {
	h := start(t,
		group("forks", 2, work.Spec{FutexPingPong: &work.FutexPingPong{SpinIters: new(int64(8))}}),
		inMode(spec.CloneModeThread, group("threads", 2, work.Spec{FutexPingPong: &work.FutexPingPong{SpinIters: new(int64(8))}})),
		group("clock", 1, ticks))
	type seen struct {
		iterations, units, values uint64
		cpu                       int64
		stage                     arena.Stage
	}
	last := make([]seen, 5)
	look := func() {
		for i, w := range workers(h) {
			p := whole(w)
			now := seen{p.Figures.Iterations, p.Figures.WorkUnits, p.Histograms[0].Count(), p.Figures.CPU, w.Stage}
			was := last[i]
			if now.iterations < was.iterations || now.units < was.units || now.values < was.values || now.cpu < was.cpu || now.stage < was.stage {
				t.Fatalf("worker %d went back from %+v to %+v", i, was, now)
			}
			last[i] = now
		}
	}
	look()
	h.Start()
	for deadline := time.Now().Add(500 * time.Millisecond); time.Now().Before(deadline); {
		look()
	}
	waitFor(t, "every worker to have worked", func() bool {
		look()
		return slices.Min(h.Iterations()) > 2
	})
	h.Stop(nil)
	look()
	for i, s := range last {
		if s.values == 0 || s.values > s.iterations {
			t.Errorf("worker %d: %+v", i, s)
		}
	}
}
