// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"maps"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
)

const someMaps = `00400000 default file=/usr/bin/runner mapped=173 active=1 N0=173 kernelpagesize_kB=4
7f0000001000 bind:0-1 anon=5 dirty=5 N0=2 N1=3 kernelpagesize_kB=4
7f0000009000 default
7f000000a000 interleave:0,63 anon=9 Nothing=3 N63=9 N64=1 kernelpagesize_kB=4
`

func TestPagesOfOneMapping(t *testing.T) {
	for name, tc := range map[string]struct {
		start uint64
		found bool
		want  map[int]uint32
	}{
		"on two nodes":                      {0x7f0000001000, true, map[int]uint32{0: 2, 1: 3}},
		"the first line":                    {0x400000, true, map[int]uint32{0: 173}},
		"a mapping without pages":           {0x7f0000009000, true, map[int]uint32{}},
		"a node beyond those counted":       {0x7f000000a000, true, map[int]uint32{63: 9}},
		"an address that is the end of one": {0x1000, false, map[int]uint32{}},
	} {
		// The kernel may end a piece anywhere.
		for size := 1; size <= len(someMaps); size += 7 {
			var m PageCounter
			m.start = tc.start
			for rest := []byte(someMaps); len(rest) > 0; rest = rest[min(size, len(rest)):] {
				m.feed(rest[:min(size, len(rest))])
			}
			got := map[int]uint32{}
			for node, n := range m.pages {
				if n > 0 {
					got[node] = n
				}
			}
			if m.found != tc.found || !maps.Equal(got, tc.want) {
				t.Errorf("%s, in pieces of %d: found %v, %v, want %v", name, size, m.found, got, tc.want)
			}
		}
	}
}

func TestDistances(t *testing.T) {
	p := &Places{
		Core: []int32{0, 0, 1, 2, 3, -1},
		LLC:  []int32{0, 0, 0, 1, 2, -1},
		Node: []int32{0, 0, 0, 0, 1, -1},
	}
	for name, tc := range map[string]struct {
		places   *Places
		from, to uint32
		want     arena.Distance
	}{
		"threads of a core":         {p, 0, 1, arena.DistanceSMT},
		"cores at a cache":          {p, 1, 2, arena.DistanceLLC},
		"caches of a node":          {p, 2, 3, arena.DistanceNode},
		"nodes":                     {p, 3, 4, arena.DistanceRemote},
		"a CPU of unknown place":    {p, 0, 5, arena.DistanceUnknown},
		"a CPU that came up later":  {p, 0, 6, arena.DistanceUnknown},
		"a machine that is unknown": {nil, 0, 1, arena.DistanceUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.places.distance(tc.from, tc.to); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
