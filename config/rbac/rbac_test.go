// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package rbac

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

func TestGeneratedRoles(t *testing.T) {
	for name, load := range map[string]func() (Roles, error){"manager": Manager, "agent": Agent} {
		t.Run(name, func(t *testing.T) {
			roles, err := load()
			if err != nil {
				t.Fatal(err)
			}
			if len(roles.Cluster) == 0 {
				t.Fatal("no ClusterRole: are the markers in the code? run make manifests")
			}
			for _, r := range roles.Cluster {
				checkRules(t, r.Name, r.Rules)
			}
			for _, r := range roles.Namespaced {
				checkRules(t, r.Name, r.Rules)
				if r.Namespace == "" {
					t.Errorf("Role %s has no namespace", r.Name)
				}
			}
		})
	}
}

// checkRules refuses what is never least privilege.
func checkRules(t *testing.T, role string, rules []rbacv1.PolicyRule) {
	t.Helper()
	if len(rules) == 0 {
		t.Errorf("role %s allows nothing", role)
	}
	for _, r := range rules {
		if slices.Contains(slices.Concat(r.APIGroups, r.Resources, r.Verbs), "*") {
			t.Errorf("role %s has a wildcard: %v", role, r)
		}
	}
}

func TestParse(t *testing.T) {
	tests := map[string]struct {
		text                string
		cluster, namespaced int
		wantErr             string
	}{
		"both kinds are told apart": {
			text:    "---\nkind: ClusterRole\n---\nkind: Role\nmetadata: {namespace: a}\n---\nkind: Role\n",
			cluster: 1, namespaced: 2,
		},
		"a comment alone is skipped":  {text: "# nothing\n"},
		"anything else is refused":    {text: "kind: Secret\n", wantErr: "a Secret is no role"},
		"an unknown field is refused": {text: "kind: Role\nrule: []\n", wantErr: "unknown field"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			roles, err := parse("a.yaml", []byte(tc.text))
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("parse() = %v, want an error with %q", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(roles.Cluster) != tc.cluster || len(roles.Namespaced) != tc.namespaced {
				t.Errorf("parse() = %d cluster roles and %d roles, want %d and %d",
					len(roles.Cluster), len(roles.Namespaced), tc.cluster, tc.namespaced)
			}
		})
	}
}
