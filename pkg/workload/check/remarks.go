// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// What is worth a remark although no limit was set.
const (
	remarkableOther = 5 // percent of the machine
	remarkableSteal = 1 // percent of the machine
	remarkableStep  = 10 * time.Millisecond
)

// Remarks are what happened to the run, and what else on the machine, that may
// explain the figures. They do not make a sample void; limits do.
func Remarks(r *report.Report) []string {
	return slices.Concat(truncated(r.Steps), breaches(r), changes(r.Host), around(r.Interference))
}

// changes tells that the machine was set up otherwise after the run than before.
func changes(h *report.Host) []string {
	if h == nil || len(h.Changed) == 0 {
		return nil
	}
	text := "the machine was changed during the run: " + h.Changed[0].String()
	if more := len(h.Changed) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return []string{text}
}

// breaches tells of workers that were seen on CPUs which the kernel did not allow
// them: their cpuset or affinity was changed from outside, or not kept to.
func breaches(r *report.Report) []string {
	strayed, first := map[*report.Worker]bool{}, ""
	for _, h := range holdsOf(r) {
		for _, g := range h.groups {
			for _, w := range g.workers {
				seen := onItsCPUs(w)
				if seen.verdict != report.Fail {
					continue
				}
				if strayed[w.row] = true; first == "" {
					seen.hold, seen.group = h, g.Name
					first = fmt.Sprintf("%s on CPUs %s, not in %s", seen.of(w).who(), seen.shown, seen.limit)
				}
			}
		}
	}
	if first == "" {
		return nil
	}
	return []string{fmt.Sprintf("%d of %d workers ran outside of their CPUs: %s", len(strayed), len(r.Workers), first)}
}

// truncated tells of holds that were shorter than planned.
func truncated(steps []report.Step) (notes []string) {
	for i := range steps {
		if s := &steps[i]; s.Truncated != "" {
			notes = append(notes, fmt.Sprintf("step %s: its hold was %v of %v: %s", s.Name, short(max(s.End-s.Start, 0)), time.Duration(s.Planned), s.Truncated))
		}
	}
	return notes
}

func around(f *interference.Figures) []string {
	if f == nil {
		return nil
	}
	notes := append(cpuRemarks(f), f.Notes...)
	if f.ClockStep != nil && time.Duration(*f.ClockStep).Abs() > remarkableStep {
		notes = append(notes, fmt.Sprintf("the wall clock moved %v against the monotonic one", time.Duration(*f.ClockStep)))
	}
	if f.Suspended != nil && *f.Suspended > 0 {
		notes = append(notes, fmt.Sprintf("the machine was suspended for %v", time.Duration(*f.Suspended)))
	}
	if f.ThermalEvents != nil && *f.ThermalEvents > 0 {
		notes = append(notes, fmt.Sprintf("CPUs were throttled for their heat %s", times(*f.ThermalEvents)))
	}
	if f.ClockSource != f.ClockSourceAfter {
		notes = append(notes, fmt.Sprintf("the kernel's clock source changed from %s to %s", f.ClockSource, f.ClockSourceAfter))
	}
	return notes
}

// cpuRemarks compare CPU time with what the machine has. What the figure cannot
// tell from nothing is not worth a remark.
func cpuRemarks(f *interference.Figures) (notes []string) {
	if f.Elapsed <= 0 || f.CPUs <= 0 {
		return nil
	}
	share := func(ns int64) float64 { return 100 * float64(ns) / float64(f.Elapsed) / float64(f.CPUs) }
	if other := f.OtherCPU; other != nil && *other > f.Resolution && share(*other) > remarkableOther {
		notes = append(notes, fmt.Sprintf("other processes used %s CPUs on average, %s %% of the machine",
			decimals(float64(*other)/float64(f.Elapsed), 0), decimals(share(*other), remarkableOther)))
	}
	if steal := f.Steal; steal != nil && share(*steal) > remarkableSteal {
		notes = append(notes, fmt.Sprintf("the hypervisor gave %s CPUs to others on average, %s %% of the machine",
			decimals(float64(*steal)/float64(f.Elapsed), 0), decimals(share(*steal), remarkableSteal)))
	}
	return notes
}

// decimals writes a figure with two decimals, or as many more as it takes to
// tell it from the limit beside it, and no zeros at the end.
func decimals(value, limit float64) string {
	for digits := 2; ; digits++ {
		text := strconv.FormatFloat(value, 'f', digits, 64)
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
		shown, err := strconv.ParseFloat(text, 64)
		if err != nil || digits >= 9 || (shown > limit) == (value > limit) {
			return text
		}
	}
}

// exactly writes a limit as it was set.
func exactly(limit float64) string { return strconv.FormatFloat(limit, 'f', -1, 64) }

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return strconv.FormatInt(n, 10) + " times"
}
