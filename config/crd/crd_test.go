// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package crd

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
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
