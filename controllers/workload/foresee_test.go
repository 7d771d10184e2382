// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// What is foreseen is what the manager decides: by the queue, by what stands on the
// nodes and when it was there, and by who is alive.
func TestForesee(t *testing.T) {
	objects := readyNode("busy", epoch)
	for _, name := range []string{"fresh", "older", "oldest"} {
		objects = append(objects, readyNode(name, epoch)...)
	}
	objects = append(objects, readyNode("silent", epoch.Add(-time.Hour))...)
	at := func(node string, minutesAgo int, options ...runOption) *v1alpha1.NodeRun {
		run := runOn(node, options...)
		run.CreationTimestamp = metav1.NewTime(epoch.Add(-time.Duration(minutesAgo) * time.Minute))
		return run
	}
	objects = append(objects, at("busy", 1), at("fresh", 1, valid), at("older", 2, valid), at("oldest", 3, valid))
	first := runnable("first", func(w *v1alpha1.Workload) { w.Spec.Priority = 1 })
	finished := runnable("finished", func(w *v1alpha1.Workload) { w.Spec.Priority = 2 })
	finished.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue}}
	objects = append(objects, first, finished)

	r := reconciler(t, interceptor.Funcs{}, nil, objects...)
	api := r.Live.(client.Client)
	w := runnable("new")
	got, err := Foresee(t.Context(), api, clocktesting.NewFakePassiveClock(epoch), "leases", w)
	if err != nil {
		t.Fatal(err)
	}
	fates := map[string]string{}
	for _, o := range got.Outlooks {
		fates[o.Node.Name] = fmt.Sprintf("%s: %s", o.Fate, o.Why)
	}
	want := map[string]string{
		"busy": "Busy: has the NodeRun ns/w-busy-1", "fresh": "Fits: ", "older": "Chosen: ",
		"oldest": "Ahead: is kept for Workload ns/first, which is ahead in the queue", "silent": "Excluded: sends no heartbeat",
	}
	if diff := cmp.Diff(want, fates); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"older"}, got.Decision.Nodes); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestForeseeRefusesAsTheManagerDoes(t *testing.T) {
	w := runnable("new", func(w *v1alpha1.Workload) {
		w.Spec.Placement.Requires = &v1alpha1.MachineRequirements{Kernel: &v1alpha1.KernelRange{Min: "7.0", Below: "7.0"}}
	})
	r := reconciler(t, interceptor.Funcs{}, nil)
	got, err := Foresee(t.Context(), r.Live.(client.Client), clocktesting.NewFakePassiveClock(epoch), "leases", w)
	if err != nil || got.Refusal == nil || got.Refusal.Reason != v1alpha1.ReasonInvalid {
		t.Errorf("got %+v, %v", got, err)
	}
}
