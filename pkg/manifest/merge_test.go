// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// node is a random result of two groups: small numbers, and now and then very large ones.
func node(r *rand.Rand) *v1alpha1.RunResult {
	number := func() uint64 {
		if r.IntN(15) == 0 {
			return r.Uint64()
		}
		return r.Uint64N(5)
	}
	rep := &report.Report{}
	for _, name := range []string{"a", "b"} {
		g := report.Group{Name: name, Kind: "thunderingHerd", Workers: r.IntN(5), Completed: r.IntN(5), Figures: report.Figures{
			Iterations: number(), WorkUnits: number(), Wall: int64(number() / 2), CPU: int64(number() / 2), MaxGap: int64(number() / 2), MaxGapCPU: r.IntN(3),
			Voluntary: number(), Involuntary: number(),
		}}
		if r.IntN(2) == 0 {
			g.RunDelay = new(int64(number() / 2))
		}
		g.MigrationsBy = map[string]uint64{}
		for _, distance := range []string{"SMT", "LLC", "Node", "Remote", "Unknown"} {
			if n := r.Uint64N(3); n > 0 {
				g.MigrationsBy[distance] = n
				g.Migrations += n
			}
		}
		if r.IntN(5) == 0 {
			g.MigrationsBy = nil // left out to keep the status small
		}
		for _, sample := range []work.Sample{work.SampleSleep, work.SampleWait} {
			h := &telemetry.Histogram{}
			for range r.IntN(4) {
				h.Record(number(), 1+r.Uint64N(3))
			}
			g.Distributions = append(g.Distributions, report.Distribution{Measure: work.Measure{Metric: work.MetricWake, Sample: sample}, Histogram: h})
		}
		for _, name := range []string{"p50", "p99"} {
			if n := payload.DecimalOf(r.NormFloat64() * math.Pow(10, float64(r.IntN(12)-6))); r.IntN(3) > 0 {
				g.ProgramMetrics = append(g.ProgramMetrics, payload.Total{Name: name, Polarity: payload.Neither, Count: 1, Sum: n, Min: n, Max: n})
			}
		}
		rep.Groups = append(rep.Groups, g)
	}
	out := Result(rep)
	if r.IntN(6) == 0 {
		out.HistogramTruncated = true
		for d := range out.Groups[0].Distributions {
			out.Groups[0].Distributions[d].Histogram = ""
		}
		if r.IntN(2) == 0 {
			out.Groups[0].Distributions = nil
		}
	}
	return out
}

// merged is what nodes give together, as a result that can be merged again.
func merged(t *testing.T, results ...*v1alpha1.RunResult) *v1alpha1.RunResult {
	t.Helper()
	groups, truncated, err := Merge(results)
	if err != nil {
		t.Fatal(err)
	}
	return &v1alpha1.RunResult{Groups: groups, HistogramTruncated: truncated}
}

// Whatever order nodes are merged in, and whichever first, the result is the same to the
// last digit, and so it is with nothing among them.
func TestMergingNodesIsAssociativeAndCommutative(t *testing.T) {
	nothing := &v1alpha1.RunResult{}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 11))
		a, b, c := node(r), node(r), node(r)
		want := merged(t, a, b, c)
		for name, got := range map[string]*v1alpha1.RunResult{
			"(a b) c":       merged(t, merged(t, a, b), c),
			"a (b c)":       merged(t, a, merged(t, b, c)),
			"c b a":         merged(t, c, b, a),
			"(c a) b":       merged(t, merged(t, c, a), b),
			"nothing a b c": merged(t, nothing, a, merged(t, nothing), b, c, merged(t)),
		} {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d: a b c and %s differ:\n%s", seed, name, diff)
			}
		}
	}
}

func TestSumsStayAtTheirEnd(t *testing.T) {
	most := &v1alpha1.RunResult{Groups: []v1alpha1.GroupResult{{Name: "g", Workers: math.MaxInt32, WallNanoseconds: math.MaxInt64, RunDelayNanoseconds: new(int64(math.MaxInt64))}}}
	groups, _, err := Merge([]*v1alpha1.RunResult{most, most})
	if err != nil || groups[0].Workers != math.MaxInt32 || groups[0].WallNanoseconds != math.MaxInt64 || *groups[0].RunDelayNanoseconds != math.MaxInt64 {
		t.Errorf("%+v, %v", groups, err)
	}
}

func TestRunDelayOfSomeNodesIsNotThatOfAll(t *testing.T) {
	of := func(wall int64, delay *int64) *v1alpha1.RunResult {
		return &v1alpha1.RunResult{Groups: []v1alpha1.GroupResult{{Name: "g", WallNanoseconds: wall, RunDelayNanoseconds: delay}}}
	}
	told, untold, nothing := of(10, new(int64(5))), of(10, nil), of(0, nil)
	for name, tc := range map[string]struct {
		nodes []*v1alpha1.RunResult
		want  *int64
	}{
		"all tell":               {[]*v1alpha1.RunResult{told, told}, new(int64(10))},
		"one does not":           {[]*v1alpha1.RunResult{told, untold, told}, nil},
		"one had nothing to say": {[]*v1alpha1.RunResult{told, nothing}, new(int64(5))},
	} {
		if diff := cmp.Diff(tc.want, merged(t, tc.nodes...).Groups[0].RunDelayNanoseconds); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestNodesThatHaveMoreThanCanBe(t *testing.T) {
	var many, metrics v1alpha1.RunResult
	for i := range maxGroups + 1 {
		many.Groups = append(many.Groups, v1alpha1.GroupResult{Name: fmt.Sprint(i)})
	}
	metrics.Groups = []v1alpha1.GroupResult{{Name: "g"}}
	for i := range payload.MaxMetrics + 1 {
		metrics.Groups[0].ProgramMetrics = append(metrics.Groups[0].ProgramMetrics, v1alpha1.ProgramMetric{Name: fmt.Sprint(i), Sum: "1", Min: "1", Max: "1"})
	}
	for want, r := range map[string]*v1alpha1.RunResult{
		"there are 13 groups on all nodes together": &many, "on all nodes together there are 17, at most 16": &metrics,
	} {
		if _, _, err := Merge([]*v1alpha1.RunResult{r}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Five thousand nodes with the worst results still make a Workload that is small, soon enough.
func TestFiveThousandOfTheWorstResultsFitAWorkload(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds, and -short was given")
	}
	rep := worstReport()
	for g := range rep.Groups {
		rep.Groups[g].ProgramMetrics = widest(g)
	}
	worst := Result(rep)
	// Of all distributions and figures of programs that there can be, as much as a node can send.
	var rich []*v1alpha1.RunResult
	for g := range rep.Groups {
		one := &report.Report{Groups: []report.Group{rep.Groups[g]}}
		for _, sample := range []work.Sample{work.SampleYield, work.SampleSleep, work.SampleOvershoot} {
			one.Groups[0].Distributions = append(one.Groups[0].Distributions, report.Distribution{Measure: work.Measure{Metric: work.MetricWake, Sample: sample}, Histogram: histogram(100)})
		}
		rich = append(rich, Result(one))
	}
	for name, of := range map[string][]*v1alpha1.RunResult{"that are all alike": {worst}, "of which each has one group whole": rich} {
		t.Run(name, func(t *testing.T) { fiveThousand(t, worst, of) })
	}
}

// widest are as many figures of programs as there can be, as long as they can be.
func widest(g int) []payload.Total {
	var values []payload.Value
	for m := range payload.MaxMetrics {
		v := found(fmt.Sprintf("%063d", m), 1.2345678901234567e-300*float64(g+1))
		v.Unit = strings.Repeat("u", 32)
		values = append(values, v)
	}
	return payload.AddValues(nil, values)
}

func fiveThousand(t *testing.T, worst *v1alpha1.RunResult, of []*v1alpha1.RunResult) {
	var results []*v1alpha1.RunResult
	for i := range 5_000 {
		results = append(results, of[i%len(of)])
	}
	began := time.Now()
	groups, _, err := Merge(results)
	took := time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("m", 512)
	status := v1alpha1.WorkloadStatus{Groups: groups}
	for i := range 16 {
		status.Machines = append(status.Machines, v1alpha1.MergedMachine{FingerprintDigest: text[:64], Shape: text[:64], Kernel: text[:128], NodeRuns: int32(i)})
		if i < 10 {
			status.Findings = append(status.Findings, worst.Findings[0])
			status.Findings[i].Node = text[:253]
			status.Failures = append(status.Failures, v1alpha1.NodeFailure{Node: text[:253], NodeRun: text[:253], Message: text})
		}
		if i < 6 {
			status.Conditions = append(status.Conditions, metav1.Condition{Type: text[:16], Reason: text[:32], Message: text})
		}
	}
	whole, err := json.Marshal(status)
	if err != nil || len(whole) > 100_000 || !fits(groups, 80_000) {
		t.Errorf("the status has %d bytes, the groups fit: %v, %v", len(whole), fits(groups, 80_000), err)
	}
	t.Logf("%d bytes, %d groups, after %v", len(whole), len(groups), took)
	if took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

// Whatever nodes say, merging them does not fail but by an error, and gives what can be merged again.
func FuzzMerge(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	one, err := json.Marshal(node(r))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(one, []byte(`{"runID": "r", "groups": [{"name": "a", "programMetrics": [{"name": "p", "sum": "1e-999", "min": "-1e300", "max": "0x1"}]}]}`))
	f.Add([]byte(`{"groups": [{"name": "a", "distributions": [{"metric": "WakeLatency", "min": -1, "max": 9, "histogram": "HISTogram"}]}]}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var a, b v1alpha1.RunResult
		if json.Unmarshal(first, &a) != nil || json.Unmarshal(second, &b) != nil {
			return
		}
		groups, truncated, err := Merge([]*v1alpha1.RunResult{&a, &b})
		if err != nil {
			return
		}
		if _, _, err := Merge([]*v1alpha1.RunResult{{Groups: groups, HistogramTruncated: truncated}}); err != nil {
			t.Fatalf("what was merged does not merge: %v", err)
		}
	})
}
