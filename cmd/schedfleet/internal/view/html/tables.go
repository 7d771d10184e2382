// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// keep leaves out the columns that are empty in all rows.
func (t table) keep() table {
	used := make([]bool, len(t.Columns))
	for _, row := range t.Rows {
		for i, cell := range row {
			used[i] = used[i] || cell != ""
		}
	}
	out := table{Title: t.Title}
	for i, column := range t.Columns {
		if used[i] {
			out.Columns = append(out.Columns, column)
			if i < t.Text {
				out.Text++
			}
		}
	}
	for _, row := range t.Rows {
		var cells []string
		for i, cell := range row {
			if used[i] {
				cells = append(cells, cmp.Or(cell, figure.Absent))
			}
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
}

// filled are the tables that have rows.
func filled(tables ...table) []table {
	var list []table
	for _, t := range tables {
		if len(t.Rows) > 0 {
			list = append(list, t.keep())
		}
	}
	return list
}

func groupTables(rep *report.Report) []table {
	what := table{Title: "What ran", Text: 6, Columns: []string{"group", "work", "cgroup", "policy", "CPUs asked", "CPUs allowed", "workers"}}
	did := table{Title: "What it did", Text: 1, Columns: []string{"group", "iterations", "CPU", "waiting for a CPU", "longest gap", "migrations", "by distance", "voluntary", "involuntary"}}
	roles := table{Title: "By role", Text: 3, Columns: []string{"group", "role", "policy", "workers", "iterations", "CPU", "longest gap"}}
	counters := table{Title: "Counted by the work itself", Text: 2, Columns: []string{"group", "counter", "value"}}
	programs := table{Title: "Programs", Text: 4, Columns: []string{"group", "program", "end", "note", "worker", "ran"}}
	for i := range rep.Groups {
		g := &rep.Groups[i]
		asked := askedOf(rep, g.Name)
		workers := fmt.Sprint(g.Workers)
		if g.Completed != g.Workers {
			workers = fmt.Sprintf("%d of %d completed", g.Completed, g.Workers)
		}
		what.Rows = append(what.Rows, []string{g.Name, workOf(g, asked), asked.Cgroup, g.Policy, g.AskedCPUs, g.AllowedCPUs, workers})
		did.Rows = append(did.Rows, []string{g.Name, figure.Count(g.Iterations), share(g.CPU, g.Wall), optional(g.RunDelay, func(ns int64) string { return share(ns, g.Wall) }),
			duration(g.MaxGap), figure.Count(g.Migrations), distances(g.MigrationsBy), figure.Count(g.Voluntary), figure.Count(g.Involuntary)})
		for n := range g.Roles {
			r := &g.Roles[n]
			roles.Rows = append(roles.Rows, []string{g.Name, r.Name, r.Policy, fmt.Sprint(r.Workers), figure.Count(r.Iterations), share(r.CPU, r.Wall), duration(r.MaxGap)})
		}
		for _, name := range slices.Sorted(maps.Keys(g.Counters)) {
			counters.Rows = append(counters.Rows, []string{g.Name, name, figure.Count(g.Counters[name])})
		}
		for n := range g.Programs[:min(len(g.Programs), maxProblems)] {
			p := &g.Programs[n]
			programs.Rows = append(programs.Rows, []string{g.Name, p.Name, p.Exit.Text, p.Note, fmt.Sprint(p.Worker), duration(p.Ran)})
		}
	}
	return filled(what, did, roles, counters, programs)
}

func askedOf(rep *report.Report, name string) spec.Group {
	if rep.Run != nil {
		for i := range rep.Run.Groups {
			if rep.Run.Groups[i].Name == name {
				return rep.Run.Groups[i]
			}
		}
	}
	return spec.Group{}
}

// workOf is a kind of work with the parameters that were asked for.
func workOf(g *report.Group, asked spec.Group) string {
	text, err := json.Marshal(asked.Work)
	if err != nil || asked.Name == "" {
		return g.Kind
	}
	var work map[string]json.RawMessage
	if json.Unmarshal(text, &work) != nil || len(work[g.Kind]) <= len("{}") {
		return g.Kind
	}
	return g.Kind + " " + cut(strings.ReplaceAll(string(work[g.Kind]), `"`, ""), 120)
}

func share(part, whole int64) string {
	return strings.Replace(figure.Percent(part, whole), "%", " %", 1)
}

func distances(by map[string]uint64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%s %s", name, figure.Count(by[name])))
	}
	return strings.Join(parts, ", ")
}

func optional[T any](value *T, text func(T) string) string {
	if value == nil {
		return ""
	}
	return text(*value)
}

func cgroupTables(rep *report.Report) []table {
	t := table{Text: 6, Columns: []string{"cgroup", "CPUs", "memory", "type", "partition", "set in it",
		"CPUs used", "throttled", "waiting for a CPU", "memory peak", "OOM kills", "tasks peak"}}
	for i := range rep.Cgroups {
		c := &rep.Cgroups[i]
		var files []string
		for _, name := range slices.Sorted(maps.Keys(c.Files)) {
			text := name + " = " + strings.ReplaceAll(strings.TrimSpace(c.Files[name]), "\n", "; ")
			files = append(files, strings.ReplaceAll(text, " ", "\u00a0"))
		}
		number := func(n *uint64) string { return optional(n, figure.Count) }
		used := func(ns *int64) string {
			return optional(ns, func(ns int64) string { return fmt.Sprintf("%.3f", float64(ns)/float64(max(rep.Hold, 1))) })
		}
		t.Rows = append(t.Rows, []string{cmp.Or(c.Name, "(the run's own)"), c.CPUs, c.Mems, c.Type, strings.TrimPrefix(c.Partition, "member"), strings.Join(files, "\n"),
			used(c.CPU), throttled(c), optional(c.CPUPressure, func(ns int64) string { return share(ns, rep.Hold) }),
			optional(c.MemoryPeak, figure.Bytes), number(c.OOMKills), optional(c.PIDsPeak, func(n int64) string { return fmt.Sprint(n) })})
	}
	return filled(t)
}

// throttled says in how many of its periods a cgroup with a quota used it up.
func throttled(c *report.Cgroup) string {
	if c.Periods == nil || c.Throttled == nil || *c.Periods == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %d periods", *c.Throttled, *c.Periods)
	return text + optional(c.ThrottledTime, func(ns int64) string { return ", " + duration(ns) })
}

func hostTables(rep *report.Report) []table {
	restored := table{Title: "Changed by the run, and put back", Text: 5, Columns: []string{"what", "before", "by the run", "afterwards", "verified"}}
	for i := range rep.Restored {
		r := &rep.Restored[i]
		verified := "yes"
		if !r.Verified {
			verified = "NO"
		}
		restored.Rows = append(restored.Rows, []string{r.What, r.Before, r.During, r.After, verified})
	}
	changed := table{Title: "Changed meanwhile by others", Text: 3, Columns: []string{"what", "before", "afterwards"}}
	facts := table{Title: "What results of this machine compare with", Text: 2, Columns: []string{"fact", "value"}}
	if h := rep.Host; h != nil {
		for _, c := range h.Changed {
			changed.Rows = append(changed.Rows, []string{c.Name, c.Before, c.After})
		}
		facts.Rows = append(facts.Rows, []string{"fingerprint", h.Digest}, []string{"hardware", h.HardwareDigest}, []string{"software", h.SoftwareDigest})
		for _, f := range slices.Concat(h.Hardware, h.Software, h.Volatile) {
			facts.Rows = append(facts.Rows, []string{f.Name, f.Value})
		}
	}
	own := table{Title: "The run itself", Text: 2, Columns: []string{"what", "value"}, Rows: [][]string{
		{"run", rep.RunID}, {"seed", fmt.Sprint(rep.Seed)}, {"workers are made by", rep.CloneMethod}, {"from the start to the last worker's first work", duration(rep.StartSkew)},
		{"supervisor", rep.SupervisorClass + ", " + duration(rep.SupervisorCPU) + " of CPU"}, {"schema of the report", fmt.Sprint(rep.Schema)},
	}}
	return filled(own, restored, changed, around(rep), facts)
}

// around is what else the machine did.
func around(rep *report.Report) table {
	t := table{Title: "What else the machine did", Text: 1, Columns: []string{"during the hold of", "other processes", "interrupts", "stolen", "agent", "CPU pressure", "memory pressure", "I/O pressure", "lowest frequency", "thermal events", "clock step"}}
	add := func(name string, f *interference.Figures) {
		if f == nil || f.Elapsed <= 0 {
			return
		}
		used := func(ns *int64) string {
			return optional(ns, func(ns int64) string { return fmt.Sprintf("%.3f CPUs", float64(ns)/float64(f.Elapsed)) })
		}
		waited := func(ns *int64) string { return optional(ns, func(ns int64) string { return share(ns, f.Elapsed) }) }
		t.Rows = append(t.Rows, []string{name, used(f.OtherCPU), used(f.Interrupt), used(f.Steal), used(f.AgentCPU), waited(f.CPUPressure), waited(f.MemoryPressure), waited(f.IOPressure),
			optional(f.LowestFrequencyPercent, func(n int) string { return fmt.Sprintf("%d %%", n) }), optional(f.ThermalEvents, func(n int64) string { return fmt.Sprint(n) }),
			optional(f.ClockStep, func(ns int64) string { return duration(max(ns, -ns)) })})
	}
	add("the whole run", rep.Interference)
	for i := range rep.Steps {
		add(rep.Steps[i].Name, rep.Steps[i].Interference)
	}
	return t
}
