// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

func values(f *Fingerprint) map[string]string {
	got := make(map[string]string)
	for _, fact := range f.Facts() {
		got[fact.Name] = fact.Value
	}
	return got
}

func TestFactsOfAServer(t *testing.T) {
	got := values(server().read(t))
	for _, s := range sysctls() {
		delete(got, s.name)
	}
	want := map[string]string{
		"machine.architecture": runtime.GOARCH, "machine.model": "Acme Inc. Rack 9000", "machine.firmware": "Acme 2.1",
		"machine.hypervisor": "none", "machine.shape": "2n2l1c2t", "machine.topology": got["machine.topology"],
		"cpu.model": "Xeon 8480", "cpu.id": "GenuineIntel 6 143 8", "cpu.microcode": "0x2b0", "cpu.online": "0-3", "cpu.cores": "2",
		"cpu.classes": "uniform", "cpu.frequency.base": "2000000 kHz",
		"cache.sizes": "L1d 48K, L1i 32K, L2 2048K, L3 107520K", "numa.memory": "32GiB (0-1)", "numa.distances": "10 21, 21 10",

		"kernel.release": "7.3.4-server", "kernel.version": "#1 SMP PREEMPT_DYNAMIC Debian 7.3.4-1", "kernel.commandline": "ro isolcpus=3",
		"kernel.preemption": "PREEMPT_DYNAMIC", "kernel.preemption.mode": "full", "kernel.lsm": "lockdown,capability,apparmor",
		"sched.features": "PLACE_LAG NO_HRTICK", "sched.tunables": "base_slice_ns=2800000 migration_cost_ns=500000",
		"cpu.isolated": "3", "cpu.nohz_full": "none", "cpu.smt": "on",
		"cpu.mitigations": got["cpu.mitigations"], "cpu.vulnerable": "mds",
		"cpu.frequency.driver": "intel_pstate", "cpu.frequency.governor": "performance", "cpu.frequency.preference": "performance",
		"cpu.frequency.limits": "800000-3800000", "cpu.frequency.max": "3800000", "cpu.turbo": "on",
		"cpu.idle.driver": "intel_idle", "cpu.idle.governor": "menu", "cpu.idle.disabled": "none",
		"clock.source": "tsc", "thp.enabled": "madvise", "thp.defrag": "madvise",

		"sched.scheduler": "kernel", "cgroup.mode": "v2", "kernel.tainted": "0",
		"system.distribution": "Debian GNU/Linux 13", "system.profile": "latency-performance",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestFactsOfABoard(t *testing.T) {
	f := board().read(t)
	got := values(f)
	want := map[string]string{
		"machine.architecture": runtime.GOARCH, "machine.hypervisor": "linux,kvm", "machine.shape": "1n1l2c1t",
		"machine.topology": got["machine.topology"], "cpu.id": "0x41 0xd03 (0), 0x41 0xd07 (1)", "cpu.online": "0-1", "cpu.cores": "2",
		"cpu.classes": "capacity 1024 (1), capacity 512 (0)", "cpu.frequency.base": "1500 MHz", "numa.memory": "3840MiB", "numa.distances": "10",
		"kernel.release": "6.1.0-board", "kernel.version": "#7 SMP", "kernel.commandline": "console=ttyAMA0",
		"kernel.preemption": "none or voluntary", "cpu.frequency.governor": "schedutil (0), powersave (1)", "cpu.turbo": "off",
		"cpu.idle.governor": "teo", "sched.scheduler": "scx_simple", "cgroup.mode": "hybrid",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if other := server().read(t); f.HardwareDigest == other.HardwareDigest || f.SoftwareDigest == other.SoftwareDigest || f.Digest == other.Digest {
		t.Errorf("a board and a server share a digest: %+v and %+v", f, other)
	}
}

// The digests of a fingerprint, in the order of what they are of.
func digests(f *Fingerprint) [3]string {
	return [3]string{f.HardwareDigest, f.SoftwareDigest, f.Digest}
}

func TestSameTreeSameDigest(t *testing.T) {
	for name, machine := range map[string]tree{"server": server(), "board": board()} {
		one, other := machine.read(t), machine.read(t)
		if diff := cmp.Diff(one, other); diff != "" {
			t.Errorf("%s: two readings (-one +other):\n%s", name, diff)
		}
		for _, d := range digests(one) {
			if len(d) != 32 {
				t.Errorf("%s: digest %q, want 32 digits", name, d)
			}
		}
		if changes := one.Diff(other); changes != nil {
			t.Errorf("%s: changes %v between two readings", name, changes)
		}
	}
}

// What makes a digest is documented, so it stays.
func TestDigestIsStable(t *testing.T) {
	facts := []Fact{{"cpu.model", "Xeon"}, {"numa.memory", "64GiB"}}
	if got, want := digest(facts), digestOf("schedfleet fingerprint 1\n9:cpu.model=4:Xeon\n11:numa.memory=5:64GiB\n"); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	if got, want := digestOf("schedfleet"), "859672e838fd2dbf2dbed321948e8363"; got != want {
		t.Errorf("digest of a text %s, want %s", got, want)
	}
	if digest([]Fact{{"a", "b=c"}}) == digest([]Fact{{"a=b", "c"}}) {
		t.Error("two lists of facts share a digest")
	}
	if digest(nil) == digest([]Fact{{"a", ""}}) {
		t.Error("a fact that is not there and one that is empty share a digest")
	}
}

// part says which digest a fact belongs to.
type part int

const (
	inNone part = iota
	inHardware
	inSoftware
)

// change is a file that a fact depends on, with another content.
type change struct {
	fact, path, content string
	in                  part
}

func changes() []change {
	const cpu1 = cpuDir + "/cpu1/"
	cpuinfo := server()["proc/cpuinfo"]
	all := []change{
		{"machine.model", "sys/class/dmi/id/product_name", "Rack 9001\n", inHardware},
		{"machine.firmware", "sys/class/dmi/id/bios_version", "2.2\n", inHardware},
		{"machine.hypervisor", "sys/hypervisor/type", "xen\n", inHardware},
		{"machine.shape", cpuDir + "/online", "0,2\n", inHardware},
		{"cpu.online", cpuDir + "/online", "0,1,2\n", inHardware},
		{"machine.topology", cpuDir + "/cpu1/topology/physical_package_id", "1\n", inHardware},
		{"cpu.cores", cpuDir + "/cpu2/topology/core_cpus_list", "2\n", inHardware},
		{"cpu.model", "proc/cpuinfo", strings.ReplaceAll(cpuinfo, "8480", "8490"), inHardware},
		{"cpu.id", "proc/cpuinfo", strings.ReplaceAll(cpuinfo, "143", "207"), inHardware},
		{"cpu.microcode", "proc/cpuinfo", strings.ReplaceAll(cpuinfo, "0x2b0", "0x2c0"), inHardware},
		{"machine.hypervisor", "proc/cpuinfo", strings.ReplaceAll(cpuinfo, "sse2", "sse2 hypervisor"), inHardware},
		{"cpu.classes", "sys/devices/cpu_atom/cpus", "2-3\n", inHardware},
		{"cpu.frequency.base", cpu1 + "cpufreq/base_frequency", "2100000\n", inHardware},
		{"cache.sizes", cpuDir + "/cpu0/cache/index2/size", "1024K\n", inHardware},
		{"numa.memory", "sys/devices/system/node/node1/meminfo", "Node 1 MemTotal: 16000000 kB\n", inHardware},
		{"numa.distances", "sys/devices/system/node/node1/distance", "31 10\n", inHardware},

		{"kernel.release", "proc/sys/kernel/osrelease", "7.3.5\n", inSoftware},
		{"kernel.version", "proc/sys/kernel/version", "#2 SMP PREEMPT_DYNAMIC\n", inSoftware},
		{"kernel.preemption", "proc/sys/kernel/version", "#1 SMP PREEMPT_RT Debian 7.3.4-1\n", inSoftware},
		{"kernel.preemption.mode", debugSched + "/preempt", "none voluntary full (lazy)\n", inSoftware},
		{"kernel.commandline", "proc/cmdline", "ro isolcpus=2\n", inSoftware},
		{"kernel.lsm", "sys/kernel/security/lsm", "capability", inSoftware},
		{"sched.features", debugSched + "/features", "PLACE_LAG HRTICK\n", inSoftware},
		{"sched.tunables", debugSched + "/base_slice_ns", "700000\n", inSoftware},
		{"cpu.isolated", cpuDir + "/isolated", "\n", inSoftware},
		{"cpu.nohz_full", cpuDir + "/nohz_full", "3\n", inSoftware},
		{"cpu.smt", cpuDir + "/smt/control", "off\n", inSoftware},
		{"cpu.mitigations", vulnerableDir + "/meltdown", "Not affected\n", inSoftware},
		{"cpu.vulnerable", vulnerableDir + "/meltdown", "Vulnerable\n", inSoftware},
		{"cpu.frequency.driver", cpu1 + "cpufreq/scaling_driver", "acpi-cpufreq\n", inSoftware},
		{"cpu.frequency.governor", cpu1 + "cpufreq/scaling_governor", "powersave\n", inSoftware},
		{"cpu.frequency.preference", cpu1 + "cpufreq/energy_performance_preference", "power\n", inSoftware},
		{"cpu.frequency.limits", cpu1 + "cpufreq/scaling_max_freq", "2000000\n", inSoftware},
		{"cpu.frequency.max", cpu1 + "cpufreq/cpuinfo_max_freq", "2000000\n", inSoftware},
		{"cpu.turbo", cpuDir + "/intel_pstate/no_turbo", "1\n", inSoftware},
		{"cpu.idle.driver", cpuDir + "/cpuidle/current_driver", "acpi_idle\n", inSoftware},
		{"cpu.idle.governor", cpuDir + "/cpuidle/current_governor", "teo\n", inSoftware},
		{"cpu.idle.disabled", cpu1 + "cpuidle/state1/disable", "1\n", inSoftware},
		{"clock.source", clockSourceDir + "/current_clocksource", "hpet\n", inSoftware},
		{"thp.enabled", thpDir + "/enabled", "[always] madvise never\n", inSoftware},
		{"thp.defrag", thpDir + "/defrag", "[always] defer never\n", inSoftware},

		{"sched.scheduler", "sys/kernel/sched_ext/state", "enabled\n", inNone},
		{"cgroup.mode", "sys/fs/cgroup/cgroup.controllers", "", inNone},
		{"kernel.tainted", "proc/sys/kernel/tainted", "512\n", inNone},
		{"system.distribution", "etc/os-release", "PRETTY_NAME=Fedora\n", inNone},
		{"system.profile", "etc/tuned/active_profile", "powersave\n", inNone},

		{"sched.scheduler.state", schedExtDir + "/state", "enabling\n", inNone},
		{"sched.scheduler.loads", schedExtDir + "/enable_seq", "3\n", inNone},
		{"sched.scheduler.all", schedExtDir + "/switch_all", "1\n", inNone},
		{"sched.server.fair", debugSched + "/fair_server/cpu1/runtime", "0\n", inNone},
		{"sched.server.ext", debugSched + "/ext_server/cpu1/period", "2000000000\n", inNone},
		{"sched.numa", debugSched + "/numa_balancing/scan_size_mb", "512\n", inNone},
		{"sched.sysctls", "proc/sys/kernel/sched_nr_migrate", "8\n", inNone},
		{"irq.affinity.default", "proc/irq/default_smp_affinity", "1\n", inNone},
		{"workqueue.cpus", "sys/devices/virtual/workqueue/cpumask", "3\n", inNone},
		{"cgroup.controllers", "sys/fs/cgroup/cgroup.subtree_control", "cpu\n", inNone},

		{"", cpu1 + "cpufreq/scaling_cur_freq", "3000000\n", inNone},
		{"", "proc/uptime", "5 5\n", inNone},
		{"", "sys/devices/system/node/node1/meminfo", "Node 1 MemTotal: 32990000 kB\nNode 1 MemFree: 5 kB\n", inNone},
		{"", "proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sdb1 ro isolcpus=3 rd.luks.uuid=x -- 5\n", inNone},
	}
	for _, s := range sysctls() {
		all = append(all, change{s.name, "proc/sys/" + strings.ReplaceAll(s.name, ".", "/"), "777\n", inSoftware})
	}
	return all
}

// What newer kernels tell of a machine with one kind of CPUs does not make it another machine.
func TestCapacityOfAUniformMachine(t *testing.T) {
	machine := server()
	root := machine.write(t)
	before := readAt(t, root)
	for cpu := range 4 {
		machine.change(t, root, cpuPath(cpu, "cpu_capacity"), "1024\n")
	}
	if after := readAt(t, root); after.HardwareDigest != before.HardwareDigest {
		t.Errorf("changes %v", before.Diff(after))
	}
}

// Each fact changes exactly the digests it belongs to.
func TestWhichDigestAFactIsIn(t *testing.T) {
	machine := server()
	root := machine.write(t)
	before, settings := looked(t, root), Settings(root)
	for _, tc := range changes() {
		t.Run(fmt.Sprint(tc.fact, " by ", tc.path), func(t *testing.T) {
			machine.change(t, root, tc.path, tc.content)
			after := looked(t, root)
			var names []string
			for _, c := range before.Diff(after) {
				names = append(names, c.Name)
			}
			if tc.fact != "" && !slices.Contains(names, tc.fact) || tc.fact == "" && names != nil {
				t.Errorf("changed are %v, want %q", names, tc.fact)
			}
			want := [3]bool{tc.in == inHardware, tc.in == inSoftware, tc.in != inNone}
			var got [3]bool
			for i, d := range digests(after) {
				got[i] = d != digests(before)[i]
			}
			if got != want {
				t.Errorf("the digests of hardware, software and both changed: %v, want %v; facts %v", got, want, names)
			}
			live := slices.ContainsFunc(software, func(s source) bool { return s.live && slices.Contains(names, s.name) })
			if got := Settings(root) != settings; got != live {
				t.Errorf("the digest of settings changed: %v, want %v", got, live)
			}
		})
	}
}

func TestEveryFactIsTested(t *testing.T) {
	tested := make(map[string]bool)
	for _, c := range changes() {
		tested[c.fact] = true
	}
	seen := make(map[string]bool)
	for _, s := range slices.Concat(hardware, software, volatile, state) {
		if !tested[s.name] && s.name != "machine.architecture" && s.name != "pressure" { // which the kernel decides with an error
			t.Errorf("no change is tried of %s", s.name)
		}
		if seen[s.name] {
			t.Errorf("%s is read twice", s.name)
		}
		seen[s.name] = true
		if len(s.name) > 64 {
			t.Errorf("the name %s is too long", s.name)
		}
	}
	if n := len(seen) - len(state); n > MaxFacts {
		t.Errorf("%d facts, at most %d are to be had", n, MaxFacts)
	}
}

// A fact that cannot be read is not there, and the digest tells.
func TestAbsentIsNotZero(t *testing.T) {
	machine := server()
	delete(machine, "proc/sys/vm/zone_reclaim_mode")
	root := machine.write(t)
	missing := readAt(t, root)
	machine.change(t, root, "proc/sys/vm/zone_reclaim_mode", "0\n")
	zero := readAt(t, root)
	if _, there := values(missing)["vm.zone_reclaim_mode"]; there {
		t.Error("a fact that cannot be read is in the list")
	}
	if zero.SoftwareDigest == missing.SoftwareDigest {
		t.Error("a fact that is 0 and one that is missing make the same digest")
	}
	want := []Change{{Name: "vm.zone_reclaim_mode", Before: "0", After: "(absent)"}}
	if diff := cmp.Diff(want, zero.Diff(missing)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// What the machine has and does not tell is told apart from what it does not have.
func TestUnknownIsNotAbsent(t *testing.T) {
	machine := server()
	root := machine.write(t)
	all := looked(t, root)
	for _, file := range []string{debugSched + "/features", "proc/irq/default_smp_affinity"} {
		path := filepath.Join(root, file)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, path); err != nil { // which cannot be read, by root neither
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(root, "sys/devices/virtual/workqueue/cpumask")); err != nil {
		t.Fatal(err)
	}
	some := looked(t, root)
	if diff := cmp.Diff([]string{"irq.affinity.default", "sched.features"}, some.Unknown); diff != "" || all.Unknown != nil {
		t.Errorf("unknown are %q of a machine that tells all, and of the other (-want +got):\n%s", all.Unknown, diff)
	}
	want := []string{"irq.affinity.default: f -> (unknown)", "sched.features: PLACE_LAG NO_HRTICK -> (unknown)", "workqueue.cpus: f -> (absent)"}
	var got []string
	for _, c := range all.Diff(some) {
		got = append(got, c.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if back := some.Diff(all); len(back) != 3 || back[0].Before != Unknown || back[2].Before != Absent {
		t.Errorf("changes back: %v", back)
	}
}

func TestStateOfAServer(t *testing.T) {
	want := []Fact{
		{"cgroup.controllers", "none"}, {"irq.affinity.default", "f"}, {"pressure", "on"}, {"sched.numa", "scan_delay_ms=1000 scan_size_mb=256"},
		{"sched.scheduler.all", "0"}, {"sched.scheduler.loads", "2"}, {"sched.scheduler.state", "disabled"},
		{"sched.server.ext", "50000000/1000000000"}, {"sched.server.fair", "50000000/1000000000"},
		{"sched.sysctls", "sched_nr_migrate=32"}, {"workqueue.cpus", "f"},
	}
	if diff := cmp.Diff(want, looked(t, server().write(t)).State); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	few := server()
	delete(few, "proc/sys/kernel/sched_nr_migrate") // a directory is left, which is no setting
	if f := looked(t, few.write(t)); slices.ContainsFunc(f.State, func(f Fact) bool { return f.Name == "sched.sysctls" }) || f.Unknown != nil {
		t.Errorf("state %v, unknown %q, want no sched.sysctls", f.State, f.Unknown)
	}
	f := server().read(t)
	if f.State != nil || f.Digest != looked(t, server().write(t)).Digest {
		t.Errorf("a fingerprint has the state %v, or its digest depends on it", f.State)
	}
}

func TestWithoutATopology(t *testing.T) {
	f := Read(server().write(t), nil)
	got := values(f)
	if got["machine.shape"] != "" || got["cache.sizes"] != "" || got["cpu.model"] == "" {
		t.Errorf("facts %v, want none of the topology", got)
	}
}

func TestDiff(t *testing.T) {
	before := &Fingerprint{Hardware: []Fact{{"b", "1"}}, Software: []Fact{{"a", "1"}, {"d", "1"}}, Volatile: []Fact{{"c", "x"}}}
	after := &Fingerprint{Hardware: []Fact{{"b", "2"}}, Software: []Fact{{"d", "1"}, {"e", "5"}}, Volatile: []Fact{{"c", "y"}}}
	before.State, before.Unknown = []Fact{{"s", "1"}}, []string{"u", "v"}
	after.State, after.Unknown = []Fact{{"v", "1"}}, []string{"s", "u"}
	want := []Change{{"a", "1", "(absent)"}, {"b", "1", "2"}, {"c", "x", "y"}, {"e", "(absent)", "5"}, {"s", "1", "(unknown)"}, {"v", "(unknown)", "1"}}
	if diff := cmp.Diff(want, before.Diff(after)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// Machines whose shape is the same can number their CPUs another way.
func TestTopologyDigestTellsNumberingsApart(t *testing.T) {
	one, err := topology.Synthetic("2n2l2c2t")
	if err != nil {
		t.Fatal(err)
	}
	other, err := topology.Synthetic("2n2l2c2t")
	if err != nil {
		t.Fatal(err)
	}
	if topologyDigest(one) != topologyDigest(other) {
		t.Error("two equal machines differ")
	}
	cores := other.LLCs[0].Cores
	cores[0].CPUs, cores[1].CPUs = cpuset.New(0, 2), cpuset.New(1, 3)
	if one.Shape() != other.Shape() || topologyDigest(one) == topologyDigest(other) {
		t.Error("machines with other siblings are taken for equal")
	}
}

func TestScheduler(t *testing.T) {
	for name, tc := range map[string]struct {
		files tree
		want  string
	}{
		"no sched_ext":              {want: "kernel"},
		"none loaded":               {tree{"sys/kernel/sched_ext/state": "disabled\n"}, "kernel"},
		"one being loaded":          {tree{"sys/kernel/sched_ext/state": "enabling\n"}, "kernel"},
		"one loaded":                {tree{"sys/kernel/sched_ext/state": "enabled\n", "sys/kernel/sched_ext/root/ops": "scx_lavd_1.0\n"}, "scx_lavd_1.0"},
		"one loaded without a name": {tree{"sys/kernel/sched_ext/state": "enabled\n"}, "unknown"},
	} {
		if got := Scheduler(tc.files.write(t)); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// TestThisMachine reads the machine the test runs on, twice.
func TestThisMachine(t *testing.T) {
	top, err := topology.Read("/")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	f := Look("/", top)
	t.Logf("looking at it took %v", time.Since(began))
	if again := Look("/", top); f.Digest != again.Digest {
		t.Errorf("the machine changed between two readings: %v", f.Diff(again))
	}
	for _, name := range []string{"kernel.release", "cpu.online", "machine.shape", "sched.scheduler"} {
		if values(f)[name] == "" {
			t.Errorf("the machine does not tell %s", name)
		}
	}
	for _, fact := range f.Facts() {
		if len(fact.Value) > MaxValue || strings.ContainsAny(fact.Value, "\n\x00") {
			t.Errorf("%s has the value %q", fact.Name, fact.Value)
		}
		t.Logf("%s=%s", fact.Name, fact.Value)
	}
}
