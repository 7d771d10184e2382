// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/fingerprint"
	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func histogram(n int) *telemetry.Histogram {
	h := &telemetry.Histogram{}
	for range n {
		h.Record(1000+rand.Uint64N(1<<rand.IntN(34)), 1)
	}
	return h
}

func bigReport(groups, workers int) *report.Report {
	rep := &report.Report{
		RunID: strings.Repeat("r", 63), Kernel: strings.Repeat("k", 64), CloneMethod: "clone3 without exec", Hold: 1e15,
		NUMAPagesMigrated: new(uint64(1e15)),
		Host:              &report.Host{Shape: strings.Repeat("s", 64), Fingerprint: fingerprint.Fingerprint{Digest: strings.Repeat("d", 64)}},
		Interference: &interference.Figures{
			CPUs: 8192, OtherCPU: new(int64(1e17)), Steal: new(int64(1e17)), Interrupt: new(int64(1e17)), AgentCPU: new(int64(1e17)),
			CPUPressure: new(int64(1e14)), MemoryPressure: new(int64(1e14)), IOPressure: new(int64(1e14)),
			LowestFrequencyPercent: new(100), ThermalEvents: new(int64(1e9)), ClockStep: new(int64(-1e14)),
		},
	}
	for c := range 33 {
		rep.Cgroups = append(rep.Cgroups, bigCgroup(c))
	}
	for g := range groups {
		delay := int64(1e17)
		rep.Groups = append(rep.Groups, report.Group{
			Name: fmt.Sprintf("%032d", g), Kind: "futexPingPong", CloneMode: "Thread", Workers: workers, Completed: workers,
			Policy: "deadline 100ms/1000ms/1000ms", AllowedCPUs: "0-63",
			Figures: report.Figures{
				Iterations: 1e17, WorkUnits: 1e18, Migrations: 5e12, Wall: 1e17, CPU: 1e17, RunDelay: &delay, MaxGap: 1e12, MaxGapCPU: 8191,
				Voluntary: 1e14, Involuntary: 1e14, CPUs: "0-63",
				MigrationsBy: map[string]uint64{"SMT": 1e12, "LLC": 1e12, "Node": 1e12, "Remote": 1e12, "Unknown": 1e12},
			},
			Distributions: []report.Distribution{{Measure: work.Measure{Metric: work.MetricWake, Sample: work.SampleRoundTrip}, Histogram: histogram(20_000)}},
		})
		for w := range workers {
			rep.Workers = append(rep.Workers, report.Worker{Group: fmt.Sprint(g), Index: w, Stage: "Running", Exit: strings.Repeat("e", 300), Problem: strings.Repeat("p", 300)})
		}
	}
	return rep
}

func bigCgroup(n int) report.Cgroup {
	return report.Cgroup{
		Name: fmt.Sprintf("%064d", n), CPUs: "0-63", Mems: "0-7", Type: "domain", Partition: "isolated", Files: map[string]string{"cpu.weight": "1"},
		CPU: new(int64(1e17)), Periods: new(uint64(1e9)), Throttled: new(uint64(1e9)), ThrottledTime: new(int64(1e17)), MemoryPeak: new(int64(1e12)),
		OOMKills: new(uint64(1e5)), PIDsPeak: new(int64(20000)), CPUPressure: new(int64(1e14)),
	}
}

func TestAResultFitsANodeRun(t *testing.T) {
	// With one group whose workers all failed, then with as many groups as there may
	// be. With these the figures alone exceed the 8 kB that a result is to have.
	for _, rep := range []*report.Report{bigReport(1, 200), bigReport(12, 1)} {
		r := Result(rep)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > maxResultBytes {
			t.Errorf("%d groups: %d bytes", len(rep.Groups), len(text))
		}
		if len(r.Problems) != maxProblems || int(r.ProblemCount) != len(rep.Workers) {
			t.Errorf("%d problems of %d, want %d of %d", len(r.Problems), r.ProblemCount, maxProblems, len(rep.Workers))
		}
		dropped := false
		for _, g := range r.Groups {
			if len(g.Distributions) == 0 {
				dropped = true
				continue
			}
			dropped = dropped || g.Distributions[0].Histogram == ""
			if g.Distributions[0].Count == 0 || g.Distributions[0].P99 == 0 {
				t.Errorf("group %s lost its figures", g.Name)
			}
		}
		if dropped != r.HistogramTruncated {
			t.Errorf("histograms dropped: %v, said: %v", dropped, r.HistogramTruncated)
		}
		if !r.CgroupsTruncated || len(r.Cgroups) == len(rep.Cgroups) {
			t.Errorf("%d of %d cgroups are left, said: %v", len(r.Cgroups), len(rep.Cgroups), !r.CgroupsTruncated)
		}
		if r.Interference == nil || r.Shape == "" || r.FingerprintDigest == "" {
			t.Error("what the machine was and did is lost")
		}
	}
}

// Twelve groups with four distributions each lose the last ones altogether.
func TestAResultWithManyDistributionsFits(t *testing.T) {
	rep := bigReport(12, 1)
	for i := range rep.Groups {
		g := &rep.Groups[i]
		for _, sample := range []work.Sample{work.SampleYield, work.SampleSleep, work.SampleOvershoot} {
			g.Distributions = append(g.Distributions, report.Distribution{Measure: work.Measure{Metric: work.MetricWake, Sample: sample}, Histogram: histogram(20_000)})
		}
	}
	r := Result(rep)
	if !fits(r, maxResultBytes) || !r.HistogramTruncated {
		t.Errorf("it fits: %v, it says that it was cut: %v", fits(r, maxResultBytes), r.HistogramTruncated)
	}
	if len(r.Groups[0].Distributions) != 4 || r.Groups[11].Distributions != nil {
		t.Errorf("the first group has %d distributions, the last %d", len(r.Groups[0].Distributions), len(r.Groups[11].Distributions))
	}
	whole := Result(&report.Report{Groups: rep.Groups[11:]})
	merged, truncated, err := Merge([]*v1alpha1.RunResult{r, whole})
	if err != nil || !truncated || merged[11].Distributions != nil {
		t.Errorf("merged with one that has all: %v, cut: %v, %v", merged[11].Distributions, truncated, err)
	}
}

// What can be spared goes from the last group on, and only as far as it must.
func TestAResultLeavesOutTheLeast(t *testing.T) {
	rep := bigReport(12, 0)
	rep.Cgroups, rep.Host, rep.Interference = nil, nil, nil
	for i := range rep.Groups {
		g := &rep.Groups[i]
		g.Policy = "other"
		g.Iterations, g.WorkUnits, g.Wall, g.CPU, g.RunDelay = 1e9, 1e12, 1e11, 1e11, new(int64(1e10))
	}
	r := Result(rep)
	if !fits(r, resultBytes) {
		t.Error("the result is larger than 8 kB")
	}
	first, last := &r.Groups[0], &r.Groups[11]
	if first.CPUsUsed == "" || first.AllowedCPUs == "" || first.MaxGapCPU == nil || first.MigrationsByDistance == nil {
		t.Errorf("the first group lost its places: %+v", first)
	}
	if last.CPUsUsed != "" || last.AllowedCPUs != "" || last.MaxGapCPU != nil || last.MigrationsByDistance != nil {
		t.Errorf("the last group kept its places: %+v", last)
	}
	if last.Migrations == 0 || last.MaxGapNanoseconds == 0 || !r.HistogramTruncated {
		t.Errorf("the last group lost its figures, or nothing is said: %+v", last)
	}
	few := bigReport(2, 0)
	few.Cgroups = few.Cgroups[:2]
	if small := Result(few); small.Groups[1].MigrationsByDistance == nil {
		t.Error("two groups lost places that there was room for")
	}
}

// Cgroups go after everything else that can be spared, the last first.
func TestAResultLeavesOutTheLastCgroups(t *testing.T) {
	for name, tc := range map[string]struct {
		cgroups, groups int
		all             bool
	}{
		"a few":              {3, 1, true},
		"as many as can be":  {33, 1, false},
		"more than can be":   {34, 0, false},
		"none":               {0, 1, true},
		"beside many groups": {9, 9, false},
	} {
		t.Run(name, func(t *testing.T) {
			rep := bigReport(tc.groups, 0)
			rep.Cgroups = nil
			for c := range tc.cgroups {
				rep.Cgroups = append(rep.Cgroups, bigCgroup(c))
			}
			r := Result(rep)
			if !fits(r, resultBytes) {
				t.Error("the result is larger than 8 kB")
			}
			if all := len(r.Cgroups) == tc.cgroups; all != tc.all || r.CgroupsTruncated == all {
				t.Errorf("%d of %d cgroups are left, said to be truncated: %v", len(r.Cgroups), tc.cgroups, r.CgroupsTruncated)
			}
			for i, c := range r.Cgroups {
				if c.Name != rep.Cgroups[i].Name {
					t.Errorf("cgroup %d is %s", i, c.Name)
				}
			}
			if !tc.all && r.Groups != nil && r.Groups[0].CPUsUsed != "" {
				t.Error("cgroups were left out before places")
			}
		})
	}
}

func TestAResultSaysWhatTheMachineWasAndDid(t *testing.T) {
	rep := &report.Report{
		Host:         &report.Host{Shape: "1n1l2c1t", Fingerprint: fingerprint.Fingerprint{Digest: "abc"}},
		Interference: &interference.Figures{Elapsed: 9, Resolution: 2, Suspended: new(int64(1)), CPUs: 2, OtherCPU: new(int64(5)), LowestFrequencyPercent: new(90), ClockStep: new(int64(-7))},
		Cgroups: []report.Cgroup{
			{CPU: new(int64(1))},
			{Name: "c", CPUs: strings.Repeat("1,", 513), Mems: "0", Partition: "root", Periods: new(uint64(3)), Throttled: new(uint64(0)), PIDsPeak: new(int64(4))},
		},
		Groups: []report.Group{{Name: "g", Policy: "fifo 50", AskedCPUs: "0-3", AllowedCPUs: "0-1"}},
	}
	got := Result(rep)
	want := &v1alpha1.RunResult{
		Shape: "1n1l2c1t", FingerprintDigest: "abc",
		Interference: &v1alpha1.InterferenceResult{ElapsedNanoseconds: 9, ResolutionNanoseconds: 2, SuspendedNanoseconds: new(int64(1)), CPUs: 2, OtherCPUNanoseconds: new(int64(5)), LowestFrequencyPercent: new(int32(90)), ClockStepNanoseconds: new(int64(-7))},
		Cgroups: []v1alpha1.CgroupResult{
			{CPUNanoseconds: new(int64(1))},
			{Name: "c", Mems: "0", Partition: "root", Periods: new(int64(3)), ThrottledPeriods: new(int64(0)), PIDsPeak: new(int64(4))},
		},
		Groups: []v1alpha1.GroupResult{{Name: "g", Policy: "fifo 50", AllowedCPUs: "0-1"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAResultSaysWhereAGroupWas(t *testing.T) {
	for name, tc := range map[string]struct {
		figures report.Figures
		want    v1alpha1.GroupResult
	}{
		"nothing happened": {report.Figures{}, v1alpha1.GroupResult{}},
		"a gap on the first CPU": {report.Figures{MaxGap: 5, MaxGapCPU: 0, CPUs: "0"},
			v1alpha1.GroupResult{MaxGapNanoseconds: 5, MaxGapCPU: new(int32(0)), CPUsUsed: "0"}},
		"switches": {report.Figures{Voluntary: 7, Involuntary: 8},
			v1alpha1.GroupResult{VoluntarySwitches: 7, InvoluntarySwitches: 8}},
		"migrations of every distance": {
			report.Figures{Migrations: 15, MigrationsBy: map[string]uint64{"SMT": 1, "LLC": 2, "Node": 3, "Remote": 4, "Unknown": 5}},
			v1alpha1.GroupResult{Migrations: 15, MigrationsByDistance: &v1alpha1.MigrationDistances{
				SMT: new(int64(1)), LLC: new(int64(2)), Node: new(int64(3)), Remote: new(int64(4)), Unknown: new(int64(5))}}},
		"migrations of one distance": {report.Figures{Migrations: 2, MigrationsBy: map[string]uint64{"LLC": 2}},
			v1alpha1.GroupResult{Migrations: 2, MigrationsByDistance: &v1alpha1.MigrationDistances{LLC: new(int64(2))}}},
		"pages in the order of their nodes": {report.Figures{Pages: map[int]uint64{3: 7, 0: 9}},
			v1alpha1.GroupResult{PagesByNode: []v1alpha1.NodePages{{Node: 0, Pages: 9}, {Node: 3, Pages: 7}}}},
		"a list of CPUs that the API does not take": {report.Figures{CPUs: strings.Repeat("1,", 513)}, v1alpha1.GroupResult{}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.want.Name, tc.want.CloneMode = "g", v1alpha1.CloneModeThread
			got := Result(&report.Report{Groups: []report.Group{{Name: "g", CloneMode: "Thread", Figures: tc.figures}}})
			if diff := cmp.Diff([]v1alpha1.GroupResult{tc.want}, got.Groups); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got.NUMAPagesMigrated != nil {
				t.Errorf("%d pages migrated by a kernel that does not count them", *got.NUMAPagesMigrated)
			}
		})
	}
	if got := Result(&report.Report{NUMAPagesMigrated: new(uint64(0))}).NUMAPagesMigrated; got == nil || *got != 0 {
		t.Errorf("%v pages migrated, want 0", got)
	}
}

func TestMergeAddsPopulations(t *testing.T) {
	by := []map[string]uint64{nil, {"SMT": 2, "LLC": 1}, {"SMT": 1, "Node": 1, "Remote": 4, "Unknown": 5}}
	var results []*v1alpha1.RunResult
	whole := &telemetry.Histogram{}
	for n := range 3 {
		h := histogram(500 * (n + 1))
		whole.Merge(h)
		rep := &report.Report{RunID: fmt.Sprint(n), Groups: []report.Group{{
			Name: "g", Kind: "futexPingPong", CloneMode: "Thread", Workers: 2, Completed: 2, Policy: "other", AllowedCPUs: "0-1",
			Figures: report.Figures{
				Iterations: 10, WorkUnits: 20, Wall: 100, CPU: 50, Voluntary: 7, Involuntary: uint64(n), MaxGap: int64(n), MaxGapCPU: n, CPUs: "0-3",
				MigrationsBy: by[n],
			},
			Distributions: []report.Distribution{{Measure: work.Measure{Metric: work.MetricWake, Sample: work.SampleRoundTrip}, Histogram: h}},
		}}}
		for _, count := range by[n] {
			rep.Groups[0].Migrations += count
		}
		rep.Groups[0].RunDelay = new(int64(n))
		results = append(results, Result(rep))
	}
	got, truncated, err := Merge(results)
	if err != nil || truncated {
		t.Fatalf("truncated %v, %v", truncated, err)
	}
	want := []v1alpha1.GroupResult{{
		Name: "g", Kind: "futexPingPong", CloneMode: v1alpha1.CloneModeThread, Workers: 6, Completed: 6, Iterations: 30, WorkUnits: 60,
		WallNanoseconds: 300, CPUNanoseconds: 150, VoluntarySwitches: 21, InvoluntarySwitches: 3, Migrations: 14,
		MigrationsByDistance: &v1alpha1.MigrationDistances{
			SMT: new(int64(3)), LLC: new(int64(1)), Node: new(int64(1)), Remote: new(int64(4)), Unknown: new(int64(5)),
		},
		MaxGapNanoseconds: 2, RunDelayNanoseconds: new(int64(3)),
		Distributions: []v1alpha1.Distribution{distribution(work.Measure{Metric: work.MetricWake, Sample: work.SampleRoundTrip}, whole)},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := *results[1].Groups[0].MigrationsByDistance.SMT; n != 2 {
		t.Errorf("the merge changed a node's own result: %d", n)
	}
}

// Two wake latencies of a group that mean different things stay two, whatever node they
// are from, and in the same order.
func TestMergeKeepsSamplesApart(t *testing.T) {
	sleep, wait := work.Measure{Metric: work.MetricWake, Sample: work.SampleSleep}, work.Measure{Metric: work.MetricWake, Sample: work.SampleWait}
	rate := work.Measure{Metric: work.MetricRate, Sample: work.SampleSecond}
	on := func(node string, measures ...work.Measure) *v1alpha1.RunResult {
		g := report.Group{Name: "g", Kind: "thunderingHerd"}
		for i, m := range measures {
			h := &telemetry.Histogram{}
			h.Record(uint64(100*(i+1)), 5)
			g.Distributions = append(g.Distributions, report.Distribution{Measure: m, Histogram: h})
		}
		return Result(&report.Report{RunID: node, Groups: []report.Group{g}})
	}
	for _, order := range [][]*v1alpha1.RunResult{
		{on("a", sleep, wait), on("b", wait, rate), on("c")},
		{on("c"), on("b", wait, rate), on("a", sleep, wait)},
	} {
		groups, truncated, err := Merge(order)
		if err != nil || truncated || len(groups) != 1 {
			t.Fatalf("%d groups, truncated %v, %v", len(groups), truncated, err)
		}
		type row struct {
			metric, sample, unit string
			count, min, max      int64
		}
		var got []row
		for _, d := range groups[0].Distributions {
			got = append(got, row{string(d.Metric), string(d.Sample), string(d.Unit), d.Count, d.Min, d.Max})
		}
		want := []row{
			{"WakeLatency", "Sleep", "ns", 5, 100, 100},
			{"WakeLatency", "Wait", "ns", 10, 100, 200},
			{"RequestRate", "Second", "1/s", 5, 200, 200},
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestMergeSaysWhatItCannotKnow(t *testing.T) {
	with := Result(&report.Report{Groups: []report.Group{{Name: "g", Kind: "k", Distributions: []report.Distribution{{Measure: work.Measure{Metric: work.MetricWake, Sample: work.SampleRoundTrip}, Histogram: histogram(9)}}}}})
	without := with.DeepCopy()
	without.Groups[0].Distributions[0].Histogram = ""
	for _, order := range [][]*v1alpha1.RunResult{{with, without, with}, {without, with}} {
		got, truncated, err := Merge(order)
		if err != nil || !truncated || len(got[0].Distributions) != 0 {
			t.Errorf("%d distributions, truncated %v, %v", len(got[0].Distributions), truncated, err)
		}
	}
	moved, unsaid := with.DeepCopy(), with.DeepCopy()
	moved.Groups[0].Migrations, moved.Groups[0].MigrationsByDistance = 2, &v1alpha1.MigrationDistances{SMT: new(int64(2))}
	unsaid.Groups[0].Migrations = 1
	if got, _, err := Merge([]*v1alpha1.RunResult{moved, unsaid}); err != nil || got[0].Migrations != 3 || got[0].MigrationsByDistance != nil {
		t.Errorf("3 migrations, of which 2 are known to be of some distance: %+v, %v", got[0].MigrationsByDistance, err)
	}
	threads := with.DeepCopy()
	threads.Groups[0].CloneMode, with.Groups[0].CloneMode = v1alpha1.CloneModeThread, v1alpha1.CloneModeFork
	if _, _, err := Merge([]*v1alpha1.RunResult{with, threads}); err == nil {
		t.Error("threads and processes were pooled")
	}
	other := with.DeepCopy()
	other.Groups[0].Kind = "else"
	if _, _, err := Merge([]*v1alpha1.RunResult{with, other}); err == nil {
		t.Error("different kinds of work were pooled")
	}
	broken := with.DeepCopy()
	broken.Groups[0].Distributions[0].Histogram = "junk"
	if _, _, err := Merge([]*v1alpha1.RunResult{broken}); err == nil {
		t.Error("a histogram that is junk was merged")
	}
}
