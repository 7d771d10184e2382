// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// shortDigest is as much of a digest as tells two machines apart by eye.
const shortDigest = 12

// printHost prints which machine it was, and whether it stayed the same.
func printHost(w io.Writer, h *report.Host) {
	if h == nil {
		return
	}
	fmt.Fprintf(w, "machine %s, fingerprint %s\n", h.Shape, h.Digest[:min(len(h.Digest), shortDigest)])
	for _, c := range h.Changed {
		fmt.Fprintf(w, "changed during the run: %s\n", c)
	}
}

// printInterference prints what else the machine did during the hold, by what the
// kernel told.
func printInterference(w io.Writer, f *interference.Figures) {
	if f == nil || f.Elapsed <= 0 {
		return
	}
	var parts []string
	add := func(value *int64, format string, text func(int64) string) {
		if value != nil {
			parts = append(parts, fmt.Sprintf(format, text(*value)))
		}
	}
	used := func(ns int64) string { return cpus(ns, f.Elapsed) }
	share := func(ns int64) string { return figure.Percent(ns, f.Elapsed) }
	add(f.OtherCPU, "others %s CPUs", used)
	add(f.AgentCPU, "agent %s", used)
	add(f.Interrupt, "interrupts %s", used)
	add(f.Steal, "steal %s", used)
	add(f.CPUPressure, "waiting for a CPU %s", share)
	add(f.MemoryPressure, "for memory %s", share)
	add(f.IOPressure, "for I/O %s", share)
	if p := f.LowestFrequencyPercent; p != nil {
		parts = append(parts, fmt.Sprintf("lowest frequency %d%%", *p))
	}
	add(f.ThermalEvents, "thermal events %s", func(n int64) string { return fmt.Sprint(n) })
	add(f.ClockStep, "wall clock moved %s", func(ns int64) string { return figure.Nanos(max(ns, -ns)) })
	if len(parts) > 0 {
		fmt.Fprintln(w, "beside the run:", strings.Join(parts, ", "))
	}
}

// printApplied prints where and how the workers of each group ran: what was asked
// for and what the kernel made of it.
func printApplied(w io.Writer, groups []report.Group, run *spec.Run) {
	if len(groups) == 0 {
		return
	}
	cgroups := map[string]string{}
	if run != nil {
		for i := range run.Groups {
			cgroups[run.Groups[i].Name] = run.Groups[i].Cgroup
		}
	}
	t := &optionalTable{}
	for i := range groups {
		g := &groups[i]
		t.add("GROUP", g.Name)
		t.add("CGROUP", cgroups[g.Name])
		t.add("POLICY", g.Policy)
		t.add("ASKED CPUS", g.AskedCPUs)
		t.add("ALLOWED CPUS", g.AllowedCPUs)
		t.add("PAGES BY NODE", pagesByNode(g.Pages))
		t.end()
	}
	t.print(w)
}

// pagesByNode lists where memory is, such as 0:512 1:0.
func pagesByNode(pages map[int]uint64) string {
	var list []string
	for _, node := range slices.Sorted(maps.Keys(pages)) {
		list = append(list, fmt.Sprintf("%d:%d", node, pages[node]))
	}
	return strings.Join(list, " ")
}

// printCgroups prints what was in force in each cgroup and what came of it.
func printCgroups(w io.Writer, cgroups []report.Cgroup, hold int64) {
	if len(cgroups) == 0 {
		return
	}
	t := &optionalTable{}
	for i := range cgroups {
		c := &cgroups[i]
		name := c.Name
		if name == "" {
			name = "(the run's own)"
		}
		t.add("CGROUP", name)
		t.add("ALLOWED CPUS", c.CPUs)
		t.add("MEMORY NODES", c.Mems)
		t.add("PARTITION", plainPartition(c.Partition))
		t.add("CPUS USED", optional(c.CPU, func(ns int64) string { return cpus(ns, hold) }))
		t.add("THROTTLED", throttled(c))
		t.add("WAITING FOR A CPU", optional(c.CPUPressure, func(ns int64) string { return figure.Percent(ns, hold) }))
		t.add("MEMORY PEAK", optional(c.MemoryPeak, func(n int64) string { return resource.NewQuantity(n, resource.BinarySI).String() }))
		t.add("OOM KILLS", optional(c.OOMKills, func(n uint64) string { return zeroIsAbsent(n) }))
		t.add("TASKS PEAK", optional(c.PIDsPeak, func(n int64) string { return fmt.Sprint(n) }))
		t.end()
	}
	t.print(w)
	for i := range cgroups {
		if set := settings(cgroups[i].Files); set != "" {
			fmt.Fprintf(w, "set in %s: %s\n", cgroups[i].Name, set)
		}
	}
}

// plainPartition is empty for a cgroup that is no partition.
func plainPartition(kind string) string {
	if kind == "member" {
		return ""
	}
	return kind
}

// throttled says in how many of its periods a cgroup with a quota used it up.
func throttled(c *report.Cgroup) string {
	if ptr.Deref(c.Periods, 0) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d periods, %v", ptr.Deref(c.Throttled, 0), *c.Periods, time.Duration(ptr.Deref(c.ThrottledTime, 0)).Round(time.Millisecond))
}

// cpus is a time of CPUs as a number of them over the whole time.
func cpus(part, whole int64) string {
	if whole == 0 {
		return absent
	}
	return fmt.Sprintf("%.3f", float64(part)/float64(whole))
}

func zeroIsAbsent(n uint64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func optional[T any](value *T, text func(T) string) string {
	if value == nil {
		return ""
	}
	return text(*value)
}

// settings are the files that were written, with what they read.
func settings(files map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		parts = append(parts, name+"="+strings.ReplaceAll(strings.TrimSpace(files[name]), "\n", "; "))
	}
	return strings.Join(parts, ", ")
}

// optionalTable is a table without the columns that are empty in every row.
type optionalTable struct {
	columns []string
	filled  map[string]bool
	row     map[string]string
	rows    []map[string]string
}

func (t *optionalTable) add(column, cell string) {
	if t.row == nil {
		t.row = map[string]string{}
	}
	if len(t.rows) == 0 {
		t.columns = append(t.columns, column)
	}
	t.row[column] = cell
	if cell != "" {
		if t.filled == nil {
			t.filled = map[string]bool{}
		}
		t.filled[column] = true
	}
}

// end ends a row.
func (t *optionalTable) end() { t.rows, t.row = append(t.rows, t.row), nil }

func (t *optionalTable) print(w io.Writer) {
	columns := slices.DeleteFunc(slices.Clone(t.columns), func(c string) bool { return !t.filled[c] })
	out := newTable(w, columns...)
	for _, row := range t.rows {
		var cells []any
		for _, c := range columns {
			cell := row[c]
			if cell == "" {
				cell = absent
			}
			cells = append(cells, cell)
		}
		out.row(cells...)
	}
	out.flush()
}
