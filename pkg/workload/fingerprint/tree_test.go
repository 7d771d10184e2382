// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// tree is the files of a machine by path below its root.
type tree map[string]string

// write makes the tree in a directory of its own.
func (tr tree) write(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for path, content := range tr {
		put(t, root, path, content)
	}
	return root
}

func put(t *testing.T, root, path, content string) {
	t.Helper()
	full := filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (tr tree) read(t *testing.T) *Fingerprint {
	t.Helper()
	return readAt(t, tr.write(t))
}

func readAt(t *testing.T, root string) *Fingerprint {
	t.Helper()
	top, err := topology.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	return Read(root, top)
}

// looked is the machine below root with its state.
func looked(t *testing.T, root string) *Fingerprint {
	t.Helper()
	top, err := topology.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	return Look(root, top)
}

// change changes a file of a machine below root for the rest of the test.
func (tr tree) change(t *testing.T, root, path, content string) {
	t.Helper()
	put(t, root, path, content)
	t.Cleanup(func() {
		if before, there := tr[path]; there {
			put(t, root, path, before)
		} else if err := os.Remove(filepath.Join(root, path)); err != nil {
			t.Error(err)
		}
	})
}

// server is a machine with two packages of one core with two threads each, in
// which every file that a fact is read from is there.
func server() tree {
	tr := tree{
		"proc/cmdline":                               "BOOT_IMAGE=/vmlinuz-7.3 root=UUID=0b2b0a5c-9f0a-4c57-8f2e-0f1f0c6f1a2b ro isolcpus=3 -- single\n",
		"proc/sys/kernel/osrelease":                  "7.3.4-server\n",
		"proc/sys/kernel/version":                    "#1 SMP PREEMPT_DYNAMIC Debian 7.3.4-1\n",
		"proc/sys/kernel/tainted":                    "0\n",
		"proc/sys/vm/swappiness":                     "60\n",
		"proc/sys/vm/zone_reclaim_mode":              "0\n",
		"etc/os-release":                             "NAME=Debian\nPRETTY_NAME=\"Debian GNU/Linux 13\"\n",
		"etc/tuned/active_profile":                   "latency-performance\n",
		"sys/class/dmi/id/sys_vendor":                "Acme  Inc.\n",
		"sys/class/dmi/id/product_name":              "Rack 9000\n",
		"sys/class/dmi/id/bios_vendor":               "Acme\n",
		"sys/class/dmi/id/bios_version":              "2.1\n",
		"sys/fs/cgroup/cgroup.controllers":           "cpuset cpu io memory pids\n",
		"sys/kernel/sched_ext/state":                 "disabled\n",
		"sys/kernel/sched_ext/root/ops":              "",
		"sys/kernel/sched_ext/enable_seq":            "2\n",
		"sys/kernel/sched_ext/switch_all":            "0\n",
		"sys/fs/cgroup/cgroup.subtree_control":       "\n",
		"proc/irq/default_smp_affinity":              "f\n",
		"proc/pressure/cpu":                          "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
		"proc/sys/kernel/sched_nr_migrate":           "32\n",
		"proc/sys/kernel/sched_domain/cpu0/x":        "1\n",
		debugSched + "/numa_balancing/scan_size_mb":  "256\n",
		debugSched + "/numa_balancing/scan_delay_ms": "1000\n",
		"sys/devices/virtual/workqueue/cpumask":      "f\n",
		"sys/kernel/security/lsm":                    "lockdown,capability,apparmor",
		debugSched + "/preempt":                      "none voluntary (full) lazy\n",
		debugSched + "/features":                     "PLACE_LAG NO_HRTICK\n",
		debugSched + "/base_slice_ns":                "2800000\n",
		debugSched + "/migration_cost_ns":            "500000\n",
		thpDir + "/enabled":                          "always [madvise] never\n",
		thpDir + "/defrag":                           "always defer defer+madvise [madvise] never\n",
		clockSourceDir + "/current_clocksource":      "tsc\n",
		cpuDir + "/online":                           "0-3\n",
		cpuDir + "/offline":                          "\n",
		cpuDir + "/isolated":                         "3\n",
		cpuDir + "/nohz_full":                        "(null)\n",
		cpuDir + "/smt/control":                      "on\n",
		cpuDir + "/intel_pstate/no_turbo":            "0\n",
		cpuDir + "/cpuidle/current_driver":           "intel_idle\n",
		cpuDir + "/cpuidle/current_governor":         "menu\n",
		vulnerableDir + "/meltdown":                  "Mitigation: PTI\n",
		vulnerableDir + "/mds":                       "Vulnerable; SMT vulnerable\n",
		"sys/devices/system/node/node0/meminfo":      "Node 0 MemTotal: 32800000 kB\n",
		"sys/devices/system/node/node1/meminfo":      "Node 1 MemTotal: 33000000 kB\n",
		"sys/devices/system/node/node0/distance":     "10 21\n",
		"sys/devices/system/node/node1/distance":     "21 10\n",
	}
	for _, s := range sysctls() {
		tr["proc/sys/"+strings.ReplaceAll(s.name, ".", "/")] = "1\n"
	}
	var cpuinfo strings.Builder
	for cpu := range 4 {
		fmt.Fprintf(&cpuinfo, "processor\t: %d\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Xeon 8480\n"+
			"stepping\t: 8\nmicrocode\t: 0x2b0\nflags\t\t: fpu sse2\nbugs\t\t:\n\n", cpu)
		maps.Copy(tr, serverCPU(cpu))
	}
	tr["proc/cpuinfo"] = cpuinfo.String()
	return tr
}

// serverCPU is one CPU: two make a core, a package and a node.
func serverCPU(cpu int) tree {
	dir := fmt.Sprintf("%s/cpu%d/", cpuDir, cpu)
	pkg := cpu / 2
	pair := fmt.Sprintf("%d-%d\n", pkg*2, pkg*2+1)
	tr := tree{
		dir + "topology/core_id":                      "0\n",
		dir + "topology/physical_package_id":          fmt.Sprintln(pkg),
		dir + "topology/core_cpus_list":               pair,
		fmt.Sprintf("%snode%d/cpulist", dir, pkg):     pair,
		dir + "cpufreq/base_frequency":                "2000000\n",
		dir + "cpufreq/cpuinfo_max_freq":              "3800000\n",
		dir + "cpufreq/scaling_min_freq":              "800000\n",
		dir + "cpufreq/scaling_max_freq":              "3800000\n",
		dir + "cpufreq/scaling_driver":                "intel_pstate\n",
		dir + "cpufreq/scaling_governor":              "performance\n",
		dir + "cpufreq/energy_performance_preference": "performance\n",
		dir + "cpufreq/scaling_cur_freq":              fmt.Sprintln(800000 + cpu),
		dir + "cpuidle/state0/disable":                "0\n",
		dir + "cpuidle/state1/disable":                "0\n",

		fmt.Sprintf("%s/fair_server/cpu%d/runtime", debugSched, cpu): "50000000\n",
		fmt.Sprintf("%s/fair_server/cpu%d/period", debugSched, cpu):  "1000000000\n",
		fmt.Sprintf("%s/ext_server/cpu%d/runtime", debugSched, cpu):  "50000000\n",
		fmt.Sprintf("%s/ext_server/cpu%d/period", debugSched, cpu):   "1000000000\n",
	}
	for index, cache := range []struct{ level, kind, size string }{
		{"1", "Data", "48K"}, {"1", "Instruction", "32K"}, {"2", "Unified", "2048K"}, {"3", "Unified", "107520K"},
	} {
		at := fmt.Sprintf("%scache/index%d/", dir, index)
		tr[at+"level"], tr[at+"type"], tr[at+"size"], tr[at+"shared_cpu_list"] = cache.level, cache.kind, cache.size, pair
		tr[at+"id"] = fmt.Sprintln(pkg)
	}
	return tr
}

// board is a small arm64 machine, guest of a hypervisor, whose kernel tells little.
func board() tree {
	tr := tree{
		"proc/cmdline":                           "console=ttyAMA0\n",
		"proc/sys/kernel/osrelease":              "6.1.0-board\n",
		"proc/sys/kernel/version":                "#7 SMP\n",
		"proc/device-tree/hypervisor/compatible": "linux,kvm\x00",
		"proc/cpuinfo": "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd03\n\n" +
			"processor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd07\n\n",
		"sys/fs/cgroup/cpu/cgroup.procs":        "",
		"sys/fs/cgroup/unified/cgroup.procs":    "1\n",
		cpuDir + "/online":                      "0-1\n",
		cpuDir + "/cpufreq/boost":               "0\n",
		cpuDir + "/cpuidle/current_governor_ro": "teo\n",
		"sys/devices/system/node/node0/meminfo": "Node 0 MemTotal: 3900000 kB\n",
		"sys/kernel/sched_ext/state":            "enabled\n",
		"sys/kernel/sched_ext/root/ops":         "scx_simple\n",
	}
	for cpu := range 2 {
		dir := fmt.Sprintf("%s/cpu%d/", cpuDir, cpu)
		maps.Copy(tr, tree{
			dir + "topology/core_id":         fmt.Sprintln(cpu),
			dir + "topology/core_cpus_list":  fmt.Sprintln(cpu),
			dir + "node0/cpulist":            "0-1\n",
			dir + "cpu_capacity":             fmt.Sprintln(1024 >> (1 - cpu)),
			dir + "acpi_cppc/nominal_freq":   "1500\n",
			dir + "cpufreq/scaling_governor": []string{"schedutil\n", "powersave\n"}[cpu],
		})
	}
	return tr
}
