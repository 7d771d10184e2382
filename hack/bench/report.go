// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

//go:embed performance.md.in
var pageText string

// results is all that was measured.
type results struct {
	machine  machine
	when     time.Time
	compared []outcome
	figures  []figure
}

// row is what is told of one metric, or of its control.
type row struct {
	what, goal, verdict string
	ratio               spread
}

// rows are those of a comparison: each metric, followed by its control.
func (o *outcome) rows() []row {
	var list []row
	for m, metric := range o.metrics {
		if o.skip != "" {
			continue
		}
		ratio := ratios(o.values[m], ourSide)
		list = append(list,
			row{o.name + ", " + metric.name, metric.goal(), metric.verdict(ratio.median), ratio},
			row{"control: " + o.against + " against itself", "", "", ratios(o.values[m], controlSide)})
	}
	return list
}

// table is for a terminal.
func (r *results) table() string {
	var b strings.Builder
	if values := r.values(); len(values) > 0 {
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "what\tgoal\tratio\tmin\tq1\tq3\tmax\trounds\t")
		for _, o := range r.compared {
			for _, l := range o.rows() {
				fmt.Fprintf(w, "%s\t%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%d\t%s\n", l.what, l.goal,
					l.ratio.median, l.ratio.min, l.ratio.q1, l.ratio.q3, l.ratio.max, o.rounds, l.verdict)
			}
		}
		fmt.Fprintln(w, "\nwhat\tunit\tours: median (min to max)\tother\twhich is\t")
		for _, l := range values {
			fmt.Fprintln(w, strings.Join(l, "\t"))
		}
		_ = w.Flush() // into memory
		fmt.Fprintln(&b)
	}
	for _, o := range r.compared {
		if o.said != "" {
			fmt.Fprintf(&b, "%s: %s\n", o.name, o.said)
		}
	}
	for _, f := range r.figures {
		fmt.Fprintf(&b, "%s: %s (goal %s)\n", f.name, f.value, f.goal)
	}
	b.WriteString(r.skips())
	return b.String()
}

// values are the cells of the table of absolute figures.
func (r *results) values() [][]string {
	var list [][]string
	for _, o := range r.compared {
		for m, metric := range o.metrics {
			if o.skip == "" {
				list = append(list, []string{o.name + ", " + metric.name, metric.unit,
					absolute(o.values[m][ourSide]), absolute(o.values[m][otherSide]), o.against})
			}
		}
	}
	return list
}

func absolute(values []float64) string {
	s := spreadOf(values)
	return fmt.Sprintf("%s (%s to %s)", number(s.median), number(s.min), number(s.max))
}

// skips says what was left out and why, and how many in all.
func (r *results) skips() string {
	var b strings.Builder
	n := 0
	for _, o := range r.compared {
		if o.skip != "" {
			n++
			fmt.Fprintf(&b, "%s skipped: %s\n", o.name, o.skip)
		}
	}
	if n > 0 {
		fmt.Fprintf(&b, "%d of %d comparisons skipped\n", n, len(r.compared))
	}
	return b.String()
}

// verdict says whether a ratio reaches the goal, if there is one.
func (m metric) verdict(ratio float64) string {
	switch {
	case m.goal() == "none":
		return ""
	case m.met(ratio):
		return "met"
	}
	return "MISSED"
}

// number shows three or more digits that count.
func number(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// page is docs/performance.md: performance.md.in with the figures put in.
func (r *results) page() string {
	return strings.NewReplacer(
		"{{date}}", r.when.Format(time.DateOnly),
		"{{machine}}", r.machine.describe(),
		"{{load}}", r.machine.load,
		"{{ratios}}", r.ratioRows(),
		"{{values}}", r.valueRows(),
		"{{notes}}", r.notes(),
		"{{figures}}", r.figureRows(),
		"{{cyclictest}}", strings.Join(cyclictest{}.args(r.machine.timerCPU(), "FILE"), " "),
		"{{seconds}}", fmt.Sprint(pingSeconds),
	).Replace(pageText)
}

func (r *results) ratioRows() string {
	var b strings.Builder
	for _, o := range r.compared {
		if o.skip != "" {
			fmt.Fprintf(&b, "| %s | | skipped: %s | | | | | | |\n", o.name, o.skip)
		}
		for _, l := range o.rows() {
			median := fmt.Sprintf("%.3f", l.ratio.median)
			if l.goal != "" {
				median = "**" + median + "**"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %.3f | %.3f | %.3f | %.3f | %d | %s |\n", l.what, l.goal, median,
				l.ratio.min, l.ratio.q1, l.ratio.q3, l.ratio.max, o.rounds, strings.ToLower(l.verdict))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (r *results) valueRows() string {
	var b strings.Builder
	for _, l := range r.values() {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(l, " | "))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (r *results) notes() string {
	var b strings.Builder
	for _, o := range r.compared {
		if o.said != "" {
			fmt.Fprintln(&b, o.said)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (r *results) figureRows() string {
	var b strings.Builder
	for _, f := range r.figures {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", f.name, f.goal, f.value)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
