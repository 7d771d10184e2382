// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Command agent is schedfleet-agent: it makes a machine a test node and runs the
// NodeRuns that the manager places on it.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/internal/nodepolicy"
	"github.com/schedfleet/schedfleet/cmd/internal/version"
	"github.com/schedfleet/schedfleet/nodeagent"
	"github.com/schedfleet/schedfleet/nodeagent/inventory"
	"github.com/schedfleet/schedfleet/nodeagent/sweep"
	"github.com/schedfleet/schedfleet/pkg/sink"
	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
)

// spoolParent is where the agents of a machine keep reports, one directory per node.
const spoolParent = "/var/lib/schedfleet"

const (
	bootIDFile = "/proc/sys/kernel/random/boot_id"
	// minLeaseDuration leaves room for a heartbeat or two that fail.
	minLeaseDuration = 3 * time.Second
	// renewalsPerLease is how many heartbeats in a row have to fail.
	renewalsPerLease = 3
)

type flags struct {
	nodeName, runner, cgroupRoot, spoolDir, reportSink, leaseNamespace string

	metricsAddress, probeAddress string

	leaseDuration time.Duration

	policy      *nodepolicy.Flags
	showVersion bool
}

func main() {
	var f flags
	config.RegisterFlags(flag.CommandLine) // --kubeconfig
	flag.StringVar(&f.nodeName, "node-name", "", "`name` of this machine's TestNode (default: the host's name)")
	flag.StringVar(&f.runner, "runner", "", "`path` of schedfleet-runner (default: beside this binary)")
	flag.StringVar(&f.cgroupRoot, "cgroup-root", "", "cgroup v2 `directory` that is the agent's own (default: schedfleet/<node> below the mount)")
	flag.StringVar(&f.spoolDir, "spool-dir", "", "`directory` where reports wait for the API server (default: "+spoolParent+"/<node>)")
	flag.StringVar(&f.reportSink, "report-sink", "", "`URL` where whole reports are kept: file:///DIR, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or azblob://CONTAINER/PREFIX (default: they are not)")
	flag.StringVar(&f.leaseNamespace, "lease-namespace", v1alpha1.DefaultLeaseNamespace, "`namespace` of the heartbeat")
	flag.DurationVar(&f.leaseDuration, "lease-duration", nodeagent.DefaultLeaseDuration,
		"how long a heartbeat counts, in whole seconds; it is renewed three times as often. A node is given up 5s after its last heartbeat stopped counting: short ones find a dead node sooner, and ask more of the API server")
	flag.StringVar(&f.metricsAddress, "metrics-bind-address", "0", "`address` to serve metrics on; 0 turns them off, for nothing is to disturb a run")
	flag.StringVar(&f.probeAddress, "health-probe-bind-address", "0", "`address` to serve /healthz and /readyz on; 0 turns them off")
	f.policy = nodepolicy.Register(flag.CommandLine)
	flag.BoolVar(&f.showVersion, "version", false, "print the version and exit")
	flag.Parse()
	if f.showVersion {
		fmt.Println(version.String())
		return
	}
	ctrl.SetLogger(zap.New())
	if err := run(ctrl.SetupSignalHandler(), f); err != nil {
		ctrl.Log.Error(err, "agent failed")
		os.Exit(1)
	}
}

func run(ctx context.Context, f flags) error {
	policy, err := f.policy.Policy()
	if err != nil {
		return err
	}
	if f.leaseDuration < minLeaseDuration || f.leaseDuration%time.Second != 0 {
		return fmt.Errorf("--lease-duration: %v is not a number of whole seconds from %v", f.leaseDuration, minLeaseDuration)
	}
	bootID, err := os.ReadFile(bootIDFile)
	if err != nil {
		return fmt.Errorf("reading which boot of the machine this is: %w", err)
	}
	// The heartbeat must go on under a scheduler that starves normal tasks. The runner inherits this.
	if err := runner.BecomeRealtime(); err != nil {
		ctrl.Log.Info("going on as a normal process, which a scheduler under test can starve", "why", err.Error())
	}
	cpus, err := runner.StandAside()
	if err != nil {
		return err
	}
	memory, err := allowed.MemoryNodes()
	if err != nil {
		return err
	}
	mount, err := cgroup.Mount()
	if err != nil {
		return err
	}
	if err := f.setDefaults(mount); err != nil {
		return err
	}
	reports, err := f.sink()
	if err != nil {
		return err
	}
	restConfig, err := config.GetConfig()
	if err != nil {
		return fmt.Errorf("finding an API server (give --kubeconfig): %w", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	agent, err := nodeagent.New(restConfig, nodeagent.Options{
		NodeName: f.nodeName, LeaseNamespace: f.leaseNamespace, CgroupRoot: f.cgroupRoot, SpoolDir: f.spoolDir, Version: version.String(), CPUs: cpus.String(), Policy: policy,
		ReportSink: reports, BootID: strings.TrimSpace(string(bootID)), Metrics: registry,
		Timings: nodeagent.Timings{LeaseDuration: f.leaseDuration, LeaseRenewal: f.leaseDuration / renewalsPerLease},

		Runner:    runner.Client{Path: f.runner, Stderr: os.Stderr},
		Inventory: inventory.Machine{Root: "/", CgroupMount: mount, CgroupRoot: f.cgroupRoot, CPUs: cpus, MemoryNodes: memory, Policy: policy},
		Sweeper:   sweep.Sweeper{Root: f.cgroupRoot},
	})
	if err != nil {
		return err
	}
	stop, err := serve(f.metricsAddress, f.probeAddress, registry, agent.Ready)
	if err != nil {
		return err
	}
	defer stop()
	return agent.Run(ctx)
}

// sink is where whole reports go, nil if nowhere.
func (f *flags) sink() (nodeagent.ReportSink, error) {
	if f.reportSink == "" {
		return nil, nil
	}
	s, err := sink.Open(f.reportSink)
	if err != nil {
		return nil, fmt.Errorf("--report-sink: %w", err)
	}
	return s, nil
}

func (f *flags) setDefaults(mount string) error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("finding the host's name (give --node-name): %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding schedfleet-runner (give --runner): %w", err)
	}
	f.nodeName = cmp.Or(f.nodeName, strings.ToLower(host))
	f.runner = cmp.Or(f.runner, filepath.Join(filepath.Dir(self), "schedfleet-runner"))
	f.cgroupRoot = cmp.Or(f.cgroupRoot, filepath.Join(mount, "schedfleet", f.nodeName))
	f.spoolDir = cmp.Or(f.spoolDir, filepath.Join(spoolParent, f.nodeName))
	return nil
}
