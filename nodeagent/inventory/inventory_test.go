// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// node is a tree of files that stands for a machine with one CPU, changed by
// further files. An empty content removes a file.
func node(t *testing.T, change map[string]string) Machine {
	t.Helper()
	files := map[string]string{
		"sys/devices/system/cpu/online":                       "0\n",
		"sys/devices/system/cpu/cpu0/topology/core_id":        "0\n",
		"sys/devices/system/cpu/cpu0/topology/core_cpus_list": "0\n",
		"sys/devices/system/cpu/cpu0/node0/cpulist":           "0\n",
		"sys/devices/system/node/node0/meminfo":               "Node 0 MemTotal:  1024 kB\n",
		"proc/sys/kernel/osrelease":                           "7.3.0-test\n",
		"proc/sys/kernel/random/boot_id":                      "c93f8155-7ffc-462e-82b8-8519f7c2e413\n",
		"proc/sys/kernel/sched_rt_runtime_us":                 "950000\n",
		"proc/sys/kernel/sched_rt_period_us":                  "1000000\n",
		"proc/pressure/cpu":                                   "some avg10=0.00\n",
	}
	maps.Copy(files, change)
	root, tree := t.TempDir(), fstest.MapFS{}
	for path, content := range files {
		if content != "" {
			tree[path] = &fstest.MapFile{Data: []byte(content)}
		}
	}
	if err := os.CopyFS(root, tree); err != nil {
		t.Fatal(err)
	}
	return Machine{Root: root, CgroupMount: filepath.Join(root, "cgroup"), CgroupRoot: filepath.Join(root, "cgroup/agent")}
}

func TestRead(t *testing.T) {
	m := node(t, map[string]string{
		"sys/kernel/sched_ext/state":    "enabled\n",
		"sys/kernel/sched_ext/root/ops": "scx_simple\n",
	})
	m.Policy = &spec.Policy{Programs: map[string]string{"sh": "/bin/sh", "fio": "/usr/bin/fio"}, Devices: []string{"/dev/vdb"}}
	status, notes, err := m.Read()
	if err != nil {
		t.Fatal(err)
	}
	want := v1alpha1.TestNodeStatus{
		Policy: &v1alpha1.NodePolicy{
			DangerousWork: v1alpha1.DangerousWorkForbidden, CPUHotplug: v1alpha1.CPUHotplugForbidden, Programs: []string{"fio", "sh"}, Devices: []string{"/dev/vdb"},
		},
		BootID: "c93f8155-7ffc-462e-82b8-8519f7c2e413", Kernel: "7.3.0-test", Scheduler: "scx_simple",
		Architecture: status.Architecture, Features: status.Features, Fingerprint: status.Fingerprint,
		Realtime: &v1alpha1.RealtimeBandwidth{RuntimeMicroseconds: 950000, PeriodMicroseconds: 1000000},
		Topology: &v1alpha1.Topology{
			Shape: "1n1l1c1t", OnlineCPUs: "0", CPUs: 1, Cores: 1, LLCs: 1, NUMANodes: 1, MemoryNodes: "0",
			Caches:  []v1alpha1.LastLevelCache{{CPUs: "0"}},
			Nodes:   []v1alpha1.NUMANode{{CPUs: "0", MemoryKiB: 1024, Distances: []int32{10}}},
			Classes: []v1alpha1.CPUClass{{Name: "uniform", CPUs: "0"}},
		},
	}
	if diff := cmp.Diff(want, status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	features := map[string]v1alpha1.FeatureState{}
	for _, f := range status.Features {
		features[f.Name] = f.State
	}
	if features[capability.PSI] != v1alpha1.FeaturePresent || features[capability.CgroupV2] != v1alpha1.FeatureAbsent || len(features) < 30 {
		t.Errorf("features %v, want those of the tree", features)
	}
	facts := map[string]string{}
	for _, f := range status.Fingerprint.Facts {
		facts[f.Name] = f.Value
	}
	if facts["kernel.release"] != "7.3.0-test" || facts["sched.scheduler"] != "scx_simple" || status.Fingerprint.SoftwareDigest == "" {
		t.Errorf("fingerprint %+v, want that of the tree", status.Fingerprint)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "no cache") {
		t.Errorf("notes %q, want one about the missing caches", notes)
	}
}

func TestReadOfAnEmptyMachine(t *testing.T) {
	if _, _, err := (Machine{Root: t.TempDir()}).Read(); err == nil {
		t.Error("an empty machine was read without an error")
	}
}

// Runs get the CPUs that the agent had, and the manager has to know which.
func TestTheCPUsOfRunsArePublished(t *testing.T) {
	for mine, want := range map[string]string{"": "", "0-1": "", "0-2": "", "1": "1"} {
		m := node(t, map[string]string{
			"sys/devices/system/cpu/online":                       "0-1\n",
			"sys/devices/system/cpu/cpu1/topology/core_cpus_list": "1\n",
		})
		var err error
		if m.CPUs, err = cpuset.Parse(mine); err != nil {
			t.Fatal(err)
		}
		status, _, err := m.Read()
		if err != nil {
			t.Fatal(err)
		}
		if got := status.Topology.AllowedCPUs; got != want || status.Topology.OnlineCPUs != "0-1" {
			t.Errorf("of an agent with %q: %q of %q, want %q", mine, got, status.Topology.OnlineCPUs, want)
		}
	}
}

func TestABandwidthThatIsNotTold(t *testing.T) {
	status, _, err := node(t, map[string]string{"proc/sys/kernel/sched_rt_runtime_us": ""}).Read()
	if err != nil || status.Realtime != nil {
		t.Errorf("bandwidth %v, %v; want none", status.Realtime, err)
	}
}

func TestSignature(t *testing.T) {
	before := node(t, nil).Signature()
	for name, change := range map[string]map[string]string{
		"a CPU that came":  {"sys/devices/system/cpu/online": "0-1\n"},
		"memory that came": {"sys/devices/system/node/has_memory": "0-1\n"},
		"a scheduler that was loaded": {
			"sys/kernel/sched_ext/state": "enabled\n", "sys/kernel/sched_ext/root/ops": "scx_simple\n",
		},
		"another governor":  {"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n"},
		"turbo turned off":  {"sys/devices/system/cpu/intel_pstate/no_turbo": "1\n"},
		"a sysctl":          {"proc/sys/vm/swappiness": "10\n"},
		"real-time limits":  {"proc/sys/kernel/sched_rt_runtime_us": "-1\n"},
		"huge pages":        {"sys/kernel/mm/transparent_hugepage/enabled": "[always] never\n"},
		"a SMT that is off": {"sys/devices/system/cpu/smt/control": "off\n"},
	} {
		if node(t, change).Signature() == before {
			t.Errorf("%s did not change the signature %q", name, before)
		}
	}
	if again := node(t, nil).Signature(); again != before {
		t.Errorf("two signatures of the same: %q and %q", before, again)
	}
	if other := node(t, map[string]string{"proc/uptime": "5 5\n"}).Signature(); other != before {
		t.Errorf("the signature changes with the time: %q and %q", before, other)
	}
}

// maxStatus is far below what etcd takes for an object, 1.5 MiB, and small enough
// for a manager that keeps thousands of nodes in memory.
const maxStatus = 64 << 10

// TestSizeOfALargeMachine is about 96 cores with two threads each, in 32 caches and 8
// nodes, on which every CPU is set up in its own way.
func TestSizeOfALargeMachine(t *testing.T) {
	m := node(t, largeMachine())
	status, _, err := m.Read()
	if err != nil {
		t.Fatal(err)
	}
	if status.Topology.Shape != "8n32l3c2t" || len(status.Topology.Caches) != 32 || len(status.Topology.Nodes) != 8 {
		t.Fatalf("a machine of %s, %d caches and %d nodes", status.Topology.Shape, len(status.Topology.Caches), len(status.Topology.Nodes))
	}
	text, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", len(text))
	if len(text) > maxStatus {
		t.Errorf("the status has %d bytes, want at most %d", len(text), maxStatus)
	}
	machine, err := manifest.Machine(&status)
	if err != nil || machine.CPUs.Size() != 192 || len(machine.Topology.LLCs) != 32 {
		t.Errorf("the manager reads %v, %v", machine, err)
	}
}

// largeMachine numbers CPUs across the nodes, so that no list of CPUs is a range.
func largeMachine() map[string]string {
	const cpus, cores, llcs, nodes = 192, 96, 32, 8
	files := map[string]string{
		"sys/devices/system/cpu/online":   fmt.Sprintf("0-%d\n", cpus-1),
		"proc/cmdline":                    strings.Repeat("option=value ", 100),
		"sys/kernel/debug/sched/features": strings.Repeat("FEATURE ", 100),
	}
	for cpu := range cpus {
		dir := fmt.Sprintf("sys/devices/system/cpu/cpu%d/", cpu)
		maps.Copy(files, map[string]string{
			dir + "topology/core_id":                        fmt.Sprintln(cpu % cores),
			dir + "topology/core_cpus_list":                 fmt.Sprintf("%d,%d\n", cpu%cores, cpu%cores+cores),
			dir + "cache/index3/level":                      "3\n",
			dir + "cache/index3/size":                       "32768K\n",
			dir + "cache/index3/id":                         fmt.Sprintln(cpu % llcs),
			dir + "cpufreq/scaling_governor":                fmt.Sprintf("governor%d\n", cpu),
			fmt.Sprintf("%snode%d/cpulist", dir, cpu%nodes): "\n",
		})
	}
	for id := range nodes {
		dir := fmt.Sprintf("sys/devices/system/node/node%d/", id)
		files[dir+"meminfo"] = fmt.Sprintf("Node %d MemTotal: %d kB\n", id, 100_000_000+id)
		files[dir+"distance"] = strings.Repeat("12 ", nodes) + "\n"
	}
	return files
}

// TestThisMachine reads the machine the test runs on.
func TestThisMachine(t *testing.T) {
	status, notes, err := Machine{Root: "/"}.Read()
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("no sysfs: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if status.Kernel == "" || status.BootID == "" || status.Topology.CPUs == 0 || len(status.Fingerprint.Facts) == 0 {
		t.Errorf("status %+v: want it complete", status)
	}
	t.Logf("%+v %q", status, notes)
}
