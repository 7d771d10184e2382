// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

func newTopoCommand() *cobra.Command {
	var root string
	cmd := &cobra.Command{
		Use:   "topo",
		Short: "Draw this machine's topology",
		Long:  "Draw NUMA nodes, last-level caches, cores and CPUs as the engine sees them.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := topology.Read(root)
			if err != nil {
				return err
			}
			for _, w := range m.Warnings {
				fmt.Fprintln(os.Stderr, "schedfleet: note:", w)
			}
			return m.Draw(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&root, "root", "/", "directory below which sys/ is read")
	return cmd
}
