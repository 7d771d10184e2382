// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// withMemory is a valid run, whose group names the policy.
func withMemory(mode, nodes string, flags ...string) *Run {
	return valid(func(r *Run) {
		r.MemoryPolicies = []MemoryPolicy{{Name: "m", Mode: mode, Nodes: nodes, Flags: flags}}
		r.Groups[0].MemoryPolicy = "m"
	})
}

func TestNodeMask(t *testing.T) {
	const top = 1 << 63
	for name, tc := range map[string]struct {
		nodes  []int
		words  []uint64
		length uint64
	}{
		"no node has no mask":                     {nil, nil, 0},
		"the length is the highest node plus two": {[]int{0}, []uint64{1}, 2},
		"several nodes share a word":              {[]int{0, 3}, []uint64{9}, 5},
		"the highest node of a word that fits":    {[]int{62}, []uint64{1 << 62}, 64},
		"a length of 65 bits needs a second word": {[]int{63}, []uint64{top, 0}, 65},
		"the first node of the second word":       {[]int{64}, []uint64{0, 1}, 66},
		"nodes in two words":                      {[]int{1, 63, 65}, []uint64{2 | top, 2}, 67},
		"a node in the third word":                {[]int{130}, []uint64{0, 0, 4}, 132},
	} {
		t.Run(name, func(t *testing.T) {
			words, length := nodeMask(tc.nodes)
			if diff := cmp.Diff(tc.words, words); diff != "" {
				t.Errorf("words (-want +got):\n%s", diff)
			}
			if length != tc.length {
				t.Errorf("length %d, want %d", length, tc.length)
			}
		})
	}
	words, length := nodeMask([]int{maxNode})
	if len(words) != 17 || words[15] != top || length != 1025 {
		t.Errorf("node %d: %x, %d", maxNode, words, length)
	}
}

// The numbers are those of set_mempolicy(2).
func TestResolveMemory(t *testing.T) {
	for name, tc := range map[string]struct {
		run  *Run
		want *MempolicyCall
	}{
		"no policy makes no call":             {valid(func(*Run) {}), nil},
		"Default makes no call":               {withMemory("Default", ""), nil},
		"Preferred is 1":                      {withMemory("Preferred", "1"), &MempolicyCall{1, []uint64{2}, 3}},
		"Bind is 2":                           {withMemory("Bind", "0-1"), &MempolicyCall{2, []uint64{3}, 3}},
		"Interleave is 3":                     {withMemory("Interleave", "0,2"), &MempolicyCall{3, []uint64{5}, 4}},
		"Local is 4 and has no mask":          {withMemory("Local", ""), &MempolicyCall{4, nil, 0}},
		"PreferredMany is 5":                  {withMemory("PreferredMany", "0"), &MempolicyCall{5, []uint64{1}, 2}},
		"WeightedInterleave is 6":             {withMemory("WeightedInterleave", "2"), &MempolicyCall{6, []uint64{4}, 4}},
		"StaticNodes is bit 15 of the mode":   {withMemory("Bind", "0", "StaticNodes"), &MempolicyCall{2 | 1<<15, []uint64{1}, 2}},
		"RelativeNodes is bit 14 of the mode": {withMemory("Interleave", "0", "RelativeNodes"), &MempolicyCall{3 | 1<<14, []uint64{1}, 2}},
		"NUMABalancing is bit 13 of the mode": {withMemory("Bind", "0", "NUMABalancing"), &MempolicyCall{2 | 1<<13, []uint64{1}, 2}},
		"flags are joined": {withMemory("PreferredMany", "0", "NUMABalancing", "StaticNodes"),
			&MempolicyCall{5 | 1<<13 | 1<<15, []uint64{1}, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.run.Resolve(Machine{CPUs: cpuset.New(0), MemoryNodes: cpuset.New(0, 1, 2)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.Groups[0].Memory); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateMemoryPolicies(t *testing.T) {
	for name, tc := range map[string]struct {
		run  *Run
		want string // "" is valid
	}{
		"a mode with nodes":                {withMemory("Bind", "0-1,1023"), ""},
		"a mode that is none":              {withMemory("Scatter", "0"), "memoryPolicies[0].mode: must be one of Bind, Default, "},
		"Bind without nodes":               {withMemory("Bind", ""), "memoryPolicies[0].nodes: Bind needs at least one node"},
		"Interleave without nodes":         {withMemory("Interleave", ""), "nodes: Interleave needs at least one node"},
		"PreferredMany without nodes":      {withMemory("PreferredMany", ""), "nodes: PreferredMany needs at least one node"},
		"WeightedInterleave without nodes": {withMemory("WeightedInterleave", ""), "nodes: WeightedInterleave needs at least one node"},
		"Preferred without nodes":          {withMemory("Preferred", ""), `nodes: Preferred takes exactly one node, not ""`},
		"Preferred with two nodes":         {withMemory("Preferred", "0-1"), `nodes: Preferred takes exactly one node, not "0-1"`},
		"Default with nodes":               {withMemory("Default", "0"), "nodes: Default takes no nodes, not 0"},
		"Local with nodes":                 {withMemory("Local", "0"), "nodes: Local takes no nodes, not 0"},
		"nodes that are no list":           {withMemory("Bind", "a"), `nodes: must be a list of NUMA nodes of 0 to 1023, such as 0-1,3, not "a"`},
		"a node that cannot be":            {withMemory("Bind", "0,1024"), `nodes: must be a list of NUMA nodes of 0 to 1023, such as 0-1,3, not "0,1024"`},
		"a flag that is none":              {withMemory("Bind", "0", "Sticky"), `flags[0]: must be one of NUMABalancing, RelativeNodes, StaticNodes, not "Sticky"`},
		"a flag that is set twice":         {withMemory("Bind", "0", "StaticNodes", "StaticNodes"), "flags[1]: StaticNodes is already set"},
		"static and relative":              {withMemory("Bind", "0", "RelativeNodes", "StaticNodes"), "flags: StaticNodes and RelativeNodes exclude each other"},
		"balancing of interleaved pages":   {withMemory("Interleave", "0", "NUMABalancing"), "flags: NUMABalancing is only for Bind and PreferredMany, not Interleave"},
		"balancing of bound pages":         {withMemory("Bind", "0", "NUMABalancing"), ""},
		"a flag of Local":                  {withMemory("Local", "", "StaticNodes"), "flags: Local takes no flags"},
		"a flag of Default":                {withMemory("Default", "", "StaticNodes"), "flags: Default takes no flags"},
		"a policy without a name":          {valid(func(r *Run) { r.MemoryPolicies = []MemoryPolicy{{Mode: "Local"}} }), "memoryPolicies[0].name: must not be empty"},
		"a group that names what is not":   {valid(func(r *Run) { r.Groups[0].MemoryPolicy = "m" }), `groups[0].memoryPolicy: there is no "m" in memoryPolicies`},
		"two policies of one name": {valid(func(r *Run) {
			r.MemoryPolicies = []MemoryPolicy{{Name: "m", Mode: "Local"}, {Name: "m", Mode: "Local"}}
		}), `memoryPolicies[1].name: "m" is already taken`},
		"one name in two kinds of a policy": {valid(func(r *Run) {
			r.MemoryPolicies, r.SchedulingPolicies = []MemoryPolicy{{Name: "m", Mode: "Local"}}, []SchedulingPolicy{{Name: "m", Batch: &struct{}{}}}
		}), ""},
		"a scheduling policy named in place": {valid(func(r *Run) {
			r.SchedulingPolicies = []SchedulingPolicy{{Name: "m", Batch: &struct{}{}}}
			r.Groups[0].MemoryPolicy = "m"
		}), `groups[0].memoryPolicy: there is no "m" in memoryPolicies`},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tc.run.Validate(), tc.want) })
	}
}

// sweeping is a run whose work puts memory on NUMA nodes.
func sweeping(nodes ...int) *Run {
	return valid(func(r *Run) {
		r.Groups[0].Work = work.Spec{NUMAWorkingSetSweep: &work.NUMAWorkingSetSweep{Region: 4096, SweepPeriod: new(quantity.Duration(0)), TargetNodes: nodes}}
	})
}

func TestUnfitNamesMissingNodes(t *testing.T) {
	one, none := cpuset.New(0), cpuset.New()
	for name, tc := range map[string]struct {
		run   *Run
		nodes cpuset.CPUSet
		want  string // "" fits
	}{
		"a node that is there":            {withMemory("Bind", "0"), one, ""},
		"a node that is not there":        {withMemory("Bind", "0,3"), one, "lacks NUMA node 3 of memoryPolicies[0].nodes (it has 0)"},
		"a static node that is not there": {withMemory("Bind", "3", "StaticNodes"), one, "lacks NUMA node 3 of memoryPolicies[0].nodes (it has 0)"},
		"relative nodes fit anywhere":     {withMemory("Bind", "3", "RelativeNodes"), one, ""},
		"but not where there is none":     {withMemory("Bind", "3", "RelativeNodes"), none, "lacks NUMA node 3 of memoryPolicies[0].nodes (it has none)"},
		"a machine without NUMA":          {withMemory("Preferred", "0"), none, "lacks NUMA node 0 of memoryPolicies[0].nodes (it has none)"},
		"Local names no node":             {withMemory("Local", ""), one, ""},
		"Local is a policy of NUMA":       {withMemory("Local", ""), none, "has no NUMA node with memory, which memoryPolicies[0].mode needs"},
		"Default is none":                 {withMemory("Default", ""), none, ""},
		"work on a node that is there":    {sweeping(0), one, ""},
		"work on one that is not":         {sweeping(0, 1), one, "lacks NUMA node 1 of groups[0].work.numaWorkingSetSweep.targetNodes (it has 0)"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.run.Unfit(Machine{CPUs: one, MemoryNodes: tc.nodes})
			if got := errorText(err); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// wantError checks that err holds the text, or that there is none for "".
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && !strings.Contains(errorText(err), want):
		t.Errorf("got %v, want %q", err, want)
	}
}
