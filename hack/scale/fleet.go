// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	"k8s.io/client-go/util/workqueue"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/nodeagent"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

const (
	// shape is that of all hollow machines.
	shape = "2n4l2c2t"
	// agentsPerClient share connections, each of which carries so many watches at least.
	agentsPerClient = 250
	// startAtOnce is how many agents come up at a time.
	startAtOnce = 50
)

// fleet is the hollow agents: the real code, but for runner, inventory and sweeper.
type fleet struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	hold   time.Duration
	facts  v1alpha1.TestNodeStatus
	// events counts what the watches of all agents brought.
	events atomic.Int64
	runs   atomic.Int64
	failed atomic.Value
}

func nodeName(i int) string { return fmt.Sprintf("hollow-%05d", i) }

// startFleet starts the agents, without waiting for them to be ready.
func startFleet(ctx context.Context, w *world) (*fleet, error) {
	n, o := w.options.nodes, w.options
	machine, err := topology.Synthetic(shape)
	if err != nil {
		return nil, err
	}
	f := &fleet{hold: o.hold, facts: v1alpha1.TestNodeStatus{BootID: "hollow", Kernel: "7.3.0-hollow", Architecture: "amd64", Scheduler: "kernel"}}
	if f.facts.Topology, err = manifest.Topology(machine); err != nil {
		return nil, err
	}
	for _, name := range []string{capability.CgroupCPU, capability.CgroupCpuset} {
		f.facts.Features = append(f.facts.Features, v1alpha1.Feature{Name: name, State: v1alpha1.FeaturePresent})
	}
	ctx, f.cancel = context.WithCancel(ctx)
	config := rest.AnonymousClientConfig(w.config) // each agent adds its own token
	shared := make([]http.RoundTripper, (n+agentsPerClient-1)/agentsPerClient)
	for i := range shared {
		if shared[i], err = newTransport(config, &f.events); err != nil {
			return nil, err
		}
	}
	errs := make([]error, n)
	workqueue.ParallelizeUntil(ctx, startAtOnce, n, func(i int) {
		token, err := w.agentToken(ctx, nodeName(i))
		if err != nil {
			errs[i] = err
			return
		}
		c := &http.Client{Transport: transport.NewBearerAuthRoundTripper(token, shared[i/agentsPerClient])}
		errs[i] = f.start(ctx, config, c, filepath.Join(w.dir, "spool", nodeName(i)), i, o)
	})
	return f, errors.Join(errs...)
}

// newTransport has connections of its own, and counts the events of watches.
func newTransport(config *rest.Config, events *atomic.Int64) (http.RoundTripper, error) {
	config = rest.CopyConfig(config)
	// Each dialer of its own makes a transport of its own.
	config.Dial = dialer()
	t, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	return &watchCounter{next: t, events: events}, nil
}

func (f *fleet) start(ctx context.Context, config *rest.Config, c *http.Client, spool string, i int, o options) error {
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return err
	}
	m := &hollow{fleet: f, index: i}
	agent, err := nodeagent.New(config, nodeagent.Options{
		NodeName: nodeName(i), LeaseNamespace: v1alpha1.DefaultLeaseNamespace, CgroupRoot: "/hollow", SpoolDir: spool, Version: "hollow",
		HTTPClient: c, Runner: m, Inventory: m, Sweeper: m,
		Timings: nodeagent.Timings{LeaseRenewal: o.renewal, LeaseDuration: 3 * o.renewal},
	})
	if err != nil {
		return err
	}
	f.wg.Go(func() {
		if err := agent.Run(ctx); err != nil {
			f.failed.Store(fmt.Errorf("agent %s: %w", nodeName(i), err))
		}
	})
	return nil
}

func (f *fleet) stop() {
	f.cancel()
	f.wg.Wait()
}

// hollow is a machine that only says it is one.
type hollow struct {
	fleet *fleet
	index int
}

// Run implements nodeagent.Runner: it waits, and reports what it is expected to.
func (h *hollow) Run(ctx context.Context, job runner.Job, _ func(runner.Event)) (*report.Report, error) {
	rep := &report.Report{
		Schema: report.SchemaVersion, RunID: job.RunID, Kernel: h.fleet.facts.Kernel, Verdict: report.Skip,
		Planned: job.Run.Duration.Nanoseconds(), Hold: job.Run.Duration.Nanoseconds(),
	}
	for _, g := range job.Run.Groups {
		rep.Groups = append(rep.Groups, report.Group{Name: g.Name, Kind: "spinWait", Workers: g.Workers, Completed: g.Workers,
			Figures: report.Figures{Iterations: iterations(h.index), WorkUnits: 1, CPUs: "0-1"}})
		for i := range g.Workers {
			rep.Workers = append(rep.Workers, report.Worker{Group: g.Name, Index: i, Completed: true, Figures: report.Figures{Iterations: 1, WorkUnits: 1}})
		}
	}
	if job.RunID == "self-test" {
		return rep, nil
	}
	h.fleet.runs.Add(1)
	select {
	case <-ctx.Done():
		rep.Cancelled = true
	case <-time.After(h.fleet.hold):
	}
	return rep, nil
}

// iterations are what a node reports: no two the same, so that a wrong sum is seen.
func iterations(node int) uint64 { return uint64(1000 + node) }

// Read implements nodeagent.Inventory.
func (h *hollow) Read() (v1alpha1.TestNodeStatus, []string, error) {
	return *h.fleet.facts.DeepCopy(), nil, nil
}

// Signature implements nodeagent.Inventory.
func (h *hollow) Signature() string { return "hollow" }

// Sweep implements nodeagent.Sweeper.
func (h *hollow) Sweep(context.Context) ([]string, error) { return nil, nil }

// Leave implements nodeagent.Sweeper.
func (h *hollow) Leave(context.Context) error { return nil }
