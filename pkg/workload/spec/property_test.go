// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

var shapes = []string{"1n1l1c1t", "1n1l2c1t", "1n1l3c2t", "1n3l2c2t", "1n5l2c1t", "1n7l1c2t", "2n14l3c2t", "2n4l2c2t", "4n8l2c1t"}

// Disjoint parts have nothing in common, are never empty, and together are the
// usable CPUs; overlapping parts are those, widened by the formula.
func TestPartsAreWhatTheFormulaSays(t *testing.T) {
	for _, shape := range shapes {
		m := machineOf(t, shape)
		usable := m.Topology.Usable(m.CPUs).List()
		for of := 1; of <= len(usable); of++ {
			all := cpuset.New()
			for index := range of {
				part := cpusetOn(t, m, Cpuset{Disjoint: &CPUPart{index, of}})
				if part.IsEmpty() || !part.Intersection(all).IsEmpty() {
					t.Fatalf("%s: part %d of %d is %q, those before are %s", shape, index, of, part, all)
				}
				all = all.Union(part)
				for _, percent := range []int{0, 1, 33, 50, 67, 99, 100} {
					got := cpusetOn(t, m, Cpuset{Overlap: &CPUOverlap{index, of, percent}})
					if want := overlap(usable, index, of, percent); !got.Equals(want) {
						t.Fatalf("%s: part %d of %d that overlaps by %d%% is %s, want %s", shape, index, of, percent, got, want)
					}
				}
			}
			if !all.Equals(cpuset.New(usable...)) {
				t.Fatalf("%s: %d parts are %s, of %v", shape, of, all, usable)
			}
		}
	}
}

// Ranges that meet have nothing in common and leave nothing out.
func TestRangesMeet(t *testing.T) {
	m := machineOf(t, "2n14l3c2t")
	usable := m.Topology.Usable(m.CPUs)
	for percent := 2; percent < 99; percent++ {
		below, above := cpusetOn(t, m, Cpuset{Range: &CPURange{0, percent}}), cpusetOn(t, m, Cpuset{Range: &CPURange{percent, 100}})
		if below.Size() != usable.Size()*percent/100 || !below.Intersection(above).IsEmpty() || !below.Union(above).Equals(usable) {
			t.Errorf("up to %d%% is %s, from there %s", percent, below, above)
		}
	}
}

// overlap is the formula, CPU by CPU: one is in a part if it is in the part
// itself, or if no more than the share of a part's size lies between.
func overlap(usable []int, index, of, percent int) cpuset.CPUSet {
	size := len(usable) / of
	reach := size * percent / 100
	var in []int
	for at, cpu := range usable {
		owner := min(at/size, of-1)
		if owner == index || owner < index && at >= index*size-reach || owner > index && at < (index+1)*size+reach {
			in = append(in, cpu)
		}
	}
	return cpuset.New(in...)
}

func cpusetOn(t *testing.T, m Machine, s Cpuset) cpuset.CPUSet {
	t.Helper()
	p := placement{machine: &m, cpus: cpusOf(m.CPUs)}
	got, err := p.resolveCpuset(&s, fieldOf("cgroups[%d].cpuset", 0))
	if err != nil {
		t.Fatal(err)
	}
	return got.set()
}

// Whatever the run and the machine: they are resolved the same way twice, Unfit
// says what Resolve says, and nothing that is resolved is empty or beyond the
// machine.
func FuzzResolve(f *testing.F) {
	for seed := range uint64(1000) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 4))
		run, m := randomRun(rng), randomMachine(t, rng)
		if err := run.Validate(); err != nil {
			if _, err := run.Resolve(m); err == nil {
				t.Error("what is not valid was resolved")
			}
			return
		}
		first, err := run.Resolve(m)
		again, errAgain := run.Resolve(m)
		if errorText(err) != errorText(errAgain) || errorText(err) != errorText(run.Unfit(m)) {
			t.Fatalf("Resolve says %v, then %v, and Unfit %v", err, errAgain, run.Unfit(m))
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(first, again, sameSets); diff != "" {
			t.Errorf("resolved twice (-first +again):\n%s", diff)
		}
		checkResolved(t, first, &m)
	})
}

func checkResolved(t *testing.T, r *Resolved, m *Machine) {
	t.Helper()
	for i := range r.Cgroups {
		if c := &r.Cgroups[i]; !c.CPUs.IsSubsetOf(m.CPUs) || !c.Mems.IsSubsetOf(m.MemoryNodes) {
			t.Errorf("%s has CPUs %s of %s and nodes %s of %s", c.Name, c.CPUs, m.CPUs, c.Mems, m.MemoryNodes)
		}
	}
	total := 0
	for i := range r.Groups {
		g := &r.Groups[i]
		total += g.Workers
		if g.Workers < 1 || g.Workers%g.Kind.Shape().SetSize != 0 {
			t.Errorf("%s has %d workers", g.Name, g.Workers)
		}
		if g.Pool.IsEmpty() || !g.Pool.IsSubsetOf(m.CPUs) {
			t.Errorf("%s has a pool of %q of %s", g.Name, g.Pool, m.CPUs)
		}
		if n := len(g.CPUs); n > 1 && n != g.Workers {
			t.Errorf("%s has %d affinities for %d workers", g.Name, n, g.Workers)
		}
		crosses := r.Run.Groups[i].Affinity != nil && r.Run.Groups[i].Affinity.CrossCgroup != nil
		for _, cpus := range g.CPUs {
			if both := cpus.Intersection(g.Pool); both.IsEmpty() || !cpus.IsSubsetOf(m.CPUs) || !crosses && both.Size() != cpus.Size() {
				t.Errorf("%s has the affinity %q in the pool %s", g.Name, cpus, g.Pool)
			}
		}
	}
	if total > MaxWorkers {
		t.Errorf("%d workers in all", total)
	}
}

func randomMachine(t *testing.T, rng *rand.Rand) Machine {
	m := machineOf(t, shapes[rng.IntN(len(shapes))])
	if rng.IntN(4) == 0 {
		var some []int
		for _, cpu := range m.CPUs.List() {
			if rng.IntN(3) > 0 {
				some = append(some, cpu)
			}
		}
		m.CPUs = cpuset.New(some...)
	}
	if rng.IntN(4) == 0 {
		withMemoryOnlyNode(&m)
	}
	switch rng.IntN(8) {
	case 0:
		m.Topology = nil
	case 1:
		m.Realtime = nil
	case 2:
		m.Realtime = &Bandwidth{time.Duration(rng.IntN(3) - 1), time.Duration(rng.IntN(3))}
	}
	return m
}

// randomRun is a run, most of them valid.
func randomRun(rng *rand.Rand) *Run {
	kinds := []work.Spec{{SpinWait: &work.SpinWait{}}, {FutexPingPong: &work.FutexPingPong{SpinIters: new(int64(0))}}, {FutexFanOut: &work.FutexFanOut{FanOut: 2, SpinIters: new(int64(0))}}}
	names := []string{"a", "a/b", "a/b/c", "b", "b/d"}
	r := &Run{Duration: 1, Seed: rng.Int64()}
	for _, name := range names[:rng.IntN(len(names)+1)] {
		r.Cgroups = append(r.Cgroups, Cgroup{Name: name, Threaded: name != "a" && rng.IntN(8) == 0, Cpuset: randomCpuset(rng)})
	}
	r.SchedulingPolicies = []SchedulingPolicy{{Name: "d", Deadline: &Deadline{2000 + quantity.Duration(rng.IntN(500_000)), 1_000_000, nil}}}
	r.MemoryPolicies = []MemoryPolicy{{Name: "m", Mode: "Bind", Nodes: "0"}}
	for i := range 1 + rng.IntN(3) {
		g := Group{Name: fmt.Sprint("g", i), CloneMode: CloneModeThread, Work: kinds[rng.IntN(len(kinds))], Affinity: randomAffinity(rng)}
		if rng.IntN(2) == 0 {
			g.Workers = 6
		} else {
			g.WorkersPercent = 1 + rng.IntN(400)
		}
		if len(r.Cgroups) > 0 {
			g.Cgroup = append([]string{""}, names[:len(r.Cgroups)]...)[rng.IntN(1+len(r.Cgroups))]
		}
		if rng.IntN(4) == 0 {
			g.NUMANode = new(rng.IntN(4))
		}
		g.SchedulingPolicy = []string{"", "", "d"}[rng.IntN(3)]
		g.MemoryPolicy = []string{"", "m"}[rng.IntN(2)]
		r.Groups = append(r.Groups, g)
	}
	return r
}

func randomCpuset(rng *rand.Rand) *Cpuset {
	c := &Cpuset{}
	of := 1 + rng.IntN(4)
	switch rng.IntN(8) {
	case 0:
		c.Exact = []string{"0", "0-1", "1,3", "9"}[rng.IntN(4)]
	case 1:
		c.LLC = new(rng.IntN(3))
	case 2:
		c.NUMANode = new(rng.IntN(3))
	case 3:
		start := rng.IntN(100)
		c.Range = &CPURange{start, start + 1 + rng.IntN(100-start)}
	case 4:
		c.Disjoint = &CPUPart{rng.IntN(of), of}
	case 5:
		c.Overlap = &CPUOverlap{rng.IntN(of), of, rng.IntN(101)}
	case 6:
		c.Mems = "0"
		return c
	default:
		return nil
	}
	if c.Overlap == nil {
		c.Partition = []string{"", "", PartitionRoot, PartitionIsolated}[rng.IntN(4)]
	}
	return c
}

func randomAffinity(rng *rand.Rand) *Affinity {
	list := []string{"0", "0-1", "1,3", "2-9"}[rng.IntN(4)]
	all := []*Affinity{
		nil, nil, nil, {Exact: list}, {SingleCPU: &struct{}{}}, {LLCAligned: &struct{}{}}, {SMTSiblingPair: &struct{}{}}, {CrossCgroup: &struct{}{}}, {LowestCPUs: &LowestCPUs{2}},
		{RandomSubset: &RandomSubset{Count: 1 + rng.IntN(9)}}, {RandomSubset: &RandomSubset{From: list, Count: 1 + rng.IntN(9)}},
	}
	return all[rng.IntN(len(all))]
}
