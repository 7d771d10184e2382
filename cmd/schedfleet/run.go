// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/schedfleet/schedfleet/cmd/internal/nodepolicy"
	"github.com/schedfleet/schedfleet/cmd/internal/sibling"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// errVoid says that there is a report whose sample does not count.
type errVoid struct{}

func (errVoid) Error() string { return "the sample is void" }

// errVerdict says that there is a report whose sample counts, and whose checks do
// not say Pass: Fail or Inconclusive.
type errVerdict report.Verdict

func (e errVerdict) Error() string { return "the verdict is " + string(e) }

// outcomeOf is how a run with a report has ended, nil if well.
func outcomeOf(rep *report.Report) error {
	if valid, _, _ := manifest.Verdict(rep); !valid {
		return errVoid{}
	}
	switch rep.Verdict {
	case report.Fail, report.Inconclusive:
		return errVerdict(rep.Verdict)
	default:
		return nil
	}
}

type runOptions struct {
	output string
	report string
	runner string
	quiet  bool
	policy *nodepolicy.Flags
}

func newRunCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a Workload on this machine, without a cluster",
		Long: `Run a Workload's manifest on this machine and print the report that a cluster
would give for one node. The placement is not looked at. FILE may be - for
standard input. Ctrl-C ends the run early; its report is printed all the same.

Exit codes:
  0  the sample is valid, and what was checked held
  1  the sample is void, or the run failed
  2  the manifest is wrong, or asks for what this machine does not have
  3  the sample is valid, and a check failed
  4  the sample is valid, and a check could not tell`,
		Args: exactlyOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return o.run(ctx, args[0], cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "table", outputHelp)
	cmd.Flags().StringVar(&o.report, "report", "", "also put the whole report there, and print its reference on standard error: a file, a directory, or the `URL` of a report sink")
	cmd.Flags().StringVar(&o.runner, "runner", "", "path of "+sibling.Runner+" (default beside this binary, then in PATH)")
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "do not tell on standard error how far it is")
	var policy flag.FlagSet
	o.policy = nodepolicy.Register(&policy)
	cmd.Flags().AddGoFlagSet(&policy)
	return cmd
}

func (o *runOptions) run(ctx context.Context, path string, stdin io.Reader, stdout, stderr io.Writer) error {
	write, err := outputNamed(o.output)
	if err != nil {
		return err
	}
	w, err := loadWorkload(ctx, path, stdin)
	if err != nil {
		return err
	}
	policy, err := o.policy.Policy()
	if err != nil {
		return badCall{err}
	}
	to, err := openDestination(o.report)
	if err != nil {
		return badCall{err}
	}
	job, err := newJob(w, policy)
	if err != nil {
		return err
	}
	if err := tidy(ctx, job.Cgroup); err != nil {
		fmt.Fprintln(stderr, "schedfleet: note: removing what an earlier run left:", err)
	}
	if err := fitsHere(job); err != nil {
		return badCall{fmt.Errorf("%s: %w", path, err)}
	}
	client := runner.Client{Path: o.runner, Stderr: stderr}
	if client.Path == "" {
		if client.Path, err = sibling.Find(sibling.Runner); err != nil {
			return err
		}
	}
	rep, err := client.Run(ctx, *job, o.progress(stderr, job))
	if err != nil {
		return err
	}
	// A run that was cut short has a report, too.
	stored := to.put(context.WithoutCancel(ctx), w.Namespace, rep, stderr)
	if err := errors.Join(write(stdout, rep), stored); err != nil {
		return err
	}
	return outcomeOf(rep)
}

func (o *runOptions) progress(stderr io.Writer, job *runner.Job) func(runner.Event) {
	began := time.Now()
	workers := workersOfRun(&job.Run)
	return func(ev runner.Event) {
		if o.quiet {
			return
		}
		switch ev.Type {
		case runner.EventPrepared:
			fmt.Fprintf(stderr, "%s are parked after %v\n", workers, time.Since(began).Round(time.Millisecond))
		case runner.EventStarted:
			fmt.Fprintf(stderr, "working for %v\n", job.Run.Duration)
		default:
		}
	}
}

// workersOfRun says how many there are. A share of the CPUs is a number only once
// the run is resolved, which the report tells.
func workersOfRun(run *spec.Run) string {
	workers := 0
	for i := range run.Groups {
		if run.Groups[i].WorkersPercent > 0 {
			return "all workers"
		}
		workers += run.Groups[i].Workers
	}
	return fmt.Sprintf("%d workers", workers)
}
