// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
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
		"proc/sys/kernel/osrelease":                           "7.3.0-test\n",
		"proc/sys/kernel/random/boot_id":                      "c93f8155-7ffc-462e-82b8-8519f7c2e413\n",
		"sys/devices/system/node/node0/meminfo":               "Node 0 MemTotal:  1024 kB\n",
		"proc/pressure/cpu":                                   "some avg10=0.00\n",
		"cgroup/cgroup.controllers":                           "cpuset cpu io memory pids\n",
		"cgroup/agent/cgroup.kill":                            "",
	}
	maps.Copy(files, change)
	root := t.TempDir()
	for path, content := range files {
		if content == "" && !strings.HasSuffix(path, "cgroup.kill") {
			continue
		}
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Machine{Root: root, CgroupMount: filepath.Join(root, "cgroup"), CgroupRoot: filepath.Join(root, "cgroup/agent")}
}

func TestRead(t *testing.T) {
	status, notes, err := node(t, map[string]string{
		"sys/kernel/sched_ext/state":    "enabled\n",
		"sys/kernel/sched_ext/root/ops": "scx_simple\n",
	}).Read()
	if err != nil {
		t.Fatal(err)
	}
	status.Architecture, status.Features = "", nil
	want := v1alpha1.TestNodeStatus{
		BootID: "c93f8155-7ffc-462e-82b8-8519f7c2e413", Kernel: "7.3.0-test", Scheduler: "scx_simple",
		Topology: &v1alpha1.Topology{Shape: "1n1l1c1t", OnlineCPUs: "0", CPUs: 1, Cores: 1, LLCs: 1, NUMANodes: 1, MemoryNodes: "0"},
	}
	if diff := cmp.Diff(want, status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "no cache") {
		t.Errorf("notes %q, want one about the missing caches", notes)
	}
	if _, _, err := (Machine{Root: t.TempDir()}).Read(); err == nil {
		t.Error("an empty machine was read without an error")
	}
}

func TestScheduler(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no sched_ext":     {want: "kernel"},
		"none loaded":      {files: map[string]string{"sys/kernel/sched_ext/state": "disabled\n"}, want: "kernel"},
		"one being loaded": {files: map[string]string{"sys/kernel/sched_ext/state": "enabling\n"}, want: "kernel"},
		"one loaded": {files: map[string]string{
			"sys/kernel/sched_ext/state": "enabled\n", "sys/kernel/sched_ext/root/ops": "scx_lavd_1.0\n",
		}, want: "scx_lavd_1.0"},
		"one loaded without a name": {files: map[string]string{"sys/kernel/sched_ext/state": "enabled\n"}, want: "unknown"},
	} {
		if got := node(t, tc.files).scheduler(); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestFeatures(t *testing.T) {
	for name, tc := range map[string]struct {
		change map[string]string
		// want holds the features in question.
		want map[string]v1alpha1.FeatureState
	}{
		"a machine with everything": {
			change: map[string]string{"sys/kernel/sched_ext/state": "disabled\n", "proc/thread-self/schedstat": "1 2 3\n",
				"sys/devices/system/node/node0/cpulist": "0\n", "sys/devices/system/node/node1/meminfo": "Node 1 MemTotal: 5 kB\n"},
			want: map[string]v1alpha1.FeatureState{
				CgroupV2: "Present", CgroupKill: "Present", CgroupCPU: "Present", CgroupCpuset: "Present", CgroupMemory: "Present",
				CgroupIO: "Present", CgroupPids: "Present", SchedExt: "Present", NUMA: "Present", PSI: "Present", Schedstat: "Present",
			},
		},
		"a hybrid machine whose v2 has no controllers": {
			change: map[string]string{"cgroup/cgroup.controllers": "hugetlb\n"},
			want: map[string]v1alpha1.FeatureState{
				CgroupV2: "Present", CgroupCPU: "Absent", CgroupCpuset: "Absent", CgroupMemory: "Absent", CgroupIO: "Absent", CgroupPids: "Absent",
			},
		},
		"a machine that does not tell its controllers": {
			change: map[string]string{"cgroup/cgroup.controllers": ""},
			want:   map[string]v1alpha1.FeatureState{CgroupCPU: "Unknown", CgroupPids: "Unknown"},
		},
		"a plain kernel": {
			change: map[string]string{"proc/pressure/cpu": ""},
			want:   map[string]v1alpha1.FeatureState{PSI: "Absent", Schedstat: "Absent", SchedExt: "Absent", NUMA: "Absent"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, err := node(t, tc.change).Read()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]v1alpha1.FeatureState{}
			for _, f := range status.Features {
				if _, asked := tc.want[f.Name]; asked {
					got[f.Name] = f.State
				}
				if (f.State == v1alpha1.FeaturePresent) != (f.Message == "") {
					t.Errorf("%s is %s with the message %q: want one exactly where it is not present", f.Name, f.State, f.Message)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("features (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCgroupRootThatIsNotThere(t *testing.T) {
	m := node(t, nil)
	m.CgroupRoot += "/none"
	for name, got := range map[string]finding{CgroupV2: m.cgroupV2(), CgroupKill: m.cgroupKill()} {
		if got.state != v1alpha1.FeatureAbsent {
			t.Errorf("%s: %v, want it absent", name, got)
		}
	}
}

func TestThreeOutcomesOfARealtimeProbe(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want v1alpha1.FeatureState
	}{{nil, "Present"}, {unix.EPERM, "Absent"}, {unix.EINVAL, "Unknown"}} {
		if got := realtimeFinding(tc.err); got.state != tc.want {
			t.Errorf("%v: %v, want %s", tc.err, got, tc.want)
		}
	}
}

func TestUnreadableIsUnknown(t *testing.T) {
	if got := either(false, errors.New("input/output error"), "absent"); got.state != v1alpha1.FeatureUnknown {
		t.Errorf("finding %v, want unknown", got)
	}
}

func TestFingerprint(t *testing.T) {
	for name, change := range map[string]map[string]string{
		"a CPU that came":  {"sys/devices/system/cpu/online": "0-1\n"},
		"memory that came": {"sys/devices/system/node/has_memory": "0-1\n"},
		"a scheduler that was loaded": {
			"sys/kernel/sched_ext/state": "enabled\n", "sys/kernel/sched_ext/root/ops": "scx_simple\n",
		},
	} {
		if before, after := node(t, nil).Fingerprint(), node(t, change).Fingerprint(); before == after {
			t.Errorf("%s did not change the fingerprint %q", name, before)
		}
	}
	if a, b := node(t, nil).Fingerprint(), node(t, nil).Fingerprint(); a != b {
		t.Errorf("two fingerprints of the same: %q and %q", a, b)
	}
}

// TestThisMachine probes the kernel the test runs on.
func TestThisMachine(t *testing.T) {
	status, notes, err := Machine{Root: "/", CgroupMount: "/sys/fs/cgroup", CgroupRoot: "/sys/fs/cgroup"}.Read()
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("no sysfs: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if status.Kernel == "" || status.BootID == "" || status.Topology.CPUs == 0 || len(status.Features) != 12 {
		t.Errorf("status %+v: want it complete", status)
	}
	t.Logf("%+v %q", status, notes)
}
