// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package controllers is the list of the manager's controllers and of what
// they need from it.
package controllers

import (
	"context"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/quarantine"
	"github.com/schedfleet/schedfleet/controllers/workload"
)

// For the election of a leader, which tells of itself in events of the old kind:
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=create;update,namespace=schedfleet-system
// +kubebuilder:rbac:groups="",resources=events,verbs=create;patch,namespace=schedfleet-system

// Rates of requests to the API server. A Workload of thousands of nodes is
// placed in seconds, and one manager cannot overwhelm an API server.
const (
	requestsPerSecond = 300
	requestBurst      = 500
)

// Options are what the controllers can be told.
type Options struct {
	// LeaseNamespace is where agents renew their heartbeats. Default: v1alpha1.DefaultLeaseNamespace.
	LeaseNamespace string
	// Clock is the wall clock by default.
	Clock clock.PassiveClock
	// Timings are the defaults where zero.
	Timings workload.Timings
	// Quarantine is how long nodes are set aside; the defaults where zero.
	Quarantine quarantine.Limits
}

func (o Options) withDefaults() Options {
	if o.LeaseNamespace == "" {
		o.LeaseNamespace = v1alpha1.DefaultLeaseNamespace
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return o
}

// RESTConfig is config with the manager's request rates.
func RESTConfig(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = requestsPerSecond, requestBurst
	return config
}

// ManagerOptions adds to base what the controllers need from their manager:
// the types, and a cache that holds no more than they read.
func ManagerOptions(base ctrl.Options, o Options) (ctrl.Options, error) {
	o = o.withDefaults()
	base.Scheme = runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(base.Scheme); err != nil {
			return base, err
		}
	}
	base.Cache.DefaultTransform = cache.TransformStripManagedFields()
	base.Cache.ByObject = map[client.Object]cache.ByObject{
		&coordinationv1.Lease{}: {Namespaces: map[string]cache.Config{o.LeaseNamespace: {}}},
	}
	return base, nil
}

// Setup adds all controllers to a manager made with ManagerOptions.
func Setup(ctx context.Context, mgr ctrl.Manager, o Options) error {
	o = o.withDefaults()
	if err := addIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	nodes := &quarantine.Reconciler{
		Client:   mgr.GetClient(),
		Recorder: mgr.GetEventRecorder(v1alpha1.FieldOwnerManager),
		Clock:    o.Clock,
		Limits:   o.Quarantine,
	}
	if err := nodes.SetupWithManager(mgr); err != nil {
		return err
	}
	return (&workload.Reconciler{
		Client:         mgr.GetClient(),
		Live:           mgr.GetAPIReader(),
		Recorder:       mgr.GetEventRecorder(v1alpha1.FieldOwnerManager),
		Clock:          o.Clock,
		LeaseNamespace: o.LeaseNamespace,
		Timings:        o.Timings,
	}).SetupWithManager(mgr)
}
