// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is a figure with its name.
type row struct {
	What string  `json:"what"`
	N    float64 `json:"count"`
}

// figures are all that was measured.
type figures struct {
	When      time.Time `json:"when"`
	CPUs      int       `json:"cpus"`
	LoadFirst string    `json:"loadAverageBefore"`
	Nodes     int       `json:"nodes"`
	Workloads int       `json:"workloads"`
	SmallOn   int       `json:"nodesOfSmallWorkloads"`
	Hold      string    `json:"hold"`
	Note      string    `json:"note,omitempty"`

	RawCreate     float64 `json:"rawCreatesPerSecond"`
	RawLife       float64 `json:"rawWorkloadLivesPerSecond"`
	WatchedCreate float64 `json:"rawCreatesPerSecondBesideAgents"`
	WatchedLife   float64 `json:"rawWorkloadLivesPerSecondBesideAgents"`
	AgentsReady   float64 `json:"secondsUntilAllNodesReady"`

	WideCreate            float64 `json:"nodeRunsCreatedPerSecond"`
	WideTotal             float64 `json:"wideWorkloadSeconds"`
	WideManagerCPU        float64 `json:"wideManagerCPUs"`
	WideWritesPerSecond   float64 `json:"wideWritesPerSecond"`
	WritesPerRun          float64 `json:"writesPerNodeAndRun"`
	StatusWritesPerSecond float64 `json:"parentStatusWritesPerSecond"`
	AggregateAfter        float64 `json:"secondsFromLastReportToResult"`
	SumRight              bool    `json:"sumRight"`
	EventsPerAgent        float64 `json:"watchEventsPerAgent"`
	WideRequests          []row   `json:"wideRequests"`

	IdleSeconds    float64 `json:"idleSeconds"`
	IdleRequests   []row   `json:"idleRequests"`
	IdleManagerCPU float64 `json:"idleManagerCPUs"`

	Submitted            float64 `json:"submittedPerSecond"`
	Small                float64 `json:"smallWorkloadsPerSecond"`
	SmallWrites          float64 `json:"writesPerSmallWorkload"`
	SmallManagerCPU      float64 `json:"smallManagerCPUs"`
	ManagerMiBAfterSmall float64 `json:"managerMiBAfterSmall"`
	SmallRequests        []row   `json:"smallRequests"`

	Soak []minute `json:"soak,omitempty"`

	ManagerPeakMiB float64 `json:"managerPeakMiB"`
	AgentsMiB      float64 `json:"agentsMiB"`
}

func (f *figures) conditions(o options) {
	f.When, f.CPUs, f.LoadFirst = time.Now().UTC().Truncate(time.Second), runtime.NumCPU(), load()
	f.Nodes, f.Workloads, f.SmallOn, f.Hold, f.Note = o.nodes, o.workloads, min(o.smallNodes, o.nodes), o.hold.String(), o.note
}

// line is a figure as people read it, beside what it is to be.
type line struct{ what, value, goal string }

func (f *figures) lines() []line {
	lines := []line{
		{"NodeRuns created per second, raw, nobody else there", fmt.Sprintf("%.0f", f.RawCreate), ""},
		{"NodeRuns created per second, raw, beside idle agents", fmt.Sprintf("%.0f", f.WatchedCreate), ""},
		{"NodeRuns of one Workload created per second", fmt.Sprintf("%.0f", f.WideCreate), ""},
		{"... of the raw rate", ratio(f.WideCreate, f.RawCreate), "0.8 or more"},
		{"... of the raw rate beside idle agents", ratio(f.WideCreate, f.WatchedCreate), ""},
		{"one Workload on all nodes, from creation to result", fmt.Sprintf("%.1f s", f.WideTotal), ""},
		{"manager meanwhile, CPUs", fmt.Sprintf("%.2f", f.WideManagerCPU), ""},
		{"writes of manager and agents meanwhile, per second", fmt.Sprintf("%.0f", f.WideWritesPerSecond), ""},
		{"... of the raw rate beside idle agents", ratio(f.WideWritesPerSecond, f.WatchedCreate), ""},
		{"writes per node and run", fmt.Sprintf("%.2f", f.WritesPerRun), "4 or fewer"},
		{"writes to the Workload per second", fmt.Sprintf("%.2f", f.StatusWritesPerSecond), "1 or fewer"},
		{"from the last report to the result, which is right", fmt.Sprintf("%.2f s", f.AggregateAfter), "2 s or less"},
		{"watch events per agent", fmt.Sprintf("%.2f", f.EventsPerAgent), "its own: 3"},
	}
	if f.IdleSeconds > 0 {
		lines = append(lines, line{"manager, idle, CPUs", fmt.Sprintf("%.3f", f.IdleManagerCPU), ""})
		for i, r := range f.IdleRequests[:min(len(f.IdleRequests), 6)] {
			goal := ""
			if i == 0 {
				goal = "only Leases"
			}
			lines = append(lines, line{"idle: " + r.What + " per second", fmt.Sprintf("%.2f", r.N/f.IdleSeconds), goal})
		}
	}
	if f.Workloads > 0 {
		lines = append(lines,
			line{"writes of small Workloads, raw: Workloads per second", fmt.Sprintf("%.0f", f.RawLife), ""},
			line{"the same beside idle agents", fmt.Sprintf("%.0f", f.WatchedLife), ""},
			line{fmt.Sprintf("%d small Workloads through the queue, per second", f.Workloads), fmt.Sprintf("%.1f", f.Small), "50 or more, or 0.8 of raw"},
			line{"... of the raw rate", ratio(f.Small, f.RawLife), ""},
			line{"... of the raw rate beside idle agents", ratio(f.Small, f.WatchedLife), ""},
			line{"writes per small Workload, with events", fmt.Sprintf("%.1f", f.SmallWrites), ""},
			line{"... which are", perWorkload(f.SmallRequests, f.Workloads), ""},
			line{"manager meanwhile, CPUs", fmt.Sprintf("%.2f", f.SmallManagerCPU), ""})
	}
	lines = append(lines,
		line{"manager's memory, peak", fmt.Sprintf("%.0f MiB", f.ManagerPeakMiB), "under 300 MB"},
		line{"all agents' memory, one process", fmt.Sprintf("%.0f MiB", f.AgentsMiB), ""})
	return append(lines, f.soakLines()...)
}

func (f *figures) soakLines() []line {
	if len(f.Soak) == 0 {
		return nil
	}
	var rates, manager, agents []float64
	for _, m := range f.Soak {
		rates, manager, agents = append(rates, m.Rate), append(manager, m.ManagerMiB), append(agents, m.AgentsMiB)
	}
	say := func(what, unit string, y []float64) line {
		return line{fmt.Sprintf("soak of %d minutes: %s", len(y), what), fmt.Sprintf("%.1f to %.1f%s, slope %+.2f a minute", y[0], y[len(y)-1], unit, slope(y)), "flat"}
	}
	return []line{say("Workloads per second", "", rates), say("manager's memory", " MiB", manager), say("agents' memory", " MiB", agents)}
}

// perWorkload lists the requests of which there are some for each Workload.
func perWorkload(rows []row, workloads int) string {
	var parts []string
	for _, r := range rows {
		verb, _, _ := strings.Cut(r.What, " ")
		if share := r.N / float64(workloads); share >= 0.1 && slices.Contains(writes, verb) && !strings.HasSuffix(r.What, " leases") {
			parts = append(parts, fmt.Sprintf("%.2f %s", share, r.What))
		}
	}
	return strings.Join(parts, ", ")
}

func ratio(a, b float64) string {
	if b == 0 {
		return "not measured"
	}
	return fmt.Sprintf("%.2f", a/b)
}

func (f *figures) head() string {
	text := fmt.Sprintf("%s, %d CPUs, load average before %s, %d nodes, runs of %s, small Workloads on %d of the nodes.",
		f.When.Format(time.DateTime), f.CPUs, f.LoadFirst, f.Nodes, f.Hold, f.SmallOn)
	if f.Note != "" {
		text += " " + f.Note
	}
	return text
}

// table is for a terminal.
func (f *figures) table() string {
	var b strings.Builder
	fmt.Fprintln(&b, f.head())
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, l := range f.lines() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", l.what, l.value, l.goal)
	}
	w.Flush() //nolint:errcheck // into memory
	return b.String()
}

// markdown is for the page.
func (f *figures) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n| figure | measured | goal |\n|---|---|---|\n", f.head())
	for _, l := range f.lines() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", l.what, l.value, l.goal)
	}
	return b.String()
}
