// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Reasons why a group has no figure.
const (
	noWorkers  = "the report has none of its workers"
	countsSelf = "a program counts for itself"
)

// starvation finds workers that made no progress. One that was not there all the
// time, or whose work pauses for as long as the hold, is not to blame.
func starvation(_ *spec.Check, h *hold, g *group) ([]reading, string) {
	if g.partly {
		return nil, "it was there for a part of the hold only"
	}
	list := g.cut()
	for _, w := range g.workers {
		list = append(list, progress(h, g, w).of(w))
	}
	return list, noWorkers
}

func progress(h *hold, g *group, w *worker) reading {
	switch {
	case advanced(w.Figures, g.Progress):
		return held()
	case !enough(h.length(), g.Quiet):
		return unknown(fmt.Sprintf("no progress in %v, and its work may pause for %v", short(h.length()), time.Duration(g.Quiet)))
	}
	r := reading{
		verdict: report.Fail, shown: "0 " + counted(g.Progress), limit: "above 0", at: &h.begin,
		why: fmt.Sprintf("no progress in %v (%s: 0)", short(h.length()), g.Progress),
	}
	if w.state != "" {
		r.why += ", at the end it was " + stateText(w.state)
	}
	return r
}

func counted(by work.Progress) string {
	switch by {
	case work.ProgressIterations:
		return "iterations"
	case work.ProgressCPU:
		return "ns of CPU time"
	default:
		return "work units"
	}
}

// stateText is a state letter of /proc for people.
func stateText(letter string) string {
	switch letter {
	case "R":
		return "runnable (R)"
	case "S":
		return "asleep (S)"
	case "D":
		return "in uninterruptible sleep (D)"
	case "T", "t":
		return "stopped (" + letter + ")"
	case "Z", "X":
		return "dead (" + letter + ")"
	default:
		return "in state " + letter
	}
}

// maxGap is the longest time between two checkpoints. A worker that came to none
// has a gap as long as the hold at least.
func maxGap(_ *spec.Check, h *hold, g *group) ([]reading, string) {
	if g.Progress == work.ProgressCPU {
		return nil, countsSelf
	}
	list := g.cut()
	none := noWorkers
	for _, w := range g.workers {
		const what = "the longest time between two checkpoints"
		switch {
		case thawed(h, g, w):
			none = "its longest gap is that of being frozen in an earlier step"
		case w.MaxGap < h.length() && !g.partly && !advanced(w.Figures, g.Progress) && enough(h.length(), g.Quiet):
			r := measured(float64(h.length()), what, ", as there was none").of(w)
			r.at = &h.begin
			list = append(list, r)
		case w.MaxGap == 0:
			list = append(list, unknown("it came to no checkpoint").of(w))
		default:
			r := measured(float64(w.MaxGap), what, "").of(w)
			r.cpu, r.at, r.when = &w.MaxGapCPU, &w.MaxGapAt, &w.MaxGapAt
			list = append(list, r)
		}
	}
	return list, none
}

// thawed says whether the longest gap of a worker began while an op had frozen its
// group in an earlier step: then the op explains it.
func thawed(h *hold, g *group, w *worker) bool {
	began := w.MaxGapAt - w.MaxGap
	for i := range max(h.step, 0) {
		if s := &h.rep.Steps[i]; slices.Contains(s.Frozen, g.Name) && w.MaxGap > 0 && began <= s.End {
			return true
		}
	}
	return false
}

// isolation finds workers that ran on CPUs which no cpuset and affinity gave them.
func isolation(_ *spec.Check, _ *hold, g *group) ([]reading, string) {
	if g.Progress == work.ProgressCPU {
		return nil, countsSelf
	}
	list := g.cut()
	for _, w := range g.workers {
		list = append(list, onItsCPUs(w).of(w))
	}
	return list, noWorkers
}

func onItsCPUs(w *worker) reading {
	if w.CPUs == w.allowed && w.CPUs != "" {
		return held() // sets of thousands of workers take their time
	}
	used, err := cpuset.Parse(w.CPUs)
	if err != nil || used.IsEmpty() {
		return unknown("it was seen on no CPU")
	}
	allowed, err := cpuset.Parse(w.allowed)
	if err != nil || allowed.IsEmpty() {
		return unknown("which CPUs it might use is not known")
	}
	stray := used.Difference(allowed)
	if stray.IsEmpty() {
		return held()
	}
	return reading{
		verdict: report.Fail, cpu: new(stray.List()[0]), shown: stray.String(), limit: allowed.String(),
		why: fmt.Sprintf("it ran on CPUs %s, and might on %s only", stray, allowed),
	}
}

// workRate is work units per second of CPU time.
func workRate(_ *spec.Check, _ *hold, g *group) ([]reading, string) {
	if g.Progress == work.ProgressCPU {
		return nil, countsSelf
	}
	list := g.cut()
	for _, w := range g.workers {
		if w.CPU <= 0 {
			list = append(list, unknown("it used no CPU time, so that there is no rate by that").of(w))
			continue
		}
		list = append(list, measured(perSecond(w.WorkUnits, w.CPU), "work units per second of CPU time", "").of(w))
	}
	return list, noWorkers
}

// iterationRate is iterations per second.
func iterationRate(_ *spec.Check, _ *hold, g *group) ([]reading, string) {
	if g.Progress == work.ProgressCPU {
		return nil, countsSelf
	}
	list := g.cut()
	for _, w := range g.workers {
		if w.Wall <= 0 {
			list = append(list, unknown("no time passed for it, so that there is no rate").of(w))
			continue
		}
		list = append(list, measured(perSecond(w.Iterations, w.Wall), "iterations per second", "").of(w))
	}
	return list, noWorkers
}

// cut says that workers of the group cannot be judged, if the report was cut.
func (g *group) cut() []reading {
	if g.missing == 0 {
		return nil
	}
	return []reading{unknown(fmt.Sprintf("%d of its %d workers have no row in the report", g.missing, g.Workers))}
}

func perSecond(n uint64, ns int64) float64 { return float64(n) / (float64(ns) / 1e9) }

// short is a time for people.
func short(ns int64) time.Duration { return time.Duration(ns).Round(time.Millisecond) }
