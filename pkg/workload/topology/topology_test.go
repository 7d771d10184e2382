// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"
)

// summary is a machine in words, for tables.
type summary struct {
	Shape, Online string
	Cores         int
	SMT           bool
	LLCs, Nodes   []string
	// Distances are empty on a machine of one node, Classes on a uniform one.
	Distances, Classes          []string
	Offline, Isolated, NohzFull string
	Warnings                    []string
}

func summarize(m *Machine) summary {
	s := summary{Shape: m.Shape(), Online: m.Online().String(), Cores: m.Cores(), SMT: m.SMT(), Warnings: m.Warnings,
		Offline: m.Offline.String(), Isolated: m.Isolated.String(), NohzFull: m.NohzFull.String()}
	for _, l := range m.LLCs {
		s.LLCs = append(s.LLCs, strings.Join([]string{"cpus " + l.CPUs.String(), "id", itoa(l.ID), "L" + itoa(l.Level),
			"node", itoa(l.Node), itoa(int(l.SizeKiB)), "KiB"}, " "))
	}
	for _, n := range m.Nodes {
		s.Nodes = append(s.Nodes, strings.Join([]string{itoa(n.ID), "cpus", n.CPUs.String(), itoa(int(n.MemoryTotalKiB)),
			itoa(int(n.MemoryFreeKiB)), "KiB"}, " "))
	}
	if len(m.Nodes) > 1 {
		for _, n := range m.Nodes {
			s.Distances = append(s.Distances, strings.Trim(fmt.Sprint(n.Distances), "[]"))
		}
	}
	if len(m.Classes) != 1 || m.Classes[0].Name != "uniform" || m.Classes[0].Capacity != 0 || !m.Classes[0].CPUs.Equals(m.Online()) {
		for _, c := range m.Classes {
			s.Classes = append(s.Classes, fmt.Sprintf("%s (%d): cpus %s", c.Name, c.Capacity, c.CPUs))
		}
	}
	return s
}

func TestRead(t *testing.T) {
	const bigMemory = "16777216"
	for name, tc := range map[string]struct {
		tree func(t *testing.T) *sysfs
		want summary
	}{
		"a small virtual machine": {tree: small, want: summary{
			Shape: "1n1l2c1t", Online: "0-1", Cores: 2,
			LLCs:  []string{"cpus 0-1 id 0 L3 node 0 32768 KiB"},
			Nodes: []string{"0 cpus 0-1 9791700 9145724 KiB"},
		}},
		"two nodes with two caches each, and SMT": {tree: server, want: summary{
			Shape: "2n4l2c2t", Online: "0-15", Cores: 8, SMT: true,
			LLCs: []string{"cpus 0-1,8-9 id 0 L3 node 0 16384 KiB", "cpus 2-3,10-11 id 1 L3 node 0 16384 KiB",
				"cpus 4-5,12-13 id 2 L3 node 1 16384 KiB", "cpus 6-7,14-15 id 3 L3 node 1 16384 KiB"},
			Nodes:     []string{"0 cpus 0-3,8-11 " + bigMemory + " 8388608 KiB", "1 cpus 4-7,12-15 " + bigMemory + " 4194304 KiB"},
			Distances: []string{"10 32", "32 10"},
		}},
		"arm64 clusters without an L3": {tree: arm, want: summary{
			Shape: "1n2l2c1t", Online: "0-3", Cores: 4,
			LLCs:     []string{"cpus 0-1 id 0 L2 node 0 512 KiB", "cpus 2-3 id 2 L2 node 0 512 KiB"},
			Nodes:    []string{"0 cpus 0-3 0 0 KiB"},
			Warnings: []string{"CPUs 0-3: no NUMA node: node 0 is taken"},
		}},
		"a node with memory only": {tree: expander, want: summary{
			Shape: "2n1l2c1t", Online: "0-1", Cores: 2,
			LLCs:      []string{"cpus 0-1 id 0 L3 node 0 32768 KiB"},
			Nodes:     []string{"0 cpus 0-1 9791700 9145724 KiB", "2 cpus  67108864 67108864 KiB"},
			Distances: []string{"10 50", "50 10"},
		}},
		"half of the threads offline": {tree: func(t *testing.T) *sysfs {
			s := server(t)
			s.file("sys/devices/system/cpu/online", "0-7\n")
			return s
		}, want: summary{
			Shape: "2n4l2c1t", Online: "0-7", Cores: 8,
			LLCs: []string{"cpus 0-1 id 0 L3 node 0 16384 KiB", "cpus 2-3 id 1 L3 node 0 16384 KiB",
				"cpus 4-5 id 2 L3 node 1 16384 KiB", "cpus 6-7 id 3 L3 node 1 16384 KiB"},
			Nodes:     []string{"0 cpus 0-3 " + bigMemory + " 8388608 KiB", "1 cpus 4-7 " + bigMemory + " 4194304 KiB"},
			Distances: []string{"10 32", "32 10"},
		}},
		"cache ids that start anew in each package": {tree: func(t *testing.T) *sysfs {
			s := small(t)
			s.cpu(1, 1, 0, "1")
			s.cache(0, 2, 3, 0, "32M", "0")
			s.cache(1, 2, 3, 0, "32M", "1")
			return s
		}, want: summary{
			Shape: "1n2l1c1t", Online: "0-1", Cores: 2,
			LLCs:  []string{"cpus 0 id 0 L3 node 0 32768 KiB", "cpus 1 id 0 L3 node 0 32768 KiB"},
			Nodes: []string{"0 cpus 0-1 9791700 9145724 KiB"},
		}},
		"bare directories": {tree: func(t *testing.T) *sysfs {
			s := newSysfs(t, "0-2")
			s.file("sys/devices/system/cpu/cpu0/uevent", "")
			s.file("sys/devices/system/cpu/cpu1/uevent", "")
			return s
		}, want: summary{
			Shape: "1n1l2c1t", Online: "0-1", Cores: 2,
			LLCs:  []string{"cpus 0-1 id 0 L0 node 0 0 KiB"},
			Nodes: []string{"0 cpus 0-1 0 0 KiB"},
			Warnings: []string{
				"CPUs 0-1: no NUMA node: node 0 is taken",
				"CPUs 0-1: no cache described: they are taken to share one",
				"CPUs 0-1: no core id: the CPU's number is taken",
				"CPUs 0-1: no list of threads of the core: the CPU is taken as a core of its own",
				"CPUs 2: online, but without a directory in sysfs: left out",
			},
		}},
		"a cache that says nothing about itself": {tree: func(t *testing.T) *sysfs {
			s := small(t)
			for _, cpu := range []string{"cpu0", "cpu1"} {
				for _, file := range []string{"id", "shared_cpu_list", "size"} {
					s.remove("sys/devices/system/cpu/" + cpu + "/cache/index2/" + file)
				}
			}
			return s
		}, want: summary{
			Shape: "1n1l2c1t", Online: "0-1", Cores: 2,
			LLCs:     []string{"cpus 0-1 id 0 L3 node 0 0 KiB"},
			Nodes:    []string{"0 cpus 0-1 9791700 9145724 KiB"},
			Warnings: []string{"CPUs 0-1: the last-level cache has neither an id nor a list of CPUs: id 0 is taken"},
		}},
		"a list of sharers without the CPU itself": {tree: func(t *testing.T) *sysfs {
			s := small(t)
			s.file(cpuDir+"/cpu1/cache/index2/shared_cpu_list", "5-6\n")
			s.file(cpuDir+"/cpu0/cache/index2/shared_cpu_list", "junk\n")
			return s
		}, want: summary{
			Shape: "1n1l2c1t", Online: "0-1", Cores: 2,
			LLCs:  []string{"cpus 0-1 id 0 L3 node 0 32768 KiB"},
			Nodes: []string{"0 cpus 0-1 9791700 9145724 KiB"},
		}},
		"ids that start anew, and no list of sharers": {tree: func(t *testing.T) *sysfs {
			s := small(t)
			s.cpu(1, 1, 0, "1")
			s.remove(cpuDir + "/cpu0/cache/index2/shared_cpu_list")
			s.remove(cpuDir + "/cpu1/cache/index2/shared_cpu_list")
			return s
		}, want: summary{
			Shape: "1n2l1c1t", Online: "0-1", Cores: 2,
			LLCs:  []string{"cpus 0 id 0 L3 node 0 32768 KiB", "cpus 1 id 0 L3 node 0 32768 KiB"},
			Nodes: []string{"0 cpus 0-1 9791700 9145724 KiB"},
		}},
		"some CPUs without a cache": {tree: func(t *testing.T) *sysfs {
			s := uneven(t)
			for _, id := range []int{3, 5} {
				s.remove(fmt.Sprintf("%s/cpu%d/cache", cpuDir, id))
			}
			return s
		}, want: summary{
			Shape: "1n4l3c1t", Online: "0-6", Cores: 7,
			LLCs: []string{"cpus 0-2 id 0 L3 node 0 8192 KiB", "cpus 4 id 1 L3 node 0 8192 KiB",
				"cpus 6 id 2 L3 node 0 8192 KiB", "cpus 3,5 id 3 L0 node 0 0 KiB"},
			Nodes:    []string{"0 cpus 0-6 1048576 1048576 KiB"},
			Warnings: []string{"CPUs 3,5: no cache described: they are taken to share one"},
		}},
		"a node that sysfs does not list": {tree: func(t *testing.T) *sysfs {
			s := small(t)
			s.remove(nodeDir + "/node0")
			s.remove(cpuDir + "/cpu1/node0")
			s.node(3, 1<<20, 1<<20, "10", 1)
			return s
		}, want: summary{
			Shape: "2n1l2c1t", Online: "0-1", Cores: 2,
			LLCs:      []string{"cpus 0-1 id 0 L3 node 0 32768 KiB"},
			Nodes:     []string{"0 cpus 0 0 0 KiB", "3 cpus 1 1048576 1048576 KiB"},
			Distances: []string{"10 20", "20 10"},
			Warnings: []string{"NUMA distances: open sys/devices/system/node/node0/distance: file does not exist: " +
				"10 to the node itself and 20 to others are taken"},
		}},
		"threads of a core that are not its own": {tree: func(t *testing.T) *sysfs {
			s := small(t)
			s.cpu(1, 0, 0, "0")
			return s
		}, want: summary{
			Shape: "1n1l2c1t", Online: "0-1", Cores: 2,
			LLCs:     []string{"cpus 0-1 id 0 L3 node 0 32768 KiB"},
			Nodes:    []string{"0 cpus 0-1 9791700 9145724 KiB"},
			Warnings: []string{"CPUs 1: no list of threads of the core: the CPU is taken as a core of its own"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := read(tc.tree(t).files)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, summarize(m)); diff != "" {
				t.Errorf("machine (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadBelowADirectory(t *testing.T) {
	root := t.TempDir()
	if err := os.CopyFS(root, server(t).files); err != nil {
		t.Fatal(err)
	}
	m, err := Read(root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(summarize(machineOf(t, server)), summarize(m)); diff != "" {
		t.Errorf("machine (-want +got):\n%s", diff)
	}
}

func TestReadRefuses(t *testing.T) {
	if _, err := Read(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a list of online CPUs: %v, want ErrNotExist", err)
	}
	for name, online := range map[string]string{"no CPU": "", "a list of none that are there": "5", "junk": "0-x"} {
		s := small(t)
		s.file("sys/devices/system/cpu/online", online+"\n")
		if _, err := read(s.files); err == nil || !strings.Contains(err.Error(), "online") {
			t.Errorf("%s: error %v, want one that names the file", name, err)
		}
	}
}

func TestDistance(t *testing.T) {
	far, err := read(server(t).files)
	if err != nil {
		t.Fatal(err)
	}
	broken := server(t)
	broken.file("sys/devices/system/node/node1/distance", "32\n")
	assumed, err := read(broken.files)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		machine        *Machine
		from, to, want int
	}{
		"to itself":                     {far, 1, 1, 10},
		"to the other":                  {far, 0, 1, 32},
		"to a node there is not":        {far, 0, 7, 255},
		"from a node there is not":      {far, 7, 0, 255},
		"to itself, by assumption":      {assumed, 0, 0, 10},
		"to the other, by assumption":   {assumed, 0, 1, 20},
		"from the other, by assumption": {assumed, 1, 0, 20},
	} {
		if got := tc.machine.Distance(tc.from, tc.to); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
	if len(assumed.Warnings) != 1 || !strings.Contains(assumed.Warnings[0], "1 distances for 2 nodes") {
		t.Errorf("warnings %q, want one about the bad row", assumed.Warnings)
	}
}

// threadsOf is the CPUs of a CPU's core, empty for a CPU that is not there.
func threadsOf(m *Machine, cpu int) cpuset.CPUSet {
	for i := range m.LLCs {
		for _, core := range m.LLCs[i].Cores {
			if core.CPUs.Contains(cpu) {
				return core.CPUs
			}
		}
	}
	return cpuset.New()
}

func TestCPUsKnowTheirPlace(t *testing.T) {
	m, err := read(server(t).files)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.CPUs, func(c CPU) bool { return c.ID == 13 })
	if diff := cmp.Diff(CPU{ID: 13, Package: 1, LLC: 2, Node: 1}, m.CPUs[i]); diff != "" {
		t.Errorf("CPU 13 (-want +got):\n%s", diff)
	}
	if got, want := threadsOf(m, 13), cpuset.New(5, 13); !got.Equals(want) {
		t.Errorf("siblings of CPU 13: %s, want %s", got, want)
	}
	if got := threadsOf(m, 99); !got.IsEmpty() {
		t.Errorf("siblings of a CPU that is not there: %s", got)
	}
}

func TestParseSizeKiB(t *testing.T) {
	for give, want := range map[string]int64{
		"32768K": 32768, "32M": 32768, "4194304": 4096, "1025": 2, "0K": 0, "": 0, "K": 0, "-5K": 0, "12G": 0, "3KM": 0,
		"99999999999999M": 0,
	} {
		if got := parseSizeKiB(give); got != want {
			t.Errorf("parseSizeKiB(%q) = %d, want %d", give, got, want)
		}
	}
}

func FuzzParseMeminfo(f *testing.F) {
	f.Add("Node 0 MemTotal:        9791700 kB\nNode 0 MemFree:         9145724 kB\n")
	f.Add("Node 0 MemTotal: -1 kB")
	f.Add("MemTotal: 12")
	f.Fuzz(func(t *testing.T, content string) {
		if total, free := parseMeminfo(content); total < 0 || free < 0 {
			t.Errorf("parseMeminfo(%q) = %d, %d", content, total, free)
		}
	})
}

func TestMemoryNodes(t *testing.T) {
	for name, tc := range map[string]struct {
		tree func(t *testing.T) *sysfs
		want string
	}{
		"nodes with CPUs":                {server, "0-1"},
		"a node with memory only":        {expander, "0,2"},
		"a kernel that knows no nodes":   {arm, ""},
		"a node that has no memory left": {func(t *testing.T) *sysfs { s := server(t); s.node(1, 0, 0, "32 10"); return s }, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := read(tc.tree(t).files)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.MemoryNodes().String(); got != tc.want {
				t.Errorf("nodes %q, want %q", got, tc.want)
			}
		})
	}
}

// TestThisMachine holds the reader against the kernel it runs on.
func TestThisMachine(t *testing.T) {
	m, err := Read("/")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no sysfs: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var inLLCs, inNodes cpuset.CPUSet
	for _, l := range m.LLCs {
		inLLCs = inLLCs.Union(l.CPUs)
	}
	for _, n := range m.Nodes {
		inNodes = inNodes.Union(n.CPUs)
	}
	if online := m.Online(); !inLLCs.Equals(online) || !inNodes.Equals(online) {
		t.Errorf("online %s, in caches %s, in nodes %s: want the same", online, inLLCs, inNodes)
	}
	t.Logf("%s, warnings %q", m.Shape(), m.Warnings)
}
