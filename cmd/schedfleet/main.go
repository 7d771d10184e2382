// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Command schedfleet runs Workloads on this machine without a cluster, looks at
// the machine, checks manifests, and brings up a cluster for development.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/schedfleet/schedfleet/cmd/internal/version"
	"github.com/schedfleet/schedfleet/config/samples"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// Exit codes beside 0.
const (
	exitFailed       = 1 // it was tried and failed, or the sample is void
	exitBadCall      = 2 // the command line or the manifest is wrong
	exitCheckFailed  = 3 // the sample counts, and a check failed
	exitInconclusive = 4 // the sample counts, and a check could not tell
)

func main() { os.Exit(execute(os.Args[1:])) }

func execute(args []string) int {
	root := &cobra.Command{
		Use:           "schedfleet",
		Short:         "Test Linux schedulers on a fleet of machines",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newRunCommand(), newReportCommand(), newValidateCommand(), newTopoCommand(), newKindsCommand(), newScenariosCommand(), newVersionCommand(), newDevCommand(samples.Demo, printWorkload))
	root.SetArgs(args)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return badCall{err} })
	err := root.Execute()
	if err == nil {
		return 0
	}
	var bad badCall
	var void errVoid
	var verdict errVerdict
	switch {
	case errors.As(err, &bad):
		fmt.Fprintln(os.Stderr, "schedfleet:", err)
		return exitBadCall
	case errors.As(err, &void):
		return exitFailed // the report has said it
	case errors.As(err, &verdict) && report.Verdict(verdict) == report.Fail:
		return exitCheckFailed
	case errors.As(err, &verdict):
		return exitInconclusive
	default:
		fmt.Fprintln(os.Stderr, "schedfleet:", err)
		return exitFailed
	}
}

// badCall is an error of who called: a flag, or a manifest.
type badCall struct{ error }

func (b badCall) Unwrap() error { return b.error }

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintln(cmd.OutOrStdout(), version.String())
		},
	}
}
