// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// TestMetricsOfAPass scrapes what a pass over a Workload and the end of NodeRuns leave.
func TestMetricsOfAPass(t *testing.T) {
	done := runnable("done")
	done.Status.Conditions = append(done.Status.Conditions, *complete(outcome{complete: true, reason: v1alpha1.ReasonAllValid}))
	named := interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
		o.SetUID("uid-of-" + types.UID(o.GetName())) // as an API server does
		return c.Create(ctx, o, opts...)
	}}
	r := reconciler(t, named, append(readyNode("n1", epoch), runnable("w"), done))
	registry := prometheus.NewPedanticRegistry()
	if err := r.register(registry); err != nil {
		t.Fatal(err)
	}
	r.pass(t)
	r.metrics.end(runOn("n1", valid))
	r.metrics.end(runOn("n2", voided(v1alpha1.VoidNodeLost)))

	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				// Each of these has a fixed set of values; a name of an object must be no label.
				if !slices.Contains([]string{"state", "outcome"}, l.GetName()) {
					t.Errorf("%s has the label %s", name, l.GetName())
				}
				name += "/" + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	want := map[string]float64{
		"schedfleet_noderuns_created_total": 1, "schedfleet_noderuns_ended_total/Valid": 1, "schedfleet_noderuns_ended_total/NodeLost": 1,
		"schedfleet_workload_status_writes_total": 1, "schedfleet_queue_wait_seconds": 1, "schedfleet_placement_round_seconds": 1,
		"schedfleet_workloads/Complete": 1, "schedfleet_workloads/Running": 1, "schedfleet_workloads/Waiting": 0, "schedfleet_workloads/Failed": 0,
		"schedfleet_workloads/Deleting": 0, "schedfleet_workloads/Suspended": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestNoNumbersInsteadOfWrongOnes(t *testing.T) {
	r := reconciler(t, interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return context.DeadlineExceeded
	}}, nil)
	registry := prometheus.NewRegistry()
	registry.MustRegister(&stateCollector{r.Client})
	if _, err := registry.Gather(); err == nil {
		t.Error("Workloads are counted although they cannot be listed")
	}
}
