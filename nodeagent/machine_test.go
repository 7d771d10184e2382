// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/nodeagent"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
)

// machine is a test node: everything an agent has to do with but the API server
// is made up.
type machine struct {
	name, spool string
	account     *rest.Config
	net         *network
	runner      *fakeRunner
	sweeper     *fakeSweeper
	inventory   *fakeInventory
	sink        nodeagent.ReportSink // nil: none
	sinkWait    time.Duration
	lease       time.Duration // 0: the default
	startWait   time.Duration // 0: the default
	// agent is the one that was started last.
	agent *nodeagent.Agent
}

var machines atomic.Int32

func newMachine() *machine {
	name := fmt.Sprintf("node-%d", machines.Add(1))
	return &machine{
		name:      name,
		account:   agentConfig(name),
		spool:     GinkgoT().TempDir(),
		net:       &network{},
		runner:    &fakeRunner{act: completes},
		sweeper:   &fakeSweeper{},
		inventory: &fakeInventory{scheduler: "kernel"},
		sinkWait:  sinkWait,
	}
}

// twin is another machine whose agent has the same node name.
func (m *machine) twin() *machine {
	t := newMachine()
	t.name, t.account, t.lease = m.name, m.account, m.lease
	return t
}

// start starts an agent on the machine, and returns what stops it in good order.
func (m *machine) start() (stop func()) {
	GinkgoHelper()
	cancel, ended := m.launch()
	stop = sync.OnceFunc(func() {
		cancel()
		Eventually(ended, 30*time.Second).Should(Receive(Succeed()), "the agent does not stop")
	})
	DeferCleanup(stop)
	return stop
}

// launch starts an agent, and returns what tells it to stop and how it ends.
func (m *machine) launch() (cancel func(), ended <-chan error) {
	GinkgoHelper()
	config := rest.CopyConfig(m.account)
	config.Wrap(m.net.through)
	agent, err := nodeagent.New(config, nodeagent.Options{
		NodeName: m.name, LeaseNamespace: v1alpha1.DefaultLeaseNamespace, CgroupRoot: "/made-up/" + m.name,
		SpoolDir: m.spool, Version: "v1-test", Runner: m.runner, Inventory: m.inventory, Sweeper: m.sweeper, ReportSink: m.sink,
		Timings: nodeagent.Timings{
			LeaseDuration: m.lease, LeaseRenewal: m.lease / 4, SinkWait: m.sinkWait, StartWait: m.startWait,
			FirstRetry: 50 * time.Millisecond, LastRetry: 200 * time.Millisecond, Refresh: 200 * time.Millisecond,
		},
	})
	Expect(err).NotTo(HaveOccurred())
	m.agent = agent
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx) }()
	DeferCleanup(cancel)
	return cancel, done
}

// kill ends an agent without letting it say anything.
func (m *machine) kill(stop func()) {
	GinkgoHelper()
	m.net.cut()
	stop()
	m.net.mend()
}

// network is an agent's way to the API server.
type network struct {
	down atomic.Bool
	// lost is the text of requests that never arrive.
	lost atomic.Value
	// unheard is the text of requests that arrive, and whose answers do not.
	unheard atomic.Value

	mu       sync.Mutex
	requests []string
}

func (n *network) cut()  { n.down.Store(true) }
func (n *network) mend() { n.down.Store(false) }

func (n *network) through(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if lost, _ := n.lost.Load().(string); n.down.Load() || lost != "" && strings.Contains(r.URL.Path, lost) {
			return nil, errors.New("the network is down")
		}
		n.mu.Lock()
		n.requests = append(n.requests, r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery)
		n.mu.Unlock()
		response, err := next.RoundTrip(r)
		if unheard, _ := n.unheard.Load().(string); err == nil && unheard != "" && strings.Contains(r.Method+" "+r.URL.Path, unheard) {
			return nil, errors.Join(errors.New("the network was down meanwhile"), response.Body.Close())
		}
		return response, err
	})
}

// seen lists the requests that hold all of the texts.
func (n *network) seen(texts ...string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(n.requests), func(r string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(r, text) })
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// fakeInventory is a machine with two CPUs.
type fakeInventory struct {
	mu        sync.Mutex
	scheduler string
}

func (i *fakeInventory) set(scheduler string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.scheduler = scheduler
}

func (i *fakeInventory) Signature() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.scheduler
}

func (i *fakeInventory) Read() (v1alpha1.TestNodeStatus, []string, error) {
	return v1alpha1.TestNodeStatus{
		Kernel: "7.3.0-fake", Architecture: "amd64", BootID: "boot-1", Scheduler: i.Signature(),
		Topology: &v1alpha1.Topology{Shape: "1n1l2c1t", OnlineCPUs: "0-1", CPUs: 2, Cores: 2, LLCs: 1, NUMANodes: 1},
		Features: []v1alpha1.Feature{{Name: "CgroupV2", State: v1alpha1.FeaturePresent}},
	}, nil, nil
}

// fakeSweeper is clean unless it is told not to be.
type fakeSweeper struct {
	mu    sync.Mutex
	dirty error
}

func (s *fakeSweeper) set(dirty error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = dirty
}

func (s *fakeSweeper) Sweep(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return nil, s.dirty
}

func (s *fakeSweeper) Leave(context.Context) error { return nil }

// behaviour is how a job goes.
type behaviour func(ctx context.Context, job runner.Job) (*report.Report, error)

// fakeRunner runs jobs by its behaviour, and the agent's self-test well.
type fakeRunner struct {
	mu   sync.Mutex
	act  behaviour
	self error
	jobs []runner.Job
}

func (r *fakeRunner) Run(ctx context.Context, job runner.Job, _ func(runner.Event)) (*report.Report, error) {
	r.mu.Lock()
	act, self := r.act, r.self
	if job.RunID != "self-test" {
		r.jobs = append(r.jobs, job)
	}
	r.mu.Unlock()
	if job.RunID == "self-test" {
		return reportOf(job), self
	}
	if job.StartAt != nil { // all workers are parked
		at, err := job.StartAt(ctx)
		if ctx.Err() != nil {
			return nil, &runner.SetupError{Message: "stopped"}
		} else if err != nil {
			return nil, err
		}
		rep, err := act(ctx, job)
		if rep != nil {
			rep.Synchronized = &report.Synchronized{Planned: at, Late: 1500}
		}
		return rep, err
	}
	return act(ctx, job)
}

func (r *fakeRunner) set(act behaviour) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.act = act
}

func (r *fakeRunner) fail(self error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.self = self
}

// ran lists the run IDs of the jobs so far.
func (r *fakeRunner) ran() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := []string{}
	for _, job := range r.jobs {
		ids = append(ids, job.RunID)
	}
	return ids
}

func completes(_ context.Context, job runner.Job) (*report.Report, error) { return reportOf(job), nil }

// holds lasts until it is stopped or let go, and then gives a report.
func holds(letGo <-chan struct{}) behaviour {
	return func(ctx context.Context, job runner.Job) (*report.Report, error) {
		rep := reportOf(job)
		select {
		case <-ctx.Done():
			rep.Cancelled = true
		case <-letGo:
		}
		return rep, nil
	}
}

func reportOf(job runner.Job) *report.Report {
	rep := &report.Report{
		Schema: report.SchemaVersion, RunID: job.RunID, Kernel: "7.3.0-fake",
		Planned: job.Run.Duration.Nanoseconds(), Hold: job.Run.Duration.Nanoseconds(),
	}
	for _, g := range job.Run.Groups {
		rep.Groups = append(rep.Groups, report.Group{Name: g.Name, Kind: "yieldHeavy", Workers: g.Workers, Completed: g.Workers,
			Figures: report.Figures{Iterations: 10, CPUs: "0-1"}})
		for i := range g.Workers {
			rep.Workers = append(rep.Workers, report.Worker{Group: g.Name, Index: i, Completed: true, Figures: report.Figures{Iterations: 10, WorkUnits: 10}})
		}
	}
	return rep
}

// spooled lists the reports in the machine's spool.
func (m *machine) spooled() []string {
	GinkgoHelper()
	files, err := filepath.Glob(filepath.Join(m.spool, "*.json"))
	Expect(err).NotTo(HaveOccurred())
	return files
}
