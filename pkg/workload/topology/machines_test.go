// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"
)

const gib = 1 << 20 // in KiB

// private adds a CPU's first- and second-level caches. Nothing but their level
// is looked at, since there is a third.
func (s *sysfs) private(cpu int) {
	for index, level := range []int{1, 1, 2} {
		s.file(fmt.Sprintf("%s/cpu%d/cache/index%d/level", cpuDir, cpu, index), fmt.Sprintln(level))
	}
}

// numa adds a NUMA node whose CPUs are a list.
func (s *sysfs) numa(id int, totalKiB int64, distance, cpus string) {
	s.t.Helper()
	s.node(id, totalKiB, totalKiB/2, distance, set(s.t, cpus).List()...)
}

// oneSocket has four cores with two threads, N and N+4, under one cache.
func oneSocket(t *testing.T) *sysfs {
	s := newSysfs(t, "0-7")
	for id := range 8 {
		siblings := fmt.Sprintf("%d,%d", id%4, id%4+4)
		s.cpu(id, 0, id%4, siblings)
		s.private(id)
		s.cache(id, 3, 3, 0, "16384K", "0-7")
	}
	s.file(cpuDir+"/present", "0-7\n")
	s.file(cpuDir+"/offline", "\n")
	s.file(cpuDir+"/isolated", "\n")
	s.file(cpuDir+"/nohz_full", "  (null)\n")
	s.numa(0, 64*gib, "10", "0-7")
	return s
}

// twoSockets has two packages of eight cores with two threads, N and N+16. Core
// ids have gaps and are the same in both packages.
func twoSockets(t *testing.T) *sysfs {
	s := newSysfs(t, "0-31")
	s.file(cpuDir+"/present", "0-31\n")
	s.file(cpuDir+"/offline", "32-127\n")
	for id := range 32 {
		core, pkg := id%16, id%16/8
		siblings := fmt.Sprintf("%d,%d", core, core+16)
		s.cpu(id, pkg, core%8/4*8+core%4, siblings)
		s.private(id)
		s.cache(id, 3, 3, pkg, "22528K", []string{"0-7,16-23", "8-15,24-31"}[pkg])
	}
	s.numa(0, 96*gib, "10 21", "0-7,16-23")
	s.numa(1, 96*gib, "21 10", "8-15,24-31")
	return s
}

// smtOff is twoSockets after "off" was written to smt/control: the kernel
// removes what described the second threads.
func smtOff(t *testing.T) *sysfs {
	s := twoSockets(t)
	s.file(cpuDir+"/online", "0-15\n")
	s.file(cpuDir+"/offline", "16-127\n")
	for id := range 32 {
		dir := fmt.Sprintf("%s/cpu%d/", cpuDir, id)
		if id >= 16 {
			s.remove(dir + "topology")
			s.remove(dir + "cache")
			s.remove(fmt.Sprintf("%snode%d", dir, id%16/8))
			continue
		}
		s.file(dir+"topology/core_cpus_list", fmt.Sprintln(id))
		s.file(dir+"cache/index3/shared_cpu_list", []string{"0-7\n", "8-15\n"}[id/8])
	}
	return s
}

// inTurns has two packages whose CPUs are numbered in turns.
func inTurns(t *testing.T) *sysfs {
	s := newSysfs(t, "0-7")
	for id := range 8 {
		s.cpu(id, id%2, id/2, fmt.Sprint(id))
		s.cache(id, 3, 3, id%2, "20M", []string{"0,2,4,6", "1,3,5,7"}[id%2])
	}
	s.numa(0, 32*gib, "10 21", "0,2,4,6")
	s.numa(1, 32*gib, "21 10", "1,3,5,7")
	return s
}

// subNUMA has two packages that are two nodes each; the cache of a package
// serves both of its nodes.
func subNUMA(t *testing.T) *sysfs {
	s := newSysfs(t, "0-15")
	for id := range 16 {
		s.cpu(id, id/8, id%8, fmt.Sprint(id))
		s.private(id)
		s.cache(id, 3, 3, id/8, "107520K", []string{"0-7", "8-15"}[id/8])
	}
	for node, distance := range []string{"10 12 21 21", "12 10 21 21", "21 21 10 12", "21 21 12 10"} {
		s.numa(node, 128*gib, distance, fmt.Sprintf("%d-%d", node*4, node*4+3))
	}
	return s
}

// manyCaches has two packages with seven complexes of nine cores, each with a
// cache. Ids of caches have a gap between the packages.
func manyCaches(t *testing.T) *sysfs {
	const cores, perCache = 126, 9
	s := newSysfs(t, "0-251")
	for id := range 2 * cores {
		core := id % cores
		pkg, llc := core/63, core/perCache
		siblings, first := fmt.Sprintf("%d,%d", core, core+cores), llc*perCache
		s.cpu(id, pkg, core%63, siblings)
		s.cache(id, 3, 3, llc+9*pkg, "32768K", fmt.Sprintf("%d-%d,%d-%d",
			first, first+perCache-1, first+cores, first+cores+perCache-1))
	}
	s.numa(0, 384*gib, "10 32", "0-62,126-188")
	s.numa(1, 384*gib, "32 10", "63-125,189-251")
	return s
}

// armPrivate is an arm64 server whose cores have a second-level cache each and
// none beyond; the memory controller's cache is not described.
func armPrivate(t *testing.T) *sysfs {
	s := newSysfs(t, "0-3")
	for id := range 4 {
		s.cpu(id, 0, id, fmt.Sprint(id))
		s.cache(id, 0, 1, -1, "64K", fmt.Sprint(id))
		s.cache(id, 1, 2, -1, "1024K", fmt.Sprint(id))
		s.capacity(id, "1024\n")
	}
	s.numa(0, 16*gib, "10", "0-3")
	return s
}

// armBare is an arm64 virtual machine that describes no cache.
func armBare(t *testing.T) *sysfs {
	s := newSysfs(t, "0-5")
	for id := range 6 {
		s.cpu(id, id/3, id%3, fmt.Sprint(id))
	}
	s.numa(0, 2*gib, "10 20", "0-2")
	s.numa(1, 2*gib, "20 10", "3-5")
	return s
}

// bigLittle has four small and four big cores under one cache. What the kernel
// calls packages are clusters here, and the cache has no id.
func bigLittle(t *testing.T) *sysfs {
	s := newSysfs(t, "0-7")
	for id := range 8 {
		s.cpu(id, id/4, id%4, fmt.Sprint(id))
		s.cache(id, 2, 2, -1, "256K", fmt.Sprint(id))
		s.cache(id, 3, 3, -1, "2M", "0-7")
		s.capacity(id, []string{"446\n", "1024\n"}[id/4])
	}
	s.numa(0, 8*gib, "10", "0-7")
	return s
}

// expanders is inTurns with memory on a bus as two more nodes.
func expanders(t *testing.T) *sysfs {
	s := inTurns(t)
	s.numa(0, 32*gib, "10 21 14 24", "0,2,4,6")
	s.numa(1, 32*gib, "21 10 24 14", "1,3,5,7")
	s.numa(2, 256*gib, "14 24 10 26", "")
	s.numa(3, 256*gib, "24 14 26 10", "")
	return s
}

// hybrid is a laptop's processor: two fast cores with two threads, eight small
// ones in two clusters with a second-level cache each, all under one cache; and
// two frugal ones aside, whose last level is the second.
func hybrid(t *testing.T) *sysfs {
	s := newSysfs(t, "0-13")
	second := []string{"0-1", "2-3", "4-7", "8-11", "12-13"} // who shares one
	for id := range 14 {
		l2, siblings := 1+id/4, fmt.Sprint(id)
		if id < 4 {
			l2, siblings = id/2, second[id/2]
		}
		s.cpu(id, 0, set(t, siblings).List()[0]*4, siblings)
		s.cache(id, 2, 2, l2*8, "2048K", second[l2])
		if id < 12 {
			s.cache(id, 3, 3, 0, "24576K", "0-11")
		}
	}
	s.file("sys/devices/cpu_core/cpus", "0-3\n")
	s.file("sys/devices/cpu_atom/cpus", "4-11\n")
	s.file("sys/devices/cpu_lowpower/cpus", "12-13\n")
	s.numa(0, 32*gib, "10", "0-13")
	return s
}

// oneOffline is oneSocket with CPU 2 switched off.
func oneOffline(t *testing.T) *sysfs {
	s := oneSocket(t)
	s.file(cpuDir+"/online", "0-1,3-7\n")
	s.file(cpuDir+"/offline", "2\n")
	s.remove(cpuDir + "/cpu2/topology")
	s.remove(cpuDir + "/cpu2/cache")
	s.remove(cpuDir + "/cpu2/node0")
	s.file(cpuDir+"/cpu6/topology/core_cpus_list", "6\n")
	return s
}

// power is a POWER server: nodes 0 and 8 with a core pair each of four threads
// per core, and a graphics card's memory as node 255. Caches have no ids.
func power(t *testing.T) *sysfs {
	s := newSysfs(t, "0-15")
	for id := range 16 {
		siblings := fmt.Sprintf("%d-%d", id/4*4, id/4*4+3)
		s.cpu(id, id/8*8, id/4*4, siblings)
		s.remove(fmt.Sprintf("%s/cpu%d/topology/core_cpus_list", cpuDir, id))
		s.file(fmt.Sprintf("%s/cpu%d/topology/thread_siblings_list", cpuDir, id), siblings+"\n")
		s.cache(id, 2, 2, -1, "512K", siblings)
		s.cache(id, 3, 3, -1, "10240K", []string{"0-7", "8-15"}[id/8])
	}
	s.numa(0, 256*gib, "10 40 80", "0-7")
	s.numa(8, 256*gib, "40 10 80", "8-15")
	s.numa(255, 16*gib, "80 80 10", "")
	return s
}

// isolated is oneSocket booted with isolcpus=1-3,5-7 nohz_full=2-3,6-7.
func isolated(t *testing.T) *sysfs {
	s := oneSocket(t)
	s.file(cpuDir+"/isolated", "1-3,5-7\n")
	s.file(cpuDir+"/nohz_full", "2-3,6-7\n")
	return s
}

func TestReadRealMachines(t *testing.T) {
	for name, tc := range map[string]struct {
		tree func(t *testing.T) *sysfs
		want summary
	}{
		"one socket": {oneSocket, summary{
			Shape: "1n1l4c2t", Online: "0-7", Cores: 4, SMT: true,
			LLCs:  []string{"cpus 0-7 id 0 L3 node 0 16384 KiB"},
			Nodes: []string{"0 cpus 0-7 67108864 33554432 KiB"},
		}},
		"two sockets": {twoSockets, summary{
			Shape: "2n2l8c2t", Online: "0-31", Cores: 16, SMT: true,
			LLCs:      []string{"cpus 0-7,16-23 id 0 L3 node 0 22528 KiB", "cpus 8-15,24-31 id 1 L3 node 1 22528 KiB"},
			Nodes:     []string{"0 cpus 0-7,16-23 100663296 50331648 KiB", "1 cpus 8-15,24-31 100663296 50331648 KiB"},
			Distances: []string{"10 21", "21 10"},
		}},
		"two sockets with SMT off": {smtOff, summary{
			Shape: "2n2l8c1t", Online: "0-15", Cores: 16, Offline: "16-31",
			LLCs:      []string{"cpus 0-7 id 0 L3 node 0 22528 KiB", "cpus 8-15 id 1 L3 node 1 22528 KiB"},
			Nodes:     []string{"0 cpus 0-7 100663296 50331648 KiB", "1 cpus 8-15 100663296 50331648 KiB"},
			Distances: []string{"10 21", "21 10"},
		}},
		"two sockets with CPUs numbered in turns": {inTurns, summary{
			Shape: "2n2l4c1t", Online: "0-7", Cores: 8,
			LLCs:      []string{"cpus 0,2,4,6 id 0 L3 node 0 20480 KiB", "cpus 1,3,5,7 id 1 L3 node 1 20480 KiB"},
			Nodes:     []string{"0 cpus 0,2,4,6 33554432 16777216 KiB", "1 cpus 1,3,5,7 33554432 16777216 KiB"},
			Distances: []string{"10 21", "21 10"},
		}},
		"sub-NUMA clustering": {subNUMA, summary{
			Shape: "4n2l8c1t", Online: "0-15", Cores: 16,
			LLCs: []string{"cpus 0-7 id 0 L3 node 0 107520 KiB", "cpus 8-15 id 1 L3 node 2 107520 KiB"},
			Nodes: []string{"0 cpus 0-3 134217728 67108864 KiB", "1 cpus 4-7 134217728 67108864 KiB",
				"2 cpus 8-11 134217728 67108864 KiB", "3 cpus 12-15 134217728 67108864 KiB"},
			Distances: []string{"10 12 21 21", "12 10 21 21", "21 21 10 12", "21 21 12 10"},
		}},
		"arm64 without a third level": {armPrivate, summary{
			Shape: "1n4l1c1t", Online: "0-3", Cores: 4,
			LLCs: []string{"cpus 0 id 0 L2 node 0 1024 KiB", "cpus 1 id 1 L2 node 0 1024 KiB",
				"cpus 2 id 2 L2 node 0 1024 KiB", "cpus 3 id 3 L2 node 0 1024 KiB"},
			Nodes:   []string{"0 cpus 0-3 16777216 8388608 KiB"},
			Classes: []string{"uniform (1024): cpus 0-3"},
		}},
		"arm64 that describes no cache": {armBare, summary{
			Shape: "2n1l6c1t", Online: "0-5", Cores: 6,
			LLCs:      []string{"cpus 0-5 id 0 L0 node 0 0 KiB"},
			Nodes:     []string{"0 cpus 0-2 2097152 1048576 KiB", "1 cpus 3-5 2097152 1048576 KiB"},
			Distances: []string{"10 20", "20 10"},
			Warnings:  []string{"CPUs 0-5: no cache described: they are taken to share one"},
		}},
		"arm64 with small and big cores": {bigLittle, summary{
			Shape: "1n1l8c1t", Online: "0-7", Cores: 8,
			LLCs:    []string{"cpus 0-7 id 0 L3 node 0 2048 KiB"},
			Nodes:   []string{"0 cpus 0-7 8388608 4194304 KiB"},
			Classes: []string{"capacity 1024 (1024): cpus 4-7", "capacity 446 (446): cpus 0-3"},
		}},
		"nodes with memory only": {expanders, summary{
			Shape: "4n2l4c1t", Online: "0-7", Cores: 8,
			LLCs: []string{"cpus 0,2,4,6 id 0 L3 node 0 20480 KiB", "cpus 1,3,5,7 id 1 L3 node 1 20480 KiB"},
			Nodes: []string{"0 cpus 0,2,4,6 33554432 16777216 KiB", "1 cpus 1,3,5,7 33554432 16777216 KiB",
				"2 cpus  268435456 134217728 KiB", "3 cpus  268435456 134217728 KiB"},
			Distances: []string{"10 21 14 24", "21 10 24 14", "14 24 10 26", "24 14 26 10"},
		}},
		"fast, small and frugal cores": {hybrid, summary{
			Shape: "1n2l10c2t", Online: "0-13", Cores: 12, SMT: true,
			LLCs:    []string{"cpus 0-11 id 0 L3 node 0 24576 KiB", "cpus 12-13 id 32 L2 node 0 2048 KiB"},
			Nodes:   []string{"0 cpus 0-13 33554432 16777216 KiB"},
			Classes: []string{"core (0): cpus 0-3", "atom (0): cpus 4-11", "lowpower (0): cpus 12-13"},
		}},
		"a CPU switched off": {oneOffline, summary{
			Shape: "1n1l4c2t", Online: "0-1,3-7", Cores: 4, SMT: true, Offline: "2",
			LLCs:  []string{"cpus 0-1,3-7 id 0 L3 node 0 16384 KiB"},
			Nodes: []string{"0 cpus 0-1,3-7 67108864 33554432 KiB"},
		}},
		"nodes with gaps between their ids": {power, summary{
			Shape: "3n2l2c4t", Online: "0-15", Cores: 4, SMT: true,
			LLCs: []string{"cpus 0-7 id 0 L3 node 0 10240 KiB", "cpus 8-15 id 8 L3 node 8 10240 KiB"},
			Nodes: []string{"0 cpus 0-7 268435456 134217728 KiB", "8 cpus 8-15 268435456 134217728 KiB",
				"255 cpus  16777216 8388608 KiB"},
			Distances: []string{"10 40 80", "40 10 80", "80 80 10"},
		}},
		"isolated CPUs": {isolated, summary{
			Shape: "1n1l4c2t", Online: "0-7", Cores: 4, SMT: true, Isolated: "1-3,5-7", NohzFull: "2-3,6-7",
			LLCs:  []string{"cpus 0-7 id 0 L3 node 0 16384 KiB"},
			Nodes: []string{"0 cpus 0-7 67108864 33554432 KiB"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, summarize(machineOf(t, tc.tree))); diff != "" {
				t.Errorf("machine (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadManyCaches(t *testing.T) {
	m := machineOf(t, manyCaches)
	if got, want := m.Shape(), "2n14l9c2t"; got != want || len(m.CPUs) != 252 || len(m.Warnings) != 0 {
		t.Fatalf("%s with %d CPUs, warnings %q, want %s with 252", got, len(m.CPUs), m.Warnings, want)
	}
	for i, l := range m.LLCs {
		want := sequence(9*i, 9).Union(sequence(126+9*i, 9))
		if id := i + i/7*9; l.ID != id || l.Node != i/7 || !l.CPUs.Equals(want) {
			t.Errorf("LLC %d: id %d, node %d, CPUs %s, want id %d, node %d, CPUs %s", i, l.ID, l.Node, l.CPUs, id, i/7, want)
		}
	}
	if got, want := threadsOf(m, 200), cpuset.New(74, 200); !got.Equals(want) {
		t.Errorf("siblings of CPU 200: %s, want %s", got, want)
	}
	if pair, _ := m.SiblingPair(sequence(60, 100)); pair.String() != "" {
		t.Errorf("pair %s in 100 CPUs without one", pair)
	}
	if pair, _ := m.SiblingPair(sequence(60, 129)); pair.String() != "60,186" {
		t.Errorf("pair %s among CPUs 60-188, want 60,186", pair)
	}
}
