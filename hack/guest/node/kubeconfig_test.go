// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func TestAKubeconfigForAGuest(t *testing.T) {
	const text = `{apiVersion: v1, kind: Config, current-context: %s, contexts: [{name: c, context: {cluster: k, user: u}}],
 users: [{name: u, user: {token: secret}}], clusters: [{name: k, cluster: {server: "%s"%s}}]}`
	tests := map[string]struct {
		context, server, more string
		server2, name, err    string
	}{
		"the loopback is elsewhere, the certificate is not": {"c", "https://127.0.0.1:6443", "", "https://10.0.2.2:6443", "127.0.0.1", ""},
		"so is localhost":                        {"c", "https://localhost:6443/path", "", "https://10.0.2.2:6443/path", "localhost", ""},
		"a server name that is given stays":      {"c", "https://[::1]:6443", `, tls-server-name: api`, "https://10.0.2.2:6443", "api", ""},
		"another machine cannot be reached":      {"c", "https://192.0.2.1:6443", "", "", "", "a guest reaches this machine's loopback only"},
		"without a context no cluster is meant":  {`""`, "https://127.0.0.1:6443", "", "", "", "no current context"},
		"a context that is not there means none": {"d", "https://127.0.0.1:6443", "", "", "", "no current context"},
		"an address that is none is not guessed": {"c", "https://127.0.0.1:port", "", "", "", "reading the address of the API server"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := forGuest(fmt.Appendf(nil, text, tc.context, tc.server, tc.more))
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("forGuest fails with %v, want %q in it", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			config, err := clientcmd.RESTConfigFromKubeConfig(out)
			if err != nil {
				t.Fatal(err)
			}
			if config.Host != tc.server2 || config.ServerName != tc.name || config.BearerToken != "secret" {
				t.Errorf("server %s, certificate of %s, token %q; want %s, %s and the token",
					config.Host, config.ServerName, config.BearerToken, tc.server2, tc.name)
			}
		})
	}
}
