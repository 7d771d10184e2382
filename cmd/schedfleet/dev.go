// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/devcluster"
)

const defaultDevNodes = 2

// newDevCommand returns "schedfleet dev". The demo applies the manifest, unless
// told otherwise, and prints the result by report.
func newDevCommand(manifest []byte, report func(io.Writer, *v1alpha1.Workload)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a whole cluster on this machine, for development",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newDevUpCommand(), newDevDownCommand(), newDevDemoCommand(manifest, report), newDevServeCommand())
	return cmd
}

func addDevFlags(cmd *cobra.Command, o *devcluster.Options) {
	f := cmd.Flags()
	f.IntVar(&o.Nodes, "nodes", defaultDevNodes, "number of test nodes, called node-a, node-b and so on")
	f.StringVar(&o.Assets, "assets", "", "directory of kube-apiserver, etcd and kubectl (default $KUBEBUILDER_ASSETS, then what make control-plane built)")
	f.StringVar(&o.BinDir, "bin-dir", "", "directory of schedfleet-manager, -agent and -runner (default beside this binary)")
	f.StringVar(&o.ReportSink, "report-sink", "", "`URL` where agents keep whole reports, or "+devcluster.NoReportSink+" (default a directory of the cluster, which ends with it)")
	f.StringArrayVar(&o.AgentFlags, "agent-flag", nil,
		"a further flag of every agent, such as --agent-flag=--allow-dangerous-work or --agent-flag=--allow-program=fio=/usr/bin/fio; may be repeated")
}

func addDevDirFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", devcluster.DefaultDir(), "directory of the cluster's files")
}

func newDevUpCommand() *cobra.Command {
	var o devcluster.Options
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start a cluster in the background, and say how to reach it",
		Long: `Start etcd, kube-apiserver, the manager and one agent for each node in the
background, wait until the nodes are ready, and print the environment to use the
cluster in, so that this works:

  eval "$(schedfleet dev up)"
  kubectl get testnodes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			state, err := devcluster.Up(ctx, o, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "the cluster is ready; logs are in %s; to end it: schedfleet dev down --dir %s\n", state.Logs, o.Dir)
			fmt.Fprintf(cmd.OutOrStdout(), "export KUBECONFIG=%s\nexport PATH=%s:$PATH\n", state.Kubeconfig, state.Assets)
			return nil
		},
	}
	addDevDirFlag(cmd, &o.Dir)
	addDevFlags(cmd, &o)
	return cmd
}

func newDevDownCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "down",
		Short: "End the cluster and remove everything of it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return devcluster.Down(ctx, dir, cmd.ErrOrStderr())
		},
	}
	addDevDirFlag(cmd, &dir)
	return cmd
}

func newDevDemoCommand(manifest []byte, report func(io.Writer, *v1alpha1.Workload)) *cobra.Command {
	var o devcluster.Options
	var file string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a Workload on a cluster of two nodes, show its report, and clean up",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			if file != "" {
				text, err := os.ReadFile(file)
				if err != nil {
					return fmt.Errorf("reading the manifest: %w", err)
				}
				manifest = text
			}
			if o.Dir == "" {
				// Apart from the cluster of dev up, which a demo must not end.
				o.Dir = filepath.Join(filepath.Dir(devcluster.DefaultDir()), fmt.Sprintf("schedfleet-demo-%d", os.Getpid()))
			}
			demo := devcluster.Demo{
				Options: o, Manifest: manifest, Report: report, Out: cmd.OutOrStdout(),
				Linger: term.IsTerminal(int(os.Stdin.Fd())),
			}
			return demo.Run(ctx)
		},
	}
	addDevFlags(cmd, &o)
	cmd.Flags().StringVar(&o.Dir, "dir", "", "directory of the cluster's files (default one of its own)")
	cmd.Flags().StringVarP(&file, "filename", "f", "", "manifest to apply instead of the demo's own")
	return cmd
}

// newDevServeCommand returns the supervisor that dev up starts.
func newDevServeCommand() *cobra.Command {
	var o devcluster.Options
	cmd := &cobra.Command{
		Use:    "serve",
		Short:  "Keep a cluster running (started by dev up)",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// The one who started it may be gone while it still tells how it goes.
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return devcluster.Serve(ctx, o)
		},
	}
	addDevDirFlag(cmd, &o.Dir)
	addDevFlags(cmd, &o)
	return cmd
}

// untilSignal returns a context that ends when the process is told to stop.
// Further signals change nothing: cleaning up is bounded in time, and must not
// be cut short. A closed terminal counts as Ctrl-C, and so does an output that
// nobody reads any more.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
}
