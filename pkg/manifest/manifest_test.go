// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func runSpec(change func(*v1alpha1.RunSpec)) *v1alpha1.RunSpec {
	r := &v1alpha1.RunSpec{
		Duration: metav1.Duration{Duration: 1e9}, Seed: 1,
		Groups: []v1alpha1.Group{{Name: "g", Workers: new(int32(2)), CloneMode: v1alpha1.CloneModeFork, Work: v1alpha1.Work{SpinWait: &v1alpha1.SpinWait{}}}},
	}
	change(r)
	return r
}

// Whatever the model has, the API has under the same name. The reverse need not
// hold: what the model lacks is refused, by name in Check and else by the decoder.
func TestTheModelIsPartOfTheAPI(t *testing.T) {
	api := jsonPaths(reflect.TypeFor[v1alpha1.RunSpec](), "")
	for path := range jsonPaths(reflect.TypeFor[spec.Run](), "") {
		if !api[path] {
			t.Errorf("the model has %s, the API has not", path)
		}
	}
}

// jsonPaths lists the members of a type's JSON.
func jsonPaths(typ reflect.Type, at string) map[string]bool {
	paths := map[string]bool{}
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[metav1.Duration]() {
		return paths
	}
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		path := at + "." + name
		paths[path] = true
		for p := range jsonPaths(f.Type, path) {
			paths[p] = true
		}
	}
	return paths
}

func TestModelCarriesEverything(t *testing.T) {
	run := runSpec(func(r *v1alpha1.RunSpec) {
		r.SchedulingPolicies = []v1alpha1.SchedulingPolicy{{Name: "rt", FIFO: &v1alpha1.RealtimePolicy{Priority: 5}}}
		r.Cgroups = []v1alpha1.Cgroup{{Name: "a/b"}}
		g := &r.Groups[0]
		g.Comm, g.Cgroup, g.SchedulingPolicy, g.Nice = "name", "a/b", "rt", new(int32(0))
		g.Affinity = &v1alpha1.Affinity{RandomSubset: &v1alpha1.RandomSubset{From: "0-1", Count: 1}}
		g.Work = v1alpha1.Work{Bursty: &v1alpha1.Bursty{Burst: metav1.Duration{Duration: 1e6}, Sleep: metav1.Duration{Duration: 2e6}}}
	})
	got, err := Model(run)
	if err != nil {
		t.Fatal(err)
	}
	want := &spec.Run{
		Duration: 1e9, Seed: 1, Cgroups: []spec.Cgroup{{Name: "a/b"}},
		SchedulingPolicies: []spec.SchedulingPolicy{{Name: "rt", FIFO: &spec.Realtime{Priority: 5}}},
		Groups: []spec.Group{{
			Name: "g", Workers: 2, CloneMode: spec.CloneModeFork, Comm: "name", Cgroup: "a/b", SchedulingPolicy: "rt", Nice: new(0),
			Affinity: &spec.Affinity{RandomSubset: &spec.RandomSubset{From: "0-1", Count: 1}},
			Work:     work.Spec{Bursty: &work.Bursty{Burst: 1e6, Sleep: 2e6}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCheckRefusesByName(t *testing.T) {
	for name, tc := range map[string]struct {
		run       *v1alpha1.RunSpec
		placement *v1alpha1.Placement
		reason    string
		message   string
	}{
		"what is supported": {run: runSpec(func(*v1alpha1.RunSpec) {})},
		"steps":             {runSpec(func(r *v1alpha1.RunSpec) { r.Steps = []v1alpha1.Step{{}} }), nil, v1alpha1.ReasonNotSupportedYet, "spec.steps"},
		"several at once": {runSpec(func(r *v1alpha1.RunSpec) {
			r.Groups[0].CloneMode, r.Groups[0].UID = v1alpha1.CloneModeThread, new(int64(0))
			r.Cgroups = []v1alpha1.Cgroup{{Name: "c", PidsMax: new(int64(1))}}
		}), &v1alpha1.Placement{Gang: true}, v1alpha1.ReasonNotSupportedYet,
			"not supported yet: spec.groups[0].cloneMode: Thread, spec.groups[0].uid, spec.cgroups[0].pidsMax, spec.placement.gang"},
		"too many workers in all": {runSpec(func(r *v1alpha1.RunSpec) {
			r.Groups = append(r.Groups, r.Groups[0])
			r.Groups[0].Workers, r.Groups[1].Workers, r.Groups[1].Name = new(int32(20000)), new(int32(1)), "h"
		}), nil, v1alpha1.ReasonInvalid, "spec.groups: at most 20000 workers in all, not 20001"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Check(tc.run, tc.placement)
			if tc.reason == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			refusal, ok := err.(*Refusal) //nolint:errorlint // it is documented to be one
			if !ok || refusal.Reason != tc.reason || !strings.Contains(refusal.Message, tc.message) {
				t.Errorf("got %+v, want %s: %s", err, tc.reason, tc.message)
			}
		})
	}
}

// Every member of the API that the model lacks is refused by name, so that no one
// meets the decoder's words.
func TestEveryMemberIsSupportedOrRefused(t *testing.T) {
	model := jsonPaths(reflect.TypeFor[spec.Run](), "")
	refused := map[string]bool{
		".memoryPolicies": true, ".steps": true, ".checks": true, ".scheduler": true,
		".groups.workersPercent": true, ".groups.processName": true, ".groups.memoryPolicy": true, ".groups.numaNode": true,
		".groups.uid": true, ".groups.gid": true,
		".groups.affinity.llcAligned": true, ".groups.affinity.smtSiblingPair": true, ".groups.affinity.crossCgroup": true,
		".cgroups.cpuset": true, ".cgroups.cpu": true, ".cgroups.memory": true, ".cgroups.ioWeight": true, ".cgroups.pidsMax": true,
		".schedulingPolicies.deadline": true, ".schedulingPolicies.ext": true,
	}
	for path := range jsonPaths(reflect.TypeFor[v1alpha1.RunSpec](), "") {
		known := model[path]
		for p := path; p != ""; p = p[:strings.LastIndex(p, ".")] {
			known = known || refused[p]
		}
		if !known {
			t.Errorf("the model does not know %s and Check does not refuse it", path)
		}
	}
}

func histogram(n int) *telemetry.Histogram {
	h := &telemetry.Histogram{}
	for range n {
		h.Record(1000+rand.Uint64N(1<<rand.IntN(34)), 1)
	}
	return h
}

func bigReport(groups, workers int) *report.Report {
	rep := &report.Report{RunID: strings.Repeat("r", 63), Kernel: strings.Repeat("k", 64), CloneMethod: "clone3 without exec", Hold: 1e15}
	for g := range groups {
		delay := int64(1e17)
		rep.Groups = append(rep.Groups, report.Group{
			Name: fmt.Sprintf("%032d", g), Kind: "futexPingPong", Workers: workers, Completed: workers, Iterations: 1e17, WorkUnits: 1e18,
			Migrations: 1e12, Wall: 1e17, CPU: 1e17, RunDelay: &delay, MaxGap: 1e12, CPUs: "0-63",
			Distributions: []report.Distribution{{Metric: work.MetricWake, Histogram: histogram(20_000)}},
		})
		for w := range workers {
			rep.Workers = append(rep.Workers, report.Worker{Group: fmt.Sprint(g), Index: w, Stage: "Running", Exit: strings.Repeat("e", 300), Problem: strings.Repeat("p", 300)})
		}
	}
	return rep
}

func TestAResultFitsANodeRun(t *testing.T) {
	// With one group whose workers all failed, then with as many groups as there may be.
	for _, rep := range []*report.Report{bigReport(1, 200), bigReport(12, 1)} {
		r := Result(rep)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 10_000 {
			t.Errorf("%d groups: %d bytes", len(rep.Groups), len(text))
		}
		if len(r.Problems) != maxProblems || int(r.ProblemCount) != len(rep.Workers) {
			t.Errorf("%d problems of %d, want %d of %d", len(r.Problems), r.ProblemCount, maxProblems, len(rep.Workers))
		}
		dropped := false
		for _, g := range r.Groups {
			dropped = dropped || g.Distributions[0].Histogram == ""
			if g.Distributions[0].Count == 0 || g.Distributions[0].P99Nanoseconds == 0 {
				t.Errorf("group %s lost its figures", g.Name)
			}
		}
		if dropped != r.HistogramTruncated {
			t.Errorf("histograms dropped: %v, said: %v", dropped, r.HistogramTruncated)
		}
	}
}

func TestMergeAddsPopulations(t *testing.T) {
	var results []*v1alpha1.RunResult
	whole := &telemetry.Histogram{}
	for n := range 3 {
		h := histogram(500 * (n + 1))
		whole.Merge(h)
		rep := &report.Report{RunID: fmt.Sprint(n), Groups: []report.Group{{
			Name: "g", Kind: "futexPingPong", Workers: 2, Completed: 2, Iterations: 10, Wall: 100, CPU: 50, MaxGap: int64(n),
			Distributions: []report.Distribution{{Metric: work.MetricWake, Histogram: h}},
		}}}
		if n > 0 {
			delay := int64(n)
			rep.Groups[0].RunDelay = &delay
		}
		results = append(results, Result(rep))
	}
	got, truncated, err := Merge(results)
	if err != nil || truncated {
		t.Fatalf("truncated %v, %v", truncated, err)
	}
	want := []v1alpha1.GroupResult{{
		Name: "g", Kind: "futexPingPong", Workers: 6, Completed: 6, Iterations: 30, WallNanoseconds: 300, CPUNanoseconds: 150,
		MaxGapNanoseconds: 2, RunDelayNanoseconds: new(int64(3)),
		Distributions: []v1alpha1.Distribution{distribution(v1alpha1.MetricWakeLatency, whole)},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMergeSaysWhatItCannotKnow(t *testing.T) {
	with := Result(&report.Report{Groups: []report.Group{{Name: "g", Kind: "k", Distributions: []report.Distribution{{Metric: work.MetricWake, Histogram: histogram(9)}}}}})
	without := with.DeepCopy()
	without.Groups[0].Distributions[0].Histogram = ""
	for _, order := range [][]*v1alpha1.RunResult{{with, without, with}, {without, with}} {
		got, truncated, err := Merge(order)
		if err != nil || !truncated || len(got[0].Distributions) != 0 {
			t.Errorf("%d distributions, truncated %v, %v", len(got[0].Distributions), truncated, err)
		}
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
