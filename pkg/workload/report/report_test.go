// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	started = 1_000_000
	stopped = 3_000_000
)

func histogram(values ...uint64) *telemetry.Histogram {
	h := &telemetry.Histogram{}
	for _, v := range values {
		h.Record(v, 1)
	}
	return h
}

func group(name string, workers int, kind work.Kind) *spec.ResolvedGroup {
	return &spec.ResolvedGroup{Name: name, Workers: workers, Kind: kind, CloneMode: spec.CloneModeFork}
}

// wellEnded is a worker of a run without phases, which worked until the stop.
func wellEnded(g *spec.ResolvedGroup, index int, figures arena.Figures, cpus []int, values ...uint64) spawn.Worker {
	w := spawn.Worker{
		Group: g, Index: index, PID: 100 + index, TID: 100 + index, Stage: arena.StageStopped, Began: started + 10*int64(index), Ended: stopped,
		Exit: spawn.Exit{Reaped: true}, Phases: []spawn.Phase{{Figures: figures, CPUs: cpus}},
	}
	for range g.Kind.Shape().Metrics {
		w.Phases[0].Histograms = append(w.Phases[0].Histograms, histogram(values...))
	}
	return w
}

func reportOf(workers ...spawn.Worker) *Report {
	return reportOfSteps(0, workers...)
}

func reportOfSteps(steps int, workers ...spawn.Worker) *Report {
	run := &spec.Resolved{Run: &spec.Run{}}
	for _, w := range workers {
		if !slices.ContainsFunc(run.Groups, func(g spec.ResolvedGroup) bool { return g.Name == w.Group.Name }) {
			run.Groups = append(run.Groups, *w.Group)
		}
	}
	b, r := NewBuilder(run, started), &Report{}
	b.Add(Crew{Workers: slices.Values(workers), Started: started, Stopped: stopped, Steps: steps})
	b.Finish(r)
	return r
}

// allowed is a worker that the kernel let use the CPUs.
func allowed(w spawn.Worker, cpus ...int) spawn.Worker {
	w.Allowed = cpuset.New(cpus...)
	return w
}

func TestPolicyText(t *testing.T) {
	spin := &work.SpinWait{}
	for want, g := range map[string]spec.ResolvedGroup{
		"other": {Kind: spin}, "batch": {Kind: spin, Policy: sys.PolicyBatch}, "idle": {Kind: spin, Policy: sys.PolicyIdle},
		"fifo 1": {Kind: spin, Policy: sys.PolicyFIFO, Priority: 1}, "rr 98": {Kind: spin, Policy: sys.PolicyRR, Priority: 98},
		"ext":                    {Kind: spin, Policy: sys.PolicyExt},
		"deadline 1ms/10ms/20ms": {Kind: spin, Policy: sys.PolicyDeadline, Deadline: &spec.DeadlineCall{Runtime: 1e6, Deadline: 1e7, Period: 2e7}},
		"by role":                {Kind: &work.RTStarvation{RTWorkers: 1, FairWorkers: 1, RTPriority: 50}},
	} {
		if got := groupPolicy(&g); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAGroupIsTheSumOfItsWorkers(t *testing.T) {
	pings, spins := group("ping", 3, &work.FutexPingPong{}), group("spin", 1, &work.SpinWait{})
	pings.CloneMode, pings.Policy, pings.Priority = spec.CloneModeThread, sys.PolicyFIFO, 50
	pings.Pool, spins.CPUs = cpuset.New(0, 1, 2, 3), []cpuset.CPUSet{cpuset.New(3)}
	r := reportOf(
		allowed(wellEnded(pings, 0, arena.Figures{
			Iterations: 1, WorkUnits: 10, Wall: 100, CPU: 50, Voluntary: 3, Involuntary: 4,
			Migrations: [arena.Distances]uint64{arena.DistanceSMT: 1, arena.DistanceRemote: 2},
			MaxGap:     7, MaxGapAt: started + 70, MaxGapCPU: 2,
			Schedstat: true, RunDelay: 5, SchedCPU: 51, RunCount: 6, Pages: map[int]uint64{0: 8, 1: 1},
		}, []int{2, 1}, 1000, 2000), 0, 1),
		wellEnded(pings, 1, arena.Figures{
			Iterations: 2, WorkUnits: 20, Wall: 200, CPU: 60, Voluntary: 30, Involuntary: 40,
			Migrations: [arena.Distances]uint64{arena.DistanceSMT: 1, arena.DistanceUnknown: 4},
			MaxGap:     9, MaxGapAt: started + 90, MaxGapCPU: 3, Pages: map[int]uint64{1: 2},
		}, []int{4, 2}, 3000),
		allowed(wellEnded(pings, 2, arena.Figures{Schedstat: true, RunDelay: 10, SchedCPU: 20, RunCount: 30}, nil), 0, 2),
		wellEnded(spins, 0, arena.Figures{Iterations: 5}, nil),
	)
	want := []Group{
		{
			Name: "ping", Kind: "futexPingPong", CloneMode: "Thread", Workers: 3, Completed: 3, Policy: "fifo 50", AskedCPUs: "0-3", AllowedCPUs: "0-2",
			Starts: 1, Progress: work.ProgressIterations,
			Figures: Figures{
				Iterations: 3, WorkUnits: 30, Wall: 300, CPU: 110, Voluntary: 33, Involuntary: 44, Migrations: 8,
				MigrationsBy: map[string]uint64{"SMT": 2, "Remote": 2, "Unknown": 4},
				MaxGap:       9, MaxGapAt: 90, MaxGapCPU: 3, CPUs: "1-2,4",
				// The second worker's kernel told nothing of these.
				RunDelay: new(int64(15)), SchedCPU: new(int64(71)), TimesScheduled: new(uint64(36)),
				Pages: map[int]uint64{0: 8, 1: 3},
			},
			Distributions: []Distribution{{work.Measure{Metric: work.MetricWake, Sample: work.SampleRoundTrip}, histogram(1000, 2000, 3000)}},
		},
		{Name: "spin", Kind: "spinWait", CloneMode: "Fork", Workers: 1, Completed: 1, Starts: 1, Policy: "other", AskedCPUs: "3", Progress: work.ProgressUnits, Figures: Figures{Iterations: 5}},
	}
	if diff := cmp.Diff(want, r.Groups, cmpopts.IgnoreTypes(PerWorker{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Hold != stopped-started || r.StartSkew != 20 {
		t.Errorf("held for %d, the last began after %d", r.Hold, r.StartSkew)
	}
}

func TestFiguresOfAWorker(t *testing.T) {
	for name, tc := range map[string]struct {
		figures arena.Figures
		cpus    []int
		want    Figures
	}{
		"who did nothing has no figures that could not be had": {arena.Figures{}, nil, Figures{}},
		"a schedstat of zeros is there":                        {arena.Figures{Schedstat: true}, nil, Figures{RunDelay: new(int64(0)), SchedCPU: new(int64(0)), TimesScheduled: new(uint64(0))}},
		"a gap is told from the start":                         {arena.Figures{MaxGap: 3, MaxGapAt: started + 40, MaxGapCPU: 1}, nil, Figures{MaxGap: 3, MaxGapAt: 40, MaxGapCPU: 1}},
		"without a gap it began nowhere":                       {arena.Figures{MaxGapCPU: 5}, nil, Figures{}},
		"migrations by distance add up":                        {arena.Figures{Migrations: [arena.Distances]uint64{1, 2, 3, 4, 5}}, nil, Figures{Migrations: 15, MigrationsBy: map[string]uint64{"Unknown": 1, "SMT": 2, "LLC": 3, "Node": 4, "Remote": 5}}},
		"CPUs are a list in the kernel's form":                 {arena.Figures{}, []int{7, 0, 1, 2}, Figures{CPUs: "0-2,7"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := reportOf(wellEnded(group("g", 1, &work.SpinWait{}), 0, tc.figures, tc.cpus))
			if diff := cmp.Diff(tc.want, r.Workers[0].Figures); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAWorkerSaysHowItEnded(t *testing.T) {
	exited := func(code int) spawn.Exit { return spawn.Exit{Reaped: true, Status: unix.WaitStatus(code << 8)} }
	for name, tc := range map[string]struct {
		change    func(*spawn.Worker)
		completed bool
		problem   string
	}{
		"it worked until the stop":                {func(*spawn.Worker) {}, true, ""},
		"it was killed":                           {func(w *spawn.Worker) { w.Stage, w.Exit.Status = arena.StageRunning, unix.WaitStatus(unix.SIGKILL) }, false, "killed by signal 9 (SIGKILL) at stage Running"},
		"it left early and said why":              {func(w *spawn.Worker) { w.Stage, w.Text = arena.StageLeft, "the partner is gone" }, false, "the partner is gone"},
		"its code failed":                         {func(w *spawn.Worker) { w.Stage, w.Exit, w.Text = arena.StagePanicked, exited(73), "oops" }, false, "oops"},
		"it stopped and its host ended badly":     {func(w *spawn.Worker) { w.Exit = exited(1) }, false, "exited with 1 at stage Stopped"},
		"it is still there":                       {func(w *spawn.Worker) { w.Exit = spawn.Exit{} }, false, "still there at stage Stopped"},
		"there never was one":                     {func(w *spawn.Worker) { *w = spawn.Worker{Group: w.Group, Phases: w.Phases} }, false, "still there at stage Declared"},
		"what it said of a good end is no matter": {func(w *spawn.Worker) { w.Text = "fine" }, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := wellEnded(group("g", 1, &work.SpinWait{}), 0, arena.Figures{Iterations: 1}, nil)
			tc.change(&w)
			r := reportOf(w)
			if got := r.Workers[0]; got.Completed != tc.completed || got.Problem != tc.problem {
				t.Errorf("completed %v, problem %q, want %v and %q", got.Completed, got.Problem, tc.completed, tc.problem)
			}
			if want := map[bool]int{true: 1}[tc.completed]; r.Groups[0].Completed != want {
				t.Errorf("%d of the group completed, want %d", r.Groups[0].Completed, want)
			}
		})
	}
}

func TestAffinityAndSetupAreWhatWasAskedFor(t *testing.T) {
	apart, alike, free := group("apart", 2, &work.SpinWait{}), group("alike", 2, &work.SpinWait{}), group("free", 1, &work.SpinWait{})
	apart.CPUs = []cpuset.CPUSet{cpuset.New(0, 1), cpuset.New(3)}
	alike.CPUs = []cpuset.CPUSet{cpuset.New(2)}
	var workers []spawn.Worker
	for _, g := range []*spec.ResolvedGroup{apart, alike, free} {
		for i := range g.Workers {
			w := wellEnded(g, i, arena.Figures{}, nil)
			w.PID, w.TID = 50, 60+len(workers)
			w.Setup = []arena.SetupStep{arena.StepName}
			if g != free {
				w.Setup = []arena.SetupStep{arena.StepName, arena.StepAffinity}
			}
			if i == 0 { // of the process, noted once
				w.Setup = append(w.Setup, arena.StepParentCheck)
			}
			workers = append(workers, w)
		}
	}
	r := reportOf(workers...)
	var affinities []string
	for i, w := range r.Workers {
		affinities = append(affinities, w.Affinity)
		if w.PID != 50 || w.TID != 60+i {
			t.Errorf("worker %d is task %d of process %d", i, w.TID, w.PID)
		}
	}
	if diff := cmp.Diff([]string{"0-1", "3", "2", "2", ""}, affinities); diff != "" {
		t.Errorf("affinities (-want +got):\n%s", diff)
	}
	for i, want := range [][]Setup{
		{{"ParentCheck", 1}, {"Affinity", 2}, {"Name", 2}},
		{{"ParentCheck", 1}, {"Affinity", 2}, {"Name", 2}},
		{{"ParentCheck", 1}, {"Name", 1}},
	} {
		if diff := cmp.Diff(want, r.Groups[i].Setup); diff != "" {
			t.Errorf("steps of group %s (-want +got):\n%s", r.Groups[i].Name, diff)
		}
	}
}

// inTwoPhases is a worker of a run with two phases: before, first, second, between.
func inTwoPhases(g *spec.ResolvedGroup, index int, iterations [4]uint64) spawn.Worker {
	w := wellEnded(g, index, arena.Figures{}, nil)
	w.Phases = nil
	for i, epoch := range []uint32{arena.EpochBaseline, 1, 2, arena.EpochGap} {
		w.Phases = append(w.Phases, spawn.Phase{
			Epoch: epoch, Figures: arena.Figures{Iterations: iterations[i], Wall: 10, MaxGap: int64(iterations[i])},
			CPUs: []int{i, 4 + index}, Histograms: []*telemetry.Histogram{histogram(iterations[i])},
		})
	}
	return w
}

func TestPhasesAreKeptApartAndNothingIsCountedTwice(t *testing.T) {
	g := group("g", 2, &work.TimerLatency{})
	r := reportOfSteps(2, inTwoPhases(g, 0, [4]uint64{1, 20, 300, 4000}), inTwoPhases(g, 1, [4]uint64{2, 30, 400, 5000}))
	phase := func(number int, iterations uint64, wall, gap int64, cpus string, values ...uint64) Phase {
		p := Phase{Step: number, Figures: Figures{Iterations: iterations, Wall: wall, MaxGap: gap, MaxGapAt: -started, CPUs: cpus}}
		if values != nil {
			p.Workers = 2
			p.Distributions = []Distribution{{work.Measure{Metric: work.MetricTimer, Sample: work.SampleLateness}, histogram(values...)}}
		}
		return p
	}
	for name, tc := range map[string]struct{ want, got []Phase }{
		"the group":         {[]Phase{phase(0, 50, 20, 30, "1,4-5", 20, 30), phase(1, 700, 20, 400, "2,4-5", 300, 400)}, r.Groups[0].Phases},
		"the first worker":  {[]Phase{phase(0, 20, 10, 20, "1,4"), phase(1, 300, 10, 300, "2,4")}, r.Workers[0].Phases},
		"the second worker": {[]Phase{phase(0, 30, 10, 30, "1,5"), phase(1, 400, 10, 400, "2,5")}, r.Workers[1].Phases},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.got, cmpopts.IgnoreTypes(PerWorker{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	whole := r.Groups[0]
	if whole.Iterations != 1+20+300+4000+2+30+400+5000 || whole.Wall != 80 || whole.CPUs != "0-5" || whole.MaxGap != 5000 {
		t.Errorf("the whole run: %+v", whole.Figures)
	}
	if n := whole.Distributions[0].Histogram.Count(); n != 8 {
		t.Errorf("%d values in the whole run, want 8", n)
	}
	if n := reportOf(wellEnded(g, 0, arena.Figures{}, nil)).Groups[0].Phases; n != nil {
		t.Errorf("a run without phases has %v", n)
	}
}

func TestLogsAreBoundedAndCountsAreNot(t *testing.T) {
	for name, tc := range map[string]struct{ workers, each, want int }{
		"few workers keep all they logged":     {3, arena.MaxMigrations, arena.MaxMigrations},
		"many workers share the room":          {100, arena.MaxMigrations, 81},
		"many that logged little keep it":      {100, 7, 7},
		"more workers than there is room for":  {maxMigrations + 1, 2, 0},
		"as many workers as there is room for": {maxMigrations, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := group("g", tc.workers, &work.SpinWait{})
			var workers []spawn.Worker
			for i := range tc.workers {
				w := wellEnded(g, i, arena.Figures{Migrations: [arena.Distances]uint64{arena.DistanceLLC: 1000}}, nil)
				for n := range tc.each {
					w.Migrations = append(w.Migrations, arena.Migration{At: started + int64(n), From: uint32(n), To: 2, Distance: arena.DistanceLLC})
				}
				workers = append(workers, w)
			}
			r := reportOf(workers...)
			total := 0
			for i := range r.Workers {
				log := r.Workers[i].MigrationLog
				total += len(log)
				if len(log) != tc.want || r.Workers[i].Migrations != 1000 {
					t.Fatalf("worker %d: %d logged of %d, want %d of 1000", i, len(log), r.Workers[i].Migrations, tc.want)
				}
				for n, m := range log {
					if m != (Migration{At: int64(n), From: uint32(n), To: 2, Distance: "LLC"}) {
						t.Fatalf("worker %d, migration %d: %+v", i, n, m)
					}
				}
			}
			if total > maxMigrations {
				t.Errorf("%d migrations, at most %d are kept", total, maxMigrations)
			}
		})
	}
}

// fullReport has a value in every member.
func fullReport() *Report {
	g := group("g", 2, &work.Bursty{})
	g.CPUs = []cpuset.CPUSet{cpuset.New(1)}
	first, second := inTwoPhases(g, 0, [4]uint64{1, 20, 300, 4000}), inTwoPhases(g, 1, [4]uint64{2, 30, 400, 5000})
	f := &first.Phases[1].Figures
	f.WorkUnits, f.CPU, f.Voluntary, f.Involuntary, f.MaxGapAt, f.MaxGapCPU = 1, 2, 3, 4, started+9, 5
	f.Schedstat, f.RunDelay, f.SchedCPU, f.RunCount = true, 6, 7, 8
	f.Migrations, f.Pages = [arena.Distances]uint64{1, 2, 3, 4, 5}, map[int]uint64{0: 9, 63: 10}
	first.Setup = []arena.SetupStep{arena.StepName}
	first.Migrations = []arena.Migration{{At: started + 3, From: 1, To: 8191, Distance: arena.DistanceRemote}}
	second.Stage = arena.StageLeft
	r := reportOfSteps(2, first, second)
	r.Schema, r.RunID, r.Kernel, r.CloneMethod, r.Seed, r.Planned = SchemaVersion, "id", "k", "c", 7, 11
	r.SupervisorCPU, r.SupervisorClass, r.Cancelled, r.Notes = 12, "SCHED_RR", true, []string{"n"}
	r.NUMAPagesMigrated = new(uint64(0))
	return r
}

func TestAReportSurvivesItsJSON(t *testing.T) {
	for name, want := range map[string]*Report{
		"a report with everything": fullReport(),
		"a report of nothing":      {},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var got Report
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, &got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatTheKernelDidNotTellIsAbsent(t *testing.T) {
	text, err := json.Marshal(reportOf(wellEnded(group("g", 1, &work.SpinWait{}), 0, arena.Figures{}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{
		"runDelayNanoseconds", "schedstatCPUNanoseconds", "timesScheduled", "pagesByNode", "migrationsByDistance", "migrationLog",
		"numaPagesMigrated", "phases", "setup", "affinity", "problem", "notes", "cancelled",
	} {
		if strings.Contains(string(text), `"`+member+`"`) {
			t.Errorf("%s is there: %s", member, text)
		}
	}
	for _, member := range []string{"voluntarySwitches", "involuntarySwitches", "migrations", "seed"} {
		if !strings.Contains(string(text), `"`+member+`":0`) {
			t.Errorf("%s is absent: %s", member, text)
		}
	}
}

func TestADistributionThatWasTamperedWithIsRefused(t *testing.T) {
	good, err := json.Marshal(Distribution{work.Measure{Metric: work.MetricWake, Sample: work.SampleWait}, histogram(1000, 2000)})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ from, to string }{
		"another count":          {`"count":2`, `"count":3`},
		"no histogram":           {`"histogram":"`, `"histogram":"!`},
		"a count that is no sum": {`"count":2`, `"count":-1`},
	} {
		t.Run(name, func(t *testing.T) {
			var d Distribution
			bad := strings.Replace(string(good), tc.from, tc.to, 1)
			if err := json.Unmarshal([]byte(bad), &d); err == nil || bad == string(good) {
				t.Errorf("%s was read as %+v", bad, d)
			}
		})
	}
}
