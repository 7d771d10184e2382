// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// inSteps is a worker with a phase for each number of iterations, in 10 ns each. One without
// any was never in the phase.
func inSteps(g *spec.ResolvedGroup, index int, iterations ...uint64) spawn.Worker {
	w := wellEnded(g, index, arena.Figures{}, nil)
	w.Phases = []spawn.Phase{{Histograms: []*telemetry.Histogram{{}}}}
	for i, n := range iterations {
		p := spawn.Phase{Epoch: uint32(i + 1), Histograms: []*telemetry.Histogram{{}}}
		if n > 0 {
			p.Figures, p.CPUs = arena.Figures{Iterations: n, WorkUnits: 2 * n, Wall: 10, CPU: 5}, []int{index}
			p.Histograms[0].Record(n, 1)
		}
		w.Phases = append(w.Phases, p)
	}
	w.Phases = append(w.Phases, spawn.Phase{Epoch: arena.EpochGap, Histograms: []*telemetry.Histogram{{}}})
	return w
}

// steps are holds of 10 ns every 20 ns from the start.
func steps(n int) []Step {
	var list []Step
	for i := range n {
		list = append(list, Step{Name: fmt.Sprint(i), Begin: int64(20 * i), Start: int64(20*i + 5), End: int64(20*i + 15)})
	}
	return list
}

func TestAGroupThatIsStartedTwiceAddsUp(t *testing.T) {
	g, never := group("g", 2, &work.TimerLatency{}), group("never", 3, &work.TimerLatency{})
	b := NewBuilder(&spec.Resolved{Run: &spec.Run{Steps: make([]spec.Step, 4)}, Groups: []spec.ResolvedGroup{*g, *never}}, started)
	// First in steps 0 and 1, stopped in step 2, and then from step 3 on: what the engine says of the
	// crews is what can be, not what was.
	b.Add(Crew{
		Workers: slices.Values([]spawn.Worker{inSteps(g, 0, 1, 2, 0, 0), inSteps(g, 1, 0, 3, 0, 0)}),
		Started: started, Stopped: started + 41, Steps: 4,
		Allowed: func(_ string, worker, step int) cpuset.CPUSet { return cpuset.New(worker, step+4) },
		State:   func(_ string, worker, step int) string { return fmt.Sprintf("R%d%d", worker, step) },
	})
	b.Add(Crew{
		Workers: slices.Values([]spawn.Worker{inSteps(g, 0, 5), inSteps(g, 1, 7)}),
		Started: started + 60, Stopped: started + 80, FirstStep: 3, Steps: 1,
	})
	r := &Report{Steps: steps(4)}
	b.Finish(r)
	if len(r.Groups) != 2 || r.Groups[1].Name != "never" || r.Groups[1].Starts != 0 || r.Groups[1].Workers != 0 {
		t.Fatalf("the groups are %+v", r.Groups)
	}
	sum := &r.Groups[0]
	if sum.Starts != 2 || sum.Workers != 4 || sum.Completed != 4 || sum.Iterations != 18 || r.Hold != 80 || r.StepCount != 4 {
		t.Errorf("%d starts, %d of %d workers, %d iterations, hold %d", sum.Starts, sum.Completed, sum.Workers, sum.Iterations, r.Hold)
	}
	type phase struct {
		Step, Workers     int
		Iterations, Least uint64
		Allowed, CPUs     string
	}
	var got []phase
	for _, p := range sum.Phases {
		got = append(got, phase{p.Step, p.Workers, p.Iterations, p.PerWorker.Iterations.Min, p.Allowed, p.CPUs})
	}
	want := []phase{{0, 2, 1, 0, "0-1,4", "0"}, {1, 2, 5, 2, "0-1,5", "0-1"}, {3, 2, 12, 5, "0-1,7", "0-1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("phases of the group (-want +got):\n%s", diff)
	}
	var rows []string
	for _, w := range r.Workers {
		line := fmt.Sprintf("%s/%d/%d:", w.Group, w.Start, w.Index)
		for _, p := range w.Phases {
			line += fmt.Sprintf(" %d=%d%s", p.Step, p.Iterations, p.State)
		}
		rows = append(rows, line)
	}
	// The second worker was there in step 0 and did nothing; in step 2 nobody was.
	if diff := cmp.Diff([]string{"g/0/0: 0=1 1=2", "g/0/1: 0=0R10 1=3", "g/1/0: 3=5", "g/1/1: 3=7"}, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// A run that ends in its second step has no phases beyond.
func TestStepsThatWereNotBegunHaveNoPhases(t *testing.T) {
	g := group("g", 1, &work.TimerLatency{})
	b := NewBuilder(&spec.Resolved{Run: &spec.Run{}, Groups: []spec.ResolvedGroup{*g}}, started)
	b.Add(Crew{Workers: slices.Values([]spawn.Worker{inSteps(g, 0, 1, 0, 0, 0)}), Started: started, Stopped: started + 30, Steps: 4})
	r := &Report{Steps: steps(2)}
	b.Finish(r)
	if n, m := len(r.Groups[0].Phases), len(r.Workers[0].Phases); n != 2 || m != 2 {
		t.Errorf("%d phases of the group, %d of the worker, want 2", n, m)
	}
}

func TestTheWholeRunHasStatesAndCPUsToo(t *testing.T) {
	g := group("g", 2, &work.SpinWait{})
	b := NewBuilder(&spec.Resolved{Run: &spec.Run{}, Groups: []spec.ResolvedGroup{*g}}, started)
	still := wellEnded(g, 1, arena.Figures{}, nil)
	still.Began, still.Ended = 0, 0
	b.Add(Crew{
		Workers: slices.Values([]spawn.Worker{wellEnded(g, 0, arena.Figures{WorkUnits: 1}, nil), still}),
		Started: started, Stopped: stopped,
		Allowed: func(_ string, worker, step int) cpuset.CPUSet { return cpuset.New(worker, step+10) },
		State:   func(string, int, int) string { return "D" },
	})
	r := &Report{}
	b.Finish(r)
	first, second := &r.Workers[0], &r.Workers[1]
	if first.State != "" || second.State != "D" || first.Allowed != "0,9" || second.Allowed != "1,9" {
		t.Errorf("states %q and %q, CPUs %s and %s", first.State, second.State, first.Allowed, second.Allowed)
	}
	if first.Began == nil || *first.Began != 0 || *first.Ended != stopped-started || second.Began != nil || second.Ended != nil {
		t.Errorf("began %v and %v, ended %v and %v", first.Began, second.Began, first.Ended, second.Ended)
	}
}

// repeated are workers of a group that fails now and then.
func repeated(g *spec.ResolvedGroup, n int, fails func(int) bool, phases ...uint64) iter.Seq[spawn.Worker] {
	return func(yield func(spawn.Worker) bool) {
		for i := range n {
			w := wellEnded(g, i, arena.Figures{Iterations: 1}, nil)
			if phases != nil {
				w = inSteps(g, i, phases...)
			}
			if fails(i) {
				w.Stage = arena.StageLeft
			}
			if !yield(w) {
				return
			}
		}
	}
}

func TestRowsAreBoundedAndGroupsAreNot(t *testing.T) {
	never := func(int) bool { return false }
	inOneOf40 := append([]uint64{1}, make([]uint64, 39)...)
	for name, tc := range map[string]struct {
		crews, workers int
		fails          func(int) bool
		phases         []uint64
		rows, failed   int
	}{
		"as many as there may be":                {1, MaxWorkerRows, never, nil, MaxWorkerRows, 0},
		"more than there may be":                 {2, MaxWorkerRows - 5, never, nil, MaxWorkerRows, 0},
		"the last ones of which fail":            {1, MaxWorkerRows + 100, func(i int) bool { return i >= MaxWorkerRows+90 }, nil, MaxWorkerRows + 10, 10},
		"of which all fail":                      {1, MaxWorkerRows + 2*reservedRows, func(int) bool { return true }, nil, MaxWorkerRows + reservedRows, MaxWorkerRows + reservedRows},
		"with more phases than rows should have": {1, 5000, never, inOneOf40, MaxPhaseRows / 40, 0},
		"the last ones of which fail, with more phases than rows should have": {1, 5000, func(i int) bool { return i >= 4990 }, inOneOf40, MaxPhaseRows/40 + 10, 10},
	} {
		t.Run(name, func(t *testing.T) {
			g := group("g", tc.workers, &work.TimerLatency{})
			b := NewBuilder(&spec.Resolved{Run: &spec.Run{}, Groups: []spec.ResolvedGroup{*g}}, started)
			for range tc.crews {
				b.Add(Crew{Workers: repeated(g, tc.workers, tc.fails, tc.phases...), Started: started, Stopped: stopped, Steps: len(tc.phases)})
			}
			r := &Report{}
			b.Finish(r)
			failed := 0
			for i := range r.Workers {
				if !r.Workers[i].Completed {
					failed++
				}
			}
			all := tc.crews * tc.workers
			if len(r.Workers) != tc.rows || failed != tc.failed || r.Groups[0].Workers != all {
				t.Errorf("%d rows, %d of which failed, of %d workers, want %d and %d of %d", len(r.Workers), failed, r.Groups[0].Workers, tc.rows, tc.failed, all)
			}
			if cut := slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, "no row of their own") }); cut != (tc.rows < all) {
				t.Errorf("the notes are %v", r.Notes)
			}
		})
	}
}

func TestFiguresOfProgramsAddUp(t *testing.T) {
	g := group("g", 2, &work.Exec{Program: "p"})
	program := func(index int, values ...payload.Value) spawn.Worker {
		w := wellEnded(g, index, arena.Figures{CPU: 5, Wall: 10}, nil)
		w.Program = &spawn.Program{Name: "p", Values: values, Stdout: &payload.Output{}, Stderr: &payload.Output{}}
		return w
	}
	value := func(n float64) payload.Value {
		return payload.Value{Name: "rate", Unit: "1/s", Polarity: payload.HigherIsBetter, Value: &n}
	}
	r := reportOf(program(0, value(0.1)), program(1, value(0.2), payload.Value{Name: "other", Missing: "not there"}))
	want := []payload.Total{{Name: "rate", Unit: "1/s", Polarity: payload.HigherIsBetter, Count: 2, Sum: "0.3", Min: "0.1", Max: "0.2"}}
	if diff := cmp.Diff(want, r.Groups[0].ProgramMetrics); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p := r.Groups[0].PerWorker; p.Iterations != nil || p.WorkRate != nil || p.OffCPU == nil || p.OffCPU.Count != 2 {
		t.Errorf("what programs do not count is %+v", p)
	}
}

func TestPopulations(t *testing.T) {
	g := group("g", 3, &work.SpinWait{})
	r := reportOf(
		wellEnded(g, 0, arena.Figures{WorkUnits: 10, Iterations: 1, Wall: 4e9, CPU: 1e9, Schedstat: true, RunDelay: 7}, nil),
		wellEnded(g, 1, arena.Figures{WorkUnits: 60, Iterations: 2, Wall: 4e9, CPU: 2e9}, nil),
		wellEnded(g, 2, arena.Figures{Iterations: 2, WorkUnits: 1}, nil), // ran for no time at all
	)
	number := func(text string) Integer {
		var i Integer
		if err := i.UnmarshalJSON([]byte(`"` + text + `"`)); err != nil {
			t.Fatal(err)
		}
		return i
	}
	want := PerWorker{
		OffCPU:        &Population{2, number("1250000000"), number("812500000000000000"), 500_000_000, 750_000_000, 1, 0},
		WorkRate:      &Population{2, number("40000000"), number("1000000000000000"), 10_000_000, 30_000_000, 0, 1},
		IterationRate: &Population{2, number("750000"), number("312500000000"), 250_000, 500_000, 0, 1},
		Iterations:    &Population{3, number("5"), number("9"), 1, 2, 0, 1},
		RunDelay:      &Population{1, number("7"), number("49"), 7, 7, 0, 0},
	}
	if diff := cmp.Diff(want, r.Groups[0].PerWorker); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if mean, ok := want.WorkRate.Mean(); mean != 20e6 || !ok {
		t.Errorf("the mean is %v, %v", mean, ok)
	}
	if cv, ok := want.WorkRate.CV(); cv != 0.5 || !ok {
		t.Errorf("the variation is %v, %v", cv, ok)
	}
	for name, p := range map[string]*Population{"of nobody": nil, "of nothing": {}, "of one": want.RunDelay, "of zeros": {Count: 2}} {
		if _, ok := p.CV(); ok {
			t.Errorf("the population %s has a variation", name)
		}
	}
	if perSecond(1<<63, 1) != 1<<64-1 {
		t.Error("a rate that is too large is not the largest there is")
	}
}
