// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// classOf is what the kernel says of a task's policy, priority and nice value.
type classOf struct{ policy, priority, nice int }

func kernelClass(t *testing.T, tid int) classOf {
	t.Helper()
	attr, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		t.Fatal(err)
	}
	nice, err := niceOf(tid)
	if err != nil {
		t.Fatal(err)
	}
	return classOf{int(attr.Policy), int(attr.Priority), nice}
}

// Class and nice value of one worker change while it works, and of no other. A nice value outlasts a
// real-time class.
func TestClassAndNiceOfOneWorkerCanBeChanged(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("real-time classes need root")
	}
	h := start(t, group("a", 2, ticks), threads("b", 2, "", ticks))
	h.Start()
	for _, name := range []string{"a", "b"} {
		if err := h.SetNice(name, 1, 5); err != nil {
			t.Fatal(err)
		}
		for class, want := range map[work.Class]classOf{
			{Policy: sys.PolicyFIFO, Priority: 3}: {sys.PolicyFIFO, 3, 5},
			{Policy: sys.PolicyRR, Priority: 1}:   {sys.PolicyRR, 1, 5},
			{Policy: sys.PolicyIdle}:              {sys.PolicyIdle, 0, 5},
			{Policy: sys.PolicyBatch}:             {sys.PolicyBatch, 0, 5},
			{Policy: sys.PolicyOther}:             {sys.PolicyOther, 0, 5},
		} {
			if err := h.SetClass(name, 1, class); err != nil {
				t.Fatal(err)
			}
			for _, w := range workers(h) {
				want := want
				if w.Index != 1 {
					want = classOf{}
				}
				if w.Group.Name != name {
					continue
				}
				if got := kernelClass(t, w.TID); got != want {
					t.Errorf("worker %d of %s has %+v, want %+v", w.Index, name, got, want)
				}
			}
		}
	}
	h.Stop(nil)
	for _, err := range []error{h.SetNice("a", 1, 0), h.SetClass("b", 0, work.Class{})} {
		if !errors.Is(err, unix.ESRCH) {
			t.Errorf("after the stop: %v", err)
		}
	}
}

// Processes are moved as they are, and threads alone where others share their process.
func TestWhatIsMovedOfAGroup(t *testing.T) {
	h := start(t, group("forks", 2, ticks), threads("own", 2, "", ticks), threads("one", 2, "shared", ticks), threads("two", 1, "shared", ticks))
	h.Start()
	tids, pids := map[string][]int{}, map[string][]int{}
	for _, w := range workers(h) {
		tids[w.Group.Name], pids[w.Group.Name] = append(tids[w.Group.Name], w.TID), append(pids[w.Group.Name], w.PID)
	}
	for name, want := range map[string][2][]int{
		"forks": {pids["forks"], nil}, "own": {pids["own"][:1], nil}, "one": {nil, tids["one"]}, "two": {nil, tids["two"]},
	} {
		var called [2][]int
		call := func(n int) func(int) error {
			return func(id int) error { called[n] = append(called[n], id); return nil }
		}
		processes, threads, err := h.Move(name, call(0), call(1))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, [2][]int{processes, threads}); diff != "" || !slices.Equal(called[0], processes) || !slices.Equal(called[1], threads) {
			t.Errorf("%s: processes and threads (-want +got):\n%scalled for %v", name, diff, called)
		}
	}
	refused := errors.New("refused")
	if _, _, err := h.Move("forks", func(int) error { return refused }, nil); !errors.Is(err, refused) {
		t.Errorf("a move that is refused: %v", err)
	}
}

func TestTheEndOfAGroupIsAwaited(t *testing.T) {
	h := start(t, group("ends", 2, ticks), group("stays", 1, ticks))
	h.Start()
	ended := make(chan error, 1)
	go func() { ended <- h.AwaitEnd(t.Context(), "ends") }() // ends with the group
	for _, w := range workers(h) {
		if w.Group.Name == "ends" {
			_ = unix.Kill(w.PID, unix.SIGKILL)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := h.Alive(); n != 1 {
		t.Errorf("%d processes are there, want 1", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := h.AwaitEnd(ctx, "stays"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 of 1 have not ended") {
		t.Errorf("who stays: %v", err)
	}
}

// Of workers that get nowhere in a phase the state is told, and of no others.
func TestStatesOfWorkersWithoutProgress(t *testing.T) {
	cfg := config(t, &spec.Run{Duration: ms(1000), Seed: 1, Groups: []spec.Group{group("g", 2, ticks), threads("t", 1, "", ticks)}})
	cfg.Phases, cfg.FirstPhase = 3, 7
	h, err := Spawn(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.Start()
	list := workers(h)
	moved := func(phase int) func() bool {
		return func() bool { return len(h.States(phase)) == 0 }
	}
	h.SetPhase(7)
	waitFor(t, "work in the first phase", moved(7))
	if err := unix.Kill(list[1].PID, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the worker to be stopped", func() bool { return stateOf(list[1].PID, list[1].TID) == "T" })
	h.EndPhase()
	h.SetPhase(8)
	waitFor(t, "work of the others", func() bool { return len(h.States(8)) == 1 })
	if diff := cmp.Diff([]State{{"g", 1, "T"}}, h.States(8)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if got := h.States(-1); got != nil {
		t.Errorf("who made progress before has states %v", got)
	}
	if err := unix.Kill(list[1].PID, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "it to go on", moved(8))
	h.Stop(nil)
}

// A part of a run has seeds and network pairs of its own.
func TestAPartOfARunIsNumberedAsInTheWhole(t *testing.T) {
	net := work.Spec{NetTraffic: &work.NetTraffic{Interval: new(ms(1)), FrameBytes: 64}}
	run := &spec.Run{Duration: ms(1000), Seed: 5, Groups: []spec.Group{group("first", 2, net), group("second", 3, spins), group("third", 4, net)}}
	cfg := config(t, run)
	cfg.Whole = cfg.Run
	part := *cfg.Run.Run
	part.Groups = part.Groups[2:]
	cfg.Run = &spec.Resolved{Run: &part, Groups: cfg.Whole.Groups[2:]}
	p, _ := newPlan(&cfg)
	if g := p.Groups[0]; g.FirstLink != 2 || g.Elsewhere != 5 {
		t.Errorf("the first pair is %d, want 2; %d workers before, want 5", g.FirstLink, g.Elsewhere)
	}
	cfg.Run, cfg.Whole = cfg.Whole, nil
	p, _ = newPlan(&cfg)
	if g := p.Groups[2]; g.FirstLink != 2 || g.Elsewhere != 0 {
		t.Errorf("in the whole the first pair is %d, want 2; %d workers elsewhere", g.FirstLink, g.Elsewhere)
	}
}
