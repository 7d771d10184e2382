// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// placeGroups decides how many workers the groups have, and where.
func (p *placement) placeGroups() error {
	total := 0
	for i := range p.run.Groups {
		if err := p.placeGroup(i); err != nil {
			return err
		}
		total += p.groups[i].workers
	}
	if total > MaxWorkers {
		return tooManyWorkers(total)
	}
	return nil
}

func tooManyWorkers(total int) error {
	return fmt.Errorf("would have %d workers in groups, with what depends on its CPUs; at most %d are possible", total, MaxWorkers)
}

func (p *placement) placeGroup(i int) error {
	g, out, at := &p.run.Groups[i], &p.groups[i], fieldOf("groups[%d]", i)
	out.pool = p.poolOf(p.run.cgroup(g.Cgroup))
	if out.pool.empty() {
		return fmt.Errorf("has no CPU left for groups[%d].cgroup: partitions take all", i)
	}
	if g.NUMANode != nil {
		var err error
		if out.pool, err = p.nodeCPUs(*g.NUMANode, out.pool, at); err != nil {
			return err
		}
	}
	if err := out.sizeOn(out.pool.size(), g); err != nil {
		return fmt.Errorf("%v.%w", at, err)
	}
	out.confinement = confinement{}
	if err := p.placeAffinity(i); err != nil {
		return err
	}
	out.now = out.confinement
	return nil
}

// sizeOn decides what a group's workers do on that many CPUs, and how many they are.
func (p *place) sizeOn(cpus int, g *Group) error {
	kind, err := g.Work.Kind()
	if err != nil {
		return err
	}
	if sized, ok := kind.(work.Sized); ok {
		kind = sized.On(cpus)
	}
	shape := kind.Shape()
	p.kind, p.workers = kind, g.Workers
	if g.WorkersPercent > 0 {
		p.workers = roundUp(cpus*g.WorkersPercent, 100*shape.SetSize) * shape.SetSize
	}
	if shape.OneProcess {
		p.workers *= shape.SetSize
	}
	return nil
}

// roundUp divides and rounds up.
func roundUp(n, by int) int { return (n + by - 1) / by }

// placeAffinity chooses the CPUs of a group's workers. A group that is kept to a
// NUMA node has an affinity in any case, since its cgroup knows nothing of it.
func (p *placement) placeAffinity(i int) error {
	g, out := &p.run.Groups[i], &p.groups[i]
	if g.Affinity == nil {
		if g.NUMANode != nil {
			out.cpus = out.pool
		}
		return nil
	}
	var err error
	out.confinement, err = p.confine(g, g.Affinity, out.pool, fieldOf("groups[%d].affinity", i))
	return err
}

// confine is what an affinity of a group comes to in a pool.
func (p *placement) confine(g *Group, a *Affinity, pool cpus, at field) (c confinement, err error) {
	switch {
	case a.SingleCPU != nil:
		c.cpus = newCPUs(pool.list()[0])
	case a.LowestCPUs != nil:
		c.cpus, err = lowest(a.LowestCPUs.Count, pool, at)
	case a.RandomSubset != nil:
		c.from, err = p.fromPool(a.RandomSubset.From, pool, at, "randomSubset.from")
		c.count = min(a.RandomSubset.Count, c.from.size())
	case a.LLCAligned != nil:
		c.cpus, err = p.sharedCache(pool, at)
	case a.SMTSiblingPair != nil:
		c.cpus, err = p.siblings(pool, at)
	case a.CrossCgroup != nil:
		c.cpus = p.cpus.minus(p.offline)
		if g.NUMANode != nil {
			c.cpus, err = p.nodeCPUs(*g.NUMANode, c.cpus, at)
		}
	default:
		c.cpus, err = p.fromPool(a.Exact, pool, at, "exact")
	}
	return c, err
}

// lowest is that many CPUs of a pool.
func lowest(n int, pool cpus, at field) (cpus, error) {
	list := pool.list()
	if len(list) < n {
		return nil, fmt.Errorf("has %d CPUs the group can have, %s, less than the %d of %v.lowestCPUs", len(list), pool, n, at)
	}
	return newCPUs(list[:n]...), nil
}

// fromPool is the part of a group's pool that is in the list, all of it without a list.
func (p *placement) fromPool(list string, pool cpus, at field, member string) (cpus, error) {
	if list == "" {
		return pool, nil
	}
	set, err := p.listed(list, at, member)
	if err != nil {
		return nil, err
	}
	if set = set.and(pool); set.empty() {
		return nil, fmt.Errorf("has no CPU of %v.%s among those the group can have, %s", at, member, pool)
	}
	return set, nil
}

// sharedCache is the largest part of a pool that shares a last-level cache.
func (p *placement) sharedCache(pool cpus, at field) (cpus, error) {
	t, err := p.topology(at, "llcAligned")
	if err != nil {
		return nil, err
	}
	if !slices.Equal(pool, p.alignedIn) {
		_, shared := t.LargestOverlap(p.setOf(pool))
		p.aligned, p.alignedIn = cpusOf(shared), pool
	}
	if p.aligned.empty() {
		return nil, fmt.Errorf("does not say which last-level cache CPUs %s share, which %v.llcAligned needs", pool, at)
	}
	return p.aligned, nil
}

func (p *placement) siblings(pool cpus, at field) (cpus, error) {
	t, err := p.topology(at, "smtSiblingPair")
	if err != nil {
		return nil, err
	}
	pair, found := t.SiblingPair(p.setOf(pool))
	if !found {
		return nil, fmt.Errorf("has no two threads of one core among CPUs %s, which %v.smtSiblingPair needs", pool, at)
	}
	return cpusOf(pair), nil
}

// setOf is a pool as topology takes it. Most pools are all of the machine's CPUs,
// which are there in that form.
func (p *placement) setOf(pool cpus) cpuset.CPUSet {
	if slices.Equal(pool, p.cpus) {
		return p.machine.CPUs
	}
	return pool.set()
}

// drawSubsets draws for each worker by itself. The generator is seeded by run
// seed and group, so the choice does not depend on other groups.
func (r *Run) drawSubsets(group int, at *place) []cpuset.CPUSet {
	return at.draw(rand.New(rand.NewPCG(uint64(r.Seed), uint64(group))), at.workers)
}

// draw draws for that many workers.
func (c *confinement) draw(rng *rand.Rand, workers int) []cpuset.CPUSet {
	from := c.from.list()
	sets := make([]cpuset.CPUSet, workers)
	for w := range sets {
		drawn := make([]int, 0, c.count)
		for _, p := range rng.Perm(len(from))[:c.count] {
			drawn = append(drawn, from[p])
		}
		sets[w] = cpuset.New(drawn...)
	}
	return sets
}
