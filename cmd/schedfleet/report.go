// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/sink"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

type reportOptions struct {
	output  string
	cluster clusterFlags
}

func newReportCommand() *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use:   "report FILE | URL | noderun/NAME | -",
		Short: "Show a stored report in another form",
		Long: `Read a whole report, as run -o json writes it and agents keep it, and write it in
another form. It is read from a file, from the URL of a report sink, from standard
input (-), or from where a NodeRun says that its report is: then its digest is
checked, and the cluster is that of kubectl.

The exit code says whether the report could be read, not what is in it.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return badCall{fmt.Errorf("%s takes one report, not %d", cmd.CommandPath(), len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			write, err := outputNamed(o.output)
			if err != nil {
				return err
			}
			data, err := o.read(ctx, args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			rep, err := report.Read(data)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return write(cmd.OutOrStdout(), rep)
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "table", outputHelp)
	o.cluster.register(cmd, "namespace of the NodeRun")
	return cmd
}

// noderunPrefix begins the names of NodeRuns, as kubectl writes them.
const noderunPrefix = "noderun/"

func (o *reportOptions) read(ctx context.Context, from string, stdin io.Reader) ([]byte, error) {
	name, isRun := strings.CutPrefix(from, noderunPrefix)
	switch {
	case from == "-":
		data, err := io.ReadAll(io.LimitReader(stdin, sink.MaxBytes+1))
		if err == nil && len(data) > sink.MaxBytes {
			err = fmt.Errorf("it has more than %d bytes", sink.MaxBytes)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the report from standard input: %w", err)
		}
		return data, nil
	case !isRun:
		return sink.Get(ctx, from, "")
	}
	ref, err := o.reference(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("reading the report of NodeRun %s: %w", name, err)
	}
	return sink.Get(ctx, ref.URL, ref.SHA256)
}

// reference is where a NodeRun says that its report is.
func (o *reportOptions) reference(ctx context.Context, name string) (*v1alpha1.ReportReference, error) {
	ctx, cancel := context.WithTimeout(ctx, sink.Timeout)
	defer cancel()
	api, namespace, err := o.cluster.connect()
	if err != nil {
		return nil, err
	}
	var run v1alpha1.NodeRun
	if err := api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &run); err != nil {
		return nil, err
	}
	if run.Status.Result == nil || run.Status.Result.Report == nil {
		return nil, errors.New("it names no stored report: it has not ended with one yet, or its agent has no --report-sink")
	}
	return run.Status.Result.Report, nil
}
