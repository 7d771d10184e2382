// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers"
	"github.com/schedfleet/schedfleet/controllers/quarantine"
	"github.com/schedfleet/schedfleet/controllers/workload"
)

// quick are timings under which a story takes seconds. The least time between
// two status writes stays what it is.
var quick = workload.Timings{
	LeaseDuration:  leaseSeconds * time.Second,
	LostGrace:      500 * time.Millisecond,
	ContactGrace:   time.Second,
	DeadlineGrace:  2 * time.Second,
	CleanupTimeout: 3 * time.Second,
	// Longer than any story: whoever waits has to be woken.
	WaitingRecheck: time.Minute,
}

// quickQuarantine ends within a story the first time. The API server tells whole seconds.
var quickQuarantine = quarantine.Limits{FirstBackOff: 3 * time.Second}

// world is an empty namespace, a fleet and a manager. It ends with the story.
type world struct {
	*fleet
	namespace string
	stop      func()
	// writes are those of the manager.
	writes statusWrites
	// lives ends with the manager's life.
	lives context.Context
}

func newWorld() *world {
	GinkgoHelper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "story-"}}
	Expect(admin.Create(context.Background(), ns)).To(Succeed())
	w := &world{namespace: ns.Name}
	DeferCleanup(w.clear)
	w.fleet = startFleet()
	w.startManager()
	return w
}

// startManager runs a manager until stop is called.
func (w *world) startManager() {
	GinkgoHelper()
	ctx, cancel := context.WithCancel(context.Background())
	w.lives = ctx
	if w.writes.deadly {
		w.writes.kill = cancel
	}
	options := controllers.Options{Timings: quick, Quarantine: quickQuarantine}
	managerOptions, err := controllers.ManagerOptions(ctrl.Options{
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: new(true)}, // one process, many managers
	}, options)
	Expect(err).NotTo(HaveOccurred())
	managerOptions.NewClient = w.writes.client
	mgr, err := ctrl.NewManager(controllers.RESTConfig(managerConfig), managerOptions)
	Expect(err).NotTo(HaveOccurred())
	Expect(controllers.Setup(ctx, mgr, options)).To(Succeed())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stopped := false
	w.stop = func() {
		GinkgoHelper()
		cancel()
		if !stopped {
			stopped = true
			Eventually(ended, 20*time.Second).Should(Receive(BeNil()), "the manager's end")
		}
	}
	DeferCleanup(w.stop)
}

// clear removes everything a story made. Nobody holds a finalizer any more.
func (w *world) clear(ctx SpecContext) {
	var workloads v1alpha1.WorkloadList
	Expect(admin.List(ctx, &workloads)).To(Succeed())
	if CurrentSpecReport().Failed() {
		w.export(ctx, workloads.Items)
	}
	for i := range workloads.Items {
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
		Expect(client.IgnoreNotFound(admin.Patch(ctx, &workloads.Items[i], patch))).To(Succeed())
	}
	for _, obj := range []client.Object{&v1alpha1.Workload{}, &v1alpha1.NodeRun{}} {
		Expect(admin.DeleteAllOf(ctx, obj, client.InNamespace(w.namespace))).To(Succeed())
	}
	Expect(admin.DeleteAllOf(ctx, &v1alpha1.TestNode{})).To(Succeed())
	Expect(admin.DeleteAllOf(ctx, &coordinationv1.Lease{}, client.InNamespace(v1alpha1.DefaultLeaseNamespace))).To(Succeed())
}

// export writes what there is after a story has failed.
func (w *world) export(ctx context.Context, workloads []v1alpha1.Workload) {
	var runs v1alpha1.NodeRunList
	Expect(admin.List(ctx, &runs)).To(Succeed())
	for i := range workloads {
		status, err := json.Marshal(workloads[i].Status)
		Expect(err).NotTo(HaveOccurred())
		GinkgoWriter.Printf("Workload %s: %s\n", workloads[i].Name, status)
	}
	for i := range runs.Items {
		reason, message := runs.Items[i].VoidBecause()
		GinkgoWriter.Printf("NodeRun %s: started %t, finished %t, valid %t, cancel %t, %s %s\n", runs.Items[i].Name,
			runs.Items[i].Started(), runs.Items[i].Finished(), runs.Items[i].Valid(), runs.Items[i].Spec.Cancel, reason, message)
	}
}

// load creates a Workload of one group of two bursty workers on one node.
func (w *world) load(name string, change ...func(*v1alpha1.WorkloadSpec)) *v1alpha1.Workload {
	GinkgoHelper()
	obj := w.draft(name, change...)
	Expect(admin.Create(context.Background(), obj)).To(Succeed())
	return obj
}

// try creates a Workload that the API server may refuse.
func (w *world) try(name string, change ...func(*v1alpha1.WorkloadSpec)) error {
	return admin.Create(context.Background(), w.draft(name, change...))
}

// draft is the Workload that load creates.
func (w *world) draft(name string, change ...func(*v1alpha1.WorkloadSpec)) *v1alpha1.Workload {
	obj := &v1alpha1.Workload{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
	obj.Spec.Duration = metav1.Duration{Duration: time.Second}
	obj.Spec.Seed, obj.Spec.Retries = 1, 1
	obj.Spec.Groups = []v1alpha1.Group{{Name: "web", Workers: new(int32(2)), Work: v1alpha1.Work{Bursty: &v1alpha1.Bursty{
		Burst: metav1.Duration{Duration: time.Millisecond}, Sleep: metav1.Duration{Duration: time.Millisecond},
	}}}}
	for _, c := range change {
		c(&obj.Spec)
	}
	return obj
}

func onNodes(n int32) func(*v1alpha1.WorkloadSpec) {
	return func(s *v1alpha1.WorkloadSpec) { s.Placement.Nodes = &n }
}

func onAllNodes(s *v1alpha1.WorkloadSpec) { s.Placement.AllNodes = true }

func withRetries(n int32) func(*v1alpha1.WorkloadSpec) {
	return func(s *v1alpha1.WorkloadSpec) { s.Retries = n }
}

func withPriority(n int32) func(*v1alpha1.WorkloadSpec) {
	return func(s *v1alpha1.WorkloadSpec) { s.Priority = n }
}

func withDeadline(d time.Duration) func(*v1alpha1.WorkloadSpec) {
	return func(s *v1alpha1.WorkloadSpec) { s.Deadline = &metav1.Duration{Duration: d} }
}

// of reads a Workload anew.
func of(obj *v1alpha1.Workload) func(context.Context) (*v1alpha1.Workload, error) {
	return func(ctx context.Context) (*v1alpha1.Workload, error) {
		got := &v1alpha1.Workload{}
		return got, admin.Get(ctx, client.ObjectKeyFromObject(obj), got)
	}
}

// runsOf lists a Workload's NodeRuns.
func runsOf(obj *v1alpha1.Workload) func(context.Context) ([]v1alpha1.NodeRun, error) {
	return func(ctx context.Context) ([]v1alpha1.NodeRun, error) {
		var list v1alpha1.NodeRunList
		err := admin.List(ctx, &list, client.InNamespace(obj.Namespace), client.MatchingLabels{v1alpha1.LabelWorkload: obj.Name})
		return list.Items, err
	}
}

// eventReasons lists the reasons of the events about an object.
func eventReasons(obj client.Object) func(context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		var list eventsv1.EventList
		if err := admin.List(ctx, &list, client.InNamespace(obj.GetNamespace())); err != nil {
			return nil, err
		}
		var reasons []string
		for i := range list.Items {
			if e := &list.Items[i]; e.Regarding.UID == obj.GetUID() {
				reasons = append(reasons, e.Reason)
			}
		}
		return reasons, nil
	}
}

// haveCondition matches a Workload by one of its conditions. A condition that
// is not about the newest spec does not match.
func haveCondition(kind string, status metav1.ConditionStatus, reason string, message ...types.GomegaMatcher) types.GomegaMatcher {
	return WithTransform(func(w *v1alpha1.Workload) string {
		c := meta.FindStatusCondition(w.Status.Conditions, kind)
		switch {
		case c == nil:
			return "no condition " + kind
		case c.ObservedGeneration != w.Generation || w.Status.ObservedGeneration != w.Generation:
			return fmt.Sprintf("%s observed at %d, status at %d, spec is %d", kind, c.ObservedGeneration, w.Status.ObservedGeneration, w.Generation)
		}
		return fmt.Sprintf("%s %s %s", c.Status, c.Reason, c.Message)
	}, And(append(message, HavePrefix("%s %s ", status, reason))...))
}

func beComplete() types.GomegaMatcher {
	return haveCondition(v1alpha1.ConditionComplete, metav1.ConditionTrue, v1alpha1.ReasonAllValid)
}

func haveFailed(reason string, message ...types.GomegaMatcher) types.GomegaMatcher {
	return haveCondition(v1alpha1.ConditionFailed, metav1.ConditionTrue, reason, message...)
}

func haveCounts(desired, active, valid, void int32) types.GomegaMatcher {
	return HaveField("Status.Nodes", Equal(&v1alpha1.NodeCounts{Desired: desired, Active: active, Valid: valid, Void: void}))
}
