// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package proxy stands between a program and its API server, counts requests,
// and makes them fail as networks and API servers do.
package proxy

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Answer is what becomes of a request.
type Answer struct {
	// Delay is how long it takes longer.
	Delay time.Duration
	// Status, unless it is 0, is answered instead of the API server's.
	Status int
}

// Fault says what becomes of a request; n counts them. It must not keep the request.
type Fault func(r *http.Request, n int) Answer

// Proxy is a way to an API server with the credentials of one user.
type Proxy struct {
	server *httptest.Server

	mu sync.Mutex
	// line ends when the connection is cut, and with it what is on its way.
	line     context.Context
	cut      context.CancelFunc
	fault    Fault
	requests int
}

// quiet takes what is said of each connection that is cut.
var quiet = log.New(io.Discard, "", 0)

// Start serves the user of a kubeconfig, on an address of this machine.
func Start(kubeconfig string) (*Proxy, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig %s: %w", kubeconfig, err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		return nil, fmt.Errorf("reading the server's address in %s: %w", kubeconfig, err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("preparing the way to the API server: %w", err)
	}
	p := &Proxy{}
	p.line, p.cut = context.WithCancel(context.Background())
	forward := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1, // watches
		ErrorLog:      quiet,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, forward) }))
	p.server.Config.ErrorLog = quiet
	p.server.Start()
	return p, nil
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, forward http.Handler) {
	p.mu.Lock()
	p.requests++
	line, fault, n := p.line, p.fault, p.requests
	p.mu.Unlock()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(line, cancel)()
	var a Answer
	if fault != nil {
		a = fault(r, n)
	}
	if a.Delay > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(a.Delay):
		}
	}
	switch {
	case ctx.Err() != nil, line.Err() != nil:
		panic(http.ErrAbortHandler) // closes the connection without an answer
	case a.Status != 0:
		refuse(w, a.Status)
	default:
		forward.ServeHTTP(w, r.WithContext(ctx))
	}
}

// refuse answers as an API server does that has too much to do, or is broken.
func refuse(w http.ResponseWriter, status int) {
	reasons := map[int]string{http.StatusConflict: "Conflict", http.StatusTooManyRequests: "TooManyRequests", http.StatusInternalServerError: "InternalError"}
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"made up by a test","reason":%q,"code":%d}`, reasons[status], status)
}

// WriteKubeconfig makes a kubeconfig that leads through the proxy.
func (p *Proxy) WriteKubeconfig(file string) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["proxy"] = &clientcmdapi.Cluster{Server: p.server.URL}
	config.Contexts["proxy"] = &clientcmdapi.Context{Cluster: "proxy"}
	config.CurrentContext = "proxy"
	return clientcmd.WriteToFile(*config, file)
}

// Cut ends every request on its way and lets no other through.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
}

// Mend undoes Cut.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
	p.line, p.cut = context.WithCancel(context.Background())
}

// SetFault makes requests from now on fail; nil: none does.
func (p *Proxy) SetFault(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

// Requests is how many there were.
func (p *Proxy) Requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

// Close ends the proxy.
func (p *Proxy) Close() {
	p.Cut()
	p.server.CloseClientConnections()
	p.server.Close()
}
