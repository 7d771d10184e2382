// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"
)

func synthetic(t *testing.T, shape string) *Machine {
	t.Helper()
	m, err := Synthetic(shape)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func set(t *testing.T, list string) cpuset.CPUSet {
	t.Helper()
	s, err := cpuset.Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// machineOf reads a tree that a builder makes.
func machineOf(t *testing.T, tree func(t *testing.T) *sysfs) *Machine {
	t.Helper()
	m, err := read(tree(t).files)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestUsable(t *testing.T) {
	m := synthetic(t, "1n1l4c2t")
	for of, want := range map[string]string{
		"": "", "5": "5", "2,7": "2,7", "0-2": "0-1", "0-7": "0-6", "1,3,6": "1,3", "0-1,100": "0-1",
	} {
		if got := m.Usable(set(t, of)).String(); got != want {
			t.Errorf("usable of %q: %q, want %q", of, got, want)
		}
	}
}

func TestNodeCPUs(t *testing.T) {
	for name, tc := range map[string]struct {
		machine *Machine
		node    int
		want    string
		there   bool
	}{
		"the first":               {synthetic(t, "2n4l1c2t"), 0, "0-3", true},
		"the last":                {synthetic(t, "2n4l1c2t"), 1, "4-7", true},
		"one there is not":        {synthetic(t, "2n4l1c2t"), 2, "", false},
		"a negative one":          {synthetic(t, "1n1l1c1t"), -1, "", false},
		"one with memory only":    {machineOf(t, expander), 2, "", true},
		"an id that was left out": {machineOf(t, expander), 1, "", false},
		"second threads far away": {machineOf(t, server), 1, "4-7,12-15", true},
	} {
		got, there := tc.machine.NodeCPUs(tc.node)
		if got.String() != tc.want || there != tc.there {
			t.Errorf("%s: CPUs %q, %v, want %q, %v", name, got, there, tc.want, tc.there)
		}
	}
}

func TestCacheCPUs(t *testing.T) {
	for name, tc := range map[string]struct {
		machine *Machine
		llc     int
		want    string
		there   bool
	}{
		"the first of three":        {synthetic(t, "1n3l2c1t"), 0, "0-1", true},
		"the last of seven":         {synthetic(t, "1n7l3c2t"), 6, "36-41", true},
		"one too many":              {synthetic(t, "1n3l2c1t"), 3, "", false},
		"a negative one":            {synthetic(t, "1n3l2c1t"), -1, "", false},
		"by index and not by id":    {machineOf(t, arm), 1, "2-3", true},
		"an id that is not a place": {machineOf(t, arm), 2, "", false},
	} {
		got, there := tc.machine.CacheCPUs(tc.llc)
		if got.String() != tc.want || there != tc.there {
			t.Errorf("%s: CPUs %q, %v, want %q, %v", name, got, there, tc.want, tc.there)
		}
	}
}

func TestNodesOf(t *testing.T) {
	for name, tc := range map[string]struct {
		machine    *Machine
		cpus, want string
	}{
		"no CPU":                         {synthetic(t, "2n2l2c1t"), "", ""},
		"one CPU":                        {synthetic(t, "2n2l2c1t"), "3", "1"},
		"CPUs of both":                   {synthetic(t, "2n2l2c1t"), "1-2", "0-1"},
		"a CPU that is not there":        {synthetic(t, "2n2l2c1t"), "9", ""},
		"one that is and one that isn't": {synthetic(t, "2n2l2c1t"), "0,9", "0"},
		"all, beside a memory-only node": {machineOf(t, expander), "0-1", "0"},
		"half of a cache spanning nodes": {machineOf(t, spanning), "1", "1"},
	} {
		if got := tc.machine.NodesOf(set(t, tc.cpus)).String(); got != tc.want {
			t.Errorf("%s: nodes %q, want %q", name, got, tc.want)
		}
	}
}

func TestLargestOverlap(t *testing.T) {
	for name, tc := range map[string]struct {
		machine *Machine
		pool    string
		llc     int
		shared  string
	}{
		"an empty pool":                          {synthetic(t, "1n3l2c1t"), "", -1, ""},
		"a pool that is not there":               {synthetic(t, "1n3l2c1t"), "6-9", -1, ""},
		"all CPUs: the first":                    {synthetic(t, "1n5l2c1t"), "0-9", 0, "0-1"},
		"a tie: the lower index":                 {synthetic(t, "1n5l2c1t"), "3,4,9", 1, "3"},
		"more in a later one":                    {synthetic(t, "1n7l3c1t"), "0-1,6-8,20", 2, "6-8"},
		"most in the last":                       {synthetic(t, "1n3l4c2t"), "7,15-18", 2, "16-18"},
		"a smaller one that lies wholly in":      {machineOf(t, uneven), "2-5", 1, "3-5"},
		"one of which a part is more still":      {machineOf(t, uneven), "0-2,5", 0, "0-2"},
		"a larger one that has as many":          {machineOf(t, uneven), "1-2,4-5", 0, "1-2"},
		"threads numbered far apart":             {machineOf(t, server), "4-6,12", 2, "4-5,12"},
		"CPUs there are and others there aren't": {synthetic(t, "1n3l2c1t"), "5,6-100", 2, "5"},
	} {
		llc, shared := tc.machine.LargestOverlap(set(t, tc.pool))
		if llc != tc.llc || shared.String() != tc.shared {
			t.Errorf("%s: LLC %d, CPUs %q, want %d, %q", name, llc, shared, tc.llc, tc.shared)
		}
	}
}

func TestSiblingPair(t *testing.T) {
	for name, tc := range map[string]struct {
		machine    *Machine
		pool, want string
	}{
		"all CPUs: the first core":      {synthetic(t, "2n4l1c2t"), "0-7", "0-1"},
		"the second core":               {synthetic(t, "2n4l1c2t"), "1-3", "2-3"},
		"one thread of each core":       {synthetic(t, "2n4l1c2t"), "0,2,4,6", ""},
		"the seam of two cores":         {synthetic(t, "2n4l1c2t"), "1-2", ""},
		"no SMT":                        {synthetic(t, "1n3l2c1t"), "0-5", ""},
		"an empty pool":                 {synthetic(t, "1n1l1c2t"), "", ""},
		"CPUs that are not there":       {synthetic(t, "1n1l1c2t"), "2-3", ""},
		"two of four threads":           {synthetic(t, "1n1l2c4t"), "1,3,5-7", "1,3"},
		"four threads":                  {synthetic(t, "1n1l2c4t"), "4-7", "4-5"},
		"siblings half a machine apart": {machineOf(t, server), "3-4,7,11-12", "3,11"},
		"first threads only":            {machineOf(t, server), "0-7", ""},
	} {
		got, there := tc.machine.SiblingPair(set(t, tc.pool))
		if got.String() != tc.want || there != (tc.want != "") {
			t.Errorf("%s: %q, %v, want %q", name, got, there, tc.want)
		}
	}
}

func TestOverlappingSets(t *testing.T) {
	for name, tc := range map[string]struct {
		cpus       string
		n, percent int
		want       string
	}{
		"no overlap":                     {"0-7", 2, 0, "0-3 4-7"},
		"half of two":                    {"0-7", 3, 50, "0-1 1-2 2-3"},
		"half of four":                   {"0-7", 2, 50, "0-3 2-5"},
		"a part of a CPU is a whole one": {"0-8", 3, 1, "0-2 2-4 4-6"},
		"all":                            {"0-7", 4, 100, "0-1 1-2 2-3 3-4"},
		"more than all is all":           {"0-7", 4, 101, "0-1 1-2 2-3 3-4"},
		"less than none is none":         {"0-7", 2, -50, "0-3 4-7"},
		"more sets than CPUs start over": {"0-2", 5, 0, "0 1 2 0 1"},
		"one set":                        {"0-3", 1, 30, "0-3"},
		"a remainder is left over":       {"0-6", 3, 0, "0-1 2-3 4-5"},
		"gaps":                           {"1,3,8-9", 2, 50, "1,3 3,8"},
		"one CPU":                        {"4", 2, 50, "4 4"},
		"no CPU":                         {"", 2, 50, ""},
		"no set":                         {"0-3", 0, 50, ""},
		"a negative number of sets":      {"0-3", -1, 50, ""},
		"sets of one CPU cannot overlap": {"0-9", 7, 50, "0 1 2 3 4 5 6"},
	} {
		var got []string
		for _, s := range OverlappingSets(set(t, tc.cpus), tc.n, tc.percent) {
			got = append(got, s.String())
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSynthetic(t *testing.T) {
	for shape, want := range map[string]summary{
		"1n1l1c1t": {
			Cores: 1, LLCs: []string{"cpus 0 id 0 L3 node 0 32768 KiB"}, Nodes: []string{"0 cpus 0 16777216 16777216 KiB"},
		},
		"2n4l1c2t": {
			Cores: 4, SMT: true,
			LLCs: []string{"cpus 0-1 id 0 L3 node 0 32768 KiB", "cpus 2-3 id 1 L3 node 0 32768 KiB",
				"cpus 4-5 id 2 L3 node 1 32768 KiB", "cpus 6-7 id 3 L3 node 1 32768 KiB"},
			Nodes:     []string{"0 cpus 0-3 16777216 16777216 KiB", "1 cpus 4-7 16777216 16777216 KiB"},
			Distances: []string{"10 20", "20 10"},
		},
		"1n3l5c1t": {
			Cores: 15,
			LLCs: []string{"cpus 0-4 id 0 L3 node 0 32768 KiB", "cpus 5-9 id 1 L3 node 0 32768 KiB",
				"cpus 10-14 id 2 L3 node 0 32768 KiB"},
			Nodes: []string{"0 cpus 0-14 16777216 16777216 KiB"},
		},
	} {
		m := synthetic(t, shape)
		want.Shape, want.Online = shape, sequence(0, len(m.CPUs)).String()
		if diff := cmp.Diff(want, summarize(m)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", shape, diff)
		}
	}
}

func TestSyntheticIsConsistent(t *testing.T) {
	for _, shape := range []string{"1n1l1c1t", "1n3l2c1t", "1n5l3c2t", "1n7l1c4t", "2n14l9c1t", "4n12l2c2t", "1n14l9c2t"} {
		m := synthetic(t, shape)
		if m.Shape() != shape {
			t.Errorf("%s came out as %s", shape, m.Shape())
		}
		for _, c := range m.CPUs {
			if cpus, ok := m.CacheCPUs(c.LLC); !ok || !cpus.Contains(c.ID) {
				t.Errorf("%s: CPU %d is not in its LLC %d", shape, c.ID, c.LLC)
			}
			if cpus, ok := m.NodeCPUs(c.Node); !ok || !cpus.Contains(c.ID) || m.LLCs[c.LLC].Node != c.Node {
				t.Errorf("%s: CPU %d is not on its node %d", shape, c.ID, c.Node)
			}
		}
		if got := m.MemoryNodes().Size(); got != len(m.Nodes) {
			t.Errorf("%s: %d nodes with memory, want all %d", shape, got, len(m.Nodes))
		}
	}
	m := synthetic(t, "3n3l1c1t")
	if got := fmt.Sprint(m.Distance(0, 0), m.Distance(2, 1), m.Distance(0, 3)); got != "10 20 255" {
		t.Errorf("distances to itself, to another, to none: %s", got)
	}
	if got, want := threadsOf(m, 2), cpuset.New(2); !got.Equals(want) {
		t.Errorf("siblings of CPU 2: %s, want %s", got, want)
	}
}

func TestSyntheticRefuses(t *testing.T) {
	for shape, want := range map[string]string{
		"":                              "is no shape",
		"2n4l1c":                        "is no shape",
		"2n4l1c2t4":                     "is no shape",
		" 2n4l1c2t":                     "is no shape",
		"02n4l1c2t":                     "is no shape",
		"2n4l1c2tx":                     "is no shape",
		"2N4l1c2t":                      "is no shape",
		"0n0l1c1t":                      "at least one of each",
		"-1n1l1c1t":                     "at least one of each",
		"1n1l1c0t":                      "at least one of each",
		"2n3l1c1t":                      "cannot be shared out evenly",
		"1n8193l1c1t":                   "more than 8192 CPUs",
		"1n4294967296l4294967296c1t":    "more than 8192 CPUs",
		"1n128l128c2t":                  "more than 8192 CPUs",
		"1n1l99999999999c1t":            "more than 8192 CPUs",
		"1n1l9999999999999999999999c1t": "is no shape",
	} {
		if _, err := Synthetic(shape); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("shape %q: error %v, want one with %q", shape, err, want)
		}
	}
}
