// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/schedfleet/schedfleet/hack/guest"
)

// forGuest rewrites a kubeconfig whose API server listens on this machine's
// loopback: a guest finds that elsewhere, but the server's certificate names
// the address it listens on.
func forGuest(text []byte) ([]byte, error) {
	config, err := clientcmd.Load(text)
	if err != nil {
		return nil, err
	}
	context := config.Contexts[config.CurrentContext]
	if context == nil || config.Clusters[context.Cluster] == nil {
		return nil, errors.New("it has no current context with a cluster")
	}
	cluster := config.Clusters[context.Cluster]
	server, err := url.Parse(cluster.Server)
	if err != nil {
		return nil, fmt.Errorf("reading the address of the API server: %w", err)
	}
	host := server.Hostname()
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("its API server is %s: a guest reaches this machine's loopback only", cluster.Server)
	}
	if cluster.TLSServerName == "" {
		cluster.TLSServerName = host
	}
	server.Host = net.JoinHostPort(guest.HostAddress, server.Port())
	cluster.Server = server.String()
	return clientcmd.Write(*config)
}
