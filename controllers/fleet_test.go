// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// The fake agents' heartbeat. A node is given up leaseSeconds and the manager's
// grace after its last renewal.
const (
	leaseSeconds = 2
	renewEvery   = 400 * time.Millisecond
)

// behaviour is what a fake agent makes of a NodeRun it is shown: how the
// NodeRun's status changes. Nil status: it does nothing.
type behaviour func(run *v1alpha1.NodeRun) *v1alpha1.NodeRunStatus

// fleet plays the agents of all test nodes, and watches that the manager never
// puts two NodeRuns on a node.
type fleet struct {
	ctx context.Context
	wg  sync.WaitGroup

	mu sync.Mutex
	// leaseSeconds is how long a renewal lasts. Long ones are not repeated.
	leaseSeconds int
	agents       map[string]*agent
	// unfinished are the NodeRuns that stand, by node.
	unfinished map[string]map[string]bool
	collisions []string
	// order is whose NodeRuns came, one entry per Workload.
	order []string
}

type agent struct {
	name   string
	acts   behaviour
	silent bool
}

// startFleet plays until the story ends.
func startFleet() *fleet {
	GinkgoHelper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &fleet{ctx: ctx, leaseSeconds: leaseSeconds, agents: map[string]*agent{}, unfinished: map[string]map[string]bool{}}
	f.wg.Go(f.follow)
	f.wg.Go(f.renewLeases)
	DeferCleanup(func() {
		cancel()
		f.wg.Wait()
		Expect(f.collisions).To(BeEmpty(), "nodes with two NodeRuns at a time")
	})
	return f
}

// follow shows the agents every NodeRun, until the story ends. An API server
// under load ends watches; then it begins anew.
func (f *fleet) follow() {
	defer GinkgoRecover()
	for f.ctx.Err() == nil {
		var list v1alpha1.NodeRunList
		if err := admin.List(f.ctx, &list); err != nil {
			continue
		}
		f.mu.Lock()
		f.unfinished = map[string]map[string]bool{}
		f.mu.Unlock()
		for i := range list.Items {
			f.see(&list.Items[i], false)
		}
		runs, err := admin.Watch(f.ctx, &v1alpha1.NodeRunList{}, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
		if err != nil {
			continue
		}
		for e := range runs.ResultChan() {
			if run, ok := e.Object.(*v1alpha1.NodeRun); ok {
				f.see(run, e.Type == watch.Deleted)
			} else {
				GinkgoWriter.Printf("fake agents: the watch ends: %v\n", e.Object)
			}
		}
		runs.Stop()
	}
}

func (f *fleet) see(run *v1alpha1.NodeRun, deleted bool) {
	f.audit(run, deleted)
	f.wg.Go(func() { f.show(run) }) // every node has an agent of its own
}

// audit notes when a second NodeRun stands on a node.
func (f *fleet) audit(run *v1alpha1.NodeRun, deleted bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	node := run.Spec.NodeName
	if f.unfinished[node] == nil {
		f.unfinished[node] = map[string]bool{}
	}
	delete(f.unfinished[node], string(run.UID))
	if deleted || run.Finished() {
		return
	}
	if len(f.unfinished[node]) > 0 {
		f.collisions = append(f.collisions, fmt.Sprintf("%s beside another on %s", run.Name, node))
	}
	f.unfinished[node][string(run.UID)] = true
	if name := run.Spec.Workload.Name; !slices.Contains(f.order, name) {
		f.order = append(f.order, name)
	}
}

func (f *fleet) orderOf() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.order)
}

// show lets the node's agent act on a NodeRun. A dead node's does not.
func (f *fleet) show(run *v1alpha1.NodeRun) {
	f.mu.Lock()
	a := f.agents[run.Spec.NodeName]
	idle := a == nil || a.silent || run.Finished()
	var acts behaviour
	if !idle {
		acts = a.acts
	}
	f.mu.Unlock()
	if idle {
		return
	}
	if status := acts(run); status != nil {
		f.write(run, status)
	}
}

func (f *fleet) write(run *v1alpha1.NodeRun, status *v1alpha1.NodeRunStatus) {
	changed := run.DeepCopy()
	changed.Status = *status
	err := admin.Status().Patch(f.ctx, changed, client.MergeFromWithOptions(run, client.MergeFromWithOptimisticLock{}),
		client.FieldOwner(v1alpha1.FieldOwnerAgent))
	if err != nil && f.ctx.Err() == nil {
		GinkgoWriter.Printf("fake agent: %s: %v\n", run.Name, err)
	}
}

func (f *fleet) renewLeases() {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-tick.C:
			for _, name := range f.living() {
				f.renew(name)
			}
		}
	}
}

func (f *fleet) living() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for name, a := range f.agents {
		if !a.silent && f.leaseSeconds == leaseSeconds {
			names = append(names, name)
		}
	}
	return names
}

func (f *fleet) renew(name string) {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: v1alpha1.DefaultLeaseNamespace, Name: name}}
	patch := fmt.Sprintf(`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":%q,"namespace":%q},"spec":{"holderIdentity":%q,"leaseDurationSeconds":%d,"renewTime":%q}}`,
		name, v1alpha1.DefaultLeaseNamespace, name, f.leaseSeconds, time.Now().UTC().Format(metav1.RFC3339Micro))
	err := admin.Patch(f.ctx, lease, client.RawPatch("application/apply-patch+yaml", []byte(patch)), client.FieldOwner(v1alpha1.FieldOwnerAgent), client.ForceOwnership)
	if err != nil && f.ctx.Err() == nil {
		GinkgoWriter.Printf("fake agent: renewing the lease of %s: %v\n", name, err)
	}
}

// join adds a ready test node with 2 CPUs.
func (f *fleet) join(name string, acts behaviour, change ...func(*v1alpha1.TestNode)) {
	GinkgoHelper()
	node := &v1alpha1.TestNode{ObjectMeta: metav1.ObjectMeta{Name: name}}
	status := v1alpha1.TestNodeStatus{
		Conditions: []metav1.Condition{{
			Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAgentReady, LastTransitionTime: metav1.Now(),
		}},
		Topology: &v1alpha1.Topology{Shape: "1n1l2c1t", OnlineCPUs: "0-1", CPUs: 2, Cores: 2, LLCs: 1, NUMANodes: 1},
		Features: []v1alpha1.Feature{{Name: "CgroupV2", State: v1alpha1.FeaturePresent}},
	}
	node.Status = status
	for _, c := range change {
		c(node)
	}
	status = node.Status
	f.mu.Lock()
	f.agents[name] = &agent{name: name, acts: acts}
	f.mu.Unlock()
	f.renew(name)
	Expect(admin.Create(f.ctx, node)).To(Succeed())
	node.Status = status
	Expect(admin.Status().Update(f.ctx, node)).To(Succeed())
}

// silence stops a node's heartbeat and everything else of it, or lets it go on.
func (f *fleet) silence(name string, yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.agents[name].silent = yes
}

// behave changes what a node's agent does, and shows it what stands there.
func (f *fleet) behave(name string, acts behaviour) {
	GinkgoHelper()
	f.behaveNext(name, acts)
	var runs v1alpha1.NodeRunList
	Expect(admin.List(f.ctx, &runs, client.MatchingFields{"spec.nodeName": name})).To(Succeed())
	for i := range runs.Items {
		f.show(&runs.Items[i])
	}
}

// behaveNext changes what a node's agent does from the next change on.
func (f *fleet) behaveNext(name string, acts behaviour) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.agents[name].acts = acts
}

// The behaviours. Each acts on what the NodeRun's status says so far.

// deaf never does anything.
func deaf(*v1alpha1.NodeRun) *v1alpha1.NodeRunStatus { return nil }

// holds takes a NodeRun and keeps it until it is cancelled.
func holds(run *v1alpha1.NodeRun) *v1alpha1.NodeRunStatus {
	switch {
	case run.Spec.Eviction != "":
		return ended(run, v1alpha1.VoidEvicted, run.Spec.Eviction)
	case run.Spec.Cancel:
		return ended(run, v1alpha1.VoidCancelled, "cancelled as asked")
	case !run.Started():
		return started(run)
	default:
		return nil
	}
}

// neverStops takes a NodeRun and never ends it.
func neverStops(run *v1alpha1.NodeRun) *v1alpha1.NodeRunStatus {
	if !run.Started() {
		return started(run)
	}
	return nil
}

// completes takes a NodeRun and ends it well.
func completes(run *v1alpha1.NodeRun) *v1alpha1.NodeRunStatus {
	if !run.Started() {
		return started(run)
	}
	return ended(run, "", "")
}

// voids takes a NodeRun and ends it void.
func voids(reason v1alpha1.VoidReason, message string) behaviour {
	return func(run *v1alpha1.NodeRun) *v1alpha1.NodeRunStatus {
		if !run.Started() {
			return started(run)
		}
		return ended(run, reason, message)
	}
}

func started(run *v1alpha1.NodeRun) *v1alpha1.NodeRunStatus {
	status := run.Status.DeepCopy()
	status.ObservedGeneration = run.Generation
	status.StartTime = new(metav1.NowMicro())
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionStarted, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonTaken,
	})
	return status
}

func ended(run *v1alpha1.NodeRun, reason v1alpha1.VoidReason, message string) *v1alpha1.NodeRunStatus {
	status := run.Status.DeepCopy()
	status.CompletionTime = new(metav1.NowMicro())
	how, valid := v1alpha1.ConditionComplete, metav1.Condition{
		Type: v1alpha1.ConditionValid, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonValid,
	}
	if reason == "" {
		status.Result = measured(run)
	} else {
		how = v1alpha1.ConditionFailed
		valid.Status, valid.Reason, valid.Message = metav1.ConditionFalse, string(reason), message
	}
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: how, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReported})
	meta.SetStatusCondition(&status.Conditions, valid)
	return status
}

// resultValues are the values in the distribution every fake result has.
var resultValues = []int64{1_000, 2_000, 3_000, 1_000_000}

// measured is a result with one latency distribution per group.
func measured(run *v1alpha1.NodeRun) *v1alpha1.RunResult {
	result := &v1alpha1.RunResult{RunID: run.Spec.RunID, Kernel: "7.3.0-fake", HoldNanoseconds: int64(run.Spec.Run.Duration.Duration)}
	for _, g := range run.Spec.Run.Groups {
		workers := ptr.Deref(g.Workers, 1)
		result.Groups = append(result.Groups, v1alpha1.GroupResult{
			Name: g.Name, Kind: "bursty", CloneMode: g.CloneMode, Workers: workers, Completed: workers, Iterations: 100, WorkUnits: 100,
			CPUsUsed: "0-1", Distributions: []v1alpha1.Distribution{distribution()},
		})
	}
	return result
}

var distribution = sync.OnceValue(func() v1alpha1.Distribution {
	h := hdrhistogram.New(1, int64(time.Hour), 2)
	for _, v := range resultValues {
		if err := h.RecordValue(v); err != nil {
			panic(err)
		}
	}
	encoded, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		panic(err)
	}
	text := string(encoded)
	if _, err := base64.StdEncoding.DecodeString(text); err != nil { // the library may have done it
		text = base64.StdEncoding.EncodeToString(encoded)
	}
	return v1alpha1.Distribution{
		Metric: v1alpha1.MetricWakeLatency, Sample: "RoundTrip", Unit: v1alpha1.UnitNanoseconds, Count: int64(len(resultValues)), Min: 1_000, Max: 1_000_000,
		P50: 2_000, P90: 1_000_000, P99: 1_000_000, P999: 1_000_000,
		Histogram: text,
	}
})
