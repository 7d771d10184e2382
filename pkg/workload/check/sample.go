// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package check judges reports by pure functions.
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

// rules are tried in order; the first that hits decides.
var rules = []struct {
	reason string
	rule   rule
}{
	{Cancelled, cancelled},
	{MissingSamples, workersMissing},
	{LoadAbsent, loadAbsent},
	{ClockStep, limited(clockStepped)},
	{Steal, limited(stolen)},
	{Disturbed, limited(disturbed)},
	{Frequency, limited(slowed)},
	{Throttled, limited(throttled)},
}

// Sample judges whether the sample counts: every worker was at work until the
// common stop and made progress, and the limits to interference were kept.
func Sample(r *report.Report) Validity {
	for _, rule := range rules {
		if message, void := rule.rule(r); void {
			return Validity{Reason: rule.reason, Message: message}
		}
	}
	return Validity{Valid: true, Message: fmt.Sprintf("all %d workers worked for %v", len(r.Workers), time.Duration(r.Hold).Round(time.Microsecond))}
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

// loadAbsent finds workers that made no progress at all although the run was
// long enough for their work, and starving is not what they are for.
func loadAbsent(r *report.Report) (string, bool) {
	groups := map[string]*report.Group{}
	for i := range r.Groups {
		groups[r.Groups[i].Name] = &r.Groups[i]
	}
	some := map[string]bool{} // groups of which somebody advanced
	for i := range r.Workers {
		w := &r.Workers[i]
		g := groups[w.Group]
		if g == nil {
			continue // a report that contradicts itself; the API refuses it
		}
		if advanced(w, g.Progress) {
			some[w.Group] = true
		} else if enough(r.Hold, g.Quiet) && !mayStarve(g, w.Role) {
			return fmt.Sprintf("group %s, worker %d made no progress in %v (%s: 0)", w.Group, w.Index, time.Duration(r.Hold).Round(time.Millisecond), g.Progress), true
		}
	}
	for i := range r.Groups {
		if g := &r.Groups[i]; len(r.Workers) > 0 && enough(r.Hold, g.Quiet) && !some[g.Name] {
			return fmt.Sprintf("group %s: none of its workers made progress in %v (%s: 0)", g.Name, time.Duration(r.Hold).Round(time.Millisecond), g.Progress), true
		}
	}
	return "", false
}

// advanced says whether a worker got on at all.
func advanced(w *report.Worker, by work.Progress) bool {
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
