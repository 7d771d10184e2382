// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

func TestContendersAreInTheOrderOfTheQueue(t *testing.T) {
	named := func(name string, priority int32, age time.Duration) *v1alpha1.Workload {
		w := load(1)
		w.Name, w.UID, w.Spec.Priority, w.CreationTimestamp = name, types.UID(name), priority, metav1.NewTime(epoch.Add(-age))
		return w
	}
	c := newContenders()
	old, ended := named("old", 0, time.Hour), named("ended", 9, time.Hour)
	for _, w := range []*v1alpha1.Workload{named("b", 0, 0), ended, named("a", 0, 0), named("urgent", 5, 0), old, named("b", 0, 0)} {
		c.put(w)
	}
	ended.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue}}
	c.put(ended)
	order := func() (names []string) {
		for _, known := range c.order {
			names = append(names, known.workload.Name)
		}
		return names
	}
	if diff := cmp.Diff([]string{"urgent", "old", "a", "b"}, order()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	c.remove(old)
	c.remove(old)
	if diff := cmp.Diff([]string{"urgent", "a", "b"}, order()); diff != "" {
		t.Errorf("after one was deleted (-want +got)\n%s", diff)
	}
}

func TestAlikeAreThoseThatTheSameNodesFit(t *testing.T) {
	w := runnable("w")
	for name, tc := range map[string]struct {
		change func(*v1alpha1.Workload)
		want   bool
	}{
		"another name":            {func(w *v1alpha1.Workload) { w.Name = "x" }, true},
		"another number of nodes": {func(w *v1alpha1.Workload) { w.Spec.Placement.Nodes = new(int32(7)) }, true},
		"another priority":        {func(w *v1alpha1.Workload) { w.Spec.Priority = 7 }, true},
		"another selector":        {func(w *v1alpha1.Workload) { w.Spec.Placement.NodeSelector = map[string]string{"a": "b"} }, false},
		"another run":             {func(w *v1alpha1.Workload) { w.Spec.Groups[0].Workers = new(int32(7)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			other := w.DeepCopy()
			tc.change(other)
			if got := alike(w) == alike(other); got != tc.want {
				t.Errorf("alike %t, want %t", got, tc.want)
			}
		})
	}
}

// world is a reconciler with its own queue, n nodes and one Workload per name.
func world(t *testing.T, n int, names ...string) (*Reconciler, *clocktesting.FakePassiveClock) {
	t.Helper()
	var objects []client.Object
	for i := range n {
		objects = append(objects, readyNode(fmt.Sprintf("n%d", i), epoch)...)
	}
	for _, name := range names {
		objects = append(objects, runnable(name))
	}
	r := reconciler(t, interceptor.Funcs{}, objects)
	clock := clocktesting.NewFakePassiveClock(epoch)
	r.Clock = clock
	r.queue = workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	t.Cleanup(r.queue.ShutDown)
	return r, clock
}

// woken are the Workloads in the queue.
func (r *Reconciler) woken() (names []string) {
	for r.queue.Len() > 0 {
		request, _ := r.queue.Get()
		r.queue.Done(request)
		names = append(names, request.Name)
	}
	return names
}

func (r *Reconciler) decideOn(t *testing.T, name string) []string {
	t.Helper()
	s, err := r.read(t.Context(), types.NamespacedName{Namespace: "ns", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	reserved, err := r.decide(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var nodes []string
	for _, run := range reserved {
		nodes = append(nodes, run.Spec.NodeName)
	}
	return nodes
}

func TestARoundWakesThoseThatGetNodes(t *testing.T) {
	var names []string
	for i := range maxTold + 10 {
		names = append(names, fmt.Sprintf("w%02d", i))
	}
	r, clock := world(t, 2, names...)
	r.told = epoch // their messages are fresh
	if _, err := r.Reconcile(t.Context(), roundRequest); err != nil {
		t.Fatal(err)
	}
	woken := map[string]bool{}
	for _, name := range r.woken() {
		woken[name] = true
	}
	if diff := cmp.Diff(map[string]bool{"w00": true, "w01": true}, woken); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// Who was not woken finds the nodes kept, and those who were find them free.
	for name, want := range map[string]int{"w07": 0, "w00": 1, "w01": 1} {
		if got := r.decideOn(t, name); len(got) != want {
			t.Errorf("%s gets %v, want %d", name, got, want)
		}
	}
	clock.SetTime(epoch.Add(time.Second))
	result, err := r.Reconcile(t.Context(), roundRequest)
	if err != nil || result.RequeueAfter != r.Timings.WaitingRecheck {
		t.Errorf("the next round is in %v, %v", result.RequeueAfter, err)
	}
	if diff := cmp.Diff([]string{"w07"}, r.woken()); diff != "" {
		t.Errorf("told what they wait for (-want +got)\n%s", diff)
	}
}

func TestAPlanIsGivenUpWhenItIsWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		happens func(*Reconciler)
		after   time.Duration
		want    bool // whether the plan is still good
	}{
		"nothing":                        {func(*Reconciler) {}, planLifetime - 1, true},
		"it is old":                      {func(*Reconciler) {}, planLifetime, false},
		"a node becomes free":            {func(r *Reconciler) { r.replan(r.queue) }, gatherDelay - 1, true},
		"a node became free a while ago": {func(r *Reconciler) { r.replan(r.queue) }, gatherDelay, false},
		"a node changes":                 {func(r *Reconciler) { r.nodesChanged(r.queue) }, 0, false},
		"a NodeRun is made by hand":      {func(r *Reconciler) { r.misplanned(runOn("n0"), r.queue) }, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := world(t, 1, "w")
			if _, err := r.newPlan(t.Context(), epoch); err != nil {
				t.Fatal(err)
			}
			tc.happens(r)
			if got := r.plan.usable(epoch.Add(tc.after)); got != tc.want {
				t.Errorf("usable %t, want %t", got, tc.want)
			}
		})
	}
}

func TestAFailedReservationIsGivenToTheNext(t *testing.T) {
	r, _ := world(t, 1, "a", "b")
	if got := r.decideOn(t, "a"); len(got) != 1 {
		t.Fatalf("a gets %v", got)
	}
	r.releaseUnconfirmed(runs(newNodeRun(runnable("a"), "n0"))) // somebody else's: nothing happens
	if r.plan.wrong {
		t.Error("a plan is given up for nothing")
	}
	r.releaseUnconfirmed(runs(r.ledger.assumed["n0"].run))
	if got := r.decideOn(t, "a"); len(got) != 1 {
		t.Errorf("a gets %v after its creation failed", got)
	}
}

// BenchmarkRound is one round among waiting Workloads, with 100 of 1,000 nodes free.
func BenchmarkRound(b *testing.B) {
	for _, waiting := range []int{1000, 15000} {
		b.Run(fmt.Sprintf("%d waiting", waiting), func(b *testing.B) {
			r := &Reconciler{Timings: Timings{}.withDefaults(), ledger: newLedger(), contenders: newContenders(), metrics: newMetrics()}
			r.contenders.listed = true
			for i := range waiting {
				c := r.contenders.put(runnable(fmt.Sprintf("w%05d", i)))
				c.know(tally{desired: 1})
			}
			var nodes []placement.Node
			for i := range 1000 {
				node := readyNode(fmt.Sprintf("n%d", i), epoch)[0].(*v1alpha1.TestNode)
				nodes = append(nodes, placement.Node{TestNode: node, Alive: true, Busy: i >= 100, Machine: manifest.DigestOf(&node.Status)})
			}
			for b.Loop() {
				if p, err := r.settleAll(b.Context(), nodes, epoch); err != nil || len(p.granted) != 100 {
					b.Fatalf("%d get nodes, %v", len(p.granted), err)
				}
			}
		})
	}
}

func TestAGangOfWhichAPartStandsGoesFirst(t *testing.T) {
	for name, tc := range map[string]struct {
		gang bool
		want string
	}{
		"a gang":             {true, "uid-z"},
		"any other Workload": {false, "uid-a"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := world(t, 1)
			first := r.contenders.put(runnable("a"))
			first.know(tally{desired: 1})
			begun := r.contenders.put(runnable("z", func(w *v1alpha1.Workload) { w.Spec.Placement.Gang = tc.gang }))
			begun.know(tally{desired: 2, active: runs(runOn("elsewhere"))})
			p, err := r.newPlan(t.Context(), epoch)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.granted[types.UID(tc.want)]; len(p.granted) != 1 || len(got.Nodes) != 1 {
				t.Errorf("granted %v, want a node for %s", p.granted, tc.want)
			}
		})
	}
}

func TestAGangThatWaitsIsToldTheSameEachTime(t *testing.T) {
	r, _ := world(t, 1, "w", "z")
	other := runOn("busy")
	other.Name, other.Spec.Workload.Name, other.Spec.Workload.UID = "other-busy-1", "other", "uid-other"
	for _, o := range append(readyNode("busy", epoch), other) {
		if err := r.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if lease, ok := o.(*coordinationv1.Lease); ok {
			r.heartbeats.observe(lease, false, epoch, DefaultLeaseDuration)
		}
	}
	gang := &v1alpha1.Workload{}
	if err := r.Client.Get(t.Context(), types.NamespacedName{Namespace: "ns", Name: "w"}, gang); err != nil {
		t.Fatal(err)
	}
	gang.Spec.Placement.Nodes, gang.Spec.Placement.Gang = new(int32(2)), true
	if err := r.Client.Update(t.Context(), gang); err != nil {
		t.Fatal(err)
	}
	var said []string
	for range 2 {
		s, err := r.read(t.Context(), client.ObjectKeyFromObject(gang))
		if err != nil {
			t.Fatal(err)
		}
		if reserved, err := r.decide(t.Context(), s); err != nil || len(reserved) > 0 {
			t.Fatalf("reserved %v, %v", reserved, err)
		}
		said = append(said, s.placement.Message)
	}
	if said[0] != said[1] || !strings.Contains(said[0], "1 test node is awaited") {
		t.Errorf("first %q, then %q", said[0], said[1])
	}
	if got := r.decideOn(t, "z"); len(got) > 0 {
		t.Errorf("a node that is kept for the gang went to another: %v", got)
	}
}
