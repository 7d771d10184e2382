// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func TestMetricsHaveNoLabelForEachRun(t *testing.T) {
	m, registry := newMetrics(), prometheus.NewPedanticRegistry()
	if err := m.register(registry); err != nil {
		t.Fatal(err)
	}
	m.ended(verdict{})
	m.ended(verdict{reason: v1alpha1.VoidSetupFailed})
	m.deliveries.WithLabelValues(delivered).Inc()
	for outcome, want := range map[string]float64{"Valid": 1, "SetupFailed": 1, "NodeLost": 0} {
		if got := testutil.ToFloat64(m.runs.WithLabelValues(outcome)); got != want {
			t.Errorf("%v runs ended %s, want %v", got, outcome, want)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			for _, l := range metric.GetLabel() {
				if !slices.Contains([]string{"outcome", "result"}, l.GetName()) {
					t.Errorf("%s has the label %s, whose values are not a fixed set", f.GetName(), l.GetName())
				}
			}
		}
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if err := m.register(registry); err == nil {
		t.Error("the same metrics can be registered twice")
	}
}
