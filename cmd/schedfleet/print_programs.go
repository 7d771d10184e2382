// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// printPrograms prints what became of the programs of groups, and what was not found in
// what they wrote.
func printPrograms(w io.Writer, groups []report.Group) {
	t := newTable(w, "GROUP", "WORKER", "PROGRAM", "RAN", "SUCCESS", "END")
	var notes []string
	for i := range groups {
		g := &groups[i]
		for n := range g.Programs {
			p := &g.Programs[n]
			t.row(g.Name, p.Worker, p.Name, figure.Nanos(p.Ran), p.Exit.Did(), p.Exit.Text)
			if said := lastLine(p.Stderr); said != "" && !p.Exit.Did() {
				notes = append(notes, fmt.Sprintf("group %s, worker %d: %s: at last it said: %s", g.Name, p.Worker, p.Name, said))
			}
			if p.Note != "" {
				notes = append(notes, fmt.Sprintf("group %s, worker %d: %s: %s", g.Name, p.Worker, p.Name, p.Note))
			}
		}
		notes = append(notes, missing(g)...)
	}
	t.flush()
	for _, text := range notes {
		fmt.Fprintln(w, "note:", text)
	}
}

// missing tells which figures programs did not write that worked until their end. What
// is the same of several is told once.
func missing(g *report.Group) []string {
	var order []string
	programs := map[string]int{}
	for n := range g.Programs {
		p := &g.Programs[n]
		for _, m := range p.Metrics {
			if m.Value != nil || !p.Exit.Did() {
				continue
			}
			text := fmt.Sprintf("without %s: %s", m.Name, m.Missing)
			if programs[text]++; programs[text] == 1 {
				order = append(order, text)
			}
		}
	}
	for i, text := range order {
		order[i] = fmt.Sprintf("group %s: %d of %d programs %s", g.Name, programs[text], len(g.Programs), text)
	}
	return order
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// printFigures prints what programs measured themselves, each figure over all of a group.
func printFigures(w io.Writer, groups []v1alpha1.GroupResult) {
	t := newTable(w, "GROUP", "FIGURE", "UNIT", "BETTER", "PROGRAMS", "MEAN", "MIN", "MAX")
	better := map[v1alpha1.MetricPolarity]string{v1alpha1.PolarityHigher: "higher", v1alpha1.PolarityLower: "lower"}
	for i := range groups {
		for _, m := range groups[i].ProgramMetrics {
			unit, way := m.Unit, better[m.Polarity]
			if unit == "" {
				unit = absent
			}
			if way == "" {
				way = absent
			}
			t.row(groups[i].Name, m.Name, unit, way, m.Count, mean(&m), m.Min, m.Max)
		}
	}
	t.flush()
}

// mean is that of the programs which wrote a figure.
func mean(m *v1alpha1.ProgramMetric) string {
	sum, err := strconv.ParseFloat(m.Sum, 64)
	if err != nil || m.Count <= 0 {
		return absent
	}
	return strconv.FormatFloat(sum/float64(m.Count), 'g', 6, 64)
}

// arePrograms says that a group's workers became other programs, which write no
// telemetry: only what the kernel counted for them is known.
func arePrograms(g *v1alpha1.GroupResult) bool { return g.Kind == (&work.Exec{}).Name() }

// byWorkers is a figure that workers write themselves.
func byWorkers(g *v1alpha1.GroupResult, figure any) any {
	if arePrograms(g) {
		return absent
	}
	return figure
}
