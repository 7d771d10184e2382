//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

const (
	// calm is the first step of a run that is broken from outside: it is, before that step is over, however busy the emulator's machine.
	calm = 1500 * time.Millisecond
	// brief is every other step.
	brief = 600 * time.Millisecond
)

// brokenRun is a run that something goes wrong with.
type brokenRun struct {
	run spec.Run
	// breaks is called when the workers have begun.
	breaks func(t *testing.T, j Job, tasks map[string][]task)
	// reason is why the sample is void, empty if it counts, and message a part of the words.
	reason, message string
	verdict         report.Verdict
	// findings are those that the verdict is made of, as findingText has them.
	findings []string
	// look is at what else is in the report.
	look func(t *testing.T, rep *report.Report)
}

// findingText is what a finding names.
func findingText(f *report.Finding) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s:", f.Check, f.Verdict)
	for _, part := range []struct{ name, value string }{{"step", f.Step}, {"group", f.Group}, {"cgroup", f.Cgroup}} {
		if part.value != "" {
			fmt.Fprintf(&text, " %s %s", part.name, part.value)
		}
	}
	if f.Worker != nil {
		fmt.Fprintf(&text, " worker %d", *f.Worker)
	}
	if f.CPU != nil {
		fmt.Fprintf(&text, " CPU %d", *f.CPU)
	}
	return text.String()
}

func (b *brokenRun) carryOut(t *testing.T) {
	t.Helper()
	rep, err := onMachine(t, b.run, func(j Job, tasks map[string][]task) {
		if b.breaks != nil {
			b.breaks(t, j, tasks)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	v := check.Sample(rep)
	if v.Valid != (b.reason == "") || v.Reason != b.reason || !strings.Contains(v.Message, b.message) {
		t.Errorf("the sample is %+v, want the reason %q and %q", v, b.reason, b.message)
	}
	if rep.Verdict != b.verdict {
		t.Errorf("the verdict is %s, want %s", rep.Verdict, b.verdict)
	}
	var found []string
	for i := range rep.Findings {
		if f := &rep.Findings[i]; f.Verdict == report.Fail {
			found = append(found, findingText(f))
			t.Log(f.Message)
		}
	}
	if !slices.Equal(found, b.findings) {
		t.Errorf("the findings are %q, want %q", found, b.findings)
	}
	if b.look != nil {
		b.look(t, rep)
	}
}

// carryOutAll carries runs out that are told apart by a sentence.
func carryOutAll(t *testing.T, runs map[string]*brokenRun) {
	t.Helper()
	for name, b := range runs {
		t.Run(name, b.carryOut)
	}
}

// steps divide a run: a calm one, and those in which something is to be seen. The run is as long as they are.
func steps(run *spec.Run, first time.Duration, more ...spec.Step) {
	run.Steps = append([]spec.Step{{Name: "calm", Hold: fixed(first)}}, more...)
	run.Duration = 0
	for _, s := range run.Steps {
		run.Duration += *s.Hold.Fixed
	}
}

// onCPU is a spinner that keeps to a CPU.
func onCPU(name, cpu string) spec.Group {
	g := spinner(name)
	g.Affinity = &spec.Affinity{Exact: cpu}
	return g
}

// hog takes a CPU in SCHED_FIFO, from outside of the run, from when a task has used it until a directory is there.
// It leaves the CPU before the run ends, or no worker could stop.
func hog(t *testing.T, cpu, tid int, until string) {
	t.Helper()
	cmd := busy(t)
	pin(t, cmd.Process.Pid, 0) // where nobody is starved
	awaitCPU(t, tid, cpu)
	pin(t, cmd.Process.Pid, cpu)
	if errno := sys.RawSetScheduler(cmd.Process.Pid, sys.PolicyFIFO, 50); errno != 0 {
		t.Error(errno)
	}
	deadline := time.Now().Add(breachTimeout)
	go func() { // ends with the directory, at the latest at the deadline
		for time.Now().Before(deadline) {
			if _, err := os.Stat(until); err == nil {
				break
			}
			_ = sys.SleepUntil(sys.Monotonic() + time.Millisecond.Nanoseconds())
		}
		_ = cmd.Process.Kill()
	}()
}

// busy is a process that uses a CPU, for as long as the test goes on.
func busy(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	return cmd
}

func pin(t *testing.T, tid, cpu int) {
	t.Helper()
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(tid, &set); err != nil {
		t.Error(err)
	}
}

// A worker that asks for a CPU and gets none is a result where a check is about that, and no load where none is.
func TestBrokenStarvedWorker(t *testing.T) {
	withoutMercy(t)
	fifo := onCPU("hog", "1")
	fifo.SchedulingPolicy = "first"
	alive := spec.Check{Name: "alive", Metric: spec.CheckStarvation}
	run := func(first time.Duration, checks ...spec.Check) spec.Run {
		r := spec.Run{Groups: []spec.Group{onCPU("spin", "1"), onCPU("other", "0")}, Cgroups: []spec.Cgroup{{Name: "over"}}, Checks: checks}
		steps(&r, first, spec.Step{Name: "starved", Hold: fixed(brief)}, spec.Step{Name: "after", Cgroups: []string{"over"}, Hold: fixed(brief)})
		return r
	}
	inside := func(checks ...spec.Check) spec.Run {
		r := run(brief, checks...)
		r.Groups = append(r.Groups, fifo)
		r.SchedulingPolicies = []spec.SchedulingPolicy{{Name: "first", FIFO: &spec.Realtime{Priority: 50}}}
		r.Steps[1].Groups = []string{"hog"}
		return r
	}
	outside := func(t *testing.T, j Job, tasks map[string][]task) {
		hog(t, 1, tasks["spin"][0].tid, filepath.Join(j.Cgroup, "over"))
	}
	notLess := func(t *testing.T, rep *report.Report) {
		if g := groupOf(t, rep, "other"); len(g.Phases) != 3 || g.Phases[1].Iterations == 0 {
			t.Errorf("the figures of the other group are %+v", g.Phases)
		}
	}
	starved := []string{"alive Fail: step starved group spin worker 0"}
	carryOutAll(t, map[string]*brokenRun{
		"by a hog outside, and a check is about it": {run: run(calm, alive), breaks: outside, verdict: report.Fail, findings: starved, look: notLess},
		"by a hog outside, and no check is":         {run: run(calm), breaks: outside, reason: "LoadAbsent", message: "step starved", verdict: report.Inconclusive, look: notLess},
		"by a group of the run":                     {run: inside(alive), verdict: report.Fail, findings: starved, look: notLess},
	})
}

func TestBrokenWorkerOutsideItsCpuset(t *testing.T) {
	kept := spinner("kept")
	kept.Cgroup, kept.Workers = "set", 2
	run := spec.Run{
		Groups: []spec.Group{kept}, Cgroups: []spec.Cgroup{{Name: "set", Cpuset: &spec.Cpuset{Exact: "1-2"}}},
		Checks: []spec.Check{{Name: "kept", Metric: spec.CheckIsolation}},
	}
	steps(&run, calm, spec.Step{Name: "astray", Hold: fixed(brief)})
	var first int
	rep, err := onMachine(t, run, func(_ Job, tasks map[string][]task) {
		first = slices.MinFunc(tasks["kept"], func(a, b task) int { return a.tid - b.tid }).tid
		// A task cannot leave a cpuset but by leaving the cgroup.
		if err := os.WriteFile("/sys/fs/cgroup/cgroup.procs", fmt.Append(nil, first), 0); err != nil {
			t.Error(err)
		}
		pin(t, first, 0)
		awaitCPU(t, first, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := check.Sample(rep); !v.Valid || rep.Verdict != report.Fail {
		t.Errorf("the sample is %+v, the verdict %s", v, rep.Verdict)
	}
	i := slices.IndexFunc(rep.Workers, func(w report.Worker) bool { return w.TID == first })
	if i < 0 {
		t.Fatalf("the report has no worker %d", first)
	}
	want := fmt.Sprintf("kept Fail: step astray group kept worker %d CPU 0", rep.Workers[i].Index)
	found := false
	for k := range rep.Findings {
		switch f := &rep.Findings[k]; {
		case findingText(f) == want:
			found = true
		case f.Verdict == report.Fail && (f.Step != "calm" || *f.Worker != rep.Workers[i].Index): // it was astray in the end of that, too
			t.Errorf("the finding %s is of nobody who was astray", findingText(f))
		}
	}
	if !found {
		t.Errorf("the findings are %+v, want %s", rep.Findings, want)
	}
}

func TestBrokenFrozenGroup(t *testing.T) {
	still := onCPU("still", "1")
	still.Cgroup = "cold"
	run := func(ops ...spec.Op) spec.Run {
		r := spec.Run{Groups: []spec.Group{still, spinner("other")}, Cgroups: []spec.Cgroup{{Name: "cold"}},
			Checks: []spec.Check{{Name: "alive", Metric: spec.CheckStarvation, Groups: []string{"other"}}}}
		steps(&r, calm, spec.Step{Name: "frozen", Hold: fixed(brief), Ops: ops})
		return r
	}
	freeze := func(t *testing.T, j Job, tasks map[string][]task) {
		awaitCPU(t, tasks["still"][0].tid, 1)
		if err := os.WriteFile(filepath.Join(j.Cgroup, "cold", "cgroup.freeze"), []byte("1"), 0); err != nil {
			t.Error(err)
		}
	}
	carryOutAll(t, map[string]*brokenRun{
		"by somebody": {run: run(), breaks: freeze, reason: "LoadAbsent", message: "step frozen, group still, worker 0", verdict: report.Inconclusive},
		"by the run": {run: run(spec.Op{FreezeCgroup: &spec.CgroupOp{Cgroup: "cold"}}), verdict: report.Pass, look: func(t *testing.T, rep *report.Report) {
			if s := rep.Steps[1]; !slices.Equal(s.Frozen, []string{"still"}) {
				t.Errorf("frozen are %q", s.Frozen)
			}
			if p := groupOf(t, rep, "still").Phases; len(p) > 1 && p[1].Iterations > 0 {
				t.Errorf("a frozen worker did %d iterations", p[1].Iterations)
			}
		}},
	})
}

func TestBrokenStep(t *testing.T) {
	run := spec.Run{
		Groups: []spec.Group{spinner("spin")}, Cgroups: []spec.Cgroup{{Name: "spare"}},
		Checks: []spec.Check{{Name: "work", Metric: spec.CheckWorkRate, Min: "1000000000000000"}},
	}
	setWeight := spec.Op{SetCgroup: &spec.SetCgroupOp{Cgroup: "spare", CPU: &spec.CgroupCPU{Weight: new(50)}}}
	steps(&run, calm, spec.Step{Name: "fails", Hold: fixed(brief), Ops: []spec.Op{setWeight}}, spec.Step{Name: "never", Hold: fixed(brief)})
	b := brokenRun{run: run, reason: "StepFailed", message: "step fails, ops[0] setCgroup", verdict: report.Inconclusive,
		findings: []string{"work Fail: step calm group spin worker 0"},
		breaks: func(t *testing.T, j Job, _ map[string][]task) {
			if err := os.Remove(filepath.Join(j.Cgroup, "spare")); err != nil {
				t.Error(err)
			}
		},
		look: func(t *testing.T, rep *report.Report) {
			if p := groupOf(t, rep, "spin").Phases; len(p) == 0 || p[0].Step != 0 || p[0].Iterations == 0 {
				t.Errorf("the figures of the step before are %+v", p)
			}
			if n := len(rep.Steps); n == 0 || n > 2 || rep.Steps[0].End-rep.Steps[0].Start < calm.Nanoseconds() {
				t.Errorf("the steps are %+v", rep.Steps)
			}
			if !strings.Contains(rep.StepError, "no such file or directory") {
				t.Errorf("the error is %q", rep.StepError)
			}
		}}
	b.carryOut(t)
}

func TestBrokenMachine(t *testing.T) {
	// A clock of a guest moves by itself only a little, whoever emulates it.
	run := func(limits spec.Interference) spec.Run {
		return spec.Run{Duration: quantity.Duration(2 * brief), Groups: []spec.Group{onCPU("spin", "1")}, Interference: &limits}
	}
	slow := onCPU("slow", "1")
	slow.Cgroup = "held"
	throttled := spec.Run{Duration: quantity.Duration(2 * brief), Groups: []spec.Group{slow}, Cgroups: []spec.Cgroup{{Name: "held", CPU: &spec.CgroupCPU{
		Quota: new(quantity.Duration(20 * time.Millisecond)), Period: new(quantity.Duration(100 * time.Millisecond)),
	}}}}
	limited, checked := throttled, throttled
	limited.Interference = &spec.Interference{MaxThrottledPercent: new(20)}
	checked.Checks = []spec.Check{{Name: "free", Metric: spec.CheckThrottling, Max: "20%", Cgroups: []string{"held"}}}
	carryOutAll(t, map[string]*brokenRun{
		"another process takes a CPU": {run: run(spec.Interference{MaxOtherCPU: new(quantity.CPUs(300))}), reason: "Disturbed", message: "interference.maxOtherCPU",
			verdict: report.Inconclusive, breaks: func(t *testing.T, _ Job, _ map[string][]task) { pin(t, busy(t).Process.Pid, 2) }},
		"somebody sets the clock": {run: run(spec.Interference{MaxClockStep: new(quantity.Duration(100 * time.Millisecond))}), reason: "ClockStep", message: "interference.maxClockStep",
			verdict: report.Inconclusive, breaks: func(t *testing.T, _ Job, _ map[string][]task) { stepClock(t, 5*time.Second) }},
		"a cgroup is throttled beyond the run's limit": {run: limited, reason: "Throttled", message: "interference.maxThrottledPercent", verdict: report.Inconclusive},
		"a cgroup is throttled beyond a check's":       {run: checked, verdict: report.Fail, findings: []string{"free Fail: cgroup held"}},
	})
}

// stepClock moves the wall clock, until the test ends.
func stepClock(t *testing.T, by time.Duration) {
	t.Helper()
	move := func(by time.Duration) {
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_REALTIME, &now); err != nil {
			t.Error(err)
			return
		}
		to := unix.NsecToTimeval(now.Nano() + by.Nanoseconds())
		if err := unix.Settimeofday(&to); err != nil {
			t.Error(err)
		}
	}
	move(by)
	t.Cleanup(func() { move(-by) })
}
