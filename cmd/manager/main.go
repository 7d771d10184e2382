// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Command manager runs schedfleet's controllers against a Kubernetes API server.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/internal/version"
	"github.com/schedfleet/schedfleet/controllers"
)

// leaderElectionID is the Lease that managers compete for. It stands beside
// those of the test nodes, so it is no host's name.
const leaderElectionID = "manager.schedfleet.dev"

// shutdownTimeout is how long a pass may take to end after a signal.
const shutdownTimeout = 15 * time.Second

type flags struct {
	metricsAddress, probeAddress string
	leaderElect                  bool
	leaseNamespace               string
	showVersion                  bool
}

func main() {
	var f flags
	config.RegisterFlags(flag.CommandLine) // --kubeconfig
	flag.StringVar(&f.metricsAddress, "metrics-bind-address", ":8080", "`address` to serve metrics on; 0 turns them off")
	flag.StringVar(&f.probeAddress, "health-probe-bind-address", ":8081", "`address` to serve /healthz and /readyz on; 0 turns them off")
	flag.BoolVar(&f.leaderElect, "leader-elect", false, "wait until no other manager leads; needed where more than one runs")
	flag.StringVar(&f.leaseNamespace, "lease-namespace", v1alpha1.DefaultLeaseNamespace, "`namespace` of the agents' heartbeats and of the leader's Lease")
	flag.BoolVar(&f.showVersion, "version", false, "print the version and exit")
	flag.Parse()
	if f.showVersion {
		fmt.Println(version.String())
		return
	}
	ctrl.SetLogger(zap.New())
	if err := run(ctrl.SetupSignalHandler(), f); err != nil {
		ctrl.Log.Error(err, "manager failed")
		os.Exit(1)
	}
}

func run(ctx context.Context, f flags) error {
	restConfig, err := config.GetConfig()
	if err != nil {
		return fmt.Errorf("finding an API server (give --kubeconfig): %w", err)
	}
	options := controllers.Options{LeaseNamespace: f.leaseNamespace, Metrics: metrics.Registry}
	grace := shutdownTimeout
	managerOptions, err := controllers.ManagerOptions(ctrl.Options{
		Metrics:                       metricsserver.Options{BindAddress: f.metricsAddress},
		HealthProbeBindAddress:        f.probeAddress,
		LeaderElection:                f.leaderElect,
		LeaderElectionID:              leaderElectionID,
		LeaderElectionNamespace:       f.leaseNamespace,
		LeaderElectionReleaseOnCancel: true, // the process ends when Start returns
		GracefulShutdownTimeout:       &grace,
	}, options)
	if err != nil {
		return err
	}
	mgr, err := ctrl.NewManager(controllers.RESTConfig(restConfig), managerOptions)
	if err != nil {
		return fmt.Errorf("setting up the manager: %w", err)
	}
	for _, add := range []func(string, healthz.Checker) error{mgr.AddHealthzCheck, mgr.AddReadyzCheck} {
		if err := add("ping", healthz.Ping); err != nil {
			return fmt.Errorf("adding a health check: %w", err)
		}
	}
	if err := controllers.Setup(ctx, mgr, options); err != nil {
		return err
	}
	ctrl.Log.Info("manager starting", "version", version.String(), "leaseNamespace", f.leaseNamespace)
	return mgr.Start(ctx)
}
