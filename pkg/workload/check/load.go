// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// starvedShare is the share of a hold from which on waiting for a CPU explains that
// a worker made no progress.
const starvedShare = 0.9

// loadAbsent finds workers that made no progress in a hold although it was long
// enough for their work, and starving is not what they are for. One that wanted a
// CPU all the time and got none is a result instead, if a check says so.
func loadAbsent(r *report.Report) (string, bool) {
	var checks []spec.Check
	for i := range r.Checks {
		checks = append(checks, r.Checks[i].Check)
	}
	for _, h := range holdsOf(r) {
		for _, g := range h.groups {
			if message, absent := g.absent(checks, h); absent {
				return message, true
			}
		}
	}
	if len(r.Steps) > 0 {
		return neverAtWork(r)
	}
	return "", false
}

// absent says which of a group's workers were not at work in a hold. A group that an
// op froze is excused, and one that came or went in the hold is judged as a whole.
func (g *group) absent(checks []spec.Check, h *hold) (string, bool) {
	if g.frozen || g.partly || !enough(h.length(), g.Quiet) {
		return "", false
	}
	idle, starved := 0, 0
	for w := range g.idle {
		idle++
		switch {
		case w.wanted(h) && failed(checks, h, g, w):
			starved++
		case !mayStarve(g.Group, w.row.Role):
			return fmt.Sprintf("%s made no progress in %v (%s: 0)%s", reading{hold: h, group: g.Name}.of(w).who(), short(h.length()), g.Progress, w.was()), true
		}
	}
	all := idle == len(g.workers) && g.missing == 0 && starved < idle
	if all || len(g.workers) == 0 && len(h.rep.Workers) > 0 && !advanced(g.Figures, g.Progress) {
		return fmt.Sprintf("%s: none of its workers made progress in %v (%s: 0)", reading{hold: h, group: g.Name}.who(), short(h.length()), g.Progress), true
	}
	return "", false
}

func (w *worker) was() string {
	if w.state == "" {
		return ""
	}
	return ", at the end it was " + stateText(w.state)
}

// wanted says whether a worker without progress asked for a CPU all the time.
func (w *worker) wanted(h *hold) bool {
	return w.state == "R" || w.RunDelay != nil && float64(*w.RunDelay) >= starvedShare*float64(h.length())
}

// failed says whether a check makes a failure of a worker that made no progress.
func failed(checks []spec.Check, h *hold, g *group, w *worker) bool {
	for _, metric := range []spec.CheckMetric{spec.CheckStarvation, spec.CheckMaxGap} {
		i, ok := holding(checks, figure{metric: metric}, h, g.Name)
		if !ok {
			continue
		}
		one := *g
		one.workers, one.missing = []*worker{w}, 0
		list, _ := groupMetrics[metric](&checks[i], h, &one)
		limits, err := checks[i].Limits()
		for _, r := range list {
			if err == nil {
				if verdict, _ := r.weighed(limits); verdict == report.Fail {
					return true
				}
			}
		}
	}
	return false
}

// neverAtWork finds groups that were in no whole hold and never made progress:
// programs, which are in no hold, and groups that came and went.
func neverAtWork(r *report.Report) (string, bool) {
	seen := map[string]bool{}
	for i := range r.Steps {
		for _, list := range [][]string{r.Steps[i].Groups, r.Steps[i].Frozen} {
			for _, name := range list {
				seen[name] = true
			}
		}
	}
	for i := range r.Groups {
		g := &r.Groups[i]
		if g.Starts == 0 || seen[g.Name] && g.Progress != work.ProgressCPU || advanced(&g.Figures, g.Progress) || !enough(r.Hold, g.Quiet) {
			continue
		}
		return fmt.Sprintf("group %s: none of its workers made progress in the run (%s: 0)", g.Name, g.Progress), true
	}
	return "", false
}
