// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
    [0 8] [1 9]
  LLC 1 (L3, 16 MiB)
    [2 10] [3 11]

node 1: 16.0 GiB of memory
  distances: 32 to node 0
  LLC 2 (L3, 16 MiB)
    [4 12] [5 13]
  LLC 3 (L3, 16 MiB)
    [6 14] [7 15]
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

node 0: memory unknown
  LLC 0 (L2, 512 KiB)
    [0] [1]
  LLC 2 (L2, 512 KiB)
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
  LLC 0 (L3, 32 MiB), shared with another node
    [0]

node 1: 1.0 GiB of memory
  distances: 20 to node 0
  LLC 0 (L3, 32 MiB), shared with another node
    [1]

note: NUMA distances: ROOT/sys/devices/system/node/node1/distance: "ten" is not
      a distance: 10 to the node itself and 20 to others are taken
`},
	} {
		t.Run(name, func(t *testing.T) {
			root := tc.tree(t).root
			m, err := Read(root)
			if err != nil {
				t.Fatal(err)
			}
			for i := range m.Warnings {
				m.Warnings[i] = strings.ReplaceAll(m.Warnings[i], root, "ROOT")
			}
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
	s := newSysfs(t, "0-255")
	for id := range 256 {
		core := id % 128
		s.cpu(id, 0, core, fmt.Sprintf("%d,%d", core, core+128))
		s.cache(id, 3, 3, 0, "1048576K", "0-255")
	}
	m, err := Read(s.root)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := m.Draw(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if len(strings.TrimSuffix(line, "\n")) > drawWidth {
			t.Errorf("a line of %d columns: %s", len(line)-1, line)
		}
	}
	if got, want := strings.Count(b.String(), "["), 128+1; got != want {
		t.Errorf("%d cores drawn, want %d", got-1, want-1)
	}
}
