// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// What workers do is of the step in whose hold they do it, and of one only.
func TestFiguresAreOfTheStepInWhichTheyWereMade(t *testing.T) {
	const hold = 500 * time.Millisecond
	wait := spec.Op{WaitGroup: &spec.WaitGroupOp{Group: "program", Timeout: quantity.Duration(time.Minute)}}
	j := inSteps(t, []spec.Group{spinning("spin", 1, ""), shell("program", "sleep 0.7")}, nil,
		spec.Step{Name: "first", Hold: fixed(hold)},
		spec.Step{Name: "after", Ops: []spec.Op{wait}, Hold: fixed(hold)},
	)
	j.Policy = &spec.Policy{Programs: map[string]string{"sh": "/bin/sh"}}
	rep := performed(t, j)
	waited := time.Duration(rep.Steps[1].Start - rep.Steps[0].End)
	if waited < 100*time.Millisecond || waited > 500*time.Millisecond || time.Duration(rep.Steps[1].Ops[0].Took) > waited {
		t.Errorf("%v between the holds, of which the op took %v; want about 200ms", waited, time.Duration(rep.Steps[1].Ops[0].Took))
	}
	g := groupOf(t, rep, "spin")
	var sum report.Figures
	for _, p := range g.Phases {
		sum.Iterations, sum.CPU, sum.Wall = sum.Iterations+p.Iterations, sum.CPU+p.CPU, sum.Wall+p.Wall
		late := 50*time.Millisecond + time.Duration(p.MaxGap) // who has no CPU notices a change later
		if wall := time.Duration(p.Wall); wall < hold-late || wall > hold+late {
			t.Errorf("step %d: %v, want %v", p.Step, wall, hold)
		}
		if p.SchedCPU == nil || p.RunDelay == nil || math.Abs(float64(*p.SchedCPU-p.CPU)) > float64(p.CPU)/20+5e6 {
			t.Errorf("step %d: %v of CPU, and %v by schedstat", p.Step, p.CPU, p.SchedCPU)
		}
	}
	between := time.Duration(g.Wall - sum.Wall)
	late := 100*time.Millisecond + time.Duration(g.MaxGap)
	if between < waited-late || between > waited+late || g.Iterations <= sum.Iterations || g.CPU <= sum.CPU {
		t.Errorf("%v of %v are in no step, want %v; %d of %d iterations", between, time.Duration(g.Wall), waited, g.Iterations-sum.Iterations, g.Iterations)
	}
}

// failing runs a job and returns the report of a run that ended within a step.
func failing(t *testing.T, j Job, onEvent func(Event), want ...string) *report.Report {
	t.Helper()
	rep, err := client().Run(t.Context(), j, onEvent)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range want {
		if !strings.Contains(rep.StepError, text) {
			t.Errorf("error %q, want one with %q", rep.StepError, text)
		}
	}
	if v := check.Sample(rep); v.Valid || v.Reason != check.StepFailed {
		t.Errorf("judged %+v", v)
	}
	assertNothingLeft(t, j)
	return rep
}

// A run ends with an op that fails. What was measured before stands.
func TestAnOpThatFailsEndsTheRun(t *testing.T) {
	const hold = 200 * time.Millisecond
	create := spec.Op{CreateCgroup: &spec.CgroupOp{Cgroup: "late"}}
	j := inSteps(t, []spec.Group{spinning("spin", 1, ""), spinning("cold", 1, "a")}, []string{"a", "late"},
		spec.Step{Name: "measured", Hold: fixed(hold)},
		spec.Step{Name: "fails", Ops: []spec.Op{{FreezeCgroup: &spec.CgroupOp{Cgroup: "a"}}, create, {ThawCgroup: &spec.CgroupOp{Cgroup: "a"}}}, Hold: fixed(time.Hour)},
		spec.Step{Name: "never", Hold: fixed(hold)},
	)
	rep := failing(t, j, func(ev Event) {
		if ev.Type == EventStarted {
			if err := os.WriteFile(filepath.Join(j.Cgroup, "cgroup.max.descendants"), []byte("0"), 0o600); err != nil {
				t.Error(err)
			}
		}
	}, "step fails, ops[1] createCgroup", "late", "resource temporarily unavailable")
	if len(rep.Steps) != 2 || rep.Steps[0].Truncated != "" || rep.Steps[1].Truncated == "" || len(rep.Steps[1].Ops) != 2 || rep.Steps[1].Ops[1].Error == "" || rep.Steps[1].Ops[0].Times != 1 {
		t.Errorf("steps %+v", rep.Steps)
	}
	for _, name := range []string{"spin", "cold"} {
		if g := groupOf(t, rep, name); g.Completed != 1 || g.Phases[0].WorkUnits == 0 {
			t.Errorf("%s: %d completed, %d units in the step before", name, g.Completed, g.Phases[0].WorkUnits)
		}
	}
}

// A step that fails within its hold has the figures of the part that it had.
func TestAnOpThatFailsInAHoldCutsIt(t *testing.T) {
	j := inSteps(t, []spec.Group{spinning("spin", 1, "")}, []string{"a"}, spec.Step{
		Name: "repeats", Hold: fixed(time.Hour), RepeatOpsEvery: new(quantity.Duration(100 * time.Millisecond)),
		Ops: []spec.Op{{CreateCgroup: &spec.CgroupOp{Cgroup: "a"}}, {RemoveCgroup: &spec.CgroupOp{Cgroup: "a"}}},
	})
	rep := failing(t, j, func(ev Event) {
		if ev.Type == EventStarted {
			time.AfterFunc(300*time.Millisecond, func() {
				_ = os.WriteFile(filepath.Join(j.Cgroup, "cgroup.max.descendants"), []byte("0"), 0o600)
			})
		}
	}, "step repeats, ops[0] createCgroup")
	s := &rep.Steps[0]
	if held := time.Duration(s.End - s.Start); held < 200*time.Millisecond || held > 5*time.Second || s.Truncated == "" {
		t.Errorf("held %v, truncated %q", held, s.Truncated)
	}
	if g := groupOf(t, rep, "spin"); g.Phases[0].WorkUnits == 0 || g.Completed != 1 {
		t.Errorf("%d units, %d completed", g.Phases[0].WorkUnits, g.Completed)
	}
}

func TestAWaitForAGroupIsBounded(t *testing.T) {
	j := inSteps(t, []spec.Group{shell("program", "exec sleep 1000")}, nil, spec.Step{
		Name: "waits", Hold: fixed(time.Second), Ops: []spec.Op{{WaitGroup: &spec.WaitGroupOp{Group: "program", Timeout: quantity.Duration(100 * time.Millisecond)}}},
	})
	j.Policy = &spec.Policy{Programs: map[string]string{"sh": "/bin/sh"}}
	failing(t, j, nil, "step waits, ops[0] waitGroup", "group program: 1 of 1 have not ended", "within 100ms")
}

// A run that is cancelled ends at once, whatever it does, and says how far it came.
func TestARunIsCancelledInTheMiddleOfAStep(t *testing.T) {
	sleeps := shell("program", "exec sleep 1000")
	for name, second := range map[string]spec.Step{
		"in a hold": {Name: "cut", Hold: fixed(time.Hour)},
		"while ops repeat": {
			Name: "cut", Hold: fixed(time.Hour), RepeatOpsEvery: new(quantity.Duration(10 * time.Millisecond)),
			Ops: []spec.Op{{SetNice: &spec.SetNiceOp{Group: "spin", Nice: 3}}},
		},
		"in an op that waits": {Name: "cut", Hold: fixed(time.Hour), Ops: []spec.Op{{WaitGroup: &spec.WaitGroupOp{Group: "program", Timeout: quantity.Duration(time.Hour)}}}},
	} {
		t.Run(name, func(t *testing.T) {
			j := inSteps(t, []spec.Group{spinning("spin", 1, ""), sleeps}, []string{"a"}, spec.Step{Name: "whole", Hold: fixed(100 * time.Millisecond)}, second,
				spec.Step{Name: "never", Hold: fixed(time.Second)})
			j.Policy = &spec.Policy{Programs: map[string]string{"sh": "/bin/sh"}}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var cancelled time.Time
			rep, err := client().Run(ctx, j, func(ev Event) {
				if ev.Type == EventStarted {
					time.AfterFunc(500*time.Millisecond, func() { cancelled = time.Now(); cancel() })
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(cancelled); took > 3*time.Second {
				t.Errorf("it took %v to end", took)
			}
			var truncated []string
			for i := range rep.Steps {
				truncated = append(truncated, rep.Steps[i].Truncated)
			}
			if diff := cmp.Diff([]string{"", truncatedCancelled}, truncated); diff != "" || !rep.Cancelled || rep.StepError != "" {
				t.Errorf("truncated (-want +got):\n%scancelled %v, error %q", diff, rep.Cancelled, rep.StepError)
			}
			assertNothingLeft(t, j)
		})
	}
}

// A worker that is killed in a step makes the sample void; the steps go on, and the others' figures stand.
func TestAWorkerIsKilledInAStep(t *testing.T) {
	const hold = 300 * time.Millisecond
	j := inSteps(t, []spec.Group{spinning("spin", 1, ""), spinning("victim", 1, "a")}, []string{"a"},
		spec.Step{Name: "first", Hold: fixed(hold)}, spec.Step{Name: "second", Hold: fixed(hold)})
	rep, err := client().Run(t.Context(), j, func(ev Event) {
		if ev.Type == EventStarted {
			pids, err := cgroup.Procs(filepath.Join(j.Cgroup, "a"))
			if err != nil || len(pids) != 1 {
				t.Errorf("processes %v: %v", pids, err)
				return
			}
			_ = unix.Kill(pids[0], unix.SIGKILL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := check.Sample(rep); v.Valid || v.Reason != check.MissingSamples {
		t.Errorf("judged %+v", v)
	}
	if diff := cmp.Diff([]int{0, 1}, stepsOf(groupOf(t, rep, "spin"))); diff != "" || rep.StepError != "" || groupOf(t, rep, "victim").Completed != 0 {
		t.Errorf("steps of the other (-want +got):\n%s%s", diff, rep.StepError)
	}
	assertNothingLeft(t, j)
}

// Of a runner that is killed in a step nothing is left: no process, also none that is frozen, and no cgroup.
func TestTheRunnerIsKilledInAStep(t *testing.T) {
	j := inSteps(t, []spec.Group{spinning("spin", 1, ""), spinning("cold", 2, "a/b")}, []string{"a", "a/b"},
		spec.Step{
			Name: "only", Cgroups: []string{"a", "a/b"}, Groups: []string{"cold"}, Hold: fixed(time.Hour),
			Ops: []spec.Op{{FreezeCgroup: &spec.CgroupOp{Cgroup: "a"}}},
		})
	killed := make(chan []int, 1)
	_, err := client().Run(t.Context(), j, func(ev Event) {
		if ev.Type != EventStarted {
			return
		}
		runner := childrenOf(os.Getpid())
		go func() { // ends when the group is frozen, or with the run
			lookUntil(glance, func() bool {
				frozen, _ := os.ReadFile(filepath.Join(j.Cgroup, "a", "cgroup.events"))
				_, err := os.Stat(j.Cgroup)
				return strings.Contains(string(frozen), "frozen 1") || errors.Is(err, os.ErrNotExist)
			})
			list, _ := threadsBelow(j.Cgroup)
			for _, pid := range runner {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
			killed <- list
		}()
	})
	if err == nil {
		t.Error("the runner was killed and there is no error")
	}
	workers := <-killed
	if len(workers) != 3 {
		t.Errorf("%d workers in the step, want 3", len(workers))
	}
	assertNothingLeft(t, j)
	for _, pid := range workers {
		if spawn.IsThere(pid) {
			t.Errorf("worker %d is still there", pid)
		}
	}
}

// Holds are cut when what is between them takes more than its time, and steps that then have no time left are
// a failure and not left out without a word.
func TestTheTimeBetweenHoldsIsBounded(t *testing.T) {
	for name, tc := range map[string]struct {
		allowance time.Duration
		truncated []string
		want      string
	}{
		"a hold is cut": {-300 * time.Millisecond, []string{"", "what is between holds took longer than -300ms altogether"}, ""},
		"a step is not begun": {-700 * time.Millisecond, []string{"what is between holds took longer than -700ms altogether"},
			"step second: was not begun: the steps before took all the time there is"},
	} {
		t.Run(name, func(t *testing.T) {
			const hold = 500 * time.Millisecond
			j := inSteps(t, []spec.Group{spinning("spin", 1, "")}, nil, spec.Step{Name: "first", Hold: fixed(hold)}, spec.Step{Name: "second", Hold: fixed(hold)})
			rep := performWithin(t, j, tc.allowance)
			var truncated []string
			for i := range rep.Steps {
				truncated = append(truncated, rep.Steps[i].Truncated)
			}
			if diff := cmp.Diff(tc.truncated, truncated); diff != "" || !strings.Contains(rep.StepError, tc.want) || (tc.want == "") != (rep.StepError == "") {
				t.Errorf("truncated (-want +got):\n%serror %q, want %q", diff, rep.StepError, tc.want)
			}
			if s := &rep.Steps[0]; s.End-s.Start > s.Planned+100e6 {
				t.Errorf("the first hold was %v", time.Duration(s.End-s.Start))
			}
		})
	}
}

// performWithin carries the steps of a job out in this process, with an allowance.
func performWithin(t *testing.T, j Job, allowance time.Duration) *report.Report {
	t.Helper()
	machine, _, err := thisMachine()
	if err != nil {
		t.Fatal(err)
	}
	run, err := j.Run.Resolve(machine)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := openCgroups(j.Cgroup, run, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := groups.remove(); err != nil {
			t.Error(err)
		}
	}()
	workers, err := spawnFirst(t.Context(), spawn.Config{Run: run, Cgroups: groups.files})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := workers.close(); err != nil {
			t.Error(err)
		}
	}()
	e := newEngine(newReport(&j), groups, workers, nil, machine.CPUs)
	e.allowance = allowance
	e.perform(t.Context(), &start{}, func(EventType) {})
	return e.rep
}
