// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package viewtest makes up reports for the tests of views.
package viewtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/fingerprint"
	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Size is how much there is in a made-up report.
type Size struct {
	Shape string
	Steps int
	// Workers is how many there are in each group.
	Workers int
	// Moves is how many migrations a worker logged.
	Moves int
}

// Small is a size that a person can look at.
var Small = Size{Shape: "2n4l2c2t", Steps: 4, Workers: 8, Moves: 6}

const second = int64(time.Second)

// Report makes up a report of a run with steps, of which two findings of a check failed.
// The same size gives the same report.
func Report(size Size) *report.Report {
	g := &maker{Rand: rand.New(rand.NewPCG(1, 2)), size: size}
	rep := &report.Report{
		Schema: report.SchemaVersion, RunID: "squeeze-abc123", Workload: "squeeze", Node: "node-a", Kernel: "7.3.0-test", CloneMethod: "clone3 without exec",
		StartedAt: time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC), Seed: 42, Planned: int64(size.Steps) * 2 * second, Hold: int64(size.Steps) * 2 * second,
		StartSkew: 978_000, SupervisorCPU: 195_000, SupervisorClass: "SCHED_RR",
		Host: g.host(), Interference: around(), Limits: &spec.Interference{MaxOtherCPU: new(quantity.CPUs(500))}, NUMAPagesMigrated: new(uint64(7)),
		Verdict: report.Fail, Cgroups: cgroups(),
		Notes: []string{"nice below 0 was not tried: <none> & \"nothing\""},
	}
	for n := range size.Steps {
		rep.Steps = append(rep.Steps, step(n))
	}
	for i, kind := range []string{"spinWait", "futexPingPong", "timerLatency"} {
		g.group(rep, i, kind)
	}
	judge(rep)
	return rep
}

// Void is a report of a run that does not count: a group was frozen from outside.
func Void() *report.Report {
	rep := Report(Size{Shape: "1n1l2c1t", Steps: 1, Workers: 2, Moves: 2})
	rep.Verdict = report.Inconclusive
	rep.Workers[0].Completed, rep.Workers[0].Problem = false, "ended by signal 9"
	rep.Groups[0].Completed--
	return rep
}

// Whole is a report of a run without steps and without checks.
func Whole() *report.Report {
	rep := Report(Size{Shape: "1n1l2c1t", Workers: 2, Moves: 2})
	rep.Planned, rep.Hold, rep.Verdict = 10*second, 10*second, report.Skip
	rep.Checks, rep.Findings, rep.Restored = nil, nil, nil
	return rep
}

type maker struct {
	*rand.Rand
	size Size
	cpus int
}

func (g *maker) host() *report.Host {
	m, err := topology.Synthetic(g.size.Shape)
	if err != nil {
		panic(err)
	}
	g.cpus = len(m.CPUs)
	m.Nodes = append(m.Nodes, topology.Node{ID: len(m.Nodes), MemoryTotalKiB: 64 << 20, Distances: make([]int, len(m.Nodes)+1)})
	m.Isolated = cpuset.New(g.cpus - 1)
	return &report.Host{
		Shape: g.size.Shape, Topology: m,
		Fingerprint: fingerprint.Fingerprint{
			Digest: strings.Repeat("0123456789abcdef", 2), HardwareDigest: strings.Repeat("ab", 16), SoftwareDigest: strings.Repeat("cd", 16),
			Hardware: []fingerprint.Fact{{Name: "cpu.model", Value: "Example CPU @ 3.00GHz"}},
			Software: []fingerprint.Fact{{Name: "kernel.release", Value: "7.3.0-test"}, {Name: "sched.features", Value: "PLACE_LAG RUN_TO_PARITY"}},
		},
		Changed: []fingerprint.Change{{Name: "cpufreq.governor", Before: "performance", After: "powersave"}},
	}
}

func around() *interference.Figures {
	return &interference.Figures{
		Elapsed: 8 * second, CPUs: 16, OtherCPU: new(second / 50), AgentCPU: new(int64(2e6)), Interrupt: new(int64(1e7)), Steal: new(int64(0)),
		CPUPressure: new(3 * second), MemoryPressure: new(int64(0)), IOPressure: new(int64(1e6)), ClockStep: new(int64(-1200)),
		Absent: map[string]string{"thermalEvents": "no thermal_throttle in sysfs"},
	}
}

func cgroups() []report.Cgroup {
	return []report.Cgroup{
		{Name: "", CPUs: "0-15", Mems: "0-1", Type: "domain", CPU: new(40 * second), CPUPressure: new(3 * second), MemoryPeak: new(int64(64 << 20)), PIDsPeak: new(int64(24))},
		{Name: "app", CPUs: "0-3", Mems: "0", Partition: "isolated", CPU: new(30 * second), Periods: new(uint64(80)), Throttled: new(uint64(12)),
			ThrottledTime: new(second / 3), CPUPressure: new(2 * second), Files: map[string]string{"cpu.max": "300000 100000\n", "cpu.weight": "500\n"}},
	}
}

var stepNames = []string{"baseline", "squeeze", "throttle", "recover"}

func step(n int) report.Step {
	name := fmt.Sprintf("step-%d", n)
	if n < len(stepNames) {
		name = stepNames[n]
	}
	begin := int64(n) * 2 * second
	s := report.Step{Name: name, Begin: begin, Start: begin + second/10, End: begin + 2*second, Planned: 2 * second, Groups: []string{"burner", "ping", "timer"}, Cgroups: cgroups()}
	switch n {
	case 1:
		s.Ops = []report.Op{{Name: "setCpuset", Target: "app", Detail: "CPUs 0-3", At: begin + second/50, Took: 210_000, Times: 1}}
		s.Truncated = "the transition took longer than it may"
	case 2:
		s.Ops = []report.Op{
			{Name: "setCgroup", Target: "app", Detail: "cpu.max 300000 100000", At: begin + second/50, Took: 90_000, Times: 1},
			{Name: "setNice", Target: "burner", Detail: "nice 10", At: begin + second/2, Took: 3_100_000, Times: 15},
		}
		s.Frozen = []string{"timer"}
	}
	return s
}

func (g *maker) group(rep *report.Report, i int, kind string) {
	name := []string{"burner", "ping", "timer"}[i]
	measure := []work.Measure{{Metric: work.MetricCost, Sample: work.SampleComputation}, {Metric: work.MetricWake, Sample: work.SampleRoundTrip}, {Metric: work.MetricTimer, Sample: work.SampleLateness}}[i]
	out := report.Group{
		Name: name, Kind: kind, CloneMode: "Fork", Policy: []string{"other", "other", "fifo 50"}[i], AskedCPUs: "0-15", AllowedCPUs: "0-15",
		Workers: g.size.Workers, Completed: g.size.Workers, Starts: 1, Progress: work.ProgressIterations,
		Counters: map[string]uint64{"framesNotSent": 3},
		Setup:    []report.Setup{{Step: "ParentCheck", Workers: g.size.Workers}},
	}
	whole := &telemetry.Histogram{}
	for n := range rep.Steps {
		h := g.values(i, n)
		whole.Merge(h)
		p := report.Phase{Step: n, Allowed: "0-15", Figures: g.figures(i, n), Distributions: []report.Distribution{{Measure: measure, Histogram: h}}}
		out.Phases = append(out.Phases, p)
		add(&out.Figures, &p.Figures)
	}
	if len(rep.Steps) == 0 {
		whole.Merge(g.values(i, 0))
		out.Figures = g.figures(i, 0)
	}
	out.Distributions = []report.Distribution{{Measure: measure, Histogram: whole}}
	if kind == "futexPingPong" {
		out.Roles = []report.Role{{Name: "left", Workers: 4, Policy: "other", Figures: g.figures(i, 0)}, {Name: "right", Workers: 4, Policy: "other", Figures: g.figures(i, 1)}}
	}
	rep.Groups = append(rep.Groups, out)
	for n := range g.size.Workers {
		rep.Workers = append(rep.Workers, g.worker(rep, &out, i, n))
	}
}

func (g *maker) values(group, step int) *telemetry.Histogram {
	h := &telemetry.Histogram{}
	for range 4000 {
		v := []float64{1e6, 6e4, 15e3}[group] * math.Exp(g.NormFloat64()*0.4) * (1 + 0.6*float64(step%3))
		if g.IntN(200) == 0 {
			v *= 20 + 30*g.Float64()
		}
		h.Record(uint64(v), 10)
	}
	return h
}

func (g *maker) figures(group, step int) report.Figures {
	wall := int64(g.size.Workers) * 2 * second
	share := []float64{0.85, 0.3, 0.02}[group] / (1 + 0.3*float64(step%3))
	moved := g.Uint64N(40) + uint64(step)*10
	return report.Figures{
		Iterations: []uint64{4000, 400_000, 20_000}[group] + g.Uint64N(1000) - 500*uint64(step%3), WorkUnits: 1, Wall: wall, CPU: int64(float64(wall) * share),
		RunDelay: new(int64(float64(wall) * 0.1 * float64(1+step%3))), Migrations: moved, MigrationsBy: map[string]uint64{"llc": moved / 2, "node": moved - moved/2},
		MaxGap: []int64{48e6, 2e6, 5e5}[group] * int64(1+step%3*20), MaxGapCPU: step, MaxGapAt: int64(step)*2*second + second, CPUs: "0-15",
		Voluntary: 1000, Involuntary: 200,
	}
}

func (g *maker) worker(rep *report.Report, of *report.Group, group, n int) report.Worker {
	cpu := (n*3 + group) % g.cpus
	w := report.Worker{
		Group: of.Name, Index: n, PID: 1000 + n, TID: 1000 + n, Stage: "stopped", Exit: "exit 0", Completed: true, Allowed: "0-15",
		Began: new(int64(n) * 50_000), Ended: new(rep.Hold), Figures: report.Figures{
			Iterations: of.Iterations / uint64(of.Workers), Wall: rep.Hold, CPU: int64(float64(rep.Hold) * float64(of.CPU) / float64(max(of.Wall, 1))),
		},
	}
	used := []int{cpu}
	for at := range g.size.Moves {
		to := g.IntN(g.cpus)
		when := rep.Hold * int64(at+1) / int64(g.size.Moves+1)
		if when > rep.Hold/4 && when < rep.Hold/2 {
			to = g.IntN(min(4, g.cpus))
		}
		w.MigrationLog = append(w.MigrationLog, report.Migration{At: when, From: uint32(cpu), To: uint32(to), Distance: "llc"})
		cpu = to
		used = append(used, to)
	}
	w.Migrations = uint64(len(w.MigrationLog))
	if n == 0 && g.size.Moves > 2 {
		w.Migrations += 5000 // its log was cut
	}
	w.CPUs = cpuset.New(used...).String()
	return w
}

func add(sum, f *report.Figures) {
	sum.Iterations += f.Iterations
	sum.WorkUnits += f.WorkUnits
	sum.Migrations += f.Migrations
	sum.Wall += f.Wall
	sum.CPU += f.CPU
	sum.Voluntary += f.Voluntary
	sum.Involuntary += f.Involuntary
	if sum.RunDelay == nil {
		sum.RunDelay = new(int64(0))
	}
	*sum.RunDelay += *f.RunDelay
	if f.MaxGap > sum.MaxGap {
		sum.MaxGap, sum.MaxGapAt, sum.MaxGapCPU = f.MaxGap, f.MaxGapAt, f.MaxGapCPU
	}
	sum.CPUs = f.CPUs
}

func judge(rep *report.Report) {
	if len(rep.Steps) > 1 {
		rep.Findings = append(rep.Findings,
			report.Finding{Check: "gap", Metric: "MaxGap", Verdict: report.Fail, Step: rep.Steps[1].Name, Group: "burner", Worker: new(3), CPU: new(2),
				Value: "3.1s", Limit: "2s", Figure: new(3.1), Unit: "s", At: new(3 * second), Message: "worker 3 of group burner did not get on for 3.1s, more than 2s"},
			report.Finding{Check: "gap", Metric: "MaxGap", Verdict: report.Fail, Step: rep.Steps[1].Name, Group: "burner", Worker: new(5), CPU: new(1),
				Value: "2.4s", Limit: "2s", At: new(3 * second), Message: "worker 5 of group burner did not get on for 2.4s, more than 2s"},
		)
	}
	rep.Findings = append(rep.Findings,
		report.Finding{Check: "wakes", Metric: "WakeLatency", Verdict: report.Inconclusive, Group: "burner", Message: "no <WakeLatency> was recorded"},
		report.Finding{Check: "hog", Metric: "CPUShare", Verdict: report.Fail, Group: "burner", Value: "85%", Limit: "50%", Message: "group burner had 85% of the CPUs"},
		report.Finding{Check: "timer-p99", Metric: "TimerLatency", Verdict: report.Pass, Group: "timer", Value: "88us", Limit: "1ms", Message: "P99 is 88us"},
	)
	rep.Checks = []report.Check{
		{Check: spec.Check{Name: "gap", Metric: "MaxGap"}, Verdict: report.Fail, Findings: map[report.Verdict]int{report.Fail: 2, report.Pass: 40}, Message: "2 of 42 failed"},
		{Check: spec.Check{Name: "wakes", Metric: "WakeLatency"}, Verdict: report.Inconclusive, Findings: map[report.Verdict]int{report.Inconclusive: 1}, Message: "no figure of group burner"},
		{Check: spec.Check{Name: "hog", Metric: "CPUShare", Expect: "Fail"}, Verdict: report.Pass, Findings: map[report.Verdict]int{report.Fail: 1}, Message: "it failed, as expected"},
		{Check: spec.Check{Name: "timer-p99", Metric: "TimerLatency"}, Verdict: report.Pass, Findings: map[report.Verdict]int{report.Pass: 1}, Message: "all held"},
		{Check: spec.Check{Name: "pressure", Metric: "IOPressure"}, Verdict: report.Skip, Message: "no cgroup was chosen"},
	}
	rep.Restored = []report.Restored{
		{What: "CPU 3 online", Before: "1", During: "0", After: "1", Verified: true},
		{What: "CPU 5 online", Before: "1", During: "0", After: "0"},
	}
}
