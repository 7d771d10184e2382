// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package crd

import (
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestAll(t *testing.T) {
	crds, err := All()
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, c := range crds {
		kinds = append(kinds, c.Spec.Names.Kind)
		if !slices.Contains(c.Spec.Names.Categories, "schedfleet") {
			t.Errorf("%s is not in category schedfleet: kubectl get schedfleet would not show it", c.Spec.Names.Kind)
		}
	}
	slices.Sort(kinds)
	if diff := cmp.Diff([]string{"NodeRun", "TestNode", "Workload"}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

// A CRD that kubectl apply -k leaves out would be missed in a cluster only.
func TestKustomizationHasAll(t *testing.T) {
	text, err := os.ReadFile("kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Resources []string }
	if err := yaml.UnmarshalStrict(text, &got); err != nil {
		t.Fatal(err)
	}
	want, err := fs.Glob(bases, "bases/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Resources); diff != "" {
		t.Errorf("resources of kustomization.yaml (-want +got):\n%s", diff)
	}
}
