// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"slices"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// firstFindings are never left out.
const firstFindings = 3

// shrink leaves out what does not fit, in the order in which it can be spared. cgroups says that some of them
// were left out before.
func shrink(r *v1alpha1.RunResult, cgroups bool) {
	r.HistogramTruncated = dropHistograms(r, r.Groups, resultBytes)
	dropPlaces(r, resultBytes)
	r.StepsTruncated = dropSteps(r, resultBytes)
	if dropProgramMetrics(r, resultBytes) {
		r.HistogramTruncated = true
	}
	r.CgroupsTruncated = dropCgroups(r, resultBytes) || cgroups
	if dropDistributions(r, maxResultBytes) {
		r.HistogramTruncated = true
	}
	for len(r.Findings) > firstFindings && !fits(r, maxResultBytes) {
		r.Findings = r.Findings[:len(r.Findings)-1]
	}
	for len(r.Problems) > 1 && !fits(r, maxResultBytes) {
		r.Problems = r.Problems[:len(r.Problems)-1]
	}
	for len(r.Notes) > 1 && !fits(r, maxResultBytes) {
		r.Notes = r.Notes[:len(r.Notes)-1]
	}
	if !fits(r, maxResultBytes) {
		r.Interference = nil
	}
	for i := range r.Findings {
		if fits(r, maxResultBytes) {
			return
		}
		r.Findings[len(r.Findings)-1-i].Message = ""
	}
}

func fits(object any, limit int) bool {
	text, err := json.Marshal(object)
	return err == nil && len(text) <= limit
}

// dropHistograms takes histograms away from the last group on until the object
// that holds the groups fits, and reports whether it had to.
func dropHistograms(object any, groups []v1alpha1.GroupResult, limit int) (truncated bool) {
	for _, group := range slices.Backward(groups) {
		if fits(object, limit) {
			return truncated
		}
		for d := range group.Distributions {
			truncated = truncated || group.Distributions[d].Histogram != ""
			group.Distributions[d].Histogram = ""
		}
	}
	return truncated
}

// dropPlaces takes CPUs and distances away from the last group on until the result
// fits, and the policy, which the run's spec tells.
func dropPlaces(r *v1alpha1.RunResult, limit int) {
	for i := range slices.Backward(r.Groups) {
		if fits(r, limit) {
			return
		}
		g := &r.Groups[i]
		g.Policy, g.AllowedCPUs, g.CPUsUsed, g.MaxGapCPU, g.MigrationsByDistance, g.PagesByNode = "", "", "", nil, nil, nil
	}
}

// dropCgroups takes cgroups away, the last first, until the result fits, and
// reports whether it had to.
func dropCgroups(r *v1alpha1.RunResult, limit int) (truncated bool) {
	for len(r.Cgroups) > 0 && !fits(r, limit) {
		r.Cgroups, truncated = r.Cgroups[:len(r.Cgroups)-1], true
	}
	return truncated
}

// dropDistributions takes distributions away altogether, from the last group on, until the
// result fits, and reports whether it had to.
func dropDistributions(r *v1alpha1.RunResult, limit int) (truncated bool) {
	for i := range slices.Backward(r.Groups) {
		if fits(r, limit) {
			return truncated
		}
		truncated = truncated || len(r.Groups[i].Distributions) > 0
		r.Groups[i].Distributions = nil
	}
	return truncated
}

// dropSteps takes the figures of groups away from the last step on, and then the last steps
// themselves, until the result fits, and reports whether it had to.
func dropSteps(r *v1alpha1.RunResult, limit int) (truncated bool) {
	for i := range slices.Backward(r.Steps) {
		if fits(r, limit) {
			return truncated
		}
		truncated = true
		r.Steps[i].Groups = nil
	}
	for len(r.Steps) > 0 && !fits(r, limit) {
		r.Steps, truncated = r.Steps[:len(r.Steps)-1], true
	}
	return truncated
}
