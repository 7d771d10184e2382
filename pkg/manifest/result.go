// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	// resultBytes bounds a NodeRun's result, so that its status stays below 10 kB with
	// conditions and the reference to the report.
	resultBytes = 8_000
	// maxResultBytes is what it may have at most.
	maxResultBytes = 9_000
	maxFindings    = 8
	maxSteps       = 64
	maxFinding     = 160
	maxValue       = 32
	maxProblems    = 4
	maxNotes       = 4
	maxNote        = 128
	maxProblem     = 128
	maxCPUList     = 1024
	maxDigest      = 64
	maxPolicy      = 64
	maxCgroups     = 33 // those that are declared and the run's own
	maxKnob        = 128
)

// Verdict is what a report says of its own worth.
func Verdict(rep *report.Report) (valid bool, reason v1alpha1.VoidReason, message string) {
	v := check.Sample(rep)
	return v.Valid, v1alpha1.VoidReason(v.Reason), v.Message
}

// Result sums a report up for the status of a NodeRun, in 8 kB of JSON. What does
// not fit is left out, of the last groups and steps first: histograms, then where on the
// machine a group was, then figures of steps, then figures of programs, then cgroups. The figures of groups
// stay, so that large ones of twelve groups may take more, but never 9 kB: before that
// distributions go, then findings beyond the third, problems and notes beyond the first, and what the machine
// did. The verdict, the first findings and the groups always stay.
func Result(rep *report.Report) *v1alpha1.RunResult {
	r := &v1alpha1.RunResult{
		RunID: rep.RunID, Kernel: rep.Kernel, CloneMethod: rep.CloneMethod, HoldNanoseconds: rep.Hold,
		StartSkewNanoseconds: rep.StartSkew, SupervisorCPUNanoseconds: rep.SupervisorCPU,
		Interference: interferenceResult(rep.Interference),
		Verdict:      v1alpha1.Verdict(rep.Verdict), Checks: verdictCounts(rep.Checks), Findings: findings(rep.Findings),
	}
	if h := rep.Host; h != nil {
		r.Shape, r.FingerprintDigest = cut(h.Shape, maxDigest), cut(h.Digest, maxDigest)
	}
	if s := rep.Synchronized; s != nil {
		r.SynchronizedStart = &v1alpha1.SynchronizedStart{
			Planned: metav1.NewMicroTime(s.Planned), Actual: metav1.NewMicroTime(s.Planned.Add(time.Duration(s.Late))), LateNanoseconds: s.Late,
		}
	}
	if n := rep.NUMAPagesMigrated; n != nil {
		r.NUMAPagesMigrated = new(count(*n))
	}
	for _, note := range rep.Notes[:min(len(rep.Notes), maxNotes)] {
		r.Notes = append(r.Notes, cut(note, maxNote))
	}
	for i := range rep.Workers {
		if w := &rep.Workers[i]; !w.Completed {
			r.ProblemCount++
			if len(r.Problems) < maxProblems {
				r.Problems = append(r.Problems, problemOf(w))
			}
		}
	}
	for i := range rep.Groups {
		r.Groups = append(r.Groups, groupResult(&rep.Groups[i]))
	}
	for i := range rep.Cgroups[:min(len(rep.Cgroups), maxCgroups)] {
		r.Cgroups = append(r.Cgroups, cgroupResult(&rep.Cgroups[i]))
	}
	r.Steps = stepResults(rep)
	shrink(r, len(rep.Cgroups) > maxCgroups)
	return r
}

// cpuList is a list of CPUs or nodes, empty if the API does not take it: a part of
// it would be wrong.
func cpuList(text string) string {
	if len(text) > maxCPUList {
		return ""
	}
	return text
}

// cut keeps a text within bytes, and in whole characters.
func cut(text string, limit int) string {
	if len(text) > limit {
		return strings.ToValidUTF8(text[:limit-3], "") + "..."
	}
	return text
}

func problemOf(w *report.Worker) v1alpha1.WorkerResult {
	return v1alpha1.WorkerResult{
		Group: w.Group, Index: int32(w.Index), Stage: w.Stage, Outcome: cut(w.Exit, maxProblem),
		Iterations: int64(w.Iterations), Problem: cut(w.Problem, maxProblem),
	}
}

func groupResult(g *report.Group) v1alpha1.GroupResult {
	out := v1alpha1.GroupResult{
		Name: g.Name, Kind: g.Kind, CloneMode: v1alpha1.CloneMode(g.CloneMode), Workers: int32(g.Workers), Completed: int32(g.Completed),
		Iterations: count(g.Iterations), WorkUnits: count(g.WorkUnits), WallNanoseconds: g.Wall, CPUNanoseconds: g.CPU,
		RunDelayNanoseconds: g.RunDelay, VoluntarySwitches: count(g.Voluntary), InvoluntarySwitches: count(g.Involuntary),
		Migrations: count(g.Migrations), MigrationsByDistance: distances(g.MigrationsBy), MaxGapNanoseconds: g.MaxGap,
		Policy: cut(g.Policy, maxPolicy), AllowedCPUs: cpuList(g.AllowedCPUs), CPUsUsed: cpuList(g.CPUs),
	}
	out.ProgramMetrics = programMetrics(g.ProgramMetrics)
	if g.MaxGap > 0 {
		out.MaxGapCPU = new(int32(g.MaxGapCPU))
	}
	for _, node := range slices.Sorted(maps.Keys(g.Pages)) {
		out.PagesByNode = append(out.PagesByNode, v1alpha1.NodePages{Node: int32(node), Pages: count(g.Pages[node])})
	}
	for _, d := range g.Distributions {
		if d.Histogram.Count() > 0 {
			out.Distributions = append(out.Distributions, distribution(d.Measure, d.Histogram))
		}
	}
	return out
}

// distances are the migrations that were seen, nil without any.
func distances(by map[string]uint64) *v1alpha1.MigrationDistances {
	if len(by) == 0 {
		return nil
	}
	seen := func(d arena.Distance) *int64 {
		if n, ok := by[d.String()]; ok {
			return new(count(n))
		}
		return nil
	}
	return &v1alpha1.MigrationDistances{
		SMT: seen(arena.DistanceSMT), LLC: seen(arena.DistanceLLC), Node: seen(arena.DistanceNode),
		Remote: seen(arena.DistanceRemote), Unknown: seen(arena.DistanceUnknown),
	}
}

// count is a counter as the API has it.
func count(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

func distribution(of work.Measure, h *telemetry.Histogram) v1alpha1.Distribution {
	d := v1alpha1.Distribution{
		Metric: v1alpha1.DistributionMetric(of.Metric), Sample: v1alpha1.DistributionSample(of.Sample), Unit: v1alpha1.DistributionUnit(of.Metric.Unit()),
		Count: count(h.Count()), Min: count(h.Min()), Max: count(h.Max()),
		P50: count(h.Quantile(0.5)), P90: count(h.Quantile(0.9)),
		P99: count(h.Quantile(0.99)), P999: count(h.Quantile(0.999)),
	}
	// An encoding that fails is as good as one left out: the figures stand.
	d.Histogram, _ = h.Encode()
	return d
}
