// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package check judges reports by pure functions: whether the sample counts, and
// what the checks of the run say of it.
package check

import (
	"fmt"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Reasons for which a sample is void.
const (
	LoadAbsent     = "LoadAbsent"
	MissingSamples = "MissingSamples"
	Cancelled      = "Cancelled"
	StepFailed     = "StepFailed"
	ClockStep      = "ClockStep"
	Steal          = "Steal"
	Disturbed      = "Disturbed"
	Frequency      = "Frequency"
	Throttled      = "Throttled"
)

// Validity says whether a sample counts, and if not, why.
type Validity struct {
	Valid   bool
	Reason  string
	Message string
}

// rule looks for one reason to call a sample void.
type rule func(*report.Report) (message string, void bool)

// rules are tried in order; the first that hits decides. What explains others comes
// first: a run that was cancelled or failed in a step need not have come to all its
// steps, workers that are gone made no progress, and the load comes before what
// disturbed it.
var rules = []struct {
	reason string
	rule   rule
}{
	{Cancelled, cancelled},
	{StepFailed, stepFailed},
	{MissingSamples, workersMissing},
	{MissingSamples, stepsMissing},
	{LoadAbsent, loadAbsent},
	{ClockStep, limited(clockStepped)},
	{Steal, limited(stolen)},
	{Disturbed, limited(disturbed)},
	{Frequency, limited(slowed)},
	{Throttled, limited(throttled)},
}

// Sample judges whether the sample counts: every worker was at work until it was
// stopped and made progress in every hold, and the limits to interference were kept, in the whole run and in each hold.
func Sample(r *report.Report) Validity {
	for _, rule := range rules {
		if message, void := rule.rule(r); void {
			return Validity{Reason: rule.reason, Message: message}
		}
	}
	return Validity{Valid: true, Message: fmt.Sprintf("all %d workers %s", workersOf(r), lasted(r))}
}

// workersOf is how many workers there were, also those without a row.
func workersOf(r *report.Report) int {
	n := 0
	for i := range r.Groups {
		n += r.Groups[i].Workers
	}
	return n
}

// lasted says for how long workers worked: with steps, not all of them for the whole run.
func lasted(r *report.Report) string {
	if len(r.Steps) == 0 {
		return fmt.Sprintf("worked for %v", time.Duration(r.Hold).Round(time.Microsecond))
	}
	var held int64
	for i := range r.Steps {
		held += r.Steps[i].End - r.Steps[i].Start
	}
	return fmt.Sprintf("worked until they were stopped; holds of %v in %d steps", time.Duration(held).Round(time.Microsecond), len(r.Steps))
}

func cancelled(r *report.Report) (string, bool) {
	return fmt.Sprintf("cancelled after %v of %v", time.Duration(r.Hold).Round(time.Millisecond), time.Duration(r.Planned)), r.Cancelled
}

func workersMissing(r *report.Report) (string, bool) {
	n, first := 0, ""
	for i := range r.Workers {
		if w := &r.Workers[i]; !w.Completed {
			if n++; n == 1 {
				first = fmt.Sprintf("group %s, worker %d: %s", w.Group, w.Index, w.Problem)
			}
		}
	}
	return fmt.Sprintf("%d of %d workers did not work until the stop; %s", n, len(r.Workers), first), n > 0
}

// enough says whether a run was longer than the planned pauses of its work, by what it may
// take to get on after one. Where there is none, any run is.
func enough(hold, quiet int64) bool {
	return quiet == 0 || hold > quiet+quiet/quietShare+int64(quietMargin)
}

const (
	quietMargin = 100 * time.Millisecond
	quietShare  = 10
)

func stepFailed(r *report.Report) (string, bool) { return r.StepError, r.StepError != "" }

// stepsMissing finds steps that were not reached, or whose hold was cut away altogether.
func stepsMissing(r *report.Report) (string, bool) {
	if n := len(r.Steps); n < r.StepCount {
		return fmt.Sprintf("%d of %d steps were reached", n, r.StepCount), true
	}
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Planned > 0 && s.End <= s.Start {
			return fmt.Sprintf("step %s: nothing is left of its hold of %v: %s", s.Name, time.Duration(s.Planned), s.Truncated), true
		}
	}
	return "", false
}

// advanced says whether a worker got on at all.
func advanced(w *report.Figures, by work.Progress) bool {
	switch by {
	case work.ProgressIterations:
		return w.Iterations > 0
	case work.ProgressCPU:
		return w.CPU > 0
	default:
		return w.WorkUnits > 0
	}
}

func mayStarve(g *report.Group, role string) bool {
	for i := range g.Roles {
		if g.Roles[i].Name == role {
			return g.Roles[i].MayStarve
		}
	}
	return false
}
