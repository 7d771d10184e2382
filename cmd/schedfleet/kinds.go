// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/pkg/kinds"
)

func newKindsCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "kinds [NAME]",
		Short: "List the kinds of work, or explain one",
		Long: `List the kinds of work that workers can do, or explain one: what it does, what it
records and what a value of that is, its parameters with bounds and defaults, and
a manifest to begin with.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return badCall{fmt.Errorf("%s takes the name of one kind, or none, not %d", cmd.CommandPath(), len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			catalog, err := kinds.Load()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return listKinds(cmd.OutOrStdout(), catalog, output)
			}
			return explainKind(cmd.OutOrStdout(), catalog, args[0], output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text, json or yaml; the latter two give all that is known")
	return cmd
}

func listKinds(w io.Writer, catalog *kinds.Catalog, output string) error {
	var all []*kinds.Kind
	for _, name := range catalog.Names() {
		k, err := catalog.Describe(name)
		if err != nil {
			return err
		}
		all = append(all, k)
	}
	if output != "text" {
		return writeAll(w, all, output)
	}
	rows := [][]string{{"NAME", "WORKERS", "MODES", "WHAT IT DOES"}}
	for _, k := range all {
		does := k.Summary
		if k.Dangerous {
			does += " (dangerous)"
		}
		rows = append(rows, []string{k.Name, together(k), strings.Join(k.CloneModes, ","), does})
	}
	return writeColumns(w, rows)
}

func explainKind(w io.Writer, catalog *kinds.Catalog, name, output string) error {
	k, err := catalog.Describe(name)
	if err != nil {
		return badCall{err}
	}
	if output != "text" {
		return writeAll(w, k, output)
	}
	fmt.Fprintf(w, "%s\n\n", k.Description)
	if err := writeColumns(w, factsOf(k)); err != nil {
		return err
	}
	if err := printHistograms(w, k.Histograms); err != nil {
		return err
	}
	printParameters(w, k.Parameters)
	printDefinitions(w, k.Definitions)
	for _, sample := range k.Samples {
		_, manifest, _ := strings.Cut(sample, "\n\n") // the license is ours, the manifest theirs
		fmt.Fprintf(w, "\n---\n%s", manifest)
	}
	return nil
}

// writeAll writes all that is known.
func writeAll(w io.Writer, what any, output string) error {
	text, err := json.MarshalIndent(what, "", "  ")
	switch {
	case err != nil:
		return err
	case output == "json":
		_, err = fmt.Fprintf(w, "%s\n", text)
		return err
	case output != "yaml":
		return badCall{fmt.Errorf("--output must be text, json or yaml, not %q", output)}
	}
	if text, err = yaml.JSONToYAML(text); err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// writeColumns writes rows of texts with their cells below each other.
func writeColumns(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

// together says how many workers belong together.
func together(k *kinds.Kind) string {
	switch {
	case k.OneProcess:
		return "programs"
	case k.SetSize == 1:
		return "any"
	default:
		return fmt.Sprintf("sets of %d", k.SetSize)
	}
}

// factsOf are the facts about a kind that its description may leave out.
func factsOf(k *kinds.Kind) [][]string {
	var roles []string
	for _, r := range k.Roles {
		text := fmt.Sprintf("%d %s", r.Workers, r.Name)
		if r.MayStarve {
			text += " (may starve)"
		}
		roles = append(roles, text)
	}
	workers := together(k)
	if len(roles) > 0 {
		workers += ": " + strings.Join(roles, ", ")
	}
	facts := [][]string{{"workers by default:", workers}, {"clone modes:", strings.Join(k.CloneModes, ", ")}, {"progress:", string(k.Progress)}}
	if k.ForkOnly != "" {
		facts = append(facts, []string{"no threads:", k.ForkOnly})
	}
	if len(k.Needs) > 0 {
		facts = append(facts, []string{"needs features:", strings.Join(k.Needs, ", ")})
	}
	if len(k.Counters) > 0 {
		facts = append(facts, []string{"counts:", strings.Join(k.Counters, ", ")})
	}
	if k.Dangerous {
		facts = append(facts, []string{"dangerous:", "needs allowDangerousWork, and nodes that allow it"})
	}
	return facts
}

func printHistograms(w io.Writer, list []kinds.Histogram) error {
	if len(list) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	rows := [][]string{{"RECORDS", "SAMPLE", "UNIT", "ONE VALUE IS"}}
	for _, h := range list {
		means := h.Means
		if h.Conditional {
			means += " Not with the default parameters."
		}
		rows = append(rows, []string{string(h.Metric), string(h.Sample), h.Unit, means})
	}
	return writeColumns(w, rows)
}

func printDefinitions(w io.Writer, list []kinds.Definition) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(w, "\nDEFINITIONS")
	for _, d := range list {
		fmt.Fprintf(w, "  %s\n", d.Name)
		fmt.Fprint(w, wrapped("     ", d.About))
		fmt.Fprint(w, wrapped("      args:", strings.Join(d.Args, " ")))
		var metrics []string
		for _, m := range d.Metrics {
			text := m.Name
			if m.Unit != "" {
				text += " (" + m.Unit + ")"
			}
			metrics = append(metrics, text)
		}
		fmt.Fprint(w, wrapped("      metrics:", strings.Join(metrics, ", ")))
	}
}

func printParameters(w io.Writer, list []kinds.Parameter) {
	if len(list) == 0 {
		fmt.Fprintln(w, "\nIt has no parameters.")
		return
	}
	fmt.Fprintln(w, "\nPARAMETERS")
	for _, p := range list {
		required := ""
		if p.Required {
			required = ", required"
		}
		fmt.Fprintf(w, "  %s (%s%s)\n", p.Path, p.Type, required)
		text := p.Description
		if len(p.Enum) > 0 {
			text += " One of: " + strings.Join(p.Enum, ", ") + "."
		}
		fmt.Fprint(w, wrapped("     ", text))
	}
}
