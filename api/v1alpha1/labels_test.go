// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

func TestNamesAreValidWhateverTheNodeIsCalled(t *testing.T) {
	for name, node := range map[string]string{
		"short":                      "n1",
		"a domain name":              "n1.rack-7.example.org",
		"as long as may be":          strings.Repeat("n", 253),
		"with dots all over":         strings.Repeat("n.", 126) + "n",
		"with the cut after a dot":   strings.Repeat("n", 236) + ".nnnnnnnnnnnnnnnn",
		"with the cut after a label": strings.Repeat("n", 50) + "." + strings.Repeat("n", 150),
	} {
		t.Run(name, func(t *testing.T) {
			if errs := validation.IsDNS1123Subdomain(NodeRunName("w", node, 1)); len(errs) > 0 {
				t.Errorf("name of the NodeRun %s: %v", NodeRunName("w", node, 1), errs)
			}
			if errs := validation.IsValidLabelValue(NodeLabelValue(node)); len(errs) > 0 {
				t.Errorf("label %s: %v", NodeLabelValue(node), errs)
			}
		})
	}
}

func TestNodeRunNamesDiffer(t *testing.T) {
	long := strings.Repeat("n", 253)
	seen := map[string]bool{}
	for _, name := range []string{
		NodeRunName("w", "n1", 1), NodeRunName("w", "n1", 2), NodeRunName("w", "n2", 1),
		NodeRunName("w", long, 1), NodeRunName("w", long, 2), NodeRunName("w", long[:252]+"x", 1),
	} {
		if seen[name] {
			t.Errorf("%s twice", name)
		}
		seen[name] = true
	}
}
