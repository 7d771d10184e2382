// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// printSteps prints what each group did in the hold of each step, and what was done
// between the holds.
func printSteps(w io.Writer, rep *report.Report) {
	if len(rep.Steps) == 0 {
		return
	}
	t := newTable(w, "STEP", "HOLD", "GROUP", "ITERATIONS", "PER SECOND", "CPU", "MIGRATIONS", "MAX GAP", "P99")
	for n := range rep.Steps {
		name, hold := rep.Steps[n].Name, figure.Nanos(rep.Steps[n].End-rep.Steps[n].Start)
		rows := 0
		for i := range rep.Groups {
			if p := phaseOf(&rep.Groups[i], n); p != nil {
				t.row(stepRow(&rep.Steps[n], &rep.Groups[i], p, name, hold)...)
				name, hold, rows = "", "", rows+1
			}
		}
		if rows == 0 {
			t.row(name, hold, absent, absent, absent, absent, absent, absent, absent)
		}
	}
	t.flush()
	for n := range rep.Steps {
		printOps(w, &rep.Steps[n])
	}
}

func stepRow(s *report.Step, g *report.Group, p *report.Phase, name, hold string) []any {
	row := []any{name, hold, g.Name, absent, absent, figure.Percent(p.CPU, p.Wall), absent, absent, p99(p)}
	if g.Kind != (&work.Exec{}).Name() {
		row[3], row[4], row[6], row[7] = p.Iterations, figure.PerSecond(p.Iterations, s.End-s.Start), p.Migrations, figure.Nanos(p.MaxGap)
	}
	return row
}

// phaseOf is what a group did in a step, nil if it was not there.
func phaseOf(g *report.Group, step int) *report.Phase {
	for i := range g.Phases {
		if p := &g.Phases[i]; p.Step == step && (p.Wall > 0 || p.CPU > 0) {
			return p
		}
	}
	return nil
}

// p99 is the 99th percentile of the first distribution of times.
func p99(p *report.Phase) string {
	for i := range p.Distributions {
		if d := &p.Distributions[i]; d.Metric.Unit() == "ns" {
			if d.Histogram.Count() == 0 {
				return absent
			}
			return figure.Nanos(int64(d.Histogram.Quantile(0.99)))
		}
	}
	return absent
}

func printOps(w io.Writer, s *report.Step) {
	if s.Truncated != "" {
		fmt.Fprintf(w, "step %s: held for %s of %s: %s\n", s.Name, figure.Nanos(s.End-s.Start), figure.Nanos(s.Planned), s.Truncated)
	}
	for i := range s.Ops {
		op := &s.Ops[i]
		text := strings.Join(strings.Fields(op.Name+" "+op.Target+" "+op.Detail), " ")
		fmt.Fprintf(w, "step %s: %s at %s, took %s", s.Name, text, figure.Nanos(op.At), figure.Nanos(op.Took))
		if op.Times > 1 {
			fmt.Fprintf(w, " in %d times", op.Times)
		}
		if op.Error != "" {
			fmt.Fprintf(w, ": failed: %s", op.Error)
		}
		fmt.Fprintln(w)
	}
	if len(s.Frozen) > 0 {
		fmt.Fprintf(w, "step %s: frozen for some of it: %s\n", s.Name, strings.Join(s.Frozen, ", "))
	}
}

// printRestored prints what the run changed of the machine, and whether it is as before.
func printRestored(w io.Writer, list []report.Restored) {
	for i := range list {
		r := &list[i]
		state := "put back"
		if !r.Verified {
			state = "NOT put back"
		}
		fmt.Fprintf(w, "%s: %s: was %s, was set to %s, is %s\n", state, r.What, r.Before, r.During, r.After)
	}
}
