// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// scrapeTimeout bounds the counting of Workloads for a scrape.
const scrapeTimeout = 2 * time.Second

// outcomeValid is the outcome of a NodeRun with a valid sample, among the reasons of others.
const outcomeValid = "Valid"

// metrics tell of the manager as a whole. No label has a value for each Workload, NodeRun or
// node: their number must not depend on how large the fleet is.
type metrics struct {
	created      prometheus.Counter
	ended        *prometheus.CounterVec
	statusWrites prometheus.Counter
	queueWait    prometheus.Histogram
	rounds       prometheus.Histogram
}

func newMetrics() *metrics {
	return &metrics{
		created: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "schedfleet_noderuns_created_total", Help: "NodeRuns created."}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "schedfleet_noderuns_ended_total", Help: "NodeRuns seen to end, by outcome: Valid, or why the sample is void."}, []string{"outcome"}),
		statusWrites: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "schedfleet_workload_status_writes_total", Help: "Writes of the status of Workloads."}),
		queueWait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "schedfleet_queue_wait_seconds", Help: "Time from the creation of a Workload to its first NodeRuns.",
			Buckets: prometheus.ExponentialBuckets(0.25, 4, 10)}), // up to 18 hours
		rounds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "schedfleet_placement_round_seconds", Help: "Time it takes to choose nodes for all Workloads that wait.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 8)}), // up to 8 s
	}
}

// register makes the metrics be served by a registry.
func (r *Reconciler) register(registry prometheus.Registerer) error {
	m := r.metrics
	var failed []error
	for _, c := range []prometheus.Collector{m.created, m.ended, m.statusWrites, m.queueWait, m.rounds, &stateCollector{r.Client}} {
		failed = append(failed, registry.Register(c))
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	return nil
}

// end counts a NodeRun that was seen to end.
func (m *metrics) end(run *v1alpha1.NodeRun) {
	outcome := outcomeValid
	if reason, _ := voidBecause(run); reason != "" {
		outcome = string(reason)
	}
	m.ended.WithLabelValues(outcome).Inc()
}

// stateCollector counts the Workloads of the cache when it is asked to.
type stateCollector struct{ reader client.Reader }

var statesDesc = prometheus.NewDesc("schedfleet_workloads", "Workloads by state.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (*stateCollector) Describe(out chan<- *prometheus.Desc) { out <- statesDesc }

// Collect implements prometheus.Collector. Where the cache cannot be read there are no numbers, instead of wrong ones.
func (c *stateCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	var list v1alpha1.WorkloadList
	if err := c.reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		out <- prometheus.NewInvalidMetric(statesDesc, fmt.Errorf("listing Workloads: %w", err))
		return
	}
	counts := map[string]int{"Complete": 0, "Failed": 0, "Deleting": 0, "Suspended": 0, "Running": 0, "Waiting": 0}
	for i := range list.Items {
		counts[stateOf(&list.Items[i])]++
	}
	for state, n := range counts {
		out <- prometheus.MustNewConstMetric(statesDesc, prometheus.GaugeValue, float64(n), state)
	}
}

func stateOf(w *v1alpha1.Workload) string {
	switch {
	case !w.DeletionTimestamp.IsZero():
		return "Deleting"
	case meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionComplete):
		return "Complete"
	case w.Finished():
		return "Failed"
	case w.Spec.Suspend:
		return "Suspended"
	case w.Status.Nodes != nil && w.Status.Nodes.Active > 0:
		return "Running"
	default:
		return "Waiting"
	}
}
