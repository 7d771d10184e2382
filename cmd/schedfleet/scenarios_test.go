// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/internal/sibling"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/scenarios"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

func eachScenario(t *testing.T, f func(t *testing.T, s *scenarios.Scenario, w *v1alpha1.Workload)) {
	t.Helper()
	for _, s := range allScenarios(t) {
		t.Run(s.Name, func(t *testing.T) { f(t, s, loaded(t, s)) })
	}
}

func allScenarios(t *testing.T) []*scenarios.Scenario {
	t.Helper()
	all, err := scenarios.All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func loaded(t *testing.T, s *scenarios.Scenario) *v1alpha1.Workload {
	t.Helper()
	w, err := loadWorkload(t.Context(), "-", strings.NewReader(s.Manifest))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// scenarioDuration is that of all scenarios: what their limits and percentages are made for.
const scenarioDuration = 12 * time.Second

func TestScenariosAreWhatTheyShouldBe(t *testing.T) {
	eachScenario(t, func(t *testing.T, s *scenarios.Scenario, w *v1alpha1.Workload) {
		switch {
		case w.Name != s.Name:
			t.Errorf("it is the Workload %s", w.Name)
		case s.Shows == "" || len(s.Shows) > 90 || strings.HasSuffix(s.Shows, "."):
			t.Errorf("it has to say in a few words what it shows, not %q", s.Shows)
		case !strings.HasSuffix(s.About, ".") && !strings.HasSuffix(s.About, "?"):
			t.Errorf("a comment of whole sentences has to come first, not %q", s.About)
		case w.Spec.Duration.Duration != scenarioDuration:
			t.Errorf("it lasts %v", w.Spec.Duration.Duration)
		case w.Spec.Checks[0].Metric != "Starvation" || len(w.Spec.Checks[0].Groups) > 0:
			t.Error("the first check has to be that no worker of any group starves")
		}
		for i := range w.Spec.Steps {
			if hold := w.Spec.Steps[i].Hold; hold.Fixed != nil {
				t.Errorf("step %s holds for %v whatever the duration is", w.Spec.Steps[i].Name, hold.Fixed.Duration)
			}
		}
		checked := slices.ContainsFunc(w.Spec.Checks, func(c v1alpha1.Check) bool { return c.Metric == "Isolation" })
		if has := restricts(&w.Spec.RunSpec); has != checked {
			t.Errorf("there are cpusets or affinities: %t, and a check of them: %t", has, checked)
		}
	})
}

// restricts tells whether some workers may not use every CPU for some of the time.
func restricts(run *v1alpha1.RunSpec) bool {
	return slices.ContainsFunc(run.Cgroups, func(c v1alpha1.Cgroup) bool { return c.Cpuset != nil }) ||
		slices.ContainsFunc(run.Groups, func(g v1alpha1.Group) bool { return g.Affinity != nil }) ||
		slices.ContainsFunc(run.Steps, func(s v1alpha1.Step) bool {
			return slices.ContainsFunc(s.Ops, func(op v1alpha1.Op) bool { return op.SetCpuset != nil || op.SetAffinity != nil })
		})
}

// Shapes of guests that scenarios are run in: see hack/guest.
const (
	shapeOfTwo   = "2n2l1c1t" // two CPUs, each with a cache and a NUMA node
	shapeOfSix   = "1n3l2c1t" // six CPUs, three caches
	shapeOfEight = "2n4l1c2t" // eight CPUs, four caches with two threads each, two NUMA nodes
)

// shapeFor is the shape of the guest that has to run a scenario: a small one where
// it does, since emulation is slow. It is empty for one that TestScenariosRun runs:
// one that needs nothing special, and one that writes to files, since guests have
// theirs in memory. The latter run whatever the number of CPUs is, as schedfleet run does.
func shapeFor(s *scenarios.Scenario, w *v1alpha1.Workload) string {
	r, cpus := &s.Requires, int32(1)
	if r.MinCPUs != nil {
		cpus = *r.MinCPUs
	}
	special := slices.ContainsFunc(r.Features, func(f string) bool { return f != capability.CgroupV2 && f != capability.Realtime })
	switch {
	case slices.ContainsFunc(w.Spec.Groups, func(g v1alpha1.Group) bool { return g.Work.IOSyncWrite != nil }):
		return ""
	case r.SMT || r.MinNUMANodes != nil || r.MinLLCs != nil || cpus > 6 || slices.Contains(r.Features, capability.SMT):
		return shapeOfEight
	case cpus > 2:
		return shapeOfSix
	case special:
		return shapeOfTwo
	default:
		return ""
	}
}

// lacks says what a machine does not have of what placement.requires asks for.
func lacks(r *v1alpha1.MachineRequirements, m *topology.Machine) string {
	for _, least := range []struct {
		asked *int32
		has   int
		what  string
	}{{r.MinCPUs, m.Online().Size(), "CPUs"}, {r.MinLLCs, len(m.LLCs), "LLCs"}, {r.MinNUMANodes, len(m.Nodes), "NUMA nodes"}} {
		if least.asked != nil && int(*least.asked) > least.has {
			return fmt.Sprintf("has %d of %d %s", least.has, *least.asked, least.what)
		}
	}
	if r.SMT && !m.SMT() {
		return "has no SMT"
	}
	return ""
}

// Each scenario is run by a guest of one shape, in which TestScenariosInAGuest runs
// all that are for it and skips none, or here, by TestScenariosRun.
func TestEveryScenarioRunsSomewhere(t *testing.T) {
	shapes := map[string]int{}
	eachScenario(t, func(t *testing.T, s *scenarios.Scenario, w *v1alpha1.Workload) {
		shape := shapeFor(s, w)
		shapes[shape]++
		if shape == "" {
			if slices.Contains(s.Requires.Features, capability.CgroupCPU) || slices.Contains(s.Requires.Features, capability.CgroupCpuset) {
				t.Errorf("it writes to files and needs %q, which machines for tests may lack", s.Requires.Features)
			}
			return
		}
		m, err := topology.Synthetic(shape)
		if err != nil {
			t.Fatal(err)
		}
		run, err := manifest.Model(&w.Spec.RunSpec)
		if err != nil {
			t.Fatal(err)
		}
		var has []capability.Finding
		for _, need := range run.Needs() {
			has = append(has, capability.Finding{Name: need.Capability, State: capability.Present})
		}
		node := &v1alpha1.TestNodeStatus{Features: manifest.Features(has)}
		if node.Topology, err = manifest.Topology(m); err != nil {
			t.Fatal(err)
		}
		if why := cmp.Or(lacks(&s.Requires, m), manifest.Unfit(run, node)); why != "" {
			t.Errorf("a guest of the shape %s %s", shape, why)
		}
	})
	if !t.Failed() && len(shapes) != 4 {
		t.Errorf("scenarios by shape: %v; one of the places has nothing to run", shapes)
	}
}

// What this machine can run of the scenarios is run, for a shorter time.
func TestScenariosRun(t *testing.T) {
	here, err := topology.Read(thisRoot)
	if err != nil {
		t.Fatal(err)
	}
	eachScenario(t, func(t *testing.T, s *scenarios.Scenario, w *v1alpha1.Workload) {
		shape := shapeFor(s, w)
		if why := lacks(&s.Requires, here); why != "" && shape != "" {
			t.Skipf("this machine %s; a guest of the shape %s runs it", why, shape)
		}
		why := runScenario(t, s, w)
		if why != "" && shape != "" {
			t.Skipf("%s; a guest of the shape %s runs it", why, shape)
		}
		if why != "" {
			t.Skipf("%s, and no guest runs it", why)
		}
	})
}

// crowded are scenarios in which a worker may have to wait long for its turn, and
// how long they take at least here.
var crowded = map[string]time.Duration{
	"cgroup-oversubscribed":        3 * time.Second,
	"cgroup-cpuset-cross-llc-race": 5 * time.Second,
	"cgroup-exhaust-reuse":         3 * time.Second, // four share two CPUs
	"sched-mixed":                  5 * time.Second, // SCHED_IDLE beside SCHED_OTHER
}

// runScenario runs a scenario for a short time and looks at its report as far as that
// does not depend on how fast or busy the machine is: limits on time and on shares may be
// exceeded. What went wrong may have been for want of time, where an emulator has
// to share its CPUs: so there is a second try with more. It says why this machine cannot
// run it, if so.
func runScenario(t *testing.T, s *scenarios.Scenario, w *v1alpha1.Workload) (unfit string) {
	t.Helper()
	const short, step = time.Second, 400 * time.Millisecond // everybody has to have a turn in each step
	duration := max(short, step*time.Duration(len(w.Spec.Steps)), crowded[w.Name])
	const more = 5
	w.Spec.Duration = metav1.Duration{Duration: duration}
	problems, unfit := tryScenario(t, s, w)
	if unfit != "" || len(problems) == 0 {
		return unfit
	}
	t.Logf("once more with %d times the time, since in %v:\n%s", more, duration, strings.Join(problems, "\n"))
	w.Spec.Duration = metav1.Duration{Duration: more * duration}
	problems, unfit = tryScenario(t, s, w)
	for _, problem := range problems {
		t.Error(problem)
	}
	return unfit
}

func tryScenario(t *testing.T, s *scenarios.Scenario, w *v1alpha1.Workload) (problems []string, unfit string) {
	t.Helper()
	job, err := newJob(w, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := fitsHere(job); err != nil {
		return nil, err.Error()
	}
	path, err := sibling.Find(sibling.Runner)
	if err != nil {
		t.Fatal(err)
	}
	client := runner.Client{Path: path, Stderr: t.Output()}
	rep, err := client.Run(t.Context(), *job, nil)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.Stat(job.Cgroup); job.Cgroup != "" && !os.IsNotExist(err) {
		t.Errorf("the run left its cgroup: %v, %v", left, err)
	}
	if v := check.Sample(rep); !v.Valid {
		problems = append(problems, fmt.Sprintf("the sample is void: %s: %s", v.Reason, v.Message))
	}
	return slices.Concat(problems, stepProblems(s, rep), checkProblems(t, rep, job)), ""
}

// stepProblems are steps that are not as the scenario has them.
func stepProblems(s *scenarios.Scenario, rep *report.Report) (problems []string) {
	var steps []string
	for i := range rep.Steps {
		step := &rep.Steps[i]
		steps = append(steps, step.Name)
		if held := step.End - step.Start; step.Truncated != "" || held < step.Planned {
			problems = append(problems, fmt.Sprintf("step %s held for %v of %v: %s", step.Name, time.Duration(held), time.Duration(step.Planned), step.Truncated))
		}
		for _, op := range step.Ops {
			if op.Error != "" || op.Times < 1 {
				problems = append(problems, fmt.Sprintf("step %s, %s of %s: %d times, %q", step.Name, op.Name, op.Target, op.Times, op.Error))
			}
		}
	}
	if !slices.Equal(steps, s.Steps) {
		problems = append(problems, fmt.Sprintf("the report has the steps %q, want %q", steps, s.Steps))
	}
	return problems
}

// checkProblems are checks that say what they must not: whether workers get on and where
// they run is true or false on any machine, and every check has to find something to look at.
func checkProblems(t *testing.T, rep *report.Report, job *runner.Job) (problems []string) {
	t.Helper()
	if len(rep.Checks) != len(job.Run.Checks) {
		return []string{fmt.Sprintf("%d checks were asked for, the report has %+v", len(job.Run.Checks), rep.Checks)}
	}
	for _, c := range rep.Checks {
		exact := c.Metric == "Starvation" || c.Metric == "Isolation"
		unknown := c.Metric == "CPUShare" // which says nothing where others take much of the CPUs
		switch {
		case c.Verdict == report.Pass:
		case c.Verdict == report.Fail && !exact, c.Verdict == report.Inconclusive && unknown:
			t.Logf("check %s says %s, as it may on a machine that others use: %s", c.Name, c.Verdict, c.Message)
		default:
			problems = append(problems, fmt.Sprintf("check %s says %s: %s", c.Name, c.Verdict, c.Message))
		}
	}
	return problems
}

// The page about the scenarios has a row for each, and each row is true.
func TestScenarioPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "scenario-library.md"))
	if err != nil {
		t.Fatal(err)
	}
	page, all := string(text), allScenarios(t)
	for _, s := range all {
		row := fmt.Sprintf("\n| [%s](../config/samples/scenarios/%[1]s.yaml) | %s | %s |\n", s.Name, requirements(&s.Requires), s.Shows)
		if strings.Count(page, row) != 1 {
			t.Errorf("the page lacks the row%s", row)
		}
	}
	if rows := strings.Count(page, "\n| ["); rows != len(all) {
		t.Errorf("the page has %d rows for %d scenarios", rows, len(all))
	}
	if !strings.Contains(page, fmt.Sprintf("\n%d Workloads ", len(all))) {
		t.Errorf("the page does not say that there are %d", len(all))
	}
}
