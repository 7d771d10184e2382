// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func found(name string, value float64) payload.Value {
	return payload.Value{Name: name, Unit: "us", Polarity: payload.LowerIsBetter, Value: &value}
}

func missing(name string) payload.Value {
	return payload.Value{Name: name, Unit: "us", Polarity: payload.LowerIsBetter, Missing: "is not there"}
}

func metric(name string, count int64, sum, least, most string) v1alpha1.ProgramMetric {
	return v1alpha1.ProgramMetric{Name: name, Unit: "us", Polarity: v1alpha1.PolarityLower, Count: count, Sum: sum, Min: least, Max: most}
}

// programsOf is a report of one group, with the figures of each of its programs.
func programsOf(programs ...[]payload.Value) *report.Report {
	g := report.Group{Name: "g", Kind: "exec", CloneMode: "Fork"}
	for i, values := range programs {
		g.Programs = append(g.Programs, report.Program{Name: "fio", Worker: i, Metrics: values})
		g.ProgramMetrics = payload.AddValues(g.ProgramMetrics, values)
	}
	return &report.Report{Groups: []report.Group{g}}
}

// A figure that a program did not write is in no sum and in no count.
func TestFiguresOfProgramsAreAddedUp(t *testing.T) {
	for name, tc := range map[string]struct {
		nodes []*report.Report
		want  []v1alpha1.ProgramMetric
	}{
		"without programs": {[]*report.Report{programsOf()}, nil},
		"without a figure": {[]*report.Report{programsOf([]payload.Value{missing("p50")})}, nil},
		"of one node": {
			[]*report.Report{programsOf([]payload.Value{found("p50", 1.5), missing("p99")}, []payload.Value{found("p50", -2), found("p99", 1e30)})},
			[]v1alpha1.ProgramMetric{metric("p50", 2, "-0.5", "-2", "1.5"), metric("p99", 1, "1e+30", "1e+30", "1e+30")},
		},
		"of three nodes, one without": {
			[]*report.Report{
				programsOf([]payload.Value{found("p50", 0.1)}, []payload.Value{found("p50", 0.2)}), programsOf([]payload.Value{missing("p50")}),
				programsOf([]payload.Value{found("p50", 1e6), found("p99", 7)}),
			},
			[]v1alpha1.ProgramMetric{metric("p50", 3, "1000000.3", "0.1", "1000000"), metric("p99", 1, "7", "7", "7")},
		},
		"of which the sum is too large for a float": {
			[]*report.Report{programsOf([]payload.Value{found("p50", math.MaxFloat64)}, []payload.Value{found("p50", math.MaxFloat64)})},
			[]v1alpha1.ProgramMetric{metric("p50", 2, "3.5953862697246314e+308", "1.7976931348623157e+308", "1.7976931348623157e+308")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var results []*v1alpha1.RunResult
			for _, rep := range tc.nodes {
				results = append(results, Result(rep))
			}
			if len(results) == 1 {
				if diff := cmp.Diff(tc.want, results[0].Groups[0].ProgramMetrics); diff != "" {
					t.Errorf("of the node (-want +got):\n%s", diff)
				}
			}
			merged, truncated, err := Merge(results)
			if err != nil || truncated {
				t.Fatalf("truncated %v, %v", truncated, err)
			}
			if diff := cmp.Diff(tc.want, merged[0].ProgramMetrics); diff != "" {
				t.Errorf("merged (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFiguresOfProgramsThatDoNotFitTogether(t *testing.T) {
	good := metric("p50", 1, "1", "1", "1")
	for name, tc := range map[string]struct {
		change func(*v1alpha1.ProgramMetric)
		want   string
	}{
		"of another unit":     {func(m *v1alpha1.ProgramMetric) { m.Unit = "ms" }, `programMetrics p50: it is LowerIsBetter in "ms", elsewhere LowerIsBetter in "us"`},
		"of another polarity": {func(m *v1alpha1.ProgramMetric) { m.Polarity = v1alpha1.PolarityHigher }, `programMetrics p50: it is HigherIsBetter in "us"`},
		"that are no numbers": {func(m *v1alpha1.ProgramMetric) { m.Max = "many" }, `programMetrics p50: "many" is not a decimal number`},
		"without an end":      {func(m *v1alpha1.ProgramMetric) { m.Sum = "Inf" }, `programMetrics p50: "Inf" is not a decimal number`},
	} {
		t.Run(name, func(t *testing.T) {
			other := good
			tc.change(&other)
			var results []*v1alpha1.RunResult
			for _, m := range []v1alpha1.ProgramMetric{good, other} {
				results = append(results, &v1alpha1.RunResult{Groups: []v1alpha1.GroupResult{{Name: "g", Kind: "exec", ProgramMetrics: []v1alpha1.ProgramMetric{m}}}})
			}
			if _, _, err := Merge(results); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// With figures of twelve groups of programs a result still fits, and says what it left out.
func TestAResultLeavesOutFiguresOfPrograms(t *testing.T) {
	rep := &report.Report{}
	for g := range 12 {
		var values []payload.Value
		for m := range payload.MaxMetrics {
			values = append(values, found(fmt.Sprintf("%063d", m), 1.2345678901234567e-300))
		}
		group := programsOf(values).Groups[0]
		group.Name = fmt.Sprint(g)
		rep.Groups = append(rep.Groups, group)
	}
	r := Result(rep)
	if !fits(r, resultBytes) || !r.HistogramTruncated || r.Groups[0].ProgramMetrics == nil || r.Groups[11].ProgramMetrics != nil {
		t.Errorf("fits %v, truncated %v, first %d, last %d", fits(r, resultBytes), r.HistogramTruncated, len(r.Groups[0].ProgramMetrics), len(r.Groups[11].ProgramMetrics))
	}
	if _, truncated, err := Merge([]*v1alpha1.RunResult{r}); err != nil || !truncated {
		t.Errorf("merged: truncated %v, %v", truncated, err)
	}
}

// Placement looks at the policy that a node publishes; one that publishes none allows nothing.
func TestUnfitLooksAtThePolicy(t *testing.T) {
	run := func(k work.Kind) *spec.Run {
		return &spec.Run{Duration: 1e9, AllowDangerousWork: true, Groups: []spec.Group{{Name: "g", Workers: 1, CloneMode: spec.CloneModeFork, Work: work.SpecOf(k)}}}
	}
	all := &spec.Policy{DangerousWork: true, Programs: map[string]string{"fio": "/usr/bin/fio", "sh": "/bin/sh"}, Devices: []string{"/dev/vdb"}}
	for name, tc := range map[string]struct {
		run    *spec.Run
		policy *v1alpha1.NodePolicy
		want   string
	}{
		"without a policy":          {run(&work.Exec{Definition: "fio"}), nil, "does not offer the program fio, which groups[0].work.exec.program names"},
		"with an empty policy":      {run(&work.Exec{Program: "sh"}), NodePolicy(nil), "does not offer the program sh, which groups[0].work.exec.program names"},
		"with another program":      {run(&work.Exec{Program: "fio-3.40", Definition: "fio"}), NodePolicy(all), "does not offer the program fio-3.40, which groups[0].work.exec.program names"},
		"with the program":          {run(&work.Exec{Definition: "fio"}), NodePolicy(all), ""},
		"with work that needs none": {run(&work.SpinWait{}), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			node := &v1alpha1.TestNodeStatus{Topology: &v1alpha1.Topology{OnlineCPUs: "0-3", MemoryNodes: "0"}, Policy: tc.policy}
			if got := Unfit(tc.run, node); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	a := &v1alpha1.TestNodeStatus{Policy: NodePolicy(all)}
	b := &v1alpha1.TestNodeStatus{Policy: NodePolicy(&spec.Policy{DangerousWork: true})}
	if DigestOf(a) == DigestOf(b) {
		t.Error("nodes of different policies are alike to placement")
	}
}
