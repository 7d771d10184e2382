// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// outcomeValid is the outcome of a run with a valid sample, among the reasons of others.
const outcomeValid = "Valid"

// What became of a try to deliver a report.
const (
	delivered = "delivered"
	dropped   = "dropped"
	failed    = "failed"
)

// metrics tell of one agent. They have no label with a value for each run.
type metrics struct {
	runs              *prometheus.CounterVec
	deliveries        *prometheus.CounterVec
	waiting           prometheus.Gauge
	heartbeatFailures prometheus.Counter
}

func newMetrics() *metrics {
	return &metrics{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "schedfleet_agent_runs_total", Help: "NodeRuns that have ended here, by outcome: Valid, or why the sample is void."}, []string{"outcome"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "schedfleet_agent_deliveries_total", Help: "Tries to deliver a report to the API server: delivered, dropped because nobody wants it, or failed."}, []string{"result"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "schedfleet_agent_reports_waiting", Help: "Reports in the spool that wait for the API server or the report sink."}),
		heartbeatFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "schedfleet_agent_heartbeat_failures_total", Help: "Renewals of the node's Lease that failed."}),
	}
}

func (m *metrics) register(registry prometheus.Registerer) error {
	var errs []error
	for _, c := range []prometheus.Collector{m.runs, m.deliveries, m.waiting, m.heartbeatFailures} {
		errs = append(errs, registry.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	return nil
}

// ended counts a run by what became of it.
func (m *metrics) ended(v verdict) {
	outcome := outcomeValid
	if v.reason != "" {
		outcome = string(v.reason)
	}
	m.runs.WithLabelValues(outcome).Inc()
}

// errNotReady is what Ready says before the node takes runs.
var errNotReady = errors.New("the heartbeat has not begun, or the self-test has not passed")

// Ready says whether the node takes runs: its Lease has been renewed and its self-test has
// passed. It may be called at any time.
func (a *Agent) Ready() error {
	if !a.ready.Load() {
		return errNotReady
	}
	return nil
}
