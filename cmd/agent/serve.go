// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	ctrl "sigs.k8s.io/controller-runtime"
)

const (
	// requestTimeout bounds a request of a scraper or a probe, and stopTimeout what
	// is still under way when the agent ends.
	requestTimeout = 10 * time.Second
	stopTimeout    = time.Second
	// off is the address that turns a server off.
	off = "0"
)

// serve answers scrapers and probes, each on its address, until stop is called.
func serve(metricsAddress, probeAddress string, registry *prometheus.Registry, ready func() error) (stop func(), err error) {
	metrics, probes := http.NewServeMux(), http.NewServeMux()
	metrics.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	probes.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	probes.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	var servers []*http.Server
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		for _, s := range servers {
			if err := s.Shutdown(ctx); err != nil {
				ctrl.Log.Error(err, "stopping a server failed", "address", s.Addr)
			}
		}
	}
	for _, s := range []struct {
		flag, address string
		handler       http.Handler
	}{{"metrics-bind-address", metricsAddress, metrics}, {"health-probe-bind-address", probeAddress, probes}} {
		if s.address == off {
			continue
		}
		listener, err := net.Listen("tcp", s.address)
		if err != nil {
			stop()
			return nil, fmt.Errorf("--%s: %w", s.flag, err)
		}
		server := &http.Server{Addr: listener.Addr().String(), Handler: s.handler, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout}
		servers = append(servers, server)
		ctrl.Log.Info("serving", "address", server.Addr, "flag", s.flag)
		go func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				ctrl.Log.Error(err, "serving failed", "address", server.Addr)
			}
		}()
	}
	return stop, nil
}
