// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/schedfleet/schedfleet/controllers/placement"
)

// simulation is a fleet on which each NodeRun takes some rounds of a minute each.
// Workloads are decided for in an order of chance, as passes come.
type simulation struct {
	rng     *rand.Rand
	nodes   []placement.Node
	until   []int // the round in which the NodeRun on a node ends
	waiting []placement.Demand
	placed  map[string]int // the round in which a Workload had all its nodes
	round   int
}

const longestRun = 5

func newSimulation(seed uint64, size int) *simulation {
	s := &simulation{rng: rand.New(rand.NewPCG(seed, 0)), placed: map[string]int{}, until: make([]int, size)}
	for i := range size {
		s.nodes = append(s.nodes, node(fmt.Sprint("n", i), ofClass(fmt.Sprint("c", i%2))))
	}
	return s
}

func (s *simulation) add(name string, options ...demandOption) {
	d := demand(name, options...)
	d.Workload.CreationTimestamp = metav1.NewTime(s.now())
	s.waiting = append(s.waiting, d)
}

func (s *simulation) now() time.Time { return epoch.Add(time.Duration(s.round) * time.Minute) }

func (s *simulation) step(t *testing.T) {
	s.round++
	for i := range s.nodes {
		s.nodes[i].Busy = s.until[i] > s.round
	}
	for _, i := range s.rng.Perm(len(s.waiting)) {
		d := s.waiting[i]
		if d.Nodes == 0 || !s.anyFree() {
			continue
		}
		got := placement.Decide(d, placement.Snapshot{Nodes: s.nodes, Waiting: s.stillWaiting()})
		if d.Workload.Spec.Placement.Gang && len(got.Nodes) > 0 && len(got.Nodes) < d.Nodes {
			t.Fatalf("the gang %s gets %d of %d nodes", d.Workload.Name, len(got.Nodes), d.Nodes)
		}
		s.occupy(t, &s.waiting[i], got.Nodes)
	}
	s.waiting = s.stillWaiting()
}

func (s *simulation) anyFree() bool {
	return slices.ContainsFunc(s.nodes, func(n placement.Node) bool { return !n.Busy })
}

func (s *simulation) occupy(t *testing.T, d *placement.Demand, names []string) {
	classes := (&placement.Snapshot{Nodes: s.nodes}).Classes()
	for _, name := range names {
		for i := range s.nodes {
			if s.nodes[i].Name != name {
				continue
			}
			if s.nodes[i].Busy {
				t.Fatalf("%s gets %s, which is busy", d.Workload.Name, name)
			}
			s.nodes[i].Busy, s.nodes[i].LastUsed = true, s.now()
			s.until[i] = s.round + 1 + s.rng.IntN(longestRun)
		}
		if d.Classes == nil {
			d.Classes = map[string]int{}
		}
		d.Classes[classes[name]]++
		d.Begun = true
		d.Taken = d.Taken.Union(sets.New(name))
		d.Nodes--
	}
	if d.Nodes == 0 {
		s.placed[d.Workload.Name] = s.round
	}
}

func (s *simulation) stillWaiting() []placement.Demand {
	var left []placement.Demand
	for _, d := range s.waiting {
		if d.Nodes > 0 {
			left = append(left, d)
		}
	}
	return left
}

// Whatever waits gets its nodes after as many rounds as all would take one after the other.
func TestEverybodyIsPlaced(t *testing.T) {
	for seed := range uint64(200) {
		const size, workloads = 6, 12
		s := newSimulation(seed, size)
		for i := range workloads {
			options := []demandOption{priority(int32(s.rng.IntN(5) - 2))}
			wanted, kinds := size, []demandOption{gang, sameClass, spread}
			for _, k := range kinds[s.rng.IntN(len(kinds)):] {
				options = append(options, k)
				break
			}
			if s.rng.IntN(2) == 0 {
				options = append(options, gang)
			}
			d := demand("probe", options...)
			if d.Workload.Spec.Placement.SameClass {
				wanted = size / 2
			}
			s.add(fmt.Sprint("w", i), append(options, nodes(1+s.rng.IntN(wanted)))...)
		}
		for range workloads * (longestRun + 1) {
			s.step(t)
		}
		if left := s.stillWaiting(); len(left) > 0 {
			t.Errorf("seed %d: %d of %d Workloads are not placed after %d rounds, such as %s", seed, len(left), workloads, s.round, left[0].Workload.Name)
		}
	}
}

// A Workload waits behind those of a higher priority that came up to an hour later,
// as they are a point ahead, and behind no others, however many come.
func TestAStreamOfHigherPriorityDoesNotStarve(t *testing.T) {
	for name, tc := range map[string]struct {
		options []demandOption
	}{
		"one for a node":        {},
		"one for all nodes":     {[]demandOption{nodes(4)}},
		"a gang of all nodes":   {[]demandOption{nodes(4), gang}},
		"a gang of one class":   {[]demandOption{nodes(2), gang, sameClass}},
		"one spread on classes": {[]demandOption{nodes(4), spread}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSimulation(1, 4)
			for i := range 4 {
				s.add(fmt.Sprint("first", i), priority(1))
			}
			s.add("patient", tc.options...)
			const minutes = 60
			// All that came before its hour may have to run first, one after the other.
			const bound = minutes * 2 * longestRun
			for i := 0; s.placed["patient"] == 0; i++ {
				if i > bound {
					t.Fatalf("it is not placed after %d rounds", i)
				}
				// Together they need more nodes than there are.
				s.add(fmt.Sprint("greedy", i), priority(1))
				s.add(fmt.Sprint("avid", i), priority(1))
				s.step(t)
			}
			if s.placed["patient"] == 1 {
				t.Error("it was placed before all others: the stream does not compete")
			}
		})
	}
}

// Small Workloads of a lower priority that would fill every gap do not starve a gang.
func TestSmallOnesDoNotStarveAGang(t *testing.T) {
	for seed := range uint64(50) {
		s := newSimulation(seed, 4)
		for i := range 8 {
			s.add(fmt.Sprint("first", i))
		}
		s.step(t)
		s.waiting = nil // what runs goes on
		s.add("gang", nodes(4), gang)
		for i := range longestRun + 1 {
			s.add(fmt.Sprint("small", i), priority(-1))
			s.step(t)
		}
		if s.placed["gang"] == 0 {
			t.Errorf("seed %d: the gang is not placed when all that ran before it has ended", seed)
		}
	}
}
