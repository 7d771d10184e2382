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

	"github.com/schedfleet/schedfleet/api/v1alpha1"
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
	exitNoneFree     = 5 // a plan: it would wait, though enough nodes fit
	exitNoneFit      = 6 // a plan: it would wait, since fewer nodes fit than are asked for
)

func main() { os.Exit(execute(os.Args[1:])) }

func execute(args []string) int {
	root := &cobra.Command{
		Use:           "schedfleet",
		Short:         "Test Linux schedulers on a fleet of machines",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newRunCommand(), newReportCommand(), newValidateCommand(), newPlanCommand(), newTopoCommand(), newKindsCommand(), newScenariosCommand(), newVersionCommand(), newDevCommand(samples.Demo, printWorkload))
	root.SetArgs(args)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return badCall{err} })
	err := root.Execute()
	code := exitCode(err)
	if err != nil && (code == exitBadCall || code == exitFailed && !errors.As(err, new(errVoid))) {
		fmt.Fprintln(os.Stderr, "schedfleet:", err)
	} // else what was printed has said it
	return code
}

func exitCode(err error) int {
	var verdict errVerdict
	var waits errWaits
	switch {
	case err == nil:
		return 0
	case errors.As(err, new(badCall)):
		return exitBadCall
	case errors.As(err, &verdict) && report.Verdict(verdict) == report.Fail:
		return exitCheckFailed
	case errors.As(err, &verdict):
		return exitInconclusive
	case errors.As(err, &waits) && waits.reason == v1alpha1.ReasonNoFittingNode:
		return exitNoneFit
	case errors.As(err, &waits):
		return exitNoneFree
	default:
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
