// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestDraw(t *testing.T) {
	for name, tc := range map[string]struct {
		tree func(t *testing.T) *sysfs
		want string
	}{
		"two nodes": {tree: server, want: `
2n4l2c2t: 2 NUMA nodes, 4 last-level caches, 8 cores, 16 CPUs, SMT
each [ ] is a core with its CPUs

node 0: 16.0 GiB of memory
  distances: 32 to node 1
  LLC 0 (L3, 16 MiB)
    [ 0  8] [ 1  9]
  LLC 1 (L3, 16 MiB)
    [ 2 10] [ 3 11]

node 1: 16.0 GiB of memory
  distances: 32 to node 0
  LLC 2 (L3, 16 MiB)
    [ 4 12] [ 5 13]
  LLC 3 (L3, 16 MiB)
    [ 6 14] [ 7 15]
`},
		"a node with memory only": {tree: expander, want: `
2n1l2c1t: 2 NUMA nodes, 1 last-level cache, 2 cores, 2 CPUs, no SMT
each [ ] is a core with its CPUs

node 0: 9.3 GiB of memory
  distances: 50 to node 2
  LLC 0 (L3, 32 MiB)
    [0] [1]

node 2: 64.0 GiB of memory, without CPUs
  distances: 50 to node 0
`},
		"a machine that says little": {tree: arm, want: `
1n2l2c1t: 1 NUMA node, 2 last-level caches, 4 cores, 4 CPUs, no SMT
each [ ] is a core with its CPUs

node 0: no known memory
  LLC 0 (L2, 512 KiB)
    [0] [1]
  LLC 1 (L2, 512 KiB, id 2)
    [2] [3]

note: CPUs 0-3: no NUMA node: node 0 is taken
`},
		"a cache that spans nodes, and a warning": {tree: func(t *testing.T) *sysfs {
			s := small(t)
			s.remove("sys/devices/system/cpu/cpu1/node0")
			s.node(0, 1<<20, 1<<20, "10 12", 0)
			s.node(1, 1<<20, 1<<20, "12 ten", 1)
			return s
		}, want: `
2n1l2c1t: 2 NUMA nodes, 1 last-level cache, 2 cores, 2 CPUs, no SMT
each [ ] is a core with its CPUs

node 0: 1.0 GiB of memory
  distances: 20 to node 1
  LLC 0 (L3, 32 MiB) shared with node 1
    [0]

node 1: 1.0 GiB of memory
  distances: 20 to node 0
  LLC 0 (L3, 32 MiB) shared with node 0
    [1]

note: NUMA distances: sys/devices/system/node/node1/distance: "ten" is not a
      distance: 10 to the node itself and 20 to others are taken
`},
		"CPUs that are offline, isolated, without a tick": {tree: func(t *testing.T) *sysfs {
			s := oneOffline(t)
			s.file(cpuDir+"/isolated", "1,3,5-7\n")
			s.file(cpuDir+"/nohz_full", "7\n")
			return s
		}, want: `
1n1l4c2t: 1 NUMA node, 1 last-level cache, 4 cores, 7 CPUs, SMT
offline CPUs:   2
isolated CPUs:  1, 3, 5-7
nohz_full CPUs: 7
each [ ] is a core with its CPUs

node 0: 64.0 GiB of memory
  LLC 0 (L3, 16 MiB)
    [0 4] [1 5] [3 7] [6]
`},
		"classes of CPUs": {tree: hybrid, want: `
1n2l10c2t: 1 NUMA node, 2 last-level caches, 12 cores, 14 CPUs, SMT
core CPUs:     0-3
atom CPUs:     4-11
lowpower CPUs: 12-13
each [ ] is a core with its CPUs

node 0: 32.0 GiB of memory
  LLC 0 (L3, 24 MiB)
    core: [ 0  1] [ 2  3]
    atom: [ 4] [ 5] [ 6] [ 7] [ 8] [ 9] [10] [11]
  LLC 1 (L2, 2 MiB, id 32)
    lowpower: [12] [13]
`},
		"small and big cores, a cache of unknown size": {tree: func(t *testing.T) *sysfs {
			s := bigLittle(t)
			for id := range 8 {
				s.remove(fmt.Sprintf("%s/cpu%d/cache/index3/size", cpuDir, id))
			}
			return s
		}, want: `
1n1l8c1t: 1 NUMA node, 1 last-level cache, 8 cores, 8 CPUs, no SMT
capacity 1024 CPUs: 4-7
capacity 446 CPUs:  0-3
each [ ] is a core with its CPUs

node 0: 8.0 GiB of memory
  LLC 0 (L3)
    capacity 1024: [4] [5] [6] [7]
    capacity 446: [0] [1] [2] [3]
`},
		"names and capacities": {tree: func(t *testing.T) *sysfs {
			s := bigLittle(t)
			s.file("sys/devices/cpu_core/cpus", "4-7\n")
			s.file("sys/devices/cpu_atom/cpus", "0-3\n")
			for id := range 8 {
				s.remove(fmt.Sprintf("%s/cpu%d/cache", cpuDir, id))
			}
			return s
		}, want: `
1n1l8c1t: 1 NUMA node, 1 last-level cache, 8 cores, 8 CPUs, no SMT
core (capacity 1024) CPUs: 4-7
atom (capacity 446) CPUs:  0-3
each [ ] is a core with its CPUs

node 0: 8.0 GiB of memory
  LLC 0 (assumed)
    core: [4] [5] [6] [7]
    atom: [0] [1] [2] [3]

note: CPUs 0-7: no cache described: they are taken to share one
`},
		"nodes with gaps between their ids": {tree: power, want: `
3n2l2c4t: 3 NUMA nodes, 2 last-level caches, 4 cores, 16 CPUs, SMT
each [ ] is a core with its CPUs

node 0: 256.0 GiB of memory
  distances: 40 to node 8, 80 to node 255
  LLC 0 (L3, 10 MiB)
    [ 0  1  2  3] [ 4  5  6  7]

node 8: 256.0 GiB of memory
  distances: 40 to node 0, 80 to node 255
  LLC 1 (L3, 10 MiB, id 8)
    [ 8  9 10 11] [12 13 14 15]

node 255: 16.0 GiB of memory, without CPUs
  distances: 80 to nodes 0,8
`},
	} {
		t.Run(name, func(t *testing.T) {
			m := machineOf(t, tc.tree)
			var b strings.Builder
			if err := m.Draw(&b); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(tc.want, "\n"), b.String()); diff != "" {
				t.Errorf("drawing (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDrawFitsATerminal(t *testing.T) {
	alternating := synthetic(t, "2n14l9c2t")
	for id := 1; id < 252; id += 2 {
		alternating.Isolated = alternating.Isolated.Union(cpuset.New(id))
	}
	for name, m := range map[string]*Machine{
		"256 CPUs under one cache":                           synthetic(t, "1n1l128c2t"),
		"CPUs that would fill a line and more":               synthetic(t, "1n1l104c1t"),
		"8192 CPUs":                                          synthetic(t, "16n128l16c4t"),
		"252 CPUs under 14 caches, every other one isolated": alternating,
		"small and big cores":                                machineOf(t, bigLittle),
		"sub-NUMA clustering":                                machineOf(t, subNUMA),
		"nodes of memory only":                               machineOf(t, expanders),
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := m.Draw(&b); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				line = strings.TrimSuffix(line, "\n")
				if len(line) > drawWidth || strings.TrimRight(line, " ") != line {
					t.Errorf("a line of %d columns, or one that ends in blanks: %q", len(line), line)
				}
			}
			if got, want := strings.Count(b.String(), "["), m.Cores()+1; got != want {
				t.Errorf("%d cores drawn, want %d", got-1, want-1)
			}
		})
	}
}

func TestDrawSharesCoresOutOverLines(t *testing.T) {
	var b strings.Builder
	if err := synthetic(t, "2n14l9c2t").Draw(&b); err != nil {
		t.Fatal(err)
	}
	want := `
  LLC 13 (L3, 32 MiB)
    [234 235] [236 237] [238 239] [240 241] [242 243]
    [244 245] [246 247] [248 249] [250 251]
`
	if !strings.HasSuffix(b.String(), want) {
		t.Errorf("the drawing ends with\n%s\nwant\n%s", b.String()[b.Len()-len(want):], want)
	}
}
