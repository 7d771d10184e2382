// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// drawn makes random groups that have something in every member, small numbers so that ties are
// frequent, and now and then very large ones.
type drawn struct{ *rand.Rand }

func (d drawn) number() uint64 {
	if d.IntN(20) == 0 {
		return d.Uint64()
	}
	return d.Uint64N(4)
}

func (d drawn) time() int64 { return int64(d.number() >> 1) }

func (d drawn) maybe() bool { return d.IntN(3) > 0 }

func (d drawn) list() string {
	var cpus []int
	for range d.IntN(4) {
		cpus = append(cpus, d.IntN(9))
	}
	return cpuset.New(cpus...).String()
}

func (d drawn) figures() Figures {
	f := Figures{
		Iterations: d.number(), WorkUnits: d.number(), Migrations: d.number(), Wall: d.time(), CPU: d.time(),
		Voluntary: d.number(), Involuntary: d.number(), CPUs: d.list(),
	}
	if d.maybe() {
		f.MaxGap, f.MaxGapCPU, f.MaxGapAt = 1+int64(d.IntN(2)), d.IntN(3), int64(d.IntN(3)-1)
	}
	if d.maybe() {
		f.RunDelay, f.SchedCPU, f.TimesScheduled = new(d.time()), new(d.time()), new(d.number())
	}
	for range d.IntN(3) {
		count(&f.MigrationsBy, arena.Distance(d.IntN(int(arena.Distances))).String(), d.number())
		count(&f.Pages, d.IntN(3), d.number())
	}
	return f
}

func (d drawn) distributions() (list []Distribution) {
	for _, sample := range []work.Sample{work.SampleSleep, work.SampleWait} {
		if d.maybe() {
			h := &telemetry.Histogram{}
			for range d.IntN(5) {
				h.Record(d.number(), 1+d.Uint64N(3))
			}
			list = append(list, Distribution{work.Measure{Metric: work.MetricWake, Sample: sample}, h})
		}
	}
	return list
}

func (d drawn) perWorker() (p PerWorker) {
	for worker := range d.IntN(4) {
		f := d.figures()
		p.add(&f, worker, false)
	}
	return p
}

// group is one of two, of a node or a repetition.
func (d drawn) group(name string) Group {
	g := Group{
		Name: name, Kind: "thunderingHerd", CloneMode: "Fork", Policy: []string{"other", "batch", ""}[d.IntN(3)], MemoryBound: d.maybe(),
		AskedCPUs: d.list(), AllowedCPUs: d.list(), Workers: d.IntN(5), Completed: d.IntN(5), Starts: d.IntN(2), Figures: d.figures(),
		PerWorker: d.perWorker(), Progress: work.ProgressUnits, Quiet: int64(d.IntN(3)), Distributions: d.distributions(),
	}
	for i, role := range []string{"boss", "staff"} {
		if d.maybe() {
			g.Roles = append(g.Roles, Role{Name: role, Workers: i, Policy: "other", Figures: d.figures()})
		}
		count(&g.Counters, role, d.number())
	}
	for step := range 3 {
		if d.maybe() {
			g.Phases = append(g.Phases, Phase{Step: step, Allowed: d.list(), Workers: d.IntN(4), Figures: d.figures(), PerWorker: d.perWorker(), Distributions: d.distributions()})
		}
	}
	for step := range arena.SetupSteps {
		if d.maybe() {
			g.Setup = append(g.Setup, Setup{Step: step.Name(), Workers: d.IntN(3)})
		}
	}
	for _, name := range []string{"p50", "p99"} {
		if d.maybe() {
			n := payload.DecimalOf(d.NormFloat64() * float64(d.number()))
			g.ProgramMetrics = append(g.ProgramMetrics, payload.Total{Name: name, Polarity: payload.Neither, Count: 1, Sum: n, Min: n, Max: n})
		}
	}
	return g
}

func (d drawn) groups() []Group { return []Group{d.group("a"), d.group("b")} }

func mustMerge(t *testing.T, reports ...[]Group) []Group {
	t.Helper()
	merged, err := MergeGroups(reports...)
	if err != nil {
		t.Fatal(err)
	}
	return merged
}

// Whatever order reports are merged in, and whichever first, the result is the same to
// the last digit, and so it is with an empty one among them.
func TestMergingIsAssociativeAndCommutative(t *testing.T) {
	for seed := range uint64(60) {
		d := drawn{rand.New(rand.NewPCG(seed, 7))}
		a, b, c := d.groups(), d.groups(), d.groups()
		again := drawn{rand.New(rand.NewPCG(seed, 7))}
		before := [][]Group{again.groups(), again.groups(), again.groups()}
		want := mustMerge(t, a, b, c)
		for name, got := range map[string][]Group{
			"(a b) c":           mustMerge(t, mustMerge(t, a, b), c),
			"a (b c)":           mustMerge(t, a, mustMerge(t, b, c)),
			"c b a":             mustMerge(t, c, b, a),
			"(c a) b":           mustMerge(t, mustMerge(t, c, a), b),
			"nothing a b c":     mustMerge(t, nil, a, b, c),
			"(a) (nothing) b c": mustMerge(t, mustMerge(t, a), mustMerge(t, nil, nil), b, c),
			"empty groups too":  mustMerge(t, []Group{{Name: "a"}, {Name: "b"}}, a, []Group{{Name: "a"}}, b, c),
		} {
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("seed %d: a b c and %s differ:\n%s", seed, name, diff)
			}
		}
		if diff := cmp.Diff(before, [][]Group{a, b, c}); diff != "" {
			t.Fatalf("seed %d: merging changed what was merged:\n%s", seed, diff)
		}
	}
}

// What workers add up to is the same whether they are added one by one or group by group.
func TestMergedGroupsAreTheGroupOfAllWorkers(t *testing.T) {
	d := drawn{rand.New(rand.NewPCG(3, 4))}
	var one PerWorker
	var sum Figures
	halves, parts := [2]PerWorker{}, [2]Figures{}
	for i := range 40 {
		f := d.figures()
		one.add(&f, i, false)
		sum.add(&f)
		halves[i%2].add(&f, i, false)
		parts[i%2].add(&f)
	}
	halves[1].merge(&halves[0])
	parts[1].add(&parts[0])
	if diff := cmp.Diff(one, halves[1]); diff != "" {
		t.Errorf("populations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sum, parts[1]); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}

func TestRunDelayOfSomeGroupsIsNotThatOfAll(t *testing.T) {
	of := func(wall int64, delay *int64) []Group {
		return []Group{{Name: "g", Figures: Figures{Wall: wall, RunDelay: delay}}}
	}
	told, untold, nothing := of(10, new(int64(5))), of(10, nil), of(0, nil)
	for name, tc := range map[string]struct {
		groups [][]Group
		want   *int64
	}{
		"all tell":               {[][]Group{told, told}, new(int64(10))},
		"one does not":           {[][]Group{told, untold, told}, nil},
		"one had nothing to say": {[][]Group{nothing, told, nothing}, new(int64(5))},
	} {
		merged, err := MergeGroups(tc.groups...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, merged[0].RunDelay); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSumsStayAtTheirEnd(t *testing.T) {
	if sum(math.MaxUint64, 1) != math.MaxUint64 || sum(1, 2) != 3 || sumTime(math.MaxInt64, 1) != math.MaxInt64 || sumTime(1, 2) != 3 || sumTime(-1, 2) != 2 {
		t.Error("a sum that has come to its end goes on, or one that has not does not")
	}
}

func TestGroupsThatDoNotFitTogether(t *testing.T) {
	good := Group{Name: "g", Kind: "spinWait", CloneMode: "Fork", Progress: work.ProgressUnits, ProgramMetrics: []payload.Total{{Name: "p", Unit: "s"}}}
	for name, tc := range map[string]struct {
		change func(*Group)
		want   string
	}{
		"of another kind":     {func(g *Group) { g.Kind = "aluHot" }, "group g: its kind is spinWait and aluHot"},
		"cloned otherwise":    {func(g *Group) { g.CloneMode = "Thread" }, "group g: its cloneMode is Fork and Thread"},
		"of another progress": {func(g *Group) { g.Progress = work.ProgressCPU }, "group g: its progress is WorkUnits and CPUTime"},
		"of another unit":     {func(g *Group) { g.ProgramMetrics = []payload.Total{{Name: "p", Unit: "ms"}} }, `group g: programMetrics p: it is  in "ms", elsewhere  in "s"`},
		"on no CPUs":          {func(g *Group) { g.CPUs = "0-99999999999" }, "is not a list of ascending numbers"},
	} {
		t.Run(name, func(t *testing.T) {
			other := good
			good.CPUs = "3"
			tc.change(&other)
			if _, err := MergeGroups([]Group{good}, []Group{other}); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	// One of each, and one histogram only: those take most of the time.
	d := drawn{rand.New(rand.NewPCG(5, 6))}
	g := d.group("g")
	g.Distributions, g.Phases = g.Distributions[:1], []Phase{{Step: 1, Figures: d.figures(), PerWorker: d.perWorker()}}
	small, err := json.Marshal(&Report{
		Schema: SchemaVersion, Groups: []Group{g}, Workers: []Worker{{Group: "g", Figures: d.figures(), Phases: []Phase{{Step: 1}}}},
		Steps: []Step{{Cgroups: []Cgroup{{Name: "c", CPUs: "0-3"}}}}, Host: &Host{Topology: &topology.Machine{CPUs: []topology.CPU{{}}, LLCs: []topology.LLC{{}}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	f.Add(fmt.Appendf(nil, `{"schema": %d}`, SchemaVersion))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Read(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		same, err := Read(again)
		if err != nil {
			t.Fatalf("what was read cannot be written and read again: %v\n%s", err, again)
		}
		if third, err := json.Marshal(same); err != nil || string(third) != string(again) {
			t.Fatalf("%v: it is another report when it is read again:\n%s\n%s", err, again, third)
		}
		if _, err := MergeGroups(r.Groups, same.Groups); err != nil {
			t.Logf("it does not merge with itself: %v", err)
		}
	})
}

func TestReportsThatAreNotRead(t *testing.T) {
	good, err := json.Marshal(fullReport())
	if err != nil {
		t.Fatal(err)
	}
	if r, err := Read(good); err != nil || len(r.Workers) != 2 {
		t.Fatalf("a good one: %v", err)
	}
	for name, tc := range map[string]struct{ from, to, want string }{
		"of an older version":              {`"schema":2`, `"schema":1`, "the report has schema version 1, and this schedfleet reads version 2 only: read it with the schedfleet that wrote it"},
		"of a newer version":               {`"schema":2`, `"schema":3`, "schema version 3, and this schedfleet reads version 2 only"},
		"without a version":                {`"schema":2,`, ``, "this is no report: it has no schema version"},
		"that is something else":           {`{"schema":2`, `["schema"`, "this is no report"},
		"with a member of its own":         {`"runID"`, `"surprise":1,"runID"`, `unknown field "surprise"`},
		"with a member in a distribution":  {`"metric":"WakeLatency"`, `"surprise":1,"metric":"WakeLatency"`, `unknown field "surprise"`},
		"with another unit":                {`"unit":"ns"`, `"unit":"s"`, `its unit is "s", not ns`},
		"with a group twice":               {`"groups":[`, `"groups":[{"name":"g"},`, `there are two groups "g"`},
		"with a worker of no group":        {`"workers":[{"group":"g"`, `"workers":[{"group":"h"`, `a worker is of group "h", which is not there`},
		"with CPUs without an end":         {`"cpusUsed":"1,4"`, `"cpusUsed":"0-99999999999"`, "is not a list of ascending numbers"},
		"with a time before there was any": {`"cpuNanoseconds":2`, `"cpuNanoseconds":-2`, "a time is -2 ns"},
		"with a step twice":                {`{"step":1`, `{"step":0`, "its phases are not one for each step"},
		"with another after it":            {`{"schema":2`, `{"schema":2}{"schema":2`, "this is no report"},
		"with sums that are no numbers":    {`"sum":"`, `"sum":"-`, "a sum must be a whole number"},
		"with too many objects":            {`"workers":[`, `"workers":[` + strings.Repeat("{},", maxObjects), "it has more than 1000000 objects"},
		"with too many distributions":      {`"notes":[`, `"notes":[` + strings.Repeat(`"Histogram",`, maxDistributions), "or 4096 distributions, which no run has"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(string(good), tc.from, tc.to, 1)
			if bad == string(good) {
				t.Fatalf("there is no %s to replace in %s", tc.from, good)
			}
			if _, err := Read([]byte(bad)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
