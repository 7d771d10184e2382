//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	// walkedPages is a number of pages that no other mapping of a worker has.
	walkedPages = 769
	// walkTimeout bounds the time until a worker has touched all its memory.
	walkTimeout = 20 * time.Second
)

func TestMachineMemoryPolicies(t *testing.T) {
	const lacks = "!lacks NUMA node 1 of memoryPolicies[0].nodes (it has 0)"
	trials, want, policies := map[string]trial{}, map[string]string{}, map[string]string{}
	second := func(want string) on { return on{manyNodes: want, manyCaches: lacks, smallest: lacks} }
	for name, tc := range map[string]struct {
		policy spec.MemoryPolicy
		node   *int // of the workers; the first CPU if it is nil
		maps   on   // how the kernel calls the policy
		pages  on   // the nodes that all pages are on
	}{
		"the kernel's default":  {spec.MemoryPolicy{Mode: "Default"}, nil, onAll("default"), onAll("0")},
		"where the worker runs": {spec.MemoryPolicy{Mode: "Local"}, nil, onAll("local"), onAll("0")},
		"where the worker runs, elsewhere": {spec.MemoryPolicy{Mode: "Local"}, new(1), onAll("local"),
			on{manyNodes: "1", manyCaches: "!lacks NUMA node 1 of groups[0].numaNode", smallest: "!lacks NUMA node 1 of groups[0].numaNode"}},
		"bound to the first node":             {spec.MemoryPolicy{Mode: "Bind", Nodes: "0"}, nil, onAll("bind:0"), onAll("0")},
		"bound to the other node":             {spec.MemoryPolicy{Mode: "Bind", Nodes: "1"}, nil, onAll("bind:1"), second("1")},
		"bound, by number":                    {spec.MemoryPolicy{Mode: "Bind", Nodes: "1", Flags: []string{"StaticNodes"}}, nil, onAll("bind=static:1"), second("1")},
		"bound, counting those there are":     {spec.MemoryPolicy{Mode: "Bind", Nodes: "1", Flags: []string{"RelativeNodes"}}, nil, on{manyNodes: "bind=relative:1", manyCaches: "bind=relative:0", smallest: "bind=relative:0"}, on{manyNodes: "1", manyCaches: "0", smallest: "0"}},
		"bound and balanced":                  {spec.MemoryPolicy{Mode: "Bind", Nodes: "0-1", Flags: []string{"NUMABalancing"}}, nil, onAll("bind=balancing:0-1"), second("0")},
		"preferring the other node":           {spec.MemoryPolicy{Mode: "Preferred", Nodes: "1"}, nil, onAll("prefer:1"), second("1")},
		"preferring one of many":              {spec.MemoryPolicy{Mode: "PreferredMany", Nodes: "1"}, nil, onAll("prefer (many):1"), second("1")},
		"preferring many, by number":          {spec.MemoryPolicy{Mode: "PreferredMany", Nodes: "1", Flags: []string{"StaticNodes", "NUMABalancing"}}, nil, onAll("prefer (many)=static|balancing:1"), second("1")},
		"in turns":                            {spec.MemoryPolicy{Mode: "Interleave", Nodes: "0-1"}, nil, onAll("interleave:0-1"), second("0-1")},
		"in turns, counting those there are":  {spec.MemoryPolicy{Mode: "Interleave", Nodes: "0-1", Flags: []string{"RelativeNodes"}}, nil, on{manyNodes: "interleave=relative:0-1", manyCaches: "interleave=relative:0", smallest: "interleave=relative:0"}, on{manyNodes: "0-1", manyCaches: "0", smallest: "0"}},
		"in turns by weight":                  {spec.MemoryPolicy{Mode: "WeightedInterleave", Nodes: "0-1"}, nil, onAll("weighted interleave:0-1"), second("0-1")},
		"a node that no machine here has got": {spec.MemoryPolicy{Mode: "Bind", Nodes: "5"}, nil, onAll(""), on{manyNodes: "!lacks NUMA node 5 of memoryPolicies[0].nodes (it has 0-1)", manyCaches: "!lacks NUMA node 5", smallest: "!lacks NUMA node 5"}},
	} {
		nodes, refusal := tc.pages.here(t)
		called, _ := tc.maps.here(t)
		tr := trial{group: walker(""), memory: &tc.policy, refusal: refusal}
		tr.group.NUMANode = tc.node
		if tc.node == nil {
			tr.group.Affinity = &spec.Affinity{SingleCPU: &struct{}{}}
		}
		trials[name], want[name], policies[name] = tr, nodes, called
	}
	during := func(name string, tasks []task) {
		if len(tasks) != 1 {
			t.Errorf("%s: %d workers, want 1", name, len(tasks))
		}
		for _, tk := range tasks {
			policy, pages := walked(t, tk.tid)
			if policy != policies[name] || nodesOf(pages) != want[name] {
				t.Errorf("%s: the kernel calls the policy %q and has the pages on the nodes %v, want %q and %s", name, policy, pages, policies[name], want[name])
			}
		}
	}
	try(t, trials, during, func(t *testing.T, name string, o outcome) { assertPages(t, o.group.Pages, want[name]) })
}

// The nodes of a cgroup's cpuset are all that a policy can have.
func TestMachineMemoryPolicyInACpuset(t *testing.T) {
	const (
		lacks   = "!lacks NUMA node 1 of memoryPolicies[0].nodes"
		outside = "!memoryPolicies[0].nodes names NUMA nodes 1, cgroups[0].cpuset.mems allows 0"
	)
	for name, tc := range map[string]struct {
		mems, nodes string
		want        on
	}{
		"inside":  {"1", "1", on{manyNodes: "1", manyCaches: lacks, smallest: lacks}},
		"outside": {"0", "1", onAll(outside)},
	} {
		t.Run(name, func(t *testing.T) {
			want, refusal := tc.want.here(t)
			g := walker("walk")
			g.MemoryPolicy, g.Cgroup = "m", "set"
			rep, err := onMachine(t, spec.Run{
				Groups: []spec.Group{g}, MemoryPolicies: []spec.MemoryPolicy{{Name: "m", Mode: "Bind", Nodes: tc.nodes}},
				Cgroups: []spec.Cgroup{{Name: "set", Cpuset: &spec.Cpuset{Exact: "0", Mems: tc.mems}}},
			}, func(_ Job, tasks map[string][]task) {
				for _, tk := range tasks["walk"] {
					if _, pages := walked(t, tk.tid); nodesOf(pages) != want {
						t.Errorf("the pages are on the nodes %v, want %s", pages, want)
					}
				}
			})
			if refusal != "" {
				assertRefused(t, rep, err, refusal)
			} else if err != nil {
				t.Fatal(err)
			} else {
				assertPages(t, rep.Groups[0].Pages, want)
			}
		})
	}
}

// walker is a group of one worker that walks through memory of its own.
func walker(name string) spec.Group {
	return spec.Group{
		Name: name, Workers: 1, CloneMode: spec.CloneModeFork,
		Work: work.Spec{CachePressure: &work.CachePressure{Size: walkedPages * 4 << 10, Stride: 64}},
	}
}

// walked waits until a worker has touched all its memory, and returns what the
// kernel says of that: its policy, and how many pages are on which node.
func walked(t *testing.T, tid int) (policy string, pages map[int]uint64) {
	t.Helper()
	for deadline := time.Now().Add(walkTimeout); time.Now().Before(deadline); {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/numa_maps", tid))
		if err != nil {
			t.Error(err)
			return "", nil
		}
		for line := range strings.Lines(string(text)) {
			if policy, pages = mapping(line); total(pages) == walkedPages {
				return policy, pages
			}
		}
	}
	t.Errorf("worker %d has not touched its %d pages within %v", tid, walkedPages, walkTimeout)
	return "", nil
}

// mapping reads a line of numa_maps: an address, a policy of one or more words, what
// is mapped, and figures, of which those named N0, N1, ... are pages on a node.
func mapping(line string) (policy string, pages map[int]uint64) {
	pages = map[int]uint64{}
	words := strings.Fields(line)[1:]
	for i, word := range words {
		name, value, _ := strings.Cut(word, "=")
		n, err := strconv.ParseUint(value, 10, 64)
		if policy == "" && (err == nil || name == "file" || name == "heap" || name == "stack") {
			policy = strings.Join(words[:i], " ")
		}
		if node, bad := strconv.Atoi(strings.TrimPrefix(name, "N")); err == nil && bad == nil {
			pages[node] = n
		}
	}
	return policy, pages
}

func total(pages map[int]uint64) (n uint64) {
	for _, p := range pages {
		n += p
	}
	return n
}

func nodesOf(pages map[int]uint64) string {
	return cpuset.New(slices.Collect(maps.Keys(pages))...).String()
}

// assertPages checks what a report says of where pages are. A mapping in turns
// has a good share on each node, though a huge page is on one.
func assertPages(t *testing.T, pages map[int]uint64, nodes string) {
	t.Helper()
	if nodesOf(pages) != nodes || total(pages) != walkedPages {
		t.Errorf("reported are the pages %v, want %d on the nodes %s", pages, walkedPages, nodes)
	}
	for node, n := range pages {
		if n < walkedPages/8 {
			t.Errorf("%d of %d pages are on node %d", n, walkedPages, node)
		}
	}
}
