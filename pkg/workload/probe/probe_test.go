// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

var all = []string{
	capability.CPUHotplug, capability.CgroupCPU, capability.CgroupCPUBurst, capability.CgroupCPUIdle, capability.CgroupCpuset, capability.CgroupCpusetPartition, capability.CgroupFreeze, capability.CgroupIO, capability.CgroupIOMax,
	capability.CgroupIOWeight, capability.CgroupKill, capability.CgroupMemory, capability.CgroupPids, capability.CgroupPressure, capability.CgroupSwap, capability.CgroupThreaded, capability.CgroupUclamp, capability.CgroupV2, capability.Cpufreq,
	capability.Credentials, capability.Deadline, capability.MempolicyPreferredMany, capability.MempolicyWeightedInterleave, capability.NUMA, capability.NUMAMaps, capability.NegativeNice, capability.PSI, capability.Realtime, capability.SMT,
	capability.SchedExt, capability.Schedstat, capability.ThermalThrottle, capability.VirtualEthernet,
}

func TestAllIsPresentOnAMachineWithEverything(t *testing.T) {
	var want []capability.Finding
	for _, name := range all {
		want = append(want, capability.Finding{Name: name, State: capability.Present})
	}
	k := able()
	if diff := cmp.Diff(want, newProber(machine(t, nil), k).probe(nil)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if *k.looked != 1 {
		t.Errorf("the files of a cgroup were looked at %d times, want once", *k.looked)
	}
}

func TestOnlyWhatIsAskedForIsProbed(t *testing.T) {
	k := able()
	got := newProber(machine(t, nil), k).probe([]string{capability.SMT, capability.CgroupV2, capability.SMT, "Wings"})
	want := []capability.Finding{
		{Name: capability.CgroupV2, State: capability.Present}, {Name: capability.SMT, State: capability.Present},
		{Name: "Wings", State: capability.Unknown, Message: "there is no probe for Wings"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if *k.looked != 0 {
		t.Error("a cgroup was made though none of its files was asked for")
	}
}

func TestOutcomes(t *testing.T) {
	broken := errors.New("input/output error")
	for name, tc := range map[string]struct {
		change map[string]string
		kernel func(*fakeKernel)
		host   func(*Host)
		want   map[string]capability.State
		// says is in each message.
		says string
	}{
		"a hybrid machine whose v2 has no controllers": {
			change: map[string]string{"cgroup/cgroup.controllers": "hugetlb\n"},
			want: map[string]capability.State{
				capability.CgroupCPU: capability.Absent, capability.CgroupCPUIdle: capability.Absent, capability.CgroupCPUBurst: capability.Absent, capability.CgroupUclamp: capability.Absent, capability.CgroupCpuset: capability.Absent, capability.CgroupCpusetPartition: capability.Absent,
				capability.CgroupMemory: capability.Absent, capability.CgroupSwap: capability.Absent, capability.CgroupIO: capability.Absent, capability.CgroupIOWeight: capability.Absent, capability.CgroupIOMax: capability.Absent, capability.CgroupPids: capability.Absent,
			},
			says: "cgroup_no_v1=",
		},
		"controllers that cannot be enabled on the way": {
			kernel: func(k *fakeKernel) { k.files = []string{"cgroup.kill", "cpu.max"} },
			want:   map[string]capability.State{capability.CgroupCpuset: capability.Absent, capability.CgroupMemory: capability.Absent, capability.CgroupPids: capability.Absent, capability.CgroupIO: capability.Absent},
			says:   "cannot be enabled",
		},
		"an old kernel": {
			kernel: func(k *fakeKernel) {
				k.files = []string{"cpu.max", "cpuset.cpus", "memory.max", "io.stat", "pids.max"}
			},
			want: map[string]capability.State{
				capability.CgroupKill: capability.Absent, capability.CgroupFreeze: capability.Absent, capability.CgroupThreaded: capability.Absent, capability.CgroupCPUIdle: capability.Absent, capability.CgroupCPUBurst: capability.Absent,
				capability.CgroupUclamp: capability.Absent, capability.CgroupCpusetPartition: capability.Absent, capability.CgroupSwap: capability.Absent, capability.CgroupIOWeight: capability.Absent, capability.CgroupIOMax: capability.Absent, capability.CgroupPressure: capability.Absent,
			},
			says: "has no file",
		},
		"the same otherwise": {
			kernel: func(k *fakeKernel) {
				k.files = []string{"cpu.max", "cpuset.cpus", "memory.max", "io.stat", "pids.max"}
			},
			want: map[string]capability.State{capability.CgroupCPU: capability.Present, capability.CgroupCpuset: capability.Present, capability.CgroupMemory: capability.Present, capability.CgroupIO: capability.Present, capability.CgroupPids: capability.Present},
		},
		"controllers that nobody tells": {
			change: map[string]string{"cgroup/cgroup.controllers": ""},
			want:   map[string]capability.State{capability.CgroupCPU: capability.Unknown, capability.CgroupPids: capability.Unknown}, says: "cgroup.controllers",
		},
		"a cgroup that could not be made": {
			kernel: func(k *fakeKernel) { k.filesErr = broken },
			want:   map[string]capability.State{capability.CgroupKill: capability.Unknown, capability.CgroupCPU: capability.Unknown, capability.CgroupIOMax: capability.Unknown}, says: "input/output error",
		},
		"no cgroup v2": {
			host: func(h *Host) { h.CgroupMount, h.CgroupParent = "", "" },
			want: map[string]capability.State{capability.CgroupV2: capability.Absent, capability.CgroupKill: capability.Absent, capability.CgroupCPU: capability.Absent, capability.CgroupPids: capability.Absent}, says: "mount",
		},
		"no cgroup v2 where it should be": {
			host: func(h *Host) { h.CgroupMount += "/none"; h.CgroupParent = h.CgroupMount + "/agent" },
			want: map[string]capability.State{capability.CgroupV2: capability.Absent, capability.CgroupKill: capability.Absent, capability.CgroupCPU: capability.Absent}, says: "not there",
		},
		"no cgroup for runs": {
			host: func(h *Host) { h.CgroupParent = "" },
			want: map[string]capability.State{capability.CgroupV2: capability.Absent, capability.CgroupKill: capability.Absent}, says: "no cgroup",
		},
		"a cgroup for runs that is still to be made": {
			host: func(h *Host) { h.CgroupParent += "/runs/mine" },
			want: map[string]capability.State{capability.CgroupV2: capability.Present, capability.CgroupKill: capability.Present},
		},
		"a cgroup tree of others": {
			kernel: func(k *fakeKernel) { k.readOnly = map[string]error{"/agent": unix.EACCES} },
			want:   map[string]capability.State{capability.CgroupV2: capability.Absent, capability.CgroupKill: capability.Absent, capability.CgroupCPU: capability.Absent}, says: "delegated",
		},
		"a cgroup tree that is read-only": {
			kernel: func(k *fakeKernel) { k.readOnly = map[string]error{"/agent": unix.EROFS} },
			want:   map[string]capability.State{capability.CgroupV2: capability.Absent}, says: "read-only file system",
		},
		"a cgroup tree that nobody can tell about": {
			kernel: func(k *fakeKernel) { k.readOnly = map[string]error{"/agent": unix.EIO} },
			want:   map[string]capability.State{capability.CgroupV2: capability.Unknown, capability.CgroupKill: capability.Unknown}, says: "input/output error",
		},

		"an agent without privileges": {
			kernel: func(k *fakeKernel) {
				k.held = 0
				k.sched = map[uint32]error{unix.SCHED_RR: unix.EPERM, unix.SCHED_DEADLINE: unix.EPERM, unix.SCHED_NORMAL: unix.EACCES}
			},
			want: map[string]capability.State{capability.Realtime: capability.Absent, capability.Deadline: capability.Absent, capability.NegativeNice: capability.Absent, capability.Credentials: capability.Absent}, says: "lacks CAP_S",
		},
		"a kernel without sched_setattr": {
			kernel: func(k *fakeKernel) {
				k.sched = map[uint32]error{unix.SCHED_RR: unix.ENOSYS, unix.SCHED_DEADLINE: unix.ENOSYS, unix.SCHED_NORMAL: unix.ENOSYS}
			},
			want: map[string]capability.State{capability.Realtime: capability.Absent, capability.Deadline: capability.Absent, capability.NegativeNice: capability.Absent}, says: "sched_setattr",
		},
		"policies that fail without a reason": {
			kernel: func(k *fakeKernel) {
				k.sched = map[uint32]error{unix.SCHED_RR: broken, unix.SCHED_DEADLINE: broken, unix.SCHED_NORMAL: broken, unix.SCHED_EXT: broken}
				k.heldErr = broken
			},
			want: map[string]capability.State{capability.Realtime: capability.Unknown, capability.Deadline: capability.Unknown, capability.NegativeNice: capability.Unknown, capability.SchedExt: capability.Unknown, capability.Credentials: capability.Unknown}, says: "input/output error",
		},
		"deadline tasks that have all the bandwidth": {
			kernel: func(k *fakeKernel) { k.sched = map[uint32]error{unix.SCHED_DEADLINE: unix.EBUSY} },
			want:   map[string]capability.State{capability.Deadline: capability.Present},
		},
		"no bandwidth for deadline tasks": {
			change: map[string]string{"proc/sys/kernel/sched_rt_runtime_us": "0\n"},
			kernel: func(k *fakeKernel) { k.sched = map[uint32]error{unix.SCHED_DEADLINE: unix.EPERM} },
			want:   map[string]capability.State{capability.Deadline: capability.Absent}, says: "kernel.sched_rt_runtime_us",
		},
		"an agent that is confined to some CPUs": {
			kernel: func(k *fakeKernel) { k.cpus = "0"; k.sched = map[uint32]error{unix.SCHED_DEADLINE: unix.EPERM} },
			want:   map[string]capability.State{capability.Deadline: capability.Unknown}, says: "only 0 of 0-1",
		},
		"runs that are confined to some CPUs": {
			kernel: func(k *fakeKernel) { k.sched = map[uint32]error{unix.SCHED_DEADLINE: unix.EPERM} },
			host:   func(h *Host) { h.CPUs = cpuset.New(1) },
			want:   map[string]capability.State{capability.Deadline: capability.Unknown}, says: "only 1 of 0-1",
		},
		"deadline tasks that are refused for nothing": {
			kernel: func(k *fakeKernel) { k.sched = map[uint32]error{unix.SCHED_DEADLINE: unix.EPERM} },
			want:   map[string]capability.State{capability.Deadline: capability.Unknown}, says: "does not tell",
		},
		"deadline tasks that are refused, and capabilities that nobody tells": {
			kernel: func(k *fakeKernel) {
				k.sched = map[uint32]error{unix.SCHED_DEADLINE: unix.EPERM}
				k.heldErr = broken
			},
			want: map[string]capability.State{capability.Deadline: capability.Unknown}, says: "CAP_SYS_NICE",
		},
		"no sched_ext": {
			change: map[string]string{"sys/kernel/sched_ext/state": ""},
			want:   map[string]capability.State{capability.SchedExt: capability.Absent}, says: "CONFIG_SCHED_CLASS_EXT",
		},
		"a user namespace that keeps its groups": {
			change: map[string]string{"proc/self/setgroups": "deny\n"},
			want:   map[string]capability.State{capability.Credentials: capability.Absent}, says: "setgroups",
		},
		"one of two capabilities for credentials": {
			kernel: func(k *fakeKernel) { k.held &^= 1 << unix.CAP_SETGID },
			want:   map[string]capability.State{capability.Credentials: capability.Absent}, says: "CAP_SETGID",
		},

		"memory policies that are too new": {
			kernel: func(k *fakeKernel) {
				k.mempolicy = map[int]error{unix.MPOL_PREFERRED_MANY: unix.EINVAL, unix.MPOL_WEIGHTED_INTERLEAVE: unix.EINVAL}
			},
			want: map[string]capability.State{capability.MempolicyPreferredMany: capability.Absent, capability.MempolicyWeightedInterleave: capability.Absent}, says: "or later",
		},
		"a node that no memory policy can have": {
			kernel: func(k *fakeKernel) {
				k.mempolicy = map[int]error{unix.MPOL_PREFERRED_MANY: unix.EINVAL, unix.MPOL_BIND: unix.EINVAL}
			},
			want: map[string]capability.State{capability.MempolicyPreferredMany: capability.Unknown}, says: "node 0",
		},
		"a kernel without NUMA": {
			change: map[string]string{"proc/self/numa_maps": ""},
			kernel: func(k *fakeKernel) {
				k.nodes = ""
				k.mempolicy = map[int]error{unix.MPOL_PREFERRED_MANY: unix.ENOSYS, unix.MPOL_WEIGHTED_INTERLEAVE: unix.ENOSYS}
			},
			want: map[string]capability.State{capability.MempolicyPreferredMany: capability.Absent, capability.MempolicyWeightedInterleave: capability.Absent, capability.NUMAMaps: capability.Absent}, says: "CONFIG_NUMA",
		},
		"a sandbox without memory policies": {
			kernel: func(k *fakeKernel) { k.mempolicy = map[int]error{unix.MPOL_PREFERRED_MANY: unix.EPERM} },
			want:   map[string]capability.State{capability.MempolicyPreferredMany: capability.Absent, capability.MempolicyWeightedInterleave: capability.Present}, says: "sandbox",
		},
		"a memory policy that fails without a reason": {
			kernel: func(k *fakeKernel) { k.mempolicy = map[int]error{unix.MPOL_PREFERRED_MANY: unix.ENOMEM} },
			want:   map[string]capability.State{capability.MempolicyPreferredMany: capability.Unknown}, says: "cannot allocate memory",
		},
		"nodes that nobody tells": {
			kernel: func(k *fakeKernel) { k.nodes = "many" },
			want:   map[string]capability.State{capability.MempolicyPreferredMany: capability.Unknown},
		},
		"one node": {
			change: map[string]string{"sys/devices/system/node/node1/cpulist": ""},
			want:   map[string]capability.State{capability.NUMA: capability.Absent}, says: "one NUMA node",
		},
		"CPUs that nobody tells": {
			change: map[string]string{cpuFiles + "online": ""},
			want:   map[string]capability.State{capability.NUMA: capability.Unknown, capability.SMT: capability.Unknown, capability.Cpufreq: capability.Unknown, capability.ThermalThrottle: capability.Unknown, capability.CPUHotplug: capability.Unknown}, says: "online",
		},

		"a machine that lets nobody make a network": {
			kernel: func(k *fakeKernel) { k.network = fmt.Errorf("unshare(CLONE_NEWNET): %w", unix.EPERM) },
			want:   map[string]capability.State{capability.VirtualEthernet: capability.Absent}, says: "CAP_NET_ADMIN",
		},
		"a kernel without network namespaces": {
			kernel: func(k *fakeKernel) { k.network = unix.EINVAL },
			want:   map[string]capability.State{capability.VirtualEthernet: capability.Absent}, says: "CONFIG_NET_NS",
		},
		"a kernel without virtual links": {
			kernel: func(k *fakeKernel) { k.network = unix.EOPNOTSUPP },
			want:   map[string]capability.State{capability.VirtualEthernet: capability.Absent}, says: "veth",
		},
		"a kernel without packet sockets": {
			kernel: func(k *fakeKernel) { k.network = unix.EAFNOSUPPORT },
			want:   map[string]capability.State{capability.VirtualEthernet: capability.Absent}, says: "af_packet",
		},
		"all network namespaces there may be": {
			kernel: func(k *fakeKernel) { k.network = unix.ENOSPC },
			want:   map[string]capability.State{capability.VirtualEthernet: capability.Absent}, says: "max_net_namespaces",
		},
		"a network that fails without a reason": {
			kernel: func(k *fakeKernel) { k.network = broken },
			want:   map[string]capability.State{capability.VirtualEthernet: capability.Unknown}, says: "input/output error",
		},

		"a plain kernel": {
			change: map[string]string{"proc/pressure/cpu": "", "proc/thread-self/schedstat": ""},
			want:   map[string]capability.State{capability.PSI: capability.Absent, capability.Schedstat: capability.Absent}, says: "the kernel was built without",
		},
		"a virtual machine": {
			change: map[string]string{cpuFiles + "cpu1/cpufreq/scaling_cur_freq": "", cpuFiles + "cpu0/thermal_throttle/core_throttle_count": ""},
			want:   map[string]capability.State{capability.Cpufreq: capability.Absent, capability.ThermalThrottle: capability.Absent}, says: "virtual machine",
		},
		"cores with one thread": {
			change: map[string]string{cpuFiles + "cpu0/topology/core_cpus_list": "0\n", cpuFiles + "cpu1/topology/core_cpus_list": "1\n"},
			want:   map[string]capability.State{capability.SMT: capability.Absent}, says: "one thread",
		},
		"SMT turned off": {
			change: map[string]string{cpuFiles + "online": "0\n", cpuFiles + "smt/control": "off\n"},
			want:   map[string]capability.State{capability.SMT: capability.Absent}, says: "turned off",
		},
		"CPUs that cannot be taken offline": {
			change: map[string]string{cpuFiles + "cpu1/online": ""},
			want:   map[string]capability.State{capability.CPUHotplug: capability.Absent}, says: "CONFIG_HOTPLUG_CPU",
		},
		"CPUs that others take offline": {
			kernel: func(k *fakeKernel) { k.readOnly = map[string]error{"cpu1/online": unix.EACCES} },
			want:   map[string]capability.State{capability.CPUHotplug: capability.Absent}, says: "root",
		},
		"CPUs in a container": {
			kernel: func(k *fakeKernel) { k.readOnly = map[string]error{"cpu1/online": unix.EROFS} },
			want:   map[string]capability.State{capability.CPUHotplug: capability.Absent}, says: "read-only",
		},
		"CPUs that nobody can tell about": {
			kernel: func(k *fakeKernel) { k.readOnly = map[string]error{"cpu0/online": unix.EIO, "cpu1/online": unix.EROFS} },
			want:   map[string]capability.State{capability.CPUHotplug: capability.Unknown}, says: "input/output error",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, k := machine(t, tc.change), able()
			if tc.kernel != nil {
				tc.kernel(k)
			}
			if tc.host != nil {
				tc.host(&h)
			}
			got := make(map[string]capability.State)
			for _, f := range newProber(h, k).probe(slices.Collect(maps.Keys(tc.want))) {
				got[f.Name] = f.State
				if (f.State == capability.Present) != (f.Message == "") {
					t.Errorf("%s is %s with the message %q: want one exactly where it is not present", f.Name, f.State, f.Message)
				}
				if f.State != capability.Present && !strings.Contains(f.Message, tc.says) {
					t.Errorf("%s says %q, want %q in it", f.Name, f.Message, tc.says)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
		})
	}
}

// A kernel that knows a file but has it turned off answers EOPNOTSUPP.
func TestFileOutcome(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want capability.State
	}{{nil, capability.Present}, {fs.ErrNotExist, capability.Absent}, {unix.EOPNOTSUPP, capability.Absent}, {unix.EACCES, capability.Unknown}, {unix.EIO, capability.Unknown}} {
		if got := fileOutcome(tc.err, "why not"); got.state != tc.want || got.message == "" && tc.err != nil {
			t.Errorf("%v: %+v, want %s", tc.err, got, tc.want)
		}
	}
}

func TestRealtimeBandwidth(t *testing.T) {
	const runtimeFile, periodFile = "proc/sys/kernel/sched_rt_runtime_us", "proc/sys/kernel/sched_rt_period_us"
	for name, tc := range map[string]struct {
		runtime, period string
		want            *spec.Bandwidth
	}{
		"a usual machine":         {"950000\n", "1000000\n", &spec.Bandwidth{Runtime: 950 * time.Millisecond, Period: time.Second}},
		"no limit":                {"-1\n", "1000000\n", &spec.Bandwidth{Runtime: -time.Microsecond, Period: time.Second}},
		"nothing to be had":       {"0\n", "1000000\n", &spec.Bandwidth{Period: time.Second}},
		"a kernel that is silent": {},
		"half of it":              {"950000\n", "", nil},
		"no period":               {"950000\n", "0\n", nil},
		"no number":               {"much\n", "1000000\n", nil},
	} {
		got := machine(t, map[string]string{runtimeFile: tc.runtime, periodFile: tc.period}).RealtimeBandwidth()
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Messages go into the API, which takes 256 characters.
func TestMessagesAreShort(t *testing.T) {
	h := machine(t, nil)
	h.CgroupMount, h.CgroupParent = "/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified/none"
	for _, f := range newProber(Host{Root: t.TempDir(), CgroupMount: h.CgroupMount, CgroupParent: h.CgroupParent}, able()).probe(nil) {
		if len(f.Message) > 256 {
			t.Errorf("%s: %d characters: %s", f.Name, len(f.Message), f.Message)
		}
	}
}
