// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// metricsOfAPI are those of the API's enum, in its order.
func metricsOfAPI(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("../../../api/v1alpha1/check_types.go")
	if err != nil {
		t.Fatal(err)
	}
	enum := regexp.MustCompile(`Enum=(Starvation;\S+)`).FindSubmatch(source)
	return strings.Split(string(enum[1]), ";")
}

func TestEveryMetricIsDocumentedAsItIs(t *testing.T) {
	page, err := os.ReadFile("../../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]\\w+)` (\\| \\w+ \\| [-a-z]+ \\| [^|]+ \\|)").FindAllStringSubmatch(string(page), -1) {
		rows[row[1]] = row[2]
	}
	want := map[string]string{}
	for _, name := range metricsOfAPI(t) {
		metric := spec.CheckMetric(name)
		rule, ok := metric.Rule()
		if !ok {
			t.Errorf("%s has no rule", name)
		}
		unit, limit := string(rule.Unit), "-"
		if unit == "" {
			unit = "-"
		}
		if rule.DefaultMax != "" {
			limit = "max " + rule.DefaultMax
		}
		want[name] = fmt.Sprintf("| %s | %s | %s |", rule.Scope, unit, limit)
		if (groupMetrics[metric] != nil || outOfHolds[metric] != nil) == (cgroupMetrics[metric] != nil) || (rule.Scope == spec.ScopeCgroup) != (cgroupMetrics[metric] != nil) {
			t.Errorf("%s is not evaluated as a figure of a %s", name, rule.Scope)
		}
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("docs/checks.md (-want +got)\n%s", diff)
	}
	for _, rule := range rules {
		if !strings.Contains(string(page), "| `"+rule.reason+"` |") {
			t.Errorf("docs/checks.md does not say what %s is", rule.reason)
		}
	}
}
