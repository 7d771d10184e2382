// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/schedfleet/schedfleet/config/rbac"
)

func objects(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	all, err := Objects()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatIsInstalled(t *testing.T) {
	var got []string
	for _, o := range objects(t) {
		got = append(got, strings.TrimSuffix(o.GetKind()+" "+o.GetNamespace()+"/"+o.GetName(), "/"))
	}
	want := []string{
		"Namespace /schedfleet-system",
		"ServiceAccount schedfleet-system/schedfleet-manager",
		"ServiceAccount schedfleet-system/schedfleet-agent",
		"ClusterRole /schedfleet-agent",
		"Role schedfleet-system/schedfleet-agent",
		"ClusterRole /schedfleet-manager",
		"Role schedfleet-system/schedfleet-manager",
		"ClusterRole /schedfleet-user",
		"ClusterRole /schedfleet-node-viewer",
		"ClusterRoleBinding /schedfleet-manager",
		"RoleBinding schedfleet-system/schedfleet-manager",
		"ClusterRoleBinding /schedfleet-agent",
		"RoleBinding schedfleet-system/schedfleet-agent",
		"ValidatingAdmissionPolicy /schedfleet-agents",
		"ValidatingAdmissionPolicyBinding /schedfleet-agents",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// No role has a wildcard or is empty, and roles for people write nothing but Workloads.
func TestRolesAreLeastPrivilege(t *testing.T) {
	seen := 0
	for _, o := range objects(t) {
		if o.GetKind() != "ClusterRole" && o.GetKind() != "Role" {
			continue
		}
		seen++
		role := &rbacv1.ClusterRole{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, role, true); err != nil {
			t.Fatalf("%s: %v", o.GetName(), err)
		}
		if len(role.Rules) == 0 {
			t.Errorf("role %s allows nothing: are the markers in the code? run make manifests", role.Name)
		}
		people := slices.Contains([]string{rbac.UserRole, rbac.NodeViewerRole}, role.Name)
		for _, r := range role.Rules {
			if slices.Contains(slices.Concat(r.APIGroups, r.Resources, r.Verbs), "*") {
				t.Errorf("role %s has a wildcard: %v", role.Name, r)
			}
			writes := slices.ContainsFunc(r.Verbs, func(v string) bool { return !slices.Contains([]string{"get", "list", "watch"}, v) })
			if people && writes && !slices.Equal(r.Resources, []string{"workloads"}) {
				t.Errorf("role %s of people writes %v", role.Name, r.Resources)
			}
		}
	}
	if seen != 6 {
		t.Errorf("%d roles, want 6", seen)
	}
}
