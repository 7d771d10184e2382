// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Command scale measures how the system does with thousands of test nodes: a real API
// server, the real manager as a process of its own, and the real code of the agents with
// runners that only report. What the figures are compared with is measured in the same run.
//
//	scale [-nodes N] [-workloads M] [-soak 30m] [-json FILE] [-report FILE]
//
// "make bench-scale" runs it for 1,000 nodes and then for 5,000.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

// options are what is asked for.
type options struct {
	nodes, smallNodes, workloads, raw int
	idle, hold, soak, renewal         time.Duration
	assets, manager, note             string
	jsonFile, page                    string
	timeout                           time.Duration
}

func main() {
	var o options
	flag.IntVar(&o.nodes, "nodes", 1000, "`number` of hollow agents, and of nodes of the wide Workload")
	flag.IntVar(&o.smallNodes, "small-nodes", 200, "`number` of agents that take the small Workloads")
	flag.IntVar(&o.workloads, "workloads", 2000, "`number` of small Workloads that go through the queue")
	flag.IntVar(&o.raw, "raw", 2000, "`number` of objects that are created to find the API server's own rate")
	flag.DurationVar(&o.idle, "idle", time.Minute, "how long idle agents are watched")
	flag.DurationVar(&o.hold, "hold", 100*time.Millisecond, "how long a run takes")
	flag.DurationVar(&o.soak, "soak", 0, "how long small Workloads go on one after the other; 0: no soak")
	flag.DurationVar(&o.renewal, "lease-renewal", 10*time.Second, "time between heartbeats of an agent")
	flag.StringVar(&o.assets, "assets", os.Getenv("KUBEBUILDER_ASSETS"), "`directory` of etcd and kube-apiserver")
	flag.StringVar(&o.manager, "manager", "bin/schedfleet-manager", "`path` of the manager")
	flag.StringVar(&o.note, "note", "", "`text` on the conditions of the measurement, for the page")
	flag.StringVar(&o.jsonFile, "json", "", "also write the figures to this `file`")
	flag.StringVar(&o.page, "report", "", "put the table into this `page`, in place of the one of as many nodes")
	flag.DurationVar(&o.timeout, "timeout", time.Hour, "when everything is given up")
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, o.timeout+o.soak)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// run measures everything, and says as it goes what it does.
func run(ctx context.Context, o options) error {
	w, err := begin(ctx, o)
	if err != nil {
		return err
	}
	defer w.end()
	for _, phase := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"raw rates", w.rawRates},
		{"starting the agents", w.startAgents},
		{"raw rates with agents that watch", w.watchedRates},
		{"one wide Workload", w.wide},
		{"idle agents", w.idle},
		{"small Workloads", w.small},
		{"soak", w.soak},
	} {
		began := time.Now()
		fmt.Fprintf(os.Stderr, "%s ...\n", phase.what)
		if err := phase.do(ctx); err != nil {
			return fmt.Errorf("%s: %w%s", phase.what, err, w.managerLog())
		}
		fmt.Fprintf(os.Stderr, "  %v\n", time.Since(began).Round(10*time.Millisecond))
	}
	w.figures.ManagerPeakMiB = w.manager.peakMiB()
	w.figures.AgentsMiB = rssMiB(os.Getpid())
	return publish(o, &w.figures)
}

func publish(o options, f *figures) error {
	fmt.Print(f.table())
	if o.jsonFile != "" {
		text, err := json.MarshalIndent(f, "", "  ")
		if err == nil {
			err = os.WriteFile(o.jsonFile, append(text, '\n'), 0o644)
		}
		if err != nil {
			return fmt.Errorf("writing the figures: %w", err)
		}
	}
	if o.page == "" {
		return nil
	}
	page, err := os.ReadFile(o.page)
	if err != nil {
		return fmt.Errorf("reading the page: %w", err)
	}
	begin, end := fmt.Sprintf("<!-- %d nodes -->\n", o.nodes), fmt.Sprintf("<!-- end of %d nodes -->\n", o.nodes)
	head, rest, found := strings.Cut(string(page), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no place for the table: the lines %q and %q", o.page, begin, end)
	}
	return os.WriteFile(o.page, []byte(head+begin+f.markdown()+end+tail), 0o644)
}
