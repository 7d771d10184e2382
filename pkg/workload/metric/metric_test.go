// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package metric

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const page = "../../../docs/metrics.md"

// tableRow is a metric as the page has it.
func tableRow(m *Metric) string {
	var scopes []string
	for _, s := range m.Scopes {
		scopes = append(scopes, string(s))
	}
	better := map[payload.Polarity]string{higher: "higher", lower: "lower", neither: "-"}[m.Polarity]
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s | %s |", m.Name, strings.Join(scopes, ", "), m.Unit, better, m.Formula, m.Fold, m.Source)
}

// The page has a row for every metric, in order, and no other.
func TestThePageIsTheRegistry(t *testing.T) {
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "| `") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	for _, m := range All {
		want = append(want, tableRow(m))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// members are the names in the JSON of a report, wherever they are.
func members(t reflect.Type, into map[string]bool, seen map[reflect.Type]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] || !strings.HasPrefix(t.PkgPath(), "github.com/schedfleet") {
		return
	}
	seen[t] = true
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		into[name] = true
		members(f.Type, into, seen)
	}
}

func TestEveryMetricIsWhole(t *testing.T) {
	known := map[string]bool{"histogram": true, "count": true, "sum": true}
	members(reflect.TypeFor[report.Report](), known, map[reflect.Type]bool{})
	names := map[string]bool{}
	for _, m := range All {
		if names[m.Name] || Find(m.Name) != m {
			t.Errorf("there are two metrics %s", m.Name)
		}
		names[m.Name] = true
		if m.Name == "" || m.Unit == "" || m.Polarity == "" || len(m.Scopes) == 0 || m.Fold == "" || m.Formula == "" || m.Source == "" || len(m.Parts) == 0 || m.of == nil {
			t.Errorf("%+v lacks something", m)
		}
		if strings.ToLower(m.Name[:1]) != m.Name[:1] || strings.ContainsAny(m.Name, "_- ") {
			t.Errorf("%s is not as names in JSON are", m.Name)
		}
		for _, part := range m.Parts {
			if !known[part] {
				t.Errorf("%s is computed from %s, which no report has", m.Name, part)
			}
		}
	}
	if Find("nothing") != nil {
		t.Error("there is a metric of nothing")
	}
}

// machine has two nodes with CPUs and one without.
func machine() *topology.Machine {
	return &topology.Machine{Nodes: []topology.Node{{ID: 0, CPUs: cpuset.New(0, 1)}, {ID: 1, CPUs: cpuset.New(2, 3)}, {ID: 4}}}
}

func histogram(values ...uint64) *telemetry.Histogram {
	h := &telemetry.Histogram{}
	for _, v := range values {
		h.Record(v, 1)
	}
	return h
}

// population is one of whole numbers, in the order of workers.
func population(values ...uint64) *report.Population {
	p := &report.Population{Min: math.MaxUint64}
	var sum, squares uint64
	for worker, v := range values {
		p.Count++
		sum, squares = sum+v, squares+v*v
		if v < p.Min {
			p.Min, p.MinWorker = v, worker
		}
		if v > p.Max {
			p.Max, p.MaxWorker = v, worker
		}
	}
	p.Sum, p.Squares = report.IntegerOf(sum), report.IntegerOf(squares)
	return p
}

// full is a report that has every metric, of two groups, two cgroups and a step.
func full() *report.Report {
	f := report.Figures{
		Iterations: 100, WorkUnits: 600, Wall: 4e9, CPU: 3e9, RunDelay: new(int64(5e8)), SchedCPU: new(int64(3e9)), TimesScheduled: new(uint64(50)),
		Voluntary: 30, Involuntary: 10, MaxGap: 7, MaxGapCPU: 1, MaxGapAt: 9, Migrations: 20, MigrationsBy: map[string]uint64{"SMT": 10, "LLC": 5, "Node": 3, "Remote": 2},
		Pages: map[int]uint64{0: 60, 1: 30, 4: 10},
	}
	var list []report.Distribution
	for _, m := range []work.Metric{work.MetricWake, work.MetricTimer, work.MetricCost, work.MetricResponse, work.MetricRate} {
		list = append(list, report.Distribution{Measure: work.Measure{Metric: m, Sample: work.SampleSleep}, Histogram: histogram(10, 20, 30, 40)})
	}
	spreads := report.PerWorker{
		OffCPU: population(250_000_000, 500_000_000), WorkRate: population(10_000_000, 30_000_000), IterationRate: population(2_000_000, 4_000_000),
		Iterations: population(40, 60), RunDelay: population(100, 300),
	}
	g := report.Group{
		Name: "a", Workers: 2, AllowedCPUs: "0-1", Figures: f, PerWorker: spreads, Distributions: list,
		ProgramMetrics: []payload.Total{{Name: "rate", Unit: "MB/s", Count: 4, Sum: "10", Min: "1", Max: "4"}},
		Phases:         []report.Phase{{Step: 0, Workers: 2, Allowed: "2", Figures: f, PerWorker: spreads, Distributions: list[:1]}},
	}
	other := report.Group{Name: "b", Workers: 1, Figures: report.Figures{Iterations: 25}, Phases: []report.Phase{{Step: 0, Workers: 1, Figures: report.Figures{Iterations: 10}}}}
	ns := func(n int64) *int64 { return &n }
	around := &interference.Figures{
		Elapsed: 10e9, CPUs: 4, OtherCPU: ns(4e9), Steal: ns(2e9), Interrupt: ns(1e9), AgentCPU: ns(4e8), CPUPressure: ns(5e9), MemoryPressure: ns(1e9),
		IOPressure: ns(2e9), LowestFrequencyPercent: new(90), ThermalEvents: ns(3), ClockStep: ns(-5), Suspended: ns(0),
	}
	cgroup := report.Cgroup{
		Name: "c/d", CPU: ns(6e9), Periods: new(uint64(10)), Throttled: new(uint64(4)), ThrottledTime: ns(77), MemoryPeak: ns(4096), OOMKills: new(uint64(1)), PIDsPeak: ns(5),
		CPUPressure: ns(1e9), MemoryPressure: ns(2e9), IOPressure: ns(3e9),
	}
	cgroups := []report.Cgroup{cgroup, {Name: "c/e", CPU: ns(2e9)}, {Name: "c", CPU: ns(8e9)}}
	return &report.Report{
		Hold: 10e9, StartSkew: 11, SupervisorCPU: 1e8, NUMAPagesMigrated: new(uint64(50)), Interference: around, Cgroups: cgroups,
		Host: &report.Host{Topology: machine()}, Groups: []report.Group{g, other}, Workers: []report.Worker{{Group: "a", Allowed: "0", Figures: f, Phases: []report.Phase{{Figures: f, Allowed: "2"}}}},
		Steps: []report.Step{{Name: "s", Start: 1e9, End: 6e9, Interference: around, NUMAPagesMigrated: new(uint64(25)), Cgroups: cgroups}},
	}
}

// valuesOf are the metrics of a subject, by name and what they are of.
func valuesOf(s *Subject) map[string]float64 {
	found := map[string]float64{}
	for _, v := range s.Values() {
		name := v.Metric.Name
		if v.Of != "" {
			name += " " + v.Of
		}
		found[name] = math.Round(v.Value*1e9) / 1e9
	}
	return found
}

var wantOfWorker = map[string]float64{
	"iterations": 100, "workUnits": 600, "wall": 4e9, "cpu": 3e9, "iterationRate": 25, "iterationsPerCPUSecond": 33.333333333, "workRate": 200,
	"offCPUShare": 0.25, "runDelay": 5e8, "runDelayShare": 0.125, "runDelayPerSchedule": 1e7, "timesScheduled": 50, "voluntarySwitches": 30,
	"involuntarySwitches": 10, "switchRate": 10, "involuntaryShare": 0.25, "maxGap": 7, "migrations": 20, "migrationsSMT": 10, "migrationsLLC": 5,
	"migrationsNode": 3, "migrationsRemote": 2, "migrationsUnknown": 0, "migrationRatio": 0.2, "migrationRatioLLC": 0.1, "migrationRatioNode": 0.05,
	"migrationRatioRemote": 0.02, "migrationRate": 5, "pages": 100, "pageLocality": 0.6, "slowTierShare": 0.1,
}

func TestValues(t *testing.T) {
	rep := full()
	g := &rep.Groups[0]
	group := map[string]float64{
		"crossNodeMigrationRatio": 0.5, "workers": 2, "offCPUShareLowest": 0.25, "offCPUShareMean": 0.375, "offCPUShareHighest": 0.5, "offCPUSpread": 0.25,
		"throughputCV": 0.5, "workRateLowest": 10, "iterationRateLowest": 2, "iterationsPerWorker": 50, "iterationsLowest": 40, "runDelayMean": 200, "runDelayHighest": 300,
		"programMetric rate": 2.5,
	}
	stats := map[string]float64{"P50": 20, "P90": 40, "P99": 40, "P999": 40, "Mean": 25, "CV": 0.447213595, "Max": 40, "TailRatio": 2}
	for _, f := range families {
		for name, value := range stats {
			if f.metric != work.MetricRate || !strings.HasPrefix(name, "P99") {
				group[f.name+name+" Sleep"] = value
			}
		}
	}
	group["requestRateP20 Sleep"] = 10
	inStep := map[string]float64{"pageLocality": 0.3, "crossNodeMigrationRatio": 0.25}
	for name, value := range group {
		if _, known := inStep[name]; !known && (!strings.Contains(name, " ") || strings.HasPrefix(name, "wakeLatency")) {
			inStep[name] = value
		}
	}
	for name, value := range wantOfWorker {
		group[name] = value
		if name != "pageLocality" {
			inStep[name] = value
		}
	}
	worker := map[string]float64{"pageLocality": 0.3}
	for name, value := range wantOfWorker {
		if name != "pageLocality" {
			worker[name] = value
		}
	}
	cgroup := map[string]float64{
		"cgroupCPU": 6e9, "cgroupCPUs": 0.6, "cpuShare": 0.75, "throttledShare": 0.4, "throttledTime": 77, "cpuPressureShare": 0.1, "memoryPressureShare": 0.2,
		"ioPressureShare": 0.3, "memoryPeak": 4096, "oomKills": 1, "pidsPeak": 5,
	}
	run := map[string]float64{
		"otherCPUShare": 0.1, "stealShare": 0.05, "interruptShare": 0.025, "agentCPUShare": 0.01, "machineCPUPressureShare": 0.5, "machineMemoryPressureShare": 0.1,
		"machineIOPressureShare": 0.2, "lowestFrequency": 90, "thermalEvents": 3, "clockStep": -5, "suspended": 0, "numaPagesMigrated": 50, "groupBalance": 2, "hold": 10e9,
		"startSkew": 11, "supervisorCPUShare": 0.01,
	}
	for name, tc := range map[string]struct {
		subject *Subject
		want    map[string]float64
	}{
		"a group":            {OfGroup(rep, g), group},
		"a group in a step":  {OfGroupIn(rep, g, &g.Phases[0]), inStep},
		"a worker":           {OfWorker(rep, g, &rep.Workers[0]), wantOfWorker},
		"a worker in a step": {OfWorkerIn(rep, g, &rep.Workers[0].Phases[0]), worker},
		"a cgroup":           {OfCgroup(rep, 0), cgroup},
		"the run":            {OfRun(rep), run},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, valuesOf(tc.subject)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	step, inCgroup := valuesOf(OfStep(rep, 0)), valuesOf(OfCgroupIn(rep, 0, 0))
	if step["hold"] != 5e9 || step["numaPagesMigrated"] != 25 || step["groupBalance"] != 5 || inCgroup["cgroupCPUs"] != 1.2 {
		t.Errorf("of the step %v, of a cgroup in it %v", step, inCgroup)
	}
}

// What is not measured, or divided by nothing, has no value, least of all zero.
func TestAbsentIsNotZero(t *testing.T) {
	empty := &report.Report{Groups: []report.Group{{Name: "g"}}, Cgroups: []report.Cgroup{{}}, Steps: []report.Step{{}}, Workers: []report.Worker{{}}}
	g := &empty.Groups[0]
	counts := map[string]float64{"iterations": 0, "workUnits": 0, "wall": 0, "cpu": 0, "voluntarySwitches": 0, "involuntarySwitches": 0, "migrations": 0, "pages": 0}
	for _, d := range []string{"SMT", "LLC", "Node", "Remote", "Unknown"} {
		counts["migrations"+d] = 0
	}
	if diff := cmp.Diff(counts, valuesOf(OfWorker(empty, g, &empty.Workers[0]))); diff != "" {
		t.Errorf("of a worker (-want +got):\n%s", diff)
	}
	counts["workers"] = 0
	if diff := cmp.Diff(counts, valuesOf(OfGroup(empty, g))); diff != "" {
		t.Errorf("of a group (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{}, valuesOf(OfCgroup(empty, 0))); diff != "" {
		t.Errorf("of a cgroup (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"hold": 0, "startSkew": 0}, valuesOf(OfRun(empty))); diff != "" {
		t.Errorf("of a run (-want +got):\n%s", diff)
	}
	for name, change := range map[string]func(*report.Report){
		"throughputCV":               func(r *report.Report) { r.Groups[0].PerWorker.WorkRate = population(5) },
		"offCPUSpread":               func(r *report.Report) { r.Groups[0].PerWorker.OffCPU = population(5) },
		"migrationRatioLLC":          func(r *report.Report) { r.Groups[0].MigrationsBy["Unknown"]++; r.Groups[0].Migrations++ },
		"migrationsSMT":              func(r *report.Report) { r.Groups[0].MigrationsBy = nil },
		"pageLocality":               func(r *report.Report) { r.Host.Topology = nil },
		"slowTierShare":              func(r *report.Report) { r.Groups[0].Pages = nil },
		"iterations":                 func(r *report.Report) { r.Groups[0].Progress = work.ProgressCPU },
		"crossNodeMigrationRatio":    func(r *report.Report) { r.NUMAPagesMigrated = nil },
		"wakeLatencyCV Sleep":        func(r *report.Report) { r.Groups[0].Distributions[0].Histogram = histogram(3) },
		"wakeLatencyTailRatio Sleep": func(r *report.Report) { r.Groups[0].Distributions[0].Histogram = histogram(0, 0, 5) },
		"programMetric rate":         func(r *report.Report) { r.Groups[0].ProgramMetrics[0].Sum = "1e400" },
		"runDelayPerSchedule":        func(r *report.Report) { r.Groups[0].TimesScheduled = nil },
		"maxGap":                     func(r *report.Report) { r.Groups[0].MaxGap = 0 },
	} {
		rep := full()
		if _, ok := valuesOf(OfGroup(rep, &rep.Groups[0]))[name]; !ok {
			t.Errorf("a group has no %s in the first place", name)
		}
		change(rep)
		if v, ok := valuesOf(OfGroup(rep, &rep.Groups[0]))[name]; ok {
			t.Errorf("%s is %v although that cannot be known", name, v)
		}
	}
	rep := full()
	rep.Groups[1].Iterations, rep.Cgroups[1].CPU = 0, nil
	if v, ok := valuesOf(OfRun(rep))["groupBalance"]; ok {
		t.Errorf("beside a group that did nothing the balance is %v", v)
	}
	if v, ok := valuesOf(OfCgroup(rep, 0))["cpuShare"]; ok {
		t.Errorf("beside a cgroup nobody knows of the share is %v", v)
	}
	rep.Cgroups = append(rep.Cgroups, report.Cgroup{Name: "c/f", CPU: new(int64(1))})
	if v, ok := valuesOf(OfCgroup(rep, 0))["cpuShare"]; ok {
		t.Errorf("beside one cgroup that is known and one that is not the share is %v", v)
	}
	alone := full()
	alone.Groups, alone.Groups[0].Wall = alone.Groups[:1], -1
	if v, ok := valuesOf(OfRun(alone))["groupBalance"]; ok {
		t.Errorf("the balance of one group is %v", v)
	}
	if v, ok := valuesOf(OfGroup(alone, &alone.Groups[0]))["iterationRate"]; ok {
		t.Errorf("the rate in a time before there was any is %v", v)
	}
	if v, ok := valuesOf(OfCgroup(rep, 2))["cpuShare"]; ok {
		t.Errorf("the share of a cgroup with none beside it is %v", v)
	}
}

// Values of a ratio say their parts, and adding these gives the value of all.
func TestPartsOfRatios(t *testing.T) {
	rep := full()
	v, ok := Find("workRate").Of(OfGroup(rep, &rep.Groups[0]))
	if !ok || *v.Numerator != 600 || *v.Denominator != 3e9 || v.Unit != "1/s" {
		t.Errorf("got %+v, %v", v, ok)
	}
	gap, _ := Find("maxGap").Of(OfGroup(rep, &rep.Groups[0]))
	if *gap.CPU != 1 || *gap.At != 9 {
		t.Errorf("the gap is %+v", gap)
	}
	off, _ := Find("offCPUShareHighest").Of(OfGroup(rep, &rep.Groups[0]))
	if *off.Worker != 1 || off.Count != 2 {
		t.Errorf("the highest share is %+v", off)
	}
	program, _ := Find("programMetric").Of(OfGroup(rep, &rep.Groups[0]).Program(&rep.Groups[0].ProgramMetrics[0]))
	if program.Unit != "MB/s" || program.Count != 4 {
		t.Errorf("the program's figure is %+v", program)
	}
	if _, ok := Find("workRate").Of(OfRun(rep)); ok {
		t.Error("a run has the work rate of a group")
	}
	if n, ok := MigrationsAtLeast(&rep.Groups[0].Figures, arena.DistanceNode); n != 5 || !ok {
		t.Errorf("%d migrations went to another cache or further, %v", n, ok)
	}
	if !slices.Contains(All, Find("stealShare")) {
		t.Error("what is found is not among all")
	}
}
