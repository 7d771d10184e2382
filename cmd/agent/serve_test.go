// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// freeAddress is one that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestServe(t *testing.T) {
	metrics, probes := freeAddress(t), freeAddress(t)
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "schedfleet_test", Help: "A test."}))
	notReady := errors.New("the self-test has not passed")
	stop, err := serve(metrics, probes, registry, func() error { return notReady })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	get := func(url string) (int, string) {
		response, err := http.Get("http://" + url)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	check := func(url string, want int, holds string) {
		t.Helper()
		if code, text := get(url); code != want || !strings.Contains(text, holds) {
			t.Errorf("%s: %d %q, want %d and %q", url, code, text, want, holds)
		}
	}
	check(metrics+"/metrics", http.StatusOK, "schedfleet_test 0")
	check(metrics+"/healthz", http.StatusNotFound, "")
	check(probes+"/healthz", http.StatusOK, "ok")
	check(probes+"/readyz", http.StatusServiceUnavailable, "self-test")
	notReady = nil
	check(probes+"/readyz", http.StatusOK, "ok")
	if _, err := serve(off, probes, registry, nil); err == nil || !strings.Contains(err.Error(), "--health-probe-bind-address") {
		t.Errorf("an address that is taken: %v", err)
	}
}

func TestServeNothing(t *testing.T) {
	stop, err := serve(off, off, prometheus.NewRegistry(), nil)
	if err != nil {
		t.Fatal(err)
	}
	stop()
}
