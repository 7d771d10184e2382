// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package check judges reports by pure functions.
package check

import (
	"fmt"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
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

// loadAbsent finds workers that made no progress at all although the run was
// longer than their work's planned pauses.
func loadAbsent(r *report.Report) (string, bool) {
	quiet := map[string]int64{}
	for i := range r.Groups {
		quiet[r.Groups[i].Name] = r.Groups[i].Quiet
	}
	for i := range r.Workers {
		w := &r.Workers[i]
		if w.Iterations == 0 && w.WorkUnits == 0 && r.Hold > quiet[w.Group] {
			return fmt.Sprintf("group %s, worker %d made no progress in %v", w.Group, w.Index, time.Duration(r.Hold).Round(time.Millisecond)), true
		}
	}
	return "", false
}
