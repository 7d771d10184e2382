// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// watchCounter counts the events that watches bring: each is a line.
type watchCounter struct {
	next   http.RoundTripper
	events *atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (w *watchCounter) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := w.next.RoundTrip(r)
	if err == nil && r.URL.Query().Get("watch") == "true" {
		response.Body = &lineCounter{ReadCloser: response.Body, events: w.events}
	}
	return response, err
}

type lineCounter struct {
	io.ReadCloser
	events *atomic.Int64
}

// Read counts as it reads. Bookmarks, which the API server sends each minute, carry no object.
func (l *lineCounter) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	l.events.Add(int64(bytes.Count(p[:n], []byte("\n")) - bytes.Count(p[:n], []byte(`{"type":"BOOKMARK"`))))
	return n, err
}

// dialer is a new one each time, as client-go shares transports among equal configurations.
func dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return d.DialContext
}
