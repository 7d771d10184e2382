// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
)

// maxNodesInTitle bounds how many nodes the title of a run names.
const maxNodesInTitle = 8

// printPlan prints what would happen, then each node, then the run on each kind of machine.
func printPlan(out io.Writer, p *plan) error {
	fmt.Fprintf(out, "Workload %s/%s %s\n", p.Namespace, p.Workload, p.wouldDo())
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	if len(p.Nodes) > 0 {
		fmt.Fprintln(w, "\n  NODE\tSTATE\tSHAPE\tKERNEL\tCLASS\tWHY")
	}
	for _, n := range p.Nodes {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\n", n.Name, n.State,
			cmp.Or(n.Shape, "-"), cmp.Or(n.Kernel, "-"), cmp.Or(n.Class, "-"), cmp.Or(n.Why, "-"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i := range p.Runs {
		if err := printPlannedRun(out, &p.Runs[i]); err != nil {
			return err
		}
	}
	return nil
}

// wouldDo sums the plan up, as what could follow the Workload's name.
func (p *plan) wouldDo() string {
	chosen := 0
	for _, n := range p.Nodes {
		if n.State == placement.Chosen {
			chosen++
		}
	}
	switch {
	case p.Starts:
		return fmt.Sprintf("would start now on %d of %d test nodes", chosen, len(p.Nodes))
	case chosen > 0 && p.Reason != v1alpha1.ReasonSuspended:
		return fmt.Sprintf("would start now on %d of the %d test nodes asked for, and wait for the rest (%s): %s", chosen, p.NodesWanted, p.Reason, p.Message)
	default:
		return fmt.Sprintf("would wait (%s): %s", p.Reason, p.Message)
	}
}

func printPlannedRun(out io.Writer, r *plannedRun) error {
	names := r.Nodes[:min(len(r.Nodes), maxNodesInTitle)]
	title := strings.Join(names, ", ")
	if more := len(r.Nodes) - len(names); more > 0 {
		title += fmt.Sprintf(" and %d more", more)
	}
	fmt.Fprintf(out, "\nOn %s (%s):\n", title, cmp.Or(r.Shape, "of unknown shape"))
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	if len(r.Cgroups) > 0 {
		fmt.Fprintln(w, "  CGROUP\tCPUS\tMEMORY NODES")
	}
	for _, c := range r.Cgroups {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", c.Name, cmp.Or(c.CPUs, inherited), cmp.Or(c.Mems, inherited))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "  GROUP\tWORKERS\tCGROUP\tCPUS\tAFFINITY")
	for _, g := range r.Groups {
		fmt.Fprintf(w, "  %s\t%d\t%s\t%s\t%s\n", g.Name, g.Workers, cmp.Or(g.Cgroup, "-"), g.CPUs, affinityText(g.Affinity))
	}
	return w.Flush()
}

const inherited = "inherited"

func affinityText(sets []string) string {
	switch len(sets) {
	case 0:
		return inherited
	case 1:
		return sets[0]
	default:
		return fmt.Sprintf("one per worker: %s; %s; ... (-o json has all)", sets[0], sets[1])
	}
}
