// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strings"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// pressure is the share of the time in which some task of a cgroup waited.
func pressure(c *spec.Check, h *hold, i int) ([]reading, string) {
	waited, resource := stalled(c.Metric, &h.cgroups[i])
	switch {
	case waited == nil:
		return []reading{unknown("the kernel did not tell how long its tasks waited for " + resource)}, ""
	case h.length() <= 0:
		return []reading{unknown("no time passed")}, ""
	}
	// The kernel brings its account of pressure up to date now and then, so that some of the time before may be in it.
	return []reading{measured(min(100*float64(*waited)/float64(h.length()), 100), "the share of the time in which some task waited for "+resource, "")}, ""
}

func stalled(metric spec.CheckMetric, c *report.Cgroup) (waited *int64, resource string) {
	switch metric {
	case spec.CheckMemoryPressure:
		return c.MemoryPressure, "memory"
	case spec.CheckIOPressure:
		return c.IOPressure, "I/O"
	default:
		return c.CPUPressure, "a CPU"
	}
}

// throttling is the share of quota periods in which the quota was used up. Only a
// cgroup with a quota has any.
func throttling(_ *spec.Check, h *hold, i int) ([]reading, string) {
	c := &h.cgroups[i]
	none := c.Periods == nil || *c.Periods == 0
	switch {
	case none && !hasQuota(c):
		return nil, "it has no quota"
	case c.Periods == nil || c.Throttled == nil:
		return []reading{unknown("the kernel did not tell how often it was throttled")}, ""
	case none:
		return []reading{unknown("no period of its quota passed while it had something to run")}, ""
	}
	return []reading{measured(100*float64(*c.Throttled)/float64(*c.Periods), "the share of periods in which the quota was used up",
		fmt.Sprintf(", %d of %d", *c.Throttled, *c.Periods))}, ""
}

// hasQuota says whether a quota is in force in a cgroup.
func hasQuota(c *report.Cgroup) bool {
	quota := c.Files["cpu.max"]
	return quota != "" && !strings.HasPrefix(quota, "max")
}
