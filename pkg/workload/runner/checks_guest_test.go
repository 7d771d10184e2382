//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// saidOf is what a check of a report says.
func saidOf(rep *report.Report, name string) string {
	for _, c := range rep.Checks {
		if c.Name == name {
			return string(c.Verdict) + ": " + c.Message
		}
	}
	return "there is no check " + name
}

// begins says that a check does not say what it should; nothing if it does.
func begins(rep *report.Report, name string, verdict report.Verdict, text string) string {
	if got := saidOf(rep, name); !strings.HasPrefix(got, string(verdict)) || !strings.Contains(got, text) {
		return fmt.Sprintf("check %s says %s; want %s with %q", name, got, verdict, text)
	}
	return ""
}

func TestMachineChecksOfCgroups(t *testing.T) {
	shared := &spec.Cpuset{Exact: "0"}
	weighed := func(name string, weight int) spec.Cgroup {
		return spec.Cgroup{Name: name, Cpuset: shared, CPU: &spec.CgroupCPU{Weight: &weight}}
	}
	in := func(g spec.Group, cgroup string) spec.Group {
		g.Cgroup = cgroup
		return g
	}
	shares := []spec.Check{
		{Name: "gold", Metric: spec.CheckCPUShare, Cgroups: []string{"gold"}}, {Name: "silver", Metric: spec.CheckCPUShare, Cgroups: []string{"silver"}},
		{Name: "waits", Metric: spec.CheckCPUPressure, Min: "20%", Cgroups: []string{"gold"}},
	}
	all := func(problems ...string) string { return strings.TrimSpace(strings.Join(problems, "\n")) }

	t.Run("weights are kept to", func(t *testing.T) {
		measured(t, spec.Run{Groups: []spec.Group{in(spinner("a"), "gold"), in(spinner("b"), "silver")}, Cgroups: []spec.Cgroup{weighed("gold", 100), weighed("silver", 100)}, Checks: shares},
			func(rep *report.Report) string {
				return all(begins(rep, "gold", report.Pass, "was promised 50%"), begins(rep, "silver", report.Pass, "was promised 50%"), begins(rep, "waits", report.Pass, ""))
			})
	})
	t.Run("a quota keeps weights from deciding", func(t *testing.T) {
		held := weighed("silver", 100)
		held.CPU.Quota = new(quantity.Duration(1e7))
		checks := append(shares[:2:2], spec.Check{Name: "throttled", Metric: spec.CheckThrottling, Max: "5%"})
		measured(t, spec.Run{Groups: []spec.Group{in(spinner("a"), "gold"), in(spinner("b"), "silver")}, Cgroups: []spec.Cgroup{weighed("gold", 100), held}, Checks: checks},
			func(rep *report.Report) string {
				return all(begins(rep, "gold", report.Inconclusive, "cgroup silver was held back by its quota"), begins(rep, "throttled", report.Fail, "cgroup silver"))
			})
	})
	t.Run("one that sleeps wants less than its share", func(t *testing.T) {
		measured(t, spec.Run{Groups: []spec.Group{in(spinner("a"), "gold"), in(sleepers("b", 1), "silver")}, Cgroups: []spec.Cgroup{weighed("gold", 100), weighed("silver", 100)}, Checks: shares[:1]},
			func(rep *report.Report) string {
				return begins(rep, "gold", report.Inconclusive, "cgroup silver waited for a CPU in")
			})
	})
}
