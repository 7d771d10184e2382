// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package nodeagent runs the NodeRuns of one node and publishes what became of
// them. It is the only user of the Kubernetes API on a node.
//
// Four things go on at a time: the cache that follows this node's NodeRuns, the
// heartbeat, one worker that does everything else one after the other, and,
// started by it, at most one runner. During a run the worker waits, so that the
// agent does nothing on the node but renew its Lease.
package nodeagent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/nodeagent/spool"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// +kubebuilder:rbac:groups=schedfleet.dev,resources=noderuns,verbs=get;list;watch
// +kubebuilder:rbac:groups=schedfleet.dev,resources=noderuns/status,verbs=patch
// +kubebuilder:rbac:groups=schedfleet.dev,resources=testnodes,verbs=create;get;patch
// +kubebuilder:rbac:groups=schedfleet.dev,resources=testnodes/status,verbs=patch
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=create;get;patch,namespace=schedfleet-system

// bootIDLength is how much of a boot ID tells machines apart.
const bootIDLength = 8

// stopTimeout bounds what the agent still tells the API when it is stopped.
const stopTimeout = 15 * time.Second

// Runner carries out jobs. See runner.Client for what it must keep to.
type Runner interface {
	Run(ctx context.Context, job runner.Job, onEvent func(runner.Event)) (*report.Report, error)
}

// Inventory says what the node is and can do.
type Inventory interface {
	Read() (status v1alpha1.TestNodeStatus, notes []string, err error)
	// Signature is cheap and changes when Read would tell something else.
	Signature() string
}

// Sweeper removes what earlier runs left on the node.
type Sweeper interface {
	Sweep(ctx context.Context) (removed []string, err error)
	// Leave removes what the agent itself needed.
	Leave(ctx context.Context) error
}

// Options are what an agent needs.
type Options struct {
	// NodeName is the name of the TestNode and of the Lease.
	NodeName       string
	LeaseNamespace string
	// CgroupRoot is the agent's own cgroup; every run gets one below it.
	CgroupRoot string
	// CPUs is the list of CPUs that runs may use. Empty, they are the agent's own.
	CPUs string
	// Policy is what the node lets runs do. Nil: nothing that needs to be allowed.
	Policy *spec.Policy
	// SpoolDir is where reports wait for the API.
	SpoolDir string
	// ReportSink takes the whole reports, of which the API gets a summary. Nil: nobody does.
	ReportSink ReportSink
	Version    string
	// BootID tells this machine, since it was started, from copies of it.
	BootID string
	// HTTPClient carries the requests, for many agents in one process to share connections. Nil: one of the agent's own.
	HTTPClient *http.Client
	// Metrics is where the agent's metrics are registered. Nil: nowhere.
	Metrics prometheus.Registerer

	Runner    Runner
	Inventory Inventory
	Sweeper   Sweeper
	Timings   Timings
}

// Agent is the agent of one node. It is run once.
type Agent struct {
	opts     Options
	log      logr.Logger
	instance string // of this process: another one never goes on with its runs

	api   *api
	cache cache.Cache
	inbox *inbox
	spool *spool.Spool
	// beating is closed once this agent holds the node's Lease.
	beating chan struct{}
	// renewed is when it last renewed it.
	renewed atomic.Pointer[time.Time]
	metrics *metrics
	// ready says that the node takes runs.
	ready atomic.Bool

	// The rest belongs to the worker.
	pending pending
	archive archive
	node    nodeState
	health  health
}

// New prepares the agent of a node.
func New(config *rest.Config, opts Options) (*Agent, error) {
	opts.Timings = opts.Timings.withDefaults()
	if opts.Policy == nil {
		opts.Policy = &spec.Policy{}
	}
	a := &Agent{
		opts:     opts,
		log:      ctrl.Log.WithName("agent").WithValues("node", opts.NodeName),
		instance: strings.ToLower(rand.Text()[:16]),
		inbox:    newInbox(),
		beating:  make(chan struct{}),
		metrics:  newMetrics(),
	}
	var err error
	if opts.Metrics != nil {
		if err = a.metrics.register(opts.Metrics); err != nil {
			return nil, err
		}
	}
	if a.api, a.cache, err = connect(config, &opts); err != nil {
		return nil, fmt.Errorf("preparing the connection to the API server: %w", err)
	}
	return a, nil
}

// Run works until ctx ends, and then until the run in hand has been stopped and
// reported. An error means that the agent could not start, or that its node is
// another agent's now.
func (a *Agent) Run(ctx context.Context) error {
	if err := a.openSpool(); err != nil {
		return err
	}
	defer a.spool.Close() //nolint:errcheck // the lock goes with the process at the latest

	// The heartbeat and the cache live on while the worker winds up.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	ctx, replaced := context.WithCancelCause(ctx)
	defer replaced(nil)
	owner := a.owner()
	wg.Go(func() { a.heartbeat(background, owner, replaced) })
	if err := a.follow(ctx, background, &wg); err != nil {
		return err
	}
	a.log.Info("agent started", "instance", a.instance, "version", a.opts.Version, "cgroup", a.opts.CgroupRoot)
	a.work(ctx)
	if cause := context.Cause(ctx); errors.Is(cause, errReplaced) {
		// What the API is to know of the node, the other one says.
		return errors.Join(cause, a.opts.Sweeper.Leave(context.WithoutCancel(ctx)))
	}
	a.stop(ctx)
	return nil
}

// owner is what this agent has in common with the ones before it and with no other.
func (a *Agent) owner() string {
	owner, err := a.spool.Owner()
	if err != nil {
		a.log.Error(err, "an agent started after this one has to wait until the node's Lease expires")
		return a.instance
	}
	return owner + "-" + a.opts.BootID[:min(bootIDLength, len(a.opts.BootID))]
}

// follow starts the cache, and returns once it has seen every NodeRun of the node.
func (a *Agent) follow(ctx, background context.Context, wg *sync.WaitGroup) error {
	informer, err := a.cache.GetInformer(ctx, &v1alpha1.NodeRun{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watching NodeRuns: %w", err)
	}
	if _, err := informer.AddEventHandler(a.inbox); err != nil {
		return fmt.Errorf("watching NodeRuns: %w", err)
	}
	wg.Go(func() {
		if err := a.cache.Start(background); err != nil {
			a.log.Error(err, "watching NodeRuns failed")
		}
	})
	// Unsynced means that ctx has ended, which the worker finds out by itself.
	a.cache.WaitForCacheSync(ctx)
	return nil
}

// stop tells the API that the node takes no runs any more, and what became of
// the last one. What does not get through stays in the spool.
func (a *Agent) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	a.ready.Store(false)
	var errs []error
	if a.node.published != nil && !a.lapsed() {
		errs = append(errs, a.publish(ctx, agentStopped()))
	}
	a.archive.parting = true
	errs = append(errs, a.deliver(ctx), a.opts.Sweeper.Leave(ctx))
	if err := errors.Join(errs...); err != nil {
		a.log.Error(err, "stopped with something left to do", "reportsInSpool", len(a.pending))
		return
	}
	a.log.Info("agent stopped")
}
