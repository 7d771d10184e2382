// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/admission"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// maxManifest bounds what is read; it is far above what a cluster takes.
const maxManifest = 8 << 20

func newValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE",
		Short: "Check a manifest as a cluster would",
		Long: `Check a Workload's manifest as an API server and the manager would, with the
same words. FILE may be - for standard input. Exit code 2 means that it is wrong.`,
		Args: exactlyOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := loadWorkload(cmd.Context(), args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Workload %s is valid\n", w.Name)
			return nil
		},
	}
}

func exactlyOneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return badCall{fmt.Errorf("%s takes one file (or -), not %d", cmd.CommandPath(), len(args))}
	}
	return nil
}

// newJudge prepares the schema once, which takes longer than most manifests do.
var newJudge = sync.OnceValues(admission.New)

// loadWorkload reads a manifest and refuses what a cluster would refuse.
func loadWorkload(ctx context.Context, path string, stdin io.Reader) (*v1alpha1.Workload, error) {
	text, err := readManifest(path, stdin)
	if err != nil {
		return nil, badCall{err}
	}
	judge, err := newJudge()
	if err != nil {
		return nil, err
	}
	w, err := judge.Decode(ctx, text)
	if err != nil {
		return nil, badCall{fmt.Errorf("%s: %w", path, err)}
	}
	if err := manifest.Check(&w.Spec.RunSpec, &w.Spec.Placement); err != nil {
		return nil, badCall{fmt.Errorf("%s: %w", path, err)}
	}
	return w, nil
}

func readManifest(path string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("reading the manifest: %w", err)
		}
		defer file.Close() //nolint:errcheck // only read
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	if len(text) > maxManifest {
		return nil, fmt.Errorf("reading the manifest: %s holds more than %d bytes", path, maxManifest)
	}
	return text, nil
}
