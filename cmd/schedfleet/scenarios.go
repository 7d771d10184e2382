// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/scenarios"
)

func newScenariosCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "scenarios [NAME]",
		Short: "List the ready-made scenarios, or print one",
		Long: `List the ready-made scenarios with what each shows and what a machine must have
for it, or print the manifest of one, such as in

  schedfleet scenarios cgroup-steady | schedfleet run -`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return badCall{fmt.Errorf("%s takes the name of one scenario, or none, not %d", cmd.CommandPath(), len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listScenarios(cmd.OutOrStdout(), output)
			}
			return printScenario(cmd.OutOrStdout(), args[0], output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text, json or yaml; the latter two give all that is known")
	return cmd
}

func listScenarios(w io.Writer, output string) error {
	all, err := scenarios.All()
	if err != nil {
		return err
	}
	if output != "text" {
		return writeAll(w, all, output)
	}
	rows := [][]string{{"NAME", "REQUIRES", "SHOWS"}}
	for _, s := range all {
		rows = append(rows, []string{s.Name, requirements(&s.Requires), s.Shows})
	}
	return writeColumns(w, rows)
}

func printScenario(w io.Writer, name, output string) error {
	s, err := scenarios.Find(name)
	if err != nil {
		return badCall{err}
	}
	if output != "text" {
		return writeAll(w, s, output)
	}
	_, err = io.WriteString(w, s.Manifest)
	return err
}

// requirements says what a machine must have, "-" for nothing.
func requirements(r *v1alpha1.MachineRequirements) string {
	var list []string
	for _, least := range []struct {
		number *int32
		what   string
	}{{r.MinCPUs, "CPUs"}, {r.MinCores, "cores"}, {r.MinLLCs, "LLCs"}, {r.MinNUMANodes, "NUMA nodes"}} {
		if least.number != nil {
			list = append(list, fmt.Sprintf("%d %s", *least.number, least.what))
		}
	}
	if r.SMT {
		list = append(list, "SMT")
	}
	if r.Architecture != "" {
		list = append(list, r.Architecture)
	}
	if k := r.Kernel; k != nil && k.Min != "" {
		list = append(list, "Linux "+k.Min+" or newer")
	}
	if k := r.Kernel; k != nil && k.Below != "" {
		list = append(list, "Linux older than "+k.Below)
	}
	if list = append(list, r.Features...); len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ", ")
}
