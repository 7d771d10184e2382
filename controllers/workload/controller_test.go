// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// What only happens when the cache is behind, or the API server away, is
// tested here; see the suite in controllers for everything else.

// reconciler is one whose cache holds objects, and whose API server holds these
// and live ones.
func reconciler(t *testing.T, calls interceptor.Funcs, objects []client.Object, live ...client.Object) *Reconciler {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, coordinationv1.AddToScheme, metav1.AddMetaToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	build := func(objects []client.Object) client.WithWatch {
		return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
			WithStatusSubresource(&v1alpha1.Workload{}, &v1alpha1.NodeRun{}).
			WithIndex(&v1alpha1.NodeRun{}, IndexNodeRunWorkload, NodeRunIndexes[IndexNodeRunWorkload]).
			WithIndex(&v1alpha1.NodeRun{}, IndexNodeRunUnfinished, NodeRunIndexes[IndexNodeRunUnfinished]).
			Build()
	}
	var all []client.Object
	for _, o := range append(objects, live...) {
		all = append(all, o.DeepCopyObject().(client.Object))
	}
	return &Reconciler{
		Client: interceptor.NewClient(build(objects), calls), Live: interceptor.NewClient(build(all), calls),
		Recorder: events.NewFakeRecorder(100), Clock: clocktesting.NewFakePassiveClock(epoch),
		LeaseNamespace: "leases", Timings: Timings{}.withDefaults(), ledger: newLedger(), memory: newMemory(),
	}
}

// readyNode is a test node that renewed its Lease at the given time.
func readyNode(name string, renewedAt time.Time) []client.Object {
	node := &v1alpha1.TestNode{ObjectMeta: metav1.ObjectMeta{Name: name}}
	node.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}}
	node.Status.Topology = &v1alpha1.Topology{OnlineCPUs: "0-1", CPUs: 2}
	lease := renewed(renewedAt, new(int32(30)))
	lease.Namespace, lease.Name = "leases", name
	return []client.Object{node, lease}
}

func runnable(name string, options ...workloadOption) *v1alpha1.Workload {
	w := load(1, options...)
	w.Name, w.UID = name, types.UID("uid-"+name)
	w.Spec.Seed = 1
	w.Spec.Duration.Duration = time.Second
	w.Spec.Groups = []v1alpha1.Group{{Name: "a", CloneMode: v1alpha1.CloneModeFork, Workers: new(int32(1)), Work: v1alpha1.Work{SpinWait: &v1alpha1.SpinWait{}}}}
	return w
}

func (r *Reconciler) pass(t *testing.T) reconcile.Result {
	t.Helper()
	result, err := r.Reconcile(context.Background(), reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "ns", Name: "w"}})
	if err != nil {
		t.Fatalf("the pass failed: %v", err)
	}
	return result
}

func (r *Reconciler) nodesWithRuns(t *testing.T) (nodes []string) {
	t.Helper()
	var list v1alpha1.NodeRunList
	if err := r.Client.List(context.Background(), &list); err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		nodes = append(nodes, list.Items[i].Spec.NodeName)
	}
	return nodes
}

func TestANodeIsReservedUntilItsNodeRunIsSeen(t *testing.T) {
	urgent := runnable("urgent", func(w *v1alpha1.Workload) { w.Spec.Priority = 9 })
	w := runnable("w")
	r := reconciler(t, interceptor.Funcs{}, append(readyNode("n1", epoch), urgent, w))
	ctx := context.Background()
	decide := func(key client.Object) int {
		s, err := r.read(ctx, client.ObjectKeyFromObject(key))
		if err != nil {
			t.Fatal(err)
		}
		reserved, err := r.decide(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		return len(reserved)
	}
	if got := decide(urgent); got != 1 {
		t.Fatalf("%d nodes for the first", got)
	}
	// Its NodeRun is on the way. Someone more urgent yet must not get the node.
	if err := r.Client.Patch(ctx, w, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"priority":10}}`))); err != nil {
		t.Fatal(err)
	}
	if got := decide(w); got != 0 {
		t.Errorf("the node was given to two Workloads")
	}
}

func TestNothingIsCreatedWhileTheCacheIsBehind(t *testing.T) {
	w := runnable("w")
	unseen := newNodeRun(w, "n1")
	unseen.Name = v1alpha1.NodeRunName("w", "n1", 1)
	nodes := append(readyNode("n1", epoch), readyNode("n2", epoch)...)
	r := reconciler(t, interceptor.Funcs{}, append(nodes, w), unseen)
	result := r.pass(t)
	if got := r.nodesWithRuns(t); len(got) > 0 {
		t.Errorf("a second NodeRun was created on %s", got)
	}
	if result.RequeueAfter != staleCacheRetry {
		t.Errorf("the next pass is in %s", result.RequeueAfter)
	}
	if r.ledger.occupied("n1", epoch) || r.ledger.occupied("n2", epoch) {
		t.Error("a node is still reserved")
	}
}

func TestAFailedCreationGivesTheNodeBack(t *testing.T) {
	refuse := interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
		return errors.New("no room")
	}}
	r := reconciler(t, refuse, append(readyNode("n1", epoch), runnable("w")))
	_, err := r.Reconcile(context.Background(), reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "ns", Name: "w"}})
	if err == nil || err.Error() != "creating NodeRun w-n1-1: no room" {
		t.Errorf("error %v", err)
	}
	if r.ledger.occupied("n1", epoch) {
		t.Error("the node is still reserved")
	}
	got := &v1alpha1.Workload{}
	if err := r.Client.Get(context.Background(), client.ObjectKey{Namespace: "ns", Name: "w"}, got); err != nil {
		t.Fatal(err)
	}
	if len(got.Status.Conditions) == 0 {
		t.Error("a pass that fails does not report what it found out")
	}
}

func TestARetriedRequestThatHadComeThroughIsNoError(t *testing.T) {
	twice := interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
		if err := c.Create(ctx, o.DeepCopyObject().(client.Object), opts...); err != nil {
			return err
		}
		return c.Create(ctx, o, opts...)
	}}
	r := reconciler(t, twice, append(readyNode("n1", epoch), runnable("w")))
	r.Live = r.Client
	r.pass(t)
	if diff := cmp.Diff([]string{"n1"}, r.nodesWithRuns(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAWarningIsNotLostWithAManagerThatDiesWhileItCleansUp(t *testing.T) {
	w := runnable("w", func(w *v1alpha1.Workload) {
		w.Finalizers = []string{v1alpha1.FinalizerCleanup}
		w.DeletionTimestamp = new(metav1.NewTime(epoch.Add(-time.Hour)))
	})
	run := runOn("n1", running, func(run *v1alpha1.NodeRun) { run.Spec.Workload.UID = string(w.UID) })
	dies := true
	r := reconciler(t, interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
		if dies {
			return context.Canceled
		}
		return c.Patch(ctx, o, p, opts...)
	}}, append(readyNode("n1", epoch), w, run))
	told := r.Recorder.(*events.FakeRecorder).Events
	if _, err := r.Reconcile(context.Background(), reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "ns", Name: "w"}}); err == nil {
		t.Fatal("the first manager did not die")
	}
	if left := r.nodesWithRuns(t); len(left) > 0 {
		t.Fatalf("it died too early: NodeRuns stand on %s", left)
	}
	dies = false
	r.pass(t)
	if err := r.Client.Get(context.Background(), client.ObjectKeyFromObject(w), &v1alpha1.Workload{}); !apierrors.IsNotFound(err) {
		t.Errorf("the second manager did not let go: %v", err)
	}
	select {
	case got := <-told:
		if want := "Warning NotConfirmedClean deleted without confirmation that the NodeRuns have ended on n1"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	default:
		t.Error("nobody tells that n1 may not be clean")
	}
}

func TestWhatAnAgentTookMeanwhileIsNotEvicted(t *testing.T) {
	w := runnable("w")
	run := runOn("n1", func(run *v1alpha1.NodeRun) { run.Spec.Workload.UID = string(w.UID) })
	node := readyNode("n1", epoch)
	node[0].(*v1alpha1.TestNode).Spec.Unschedulable = true
	r := reconciler(t, interceptor.Funcs{}, append(node, w, run))
	taken := run.DeepCopy()
	running(taken)
	behind := r.Client
	if err := r.Client.Status().Update(context.Background(), taken); err != nil {
		t.Fatal(err)
	}
	// The cache shows the NodeRun as it was, the API server does not take a change of that.
	r.Client = interceptor.NewClient(behind.(client.WithWatch), interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		if err := c.List(ctx, list, opts...); err != nil {
			return err
		}
		if runs, ok := list.(*v1alpha1.NodeRunList); ok && len(runs.Items) == 1 {
			runs.Items[0].Status.Conditions, runs.Items[0].ResourceVersion = nil, "1"
		}
		return nil
	}})
	if result := r.pass(t); result.RequeueAfter != staleCacheRetry {
		t.Errorf("the next pass is in %s", result.RequeueAfter)
	}
	got := &v1alpha1.NodeRun{}
	if err := behind.Get(context.Background(), client.ObjectKeyFromObject(run), got); err != nil {
		t.Fatal(err)
	}
	if got.Spec.Cancel {
		t.Error("a run that was under way was cancelled by a cordon")
	}
}

func TestSilenceMeansNothingWithoutContact(t *testing.T) {
	run := runOn("n1", running)
	run.Spec.Workload.UID = "uid-w"
	objects := append(readyNode("n1", epoch.Add(-time.Hour)), runnable("w"), run)
	down := true
	r := reconciler(t, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		if _, leases := list.(*coordinationv1.LeaseList); leases && down {
			return apierrors.NewServiceUnavailable("out of reach")
		}
		return c.List(ctx, list, opts...)
	}}, objects)
	clock := clocktesting.NewFakePassiveClock(epoch)
	r.Clock = clock
	r.contact.lose(epoch.Add(-time.Hour))
	lost := func() bool {
		got := &v1alpha1.NodeRun{}
		if err := r.Client.Get(context.Background(), client.ObjectKeyFromObject(run), got); err != nil {
			t.Fatal(err)
		}
		return got.Finished()
	}

	if result := r.pass(t); lost() || result.RequeueAfter != contactRetry {
		t.Fatalf("out of reach: lost %t, next pass in %s", lost(), result.RequeueAfter)
	}
	down = false
	clock.SetTime(epoch.Add(time.Second))
	if result := r.pass(t); lost() || result.RequeueAfter > DefaultContactGrace-time.Second {
		t.Fatalf("in reach for a second: lost %t, next pass in %s", lost(), result.RequeueAfter)
	}
	clock.SetTime(epoch.Add(DefaultContactGrace))
	if r.pass(t); !lost() {
		t.Fatal("in reach for long enough, and still not lost")
	}
}

func TestAReportThatArrivesMeanwhileWins(t *testing.T) {
	run := runOn("n1", running)
	run.Spec.Workload.UID = "uid-w"
	conflict := apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("noderuns").GroupResource(), run.Name, errors.New("changed"))
	r := reconciler(t, interceptor.Funcs{SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
		return conflict
	}}, append(readyNode("n1", epoch.Add(-time.Hour)), runnable("w"), run))
	r.contact.lose(epoch.Add(-time.Hour))
	if result := r.pass(t); result.RequeueAfter != staleCacheRetry {
		t.Errorf("the next pass is in %s", result.RequeueAfter)
	}
}
