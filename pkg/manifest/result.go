// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"math"
	"slices"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
)

const (
	// resultBytes bounds a NodeRun's result, so that the object stays below 10 kB
	// beside its spec.
	resultBytes = 8_000
	maxProblems = 4
	maxNotes    = 4
	maxNote     = 128
	maxProblem  = 128
)

// Verdict is what a report says of its own worth.
func Verdict(rep *report.Report) (valid bool, reason v1alpha1.VoidReason, message string) {
	v := check.Sample(rep)
	return v.Valid, v1alpha1.VoidReason(v.Reason), v.Message
}

// Result sums a report up for the status of a NodeRun, in at most 8 kB of JSON.
// Where the histograms do not fit, those of the last groups are left out.
func Result(rep *report.Report) *v1alpha1.RunResult {
	r := &v1alpha1.RunResult{
		RunID: rep.RunID, Kernel: rep.Kernel, CloneMethod: rep.CloneMethod, HoldNanoseconds: rep.Hold,
		StartSkewNanoseconds: rep.StartSkew, SupervisorCPUNanoseconds: rep.SupervisorCPU,
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
	r.HistogramTruncated = dropHistograms(r, r.Groups, resultBytes)
	return r
}

// dropHistograms takes histograms away from the last group on until the object
// that holds the groups fits, and reports whether it had to.
func dropHistograms(object any, groups []v1alpha1.GroupResult, limit int) (truncated bool) {
	for _, group := range slices.Backward(groups) {
		if text, err := json.Marshal(object); err == nil && len(text) <= limit {
			return truncated
		}
		for d := range group.Distributions {
			truncated = truncated || group.Distributions[d].Histogram != ""
			group.Distributions[d].Histogram = ""
		}
	}
	return truncated
}

func cut(text string, limit int) string {
	if len(text) > limit {
		return text[:limit-3] + "..."
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
		Name: g.Name, Kind: g.Kind, Workers: int32(g.Workers), Completed: int32(g.Completed),
		Iterations: count(g.Iterations), WorkUnits: count(g.WorkUnits), WallNanoseconds: g.Wall, CPUNanoseconds: g.CPU,
		RunDelayNanoseconds: g.RunDelay, Migrations: count(g.Migrations), CPUsUsed: g.CPUs, MaxGapNanoseconds: g.MaxGap,
	}
	for _, d := range g.Distributions {
		if d.Histogram.Count() > 0 {
			out.Distributions = append(out.Distributions, distribution(v1alpha1.DistributionMetric(d.Metric), d.Histogram))
		}
	}
	return out
}

// count is a counter as the API has it.
func count(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

func distribution(metric v1alpha1.DistributionMetric, h *telemetry.Histogram) v1alpha1.Distribution {
	d := v1alpha1.Distribution{
		Metric: metric, Count: count(h.Count()), MinNanoseconds: count(h.Min()), MaxNanoseconds: count(h.Max()),
		P50Nanoseconds: count(h.Quantile(0.5)), P90Nanoseconds: count(h.Quantile(0.9)),
		P99Nanoseconds: count(h.Quantile(0.99)), P999Nanoseconds: count(h.Quantile(0.999)),
	}
	// An encoding that fails is as good as one left out: the figures stand.
	d.Histogram, _ = h.Encode()
	return d
}
