// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/internal/sibling"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// errVoid says that there is a report whose sample does not count.
type errVoid struct{}

func (errVoid) Error() string { return "the sample is void" }

type runOptions struct {
	output string
	runner string
	quiet  bool
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
	if err := fitsHere(w); err != nil {
		return badCall{fmt.Errorf("%s: %w", path, err)}
	}
	client := runner.Client{Path: o.runner, Stderr: stderr}
	if client.Path == "" {
		if client.Path, err = sibling.Find(sibling.Runner); err != nil {
			return err
		}
	}
	job, err := newJob(w)
	if err != nil {
		return err
	}
	rep, err := client.Run(ctx, *job, o.progress(stderr, job))
	if err != nil {
		return err
	}
	if err := write(stdout, w.Name, rep); err != nil {
		return err
	}
	if valid, _, _ := manifest.Verdict(rep); !valid {
		return errVoid{}
	}
	return nil
}

// fitsHere says in a cluster's words what this machine lacks.
func fitsHere(w *v1alpha1.Workload) error {
	m, err := topology.Read("/")
	if err != nil {
		return err
	}
	here := &v1alpha1.TestNodeStatus{Topology: &v1alpha1.Topology{OnlineCPUs: m.Online().String(), MemoryNodes: m.MemoryNodes().String()}}
	if why := manifest.Unfit(&w.Spec.RunSpec, here); why != "" {
		return fmt.Errorf("this machine %s", why)
	}
	return nil
}

func newJob(w *v1alpha1.Workload) (*runner.Job, error) {
	model, err := manifest.Model(&w.Spec.RunSpec)
	if err != nil {
		return nil, err
	}
	job := &runner.Job{RunID: w.Name + "-" + strings.ToLower(rand.Text()[:10]), Run: *model}
	job.Cgroup, err = cgroupFor(job.RunID)
	return job, err
}

// cgroupFor is the directory for a run's cgroup, or "" where the caller has no
// cgroup v2 to write to: a laptop without root. The report then says so.
func cgroupFor(runID string) (string, error) {
	mount, err := cgroup.Mount()
	if errors.Is(err, cgroup.ErrNoCgroup2) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	err = unix.Access(mount, unix.W_OK)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) {
		return "", nil
	}
	return filepath.Join(mount, "schedfleet-"+runID), err
}

func (o *runOptions) progress(stderr io.Writer, job *runner.Job) func(runner.Event) {
	began := time.Now()
	workers := 0
	for i := range job.Run.Groups {
		workers += job.Run.Groups[i].Workers
	}
	return func(ev runner.Event) {
		if o.quiet {
			return
		}
		switch ev.Type {
		case runner.EventPrepared:
			fmt.Fprintf(stderr, "%d workers are parked after %v\n", workers, time.Since(began).Round(time.Millisecond))
		case runner.EventStarted:
			fmt.Fprintf(stderr, "working for %v\n", job.Run.Duration)
		default:
		}
	}
}

var writers = map[string]func(io.Writer, string, *report.Report) error{
	"table": func(w io.Writer, name string, rep *report.Report) error {
		host, _ := os.Hostname()
		printReport(w, name, host, rep)
		return nil
	},
	"json": func(w io.Writer, _ string, rep *report.Report) error {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(rep)
	},
	"yaml": func(w io.Writer, _ string, rep *report.Report) error {
		text, err := yaml.Marshal(rep)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	},
}
