// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
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

type runOptions struct {
	output string
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

Exit codes: 0 the sample is valid, 1 it is void or the run failed, 2 the manifest
is wrong or asks for what this machine does not have.`,
		Args: exactlyOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return o.run(ctx, args[0], cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "table", "table, json or yaml; the latter two give the whole report")
	cmd.Flags().StringVar(&o.runner, "runner", "", "path of "+sibling.Runner+" (default beside this binary, then in PATH)")
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "do not tell on standard error how far it is")
	var policy flag.FlagSet
	o.policy = nodepolicy.Register(&policy)
	cmd.Flags().AddGoFlagSet(&policy)
	return cmd
}

func (o *runOptions) run(ctx context.Context, path string, stdin io.Reader, stdout, stderr io.Writer) error {
	write, ok := writers[o.output]
	if !ok {
		return badCall{fmt.Errorf("--output must be table, json or yaml, not %q", o.output)}
	}
	w, err := loadWorkload(ctx, path, stdin)
	if err != nil {
		return err
	}
	policy, err := o.policy.Policy()
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
	if err := write(stdout, w, rep); err != nil {
		return err
	}
	if valid, _, _ := manifest.Verdict(rep); !valid {
		return errVoid{}
	}
	return nil
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

var writers = map[string]func(io.Writer, *v1alpha1.Workload, *report.Report) error{
	"table": func(w io.Writer, wl *v1alpha1.Workload, rep *report.Report) error {
		host, _ := os.Hostname()
		printReport(w, wl, host, rep)
		return nil
	},
	"json": func(w io.Writer, _ *v1alpha1.Workload, rep *report.Report) error {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(rep)
	},
	"yaml": func(w io.Writer, _ *v1alpha1.Workload, rep *report.Report) error {
		text, err := yaml.Marshal(rep)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	},
}
