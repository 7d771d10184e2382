// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"slices"

	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// placeCgroups resolves the cpusets of the cgroups.
func (p *placement) placeCgroups() error {
	for i := range p.run.Cgroups {
		c := &p.run.Cgroups[i]
		p.above[i] = none
		for name := parentOf(c.Name); name != "" && p.above[i] == none; name = parentOf(name) {
			p.above[i] = p.run.cgroup(name)
		}
		if c.Cpuset == nil {
			continue
		}
		set, err := p.resolveCpuset(c.Cpuset, fieldOf("cgroups[%d].cpuset", i))
		if err != nil {
			return err
		}
		p.declared[i] = set
	}
	p.sets = slices.Clone(p.declared)
	return nil
}

// field is the path of a field, made when an error needs it.
type field struct {
	format string
	index  int
	op     int // none for what is not of an op
}

func fieldOf(format string, index int) field { return field{format, index, none} }

// fieldOfOp is the path of a field of an op.
func fieldOfOp(format string, step, op int) field { return field{format, step, op} }

func (f field) String() string {
	if f.op != none {
		return fmt.Sprintf(f.format, f.index, f.op)
	}
	return fmt.Sprintf(f.format, f.index)
}

// resolveCpuset is the CPUs that a cpuset asks for, empty if it inherits them.
func (p *placement) resolveCpuset(c *Cpuset, at field) (cpus, error) {
	switch {
	case c.Exact != "":
		return p.listed(c.Exact, at, "exact")
	case c.LLC != nil:
		return p.cacheCPUs(*c.LLC, at)
	case c.NUMANode != nil:
		return p.nodeCPUs(*c.NUMANode, p.cpus, at)
	case c.Range != nil:
		l := p.usableCPUs()
		part := l[len(l)*c.Range.StartPercent/100 : len(l)*c.Range.EndPercent/100]
		if len(part) == 0 {
			return nil, fmt.Errorf("lacks a usable CPU in %v.range, %d%% to %d%% (it has %d)", at, c.Range.StartPercent, c.Range.EndPercent, len(l))
		}
		return newCPUs(part...), nil
	case c.Disjoint != nil:
		return p.part(c.Disjoint.Index, c.Disjoint.Of, 0, at, "disjoint")
	case c.Overlap != nil:
		return p.part(c.Overlap.Index, c.Overlap.Of, c.Overlap.Percent, at, "overlap")
	default:
		return nil, nil
	}
}

// listed is a list of CPUs, all of which the machine must have.
func (p *placement) listed(list string, at field, member string) (cpus, error) {
	set, err := parseCPUs(list)
	if err != nil {
		return nil, fmt.Errorf("%v.%s: %w", at, member, err)
	}
	if missing := set.minus(p.cpus); !missing.empty() {
		return nil, fmt.Errorf("lacks CPU %s of %v.%s (it has %s)", missing, at, member, p.cpus)
	}
	return set, nil
}

// topology is the machine's, which the field is relative to.
func (p *placement) topology(at field, member string) (*topology.Machine, error) {
	if p.machine.Topology == nil {
		return nil, fmt.Errorf("has not published its topology, which %v.%s needs", at, member)
	}
	return p.machine.Topology, nil
}

func (p *placement) cacheCPUs(llc int, at field) (cpus, error) {
	t, err := p.topology(at, "llc")
	if err != nil {
		return nil, err
	}
	all, found := t.CacheCPUs(llc)
	if !found {
		return nil, fmt.Errorf("lacks the last-level cache %d that %v.llc names (it has %d, counted from 0)", llc, at, len(t.LLCs))
	}
	set := cpusOf(all).and(p.cpus)
	if set.empty() {
		return nil, fmt.Errorf("has no CPU to use in last-level cache %d, which %v.llc names", llc, at)
	}
	return set, nil
}

// nodeCPUs is the part of the CPUs that is on a NUMA node; it must not be empty.
func (p *placement) nodeCPUs(node int, of cpus, at field) (cpus, error) {
	t, err := p.topology(at, "numaNode")
	if err != nil {
		return nil, err
	}
	all, found := t.NodeCPUs(node)
	if !found {
		return nil, fmt.Errorf("lacks NUMA node %d of %v.numaNode", node, at)
	}
	set := cpusOf(all).and(of)
	if set.empty() {
		return nil, fmt.Errorf("has no CPU of %s on NUMA node %d, which %v.numaNode names", of, node, at)
	}
	return set, nil
}

// part is one of equal parts of the usable CPUs, the last with what remains,
// widened on both sides by a share of its size.
func (p *placement) part(index, of, percent int, at field, member string) (cpus, error) {
	l := p.usableCPUs()
	if len(l) < of {
		return nil, fmt.Errorf("lacks usable CPUs for the %d parts of %v.%s (it has %d)", of, at, member, len(l))
	}
	size := len(l) / of
	wider := size * percent / 100
	start, end := max(index*size-wider, 0), min((index+1)*size+wider, len(l))
	if index == of-1 {
		end = len(l)
	}
	return newCPUs(l[start:end]...), nil
}

// usableCPUs is what topology.Machine.Usable says, of the set in the form at hand.
func (p *placement) usableCPUs() []int {
	if p.usable == nil {
		p.usable = p.cpus.list()
		if n := len(p.usable); n > 2 {
			p.usable = p.usable[:n-1]
		}
	}
	return p.usable
}

// checkNesting checks that each cpuset lies inside that of the nearest cgroup
// above it that has one. The kernel would silently take the common part.
func (p *placement) checkNesting() error {
	for i := range p.sets {
		if p.sets[i].empty() {
			continue
		}
		above := p.above[i]
		for above != none && p.sets[above].empty() {
			above = p.above[above]
		}
		if above != none && !p.sets[i].within(p.sets[above]) {
			return fmt.Errorf("has CPUs %s for cgroups[%d].cpuset (%s), not all of them within %s for cgroups[%d].cpuset (%s) above it",
				p.sets[i], i, p.run.Cgroups[i].Name, p.sets[above], above, p.run.Cgroups[above].Name)
		}
	}
	return nil
}

// checkPartitions checks that no CPU of a partition is in a cpuset beside it, and
// that the machine keeps a CPU for everything else.
func (p *placement) checkPartitions() error {
	var taken cpus
	for i := range p.run.Cgroups {
		if !p.run.Cgroups[i].partition() {
			continue
		}
		taken = taken.or(p.sets[i])
		for j := range p.sets {
			if j == i || below(p.run.Cgroups[j].Name, p.run.Cgroups[i].Name) || below(p.run.Cgroups[i].Name, p.run.Cgroups[j].Name) {
				continue
			}
			if both := p.sets[i].and(p.sets[j]); !both.empty() {
				return fmt.Errorf("has CPU %s for both cgroups[%d].cpuset (%s), a partition, which takes it away from all others, and cgroups[%d].cpuset (%s)",
					both, i, p.run.Cgroups[i].Name, j, p.run.Cgroups[j].Name)
			}
		}
		if p.cpus.within(taken) {
			return fmt.Errorf("has CPUs %s only, all of which go to partitions with cgroups[%d].cpuset.partition: one must be left for everything else",
				p.cpus, i)
		}
	}
	return nil
}

func (c *Cgroup) partition() bool { return c.Cpuset != nil && c.Cpuset.Partition != "" }

// poolOf is the CPUs in force in a cgroup: those of the nearest cpuset, without
// those that partitions beside it or below it take away.
func (p *placement) poolOf(cgroup int) cpus {
	if p.pools[1+cgroup] != nil {
		return p.pools[1+cgroup]
	}
	set, name := p.cpus, ""
	if cgroup != none {
		name = p.run.Cgroups[cgroup].Name
	}
	for at := cgroup; at != none; at = p.above[at] {
		if !p.sets[at].empty() {
			set = p.sets[at]
			break
		}
	}
	for i := range p.sets {
		if p.run.Cgroups[i].partition() && i != cgroup && !below(name, p.run.Cgroups[i].Name) {
			set = set.minus(p.sets[i])
		}
	}
	set = set.minus(p.offline)
	p.pools[1+cgroup] = set
	return set
}
