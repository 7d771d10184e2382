// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// printWorkload prints what a cluster reports of a Workload.
func printWorkload(w io.Writer, wl *v1alpha1.Workload) {
	fmt.Fprintf(w, "Workload %s: %s\n", wl.Name, outcome(wl))
	if n := wl.Status.Nodes; n != nil {
		fmt.Fprintf(w, "%d nodes: %d valid, %d void, %d active; each worked for %v\n", n.Desired, n.Valid, n.Void, n.Active, wl.Spec.Duration.Duration)
	}
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
func printReport(w io.Writer, name, host string, rep *report.Report) {
	result := manifest.Result(rep)
	valid, reason, message := manifest.Verdict(rep)
	verdict := "valid"
	if !valid {
		verdict = "void (" + string(reason) + ")"
	}
	fmt.Fprintf(w, "Workload %s on %s: %s: %s\n", name, host, verdict, message)
	fmt.Fprintf(w, "kernel %s; workers by %s, all at work %v after the start; supervisor %s, %v of CPU during the hold\n",
		rep.Kernel, rep.CloneMethod, nanos(rep.StartSkew), rep.SupervisorClass, nanos(rep.SupervisorCPU))
	printGroups(w, result.Groups)
	for _, p := range result.Problems {
		fmt.Fprintf(w, "problem: group %s, worker %d: %s (%s)\n", p.Group, p.Index, p.Problem, p.Outcome)
	}
	if more := int(result.ProblemCount) - len(result.Problems); more > 0 {
		fmt.Fprintf(w, "problem: %d more workers\n", more)
	}
	for _, note := range rep.Notes {
		fmt.Fprintln(w, "note:", note)
	}
}

func printGroups(w io.Writer, groups []v1alpha1.GroupResult) {
	if len(groups) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "GROUP\tWORK\tWORKERS\tITERATIONS\tPER SECOND\tCPU\tRUN DELAY\tMIGRATIONS\tMAX GAP\t")
	for i := range groups {
		g := &groups[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%d\t%s\t\n", g.Name, g.Kind, workersOf(g), g.Iterations,
			rate(g), percent(g.CPUNanoseconds, g.WallNanoseconds), runDelay(g), g.Migrations, nanos(g.MaxGapNanoseconds))
	}
	flush(t)
	if !hasDistributions(groups) {
		return
	}
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "GROUP\tLATENCY\tSAMPLES\tMIN\tP50\tP90\tP99\tP99.9\tMAX\t")
	for i := range groups {
		for _, d := range groups[i].Distributions {
			fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", groups[i].Name, d.Metric, d.Count, nanos(d.MinNanoseconds),
				nanos(d.P50Nanoseconds), nanos(d.P90Nanoseconds), nanos(d.P99Nanoseconds), nanos(d.P999Nanoseconds), nanos(d.MaxNanoseconds))
		}
	}
	flush(t)
}

// flush writes the table; an output that is gone shows itself at the next write.
func flush(t *tabwriter.Writer) { _ = t.Flush() }

func hasDistributions(groups []v1alpha1.GroupResult) bool {
	for i := range groups {
		if len(groups[i].Distributions) > 0 {
			return true
		}
	}
	return false
}

func workersOf(g *v1alpha1.GroupResult) string {
	if g.Completed == g.Workers {
		return fmt.Sprint(g.Workers)
	}
	return fmt.Sprintf("%d/%d", g.Completed, g.Workers)
}

// absent stands where there is nothing to compute a figure from.
const absent = "-"

// rate is the group's iterations per second of one node's time: the sum of
// iterations over the mean wall time of a worker.
func rate(g *v1alpha1.GroupResult) string {
	if g.WallNanoseconds == 0 || g.Workers == 0 {
		return absent
	}
	seconds := float64(g.WallNanoseconds) / float64(g.Workers) / 1e9
	return fmt.Sprintf("%.1f", float64(g.Iterations)/seconds)
}

func percent(part, whole int64) string {
	if whole == 0 {
		return absent
	}
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(whole))
}

func runDelay(g *v1alpha1.GroupResult) string {
	if g.RunDelayNanoseconds == nil {
		return absent
	}
	return percent(*g.RunDelayNanoseconds, g.WallNanoseconds)
}

// nanos writes a duration with three significant digits.
func nanos(ns int64) string {
	d := time.Duration(ns)
	if d > 0 {
		step := math.Pow(10, math.Floor(math.Log10(float64(ns)))-2)
		d = d.Round(time.Duration(max(step, 1)))
	}
	return strings.Replace(d.String(), "µ", "u", 1)
}
