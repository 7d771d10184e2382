// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

//go:build guest

package probe

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// A guest has a new kernel, all of cgroup v2, no modules, and no frequency driver.
func TestMachineOfAGuest(t *testing.T) {
	h := thisMachine(t)
	withoutControllers(t, h.CgroupMount)
	before := snapshot(t, h.CgroupMount)
	findings := h.Probe()
	if diff := cmp.Diff(before, snapshot(t, h.CgroupMount)); diff != "" {
		t.Errorf("cgroups (-before +after):\n%s", diff)
	}
	top, err := topology.Read("/")
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]capability.State)
	for _, name := range all {
		want[name] = capability.Present
	}
	want[capability.Cpufreq], want[capability.ThermalThrottle] = capability.Absent, capability.Absent
	want[capability.VirtualEthernet] = capability.Absent // the module veth is not in a guest
	if len(top.Nodes) == 1 {
		want[capability.NUMA] = capability.Absent
	}
	if !top.SMT() {
		want[capability.SMT] = capability.Absent
	}
	if len(top.CPUs) == 1 {
		want[capability.CPUHotplug] = capability.Absent
	}
	if diff := cmp.Diff(want, states(findings)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	for _, f := range findings {
		if f.Message != "" {
			t.Logf("%s: %s", f.Name, f.Message)
		}
	}
}

// withoutControllers makes the top of the hierarchy hand on nothing, as it is
// where nobody needed a controller so far, so that a probe has to enable them.
func withoutControllers(t *testing.T, mount string) {
	t.Helper()
	file := mount + "/cgroup.subtree_control"
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set := func(sign string) {
		for c := range strings.FieldsSeq(string(content)) {
			if err := os.WriteFile(file, []byte(sign+c), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	set("-")
	t.Cleanup(func() { set("+") })
}
