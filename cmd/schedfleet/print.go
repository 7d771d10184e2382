// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// printWorkload prints what a cluster reports of a Workload.
func printWorkload(w io.Writer, wl *v1alpha1.Workload) {
	fmt.Fprintf(w, "Workload %s: %s\n", wl.Name, outcome(wl))
	if n := wl.Status.Nodes; n != nil {
		fmt.Fprintf(w, "%d nodes: %d valid, %d void, %d active; each worked for %v\n", n.Desired, n.Valid, n.Void, n.Active, wl.Spec.Duration.Duration)
	}
	printFleetVerdict(w, &wl.Status)
	printGroups(w, wl.Status.Groups)
	for _, f := range wl.Status.Failures {
		fmt.Fprintf(w, "void: %s on %s: %s: %s\n", f.NodeRun, f.Node, f.Reason, f.Message)
	}
	if wl.Status.HistogramTruncated {
		fmt.Fprintln(w, "note: some distributions are left out to keep the status small")
	}
}

func outcome(wl *v1alpha1.Workload) string {
	for _, t := range []string{v1alpha1.ConditionComplete, v1alpha1.ConditionFailed, v1alpha1.ConditionProgressing} {
		c := meta.FindStatusCondition(wl.Status.Conditions, t)
		if c != nil && c.Status == metav1.ConditionTrue {
			return fmt.Sprintf("%s (%s): %s", t, c.Reason, c.Message)
		}
	}
	return "nothing is known yet"
}

// printReport prints what one machine reports.
func printReport(w io.Writer, rep *report.Report) {
	result := manifest.Result(rep)
	valid, reason, message := manifest.Verdict(rep)
	verdict := "valid"
	if !valid {
		verdict = "void (" + string(reason) + ")"
	}
	fmt.Fprintf(w, "Workload %s on %s: %s: %s\n", cmp.Or(rep.Workload, rep.RunID), cmp.Or(rep.Node, "this machine"), verdict, message)
	printVerdict(w, rep)
	if len(rep.Findings) > 0 {
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "kernel %s; workers by %s, all at work %v after the start; supervisor %s, %v of CPU during the hold\n",
		rep.Kernel, rep.CloneMethod, figure.Nanos(rep.StartSkew), rep.SupervisorClass, figure.Nanos(rep.SupervisorCPU))
	printHost(w, rep.Host)
	printInterference(w, rep.Interference)
	if n := result.NUMAPagesMigrated; n != nil && *n > 0 {
		fmt.Fprintf(w, "the kernel moved %d pages of this machine between NUMA nodes\n", *n)
	}
	printGroups(w, result.Groups)
	printParts(w, rep.Groups)
	printPrograms(w, rep.Groups)
	printSteps(w, rep)
	printApplied(w, rep.Groups, rep.Run)
	printCgroups(w, rep.Cgroups, rep.Hold)
	for _, p := range result.Problems {
		fmt.Fprintf(w, "problem: group %s, worker %d: %s\n", p.Group, p.Index, problemOf(&p))
	}
	if more := int(result.ProblemCount) - len(result.Problems); more > 0 {
		fmt.Fprintf(w, "problem: %d more workers\n", more)
	}
	printRestored(w, rep.Restored)
	for _, note := range rep.Notes {
		fmt.Fprintln(w, "note:", note)
	}
}

func printGroups(w io.Writer, groups []v1alpha1.GroupResult) {
	if len(groups) == 0 {
		return
	}
	t := newTable(w, "GROUP", "WORK", "WORKERS", "ITERATIONS", "PER SECOND", "CPU", "RUN DELAY", "MAX GAP")
	for i := range groups {
		g := &groups[i]
		t.row(g.Name, g.Kind, workersOf(g), byWorkers(g, g.Iterations), byWorkers(g, rate(g)),
			figure.Percent(g.CPUNanoseconds, g.WallNanoseconds), runDelay(g), byWorkers(g, figure.Nanos(g.MaxGapNanoseconds)))
	}
	t.flush()
	printSwitches(w, groups)
	t = newTable(w, "GROUP", "METRIC", "SAMPLE", "COUNT", "MIN", "P50", "P90", "P99", "P99.9", "MAX")
	for i := range groups {
		for _, d := range groups[i].Distributions {
			row := []any{groups[i].Name, d.Metric, d.Sample, d.Count}
			for _, value := range []int64{d.Min, d.P50, d.P90, d.P99, d.P999, d.Max} {
				row = append(row, inUnit(value, d.Unit))
			}
			t.row(row...)
		}
	}
	t.flush()
	printFigures(w, groups)
}

// inUnit is a value of a distribution for a person.
func inUnit(value int64, unit v1alpha1.DistributionUnit) string {
	if unit == v1alpha1.UnitNanoseconds {
		return figure.Nanos(value)
	}
	return fmt.Sprint(value, unit[1:]) // 1/s
}

// printParts prints what groups are made of where not all workers are alike, and
// what their work counts of its own.
func printParts(w io.Writer, groups []report.Group) {
	roles := newTable(w, "GROUP", "ROLE", "WORKERS", "POLICY", "ITERATIONS", "CPU", "RUN DELAY", "MAX GAP")
	for i := range groups {
		for n := range groups[i].Roles {
			r := &groups[i].Roles[n]
			roles.row(groups[i].Name, r.Name, r.Workers, r.Policy, r.Iterations, figure.Percent(r.CPU, r.Wall), optionalNanos(r.RunDelay), figure.Nanos(r.MaxGap))
		}
	}
	roles.flush()
	counters := newTable(w, "GROUP", "COUNTER", "VALUE")
	for i := range groups {
		for _, name := range slices.Sorted(maps.Keys(groups[i].Counters)) {
			counters.row(groups[i].Name, name, groups[i].Counters[name])
		}
	}
	counters.flush()
}

func optionalNanos(n *int64) string {
	if n == nil {
		return absent
	}
	return figure.Nanos(*n)
}

// printSwitches prints how often the kernel switched to another task and to
// another CPU, with the distances that any group's migrations went.
func printSwitches(w io.Writer, groups []v1alpha1.GroupResult) {
	columns := []string{"GROUP", "VOLUNTARY SWITCHES", "INVOLUNTARY SWITCHES", "MIGRATIONS"}
	var seen []func(*v1alpha1.MigrationDistances) *int64
	for _, d := range distances {
		if slices.ContainsFunc(groups, func(g v1alpha1.GroupResult) bool {
			return g.MigrationsByDistance != nil && d.of(g.MigrationsByDistance) != nil
		}) {
			columns, seen = append(columns, d.name), append(seen, d.of)
		}
	}
	t := newTable(w, columns...)
	for i := range groups {
		g := &groups[i]
		row := []any{g.Name, g.VoluntarySwitches, g.InvoluntarySwitches, byWorkers(g, g.Migrations)}
		for _, of := range seen {
			row = append(row, migrations(g, of))
		}
		t.row(row...)
	}
	t.flush()
}

// distances are what migrations are told apart by, the nearest first.
var distances = []struct {
	name string
	of   func(*v1alpha1.MigrationDistances) *int64
}{
	{"SMT", func(m *v1alpha1.MigrationDistances) *int64 { return m.SMT }},
	{"LLC", func(m *v1alpha1.MigrationDistances) *int64 { return m.LLC }},
	{"NODE", func(m *v1alpha1.MigrationDistances) *int64 { return m.Node }},
	{"REMOTE", func(m *v1alpha1.MigrationDistances) *int64 { return m.Remote }},
	{"UNKNOWN", func(m *v1alpha1.MigrationDistances) *int64 { return m.Unknown }},
}

func migrations(g *v1alpha1.GroupResult, of func(*v1alpha1.MigrationDistances) *int64) string {
	switch {
	case arePrograms(g):
		return absent
	case g.MigrationsByDistance != nil:
		return fmt.Sprint(ptr.Deref(of(g.MigrationsByDistance), 0))
	case g.Migrations == 0:
		return "0"
	default:
		return absent
	}
}

// table is a table with an empty line above it; one without rows is not printed.
type table struct {
	to      io.Writer
	columns []string
	w       *tabwriter.Writer // nil before the first row
}

func newTable(w io.Writer, columns ...string) *table { return &table{to: w, columns: columns} }

func (t *table) row(cells ...any) {
	if t.w == nil {
		fmt.Fprintln(t.to)
		t.w = tabwriter.NewWriter(t.to, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t.w, strings.Join(t.columns, "\t")+"\t")
	}
	for _, cell := range cells {
		fmt.Fprintf(t.w, "%v\t", cell)
	}
	fmt.Fprintln(t.w)
}

// flush writes the table; an output that is gone shows itself at the next write.
func (t *table) flush() {
	if t.w != nil {
		_ = t.w.Flush()
	}
}

func workersOf(g *v1alpha1.GroupResult) string {
	text := fmt.Sprint(g.Workers)
	if g.Completed != g.Workers {
		text = fmt.Sprintf("%d/%d", g.Completed, g.Workers)
	}
	switch {
	case g.CloneMode != v1alpha1.CloneModeThread:
		return text
	case g.Workers == 1:
		return text + " thread"
	default:
		return text + " threads"
	}
}

// absent stands where there is nothing to compute a figure from.
const absent = figure.Absent

// rate is the group's iterations per second of one node's time: the sum of
// iterations over the mean wall time of a worker.
func rate(g *v1alpha1.GroupResult) string {
	if g.WallNanoseconds == 0 || g.Workers == 0 {
		return absent
	}
	seconds := float64(g.WallNanoseconds) / float64(g.Workers) / 1e9
	return fmt.Sprintf("%.1f", float64(g.Iterations)/seconds)
}

func runDelay(g *v1alpha1.GroupResult) string {
	if g.RunDelayNanoseconds == nil {
		return absent
	}
	return figure.Percent(*g.RunDelayNanoseconds, g.WallNanoseconds)
}

// problemOf is why a worker failed and how it ended, where that is not the same.
func problemOf(w *v1alpha1.WorkerResult) string {
	if strings.Contains(w.Problem, w.Outcome) {
		return w.Problem
	}
	return fmt.Sprintf("%s (%s)", w.Problem, w.Outcome)
}
