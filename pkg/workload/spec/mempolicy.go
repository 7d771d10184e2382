// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	// maxNode is the highest NUMA node that Linux can be built for.
	maxNode  = 1023
	wordBits = 64
)

// MempolicyCall holds the arguments of set_mempolicy(2).
type MempolicyCall struct {
	// Mode is the kernel's mode with the flags in it.
	Mode int
	// Nodes are the words of the mask, bit n of it node n; nil without nodes.
	Nodes []uint64
	// MaxNode is the highest node plus 2, since the kernel takes one off; 0 without nodes.
	MaxNode uint64
}

// nodeCount is how many nodes a mode takes.
type nodeCount int

const (
	noNodes nodeCount = iota
	oneNode
	someNodes
)

var memoryModes = map[string]struct {
	kernel int
	nodes  nodeCount
}{
	"Default":            {unix.MPOL_DEFAULT, noNodes},
	"Preferred":          {unix.MPOL_PREFERRED, oneNode},
	"Bind":               {unix.MPOL_BIND, someNodes},
	"Interleave":         {unix.MPOL_INTERLEAVE, someNodes},
	"Local":              {unix.MPOL_LOCAL, noNodes},
	"PreferredMany":      {unix.MPOL_PREFERRED_MANY, someNodes},
	"WeightedInterleave": {unix.MPOL_WEIGHTED_INTERLEAVE, someNodes},
}

const (
	flagStatic    = "StaticNodes"
	flagRelative  = "RelativeNodes"
	flagBalancing = "NUMABalancing"
)

var memoryFlags = map[string]int{
	flagStatic:    unix.MPOL_F_STATIC_NODES,
	flagRelative:  unix.MPOL_F_RELATIVE_NODES,
	flagBalancing: unix.MPOL_F_NUMA_BALANCING,
}

// call is the system call that the policy asks for, nil for the default, which
// needs none. Preconditions: the policy is valid.
func (p *MemoryPolicy) call() *MempolicyCall {
	c := &MempolicyCall{Mode: memoryModes[p.Mode].kernel}
	if c.Mode == unix.MPOL_DEFAULT {
		return nil
	}
	for _, flag := range p.Flags {
		c.Mode |= memoryFlags[flag]
	}
	nodes, _ := cpuset.Parse(p.Nodes) // validated
	c.Nodes, c.MaxNode = nodeMask(nodes.List())
	return c
}

// MemoryBound says whether the group's memory policy keeps its pages to NUMA nodes.
func (g *ResolvedGroup) MemoryBound() bool {
	const flags = unix.MPOL_F_STATIC_NODES | unix.MPOL_F_RELATIVE_NODES | unix.MPOL_F_NUMA_BALANCING
	return g.Memory != nil && g.Memory.Mode&^flags == unix.MPOL_BIND
}

// nodeMask is the mask of the nodes, which are in ascending order, and its length
// as the kernel counts it.
func nodeMask(nodes []int) (words []uint64, length uint64) {
	if len(nodes) == 0 {
		return nil, 0
	}
	length = uint64(nodes[len(nodes)-1]) + 2
	words = make([]uint64, (length+wordBits-1)/wordBits)
	for _, n := range nodes {
		words[n/wordBits] |= 1 << (n % wordBits)
	}
	return words, length
}

func validateMemoryPolicy(p *MemoryPolicy) error {
	if p.Name == "" {
		return errors.New("name: must not be empty")
	}
	mode, ok := memoryModes[p.Mode]
	if !ok {
		return fmt.Errorf("mode: must be one of %s, not %q", strings.Join(slices.Sorted(maps.Keys(memoryModes)), ", "), p.Mode)
	}
	if err := validateNodes(p, mode.nodes); err != nil {
		return err
	}
	return validateMemoryFlags(p, mode.nodes)
}

func validateNodes(p *MemoryPolicy, count nodeCount) error {
	nodes, err := parseList(p.Nodes, maxNode)
	if err != nil {
		return fmt.Errorf("nodes: must be a list of NUMA nodes of 0 to %d, such as 0-1,3, not %q", maxNode, p.Nodes)
	}
	switch {
	case count == noNodes && !nodes.IsEmpty():
		return fmt.Errorf("nodes: %s takes no nodes, not %s", p.Mode, p.Nodes)
	case count == oneNode && nodes.Size() != 1:
		return fmt.Errorf("nodes: %s takes exactly one node, not %q", p.Mode, p.Nodes)
	case count == someNodes && nodes.IsEmpty():
		return fmt.Errorf("nodes: %s needs at least one node", p.Mode)
	}
	return nil
}

func validateMemoryFlags(p *MemoryPolicy, count nodeCount) error {
	seen := map[string]bool{}
	for i, flag := range p.Flags {
		if _, ok := memoryFlags[flag]; !ok {
			return fmt.Errorf("flags[%d]: must be one of %s, not %q", i, strings.Join(slices.Sorted(maps.Keys(memoryFlags)), ", "), flag)
		}
		if seen[flag] {
			return fmt.Errorf("flags[%d]: %s is already set", i, flag)
		}
		seen[flag] = true
	}
	switch {
	case count == noNodes && len(p.Flags) > 0:
		return fmt.Errorf("flags: %s takes no flags", p.Mode)
	case seen[flagStatic] && seen[flagRelative]:
		return fmt.Errorf("flags: %s and %s exclude each other", flagStatic, flagRelative)
	case seen[flagBalancing] && p.Mode != "Bind" && p.Mode != "PreferredMany":
		return fmt.Errorf("flags: %s is only for Bind and PreferredMany, not %s", flagBalancing, p.Mode)
	}
	return nil
}

// memoryPolicy is the position of the named memory policy, none if there is none.
func (r *Run) memoryPolicy(name string) int {
	for i := range r.MemoryPolicies {
		if r.MemoryPolicies[i].Name == name {
			return i
		}
	}
	return none
}

// mems is the NUMA nodes of a cgroup's cpuset, empty if they are inherited.
func (c *Cgroup) mems() cpuset.CPUSet { return memsOf(c.Cpuset) }

// memsOf is the NUMA nodes of a cpuset, empty if they are inherited.
func memsOf(c *Cpuset) cpuset.CPUSet {
	if c == nil {
		return cpuset.New()
	}
	set, err := parseList(c.Mems, maxNode)
	if err != nil {
		return cpuset.New() // refused elsewhere
	}
	return set
}

// memsIn is the NUMA nodes that the tasks of a cgroup may have memory of, and the
// position of the cgroup that says so: none if they are inherited from the machine.
func (r *Run) memsIn(name string, cpusetOf func(cgroup int) *Cpuset) (mems cpuset.CPUSet, by int) {
	for ; name != ""; name = parentOf(name) {
		if i := r.cgroup(name); i != none {
			if c := cpusetOf(i); c != nil && c.Mems != "" {
				return memsOf(c), i
			}
		}
	}
	return cpuset.New(), none
}

// declaredCpuset is the cpuset that a cgroup is made with.
func (r *Run) declaredCpuset(cgroup int) *Cpuset { return r.Cgroups[cgroup].Cpuset }

// validateMems checks that cgroups and memory policies name no NUMA nodes that the
// cgroups above them keep them from.
func (r *Run) validateMems() []error {
	var errs []error
	for i := range r.Cgroups {
		mems := r.Cgroups[i].mems()
		if above, by := r.memsIn(parentOf(r.Cgroups[i].Name), r.declaredCpuset); by != none && !mems.IsSubsetOf(above) {
			errs = append(errs, fmt.Errorf("cgroups[%d].cpuset.mems: must be within %s of cgroups[%d] (%s) above it, not %s", i, above, by, r.Cgroups[by].Name, mems))
		}
	}
	for i := range r.Groups {
		mems, by := r.memsIn(r.Groups[i].Cgroup, r.declaredCpuset)
		m := r.memoryPolicy(r.Groups[i].MemoryPolicy)
		if by == none || m == none || r.MemoryPolicies[m].allowedBy(mems) {
			continue
		}
		errs = append(errs, fmt.Errorf("groups[%d].memoryPolicy: memoryPolicies[%d].nodes names NUMA nodes %s, cgroups[%d].cpuset.mems allows %s",
			i, m, r.MemoryPolicies[m].Nodes, by, mems))
	}
	return errs
}

// allowedBy says whether a policy can be had where only some NUMA nodes are
// allowed. Relative nodes count through those; of static ones the kernel takes
// those that are allowed, and refuses if there is none.
func (p *MemoryPolicy) allowedBy(mems cpuset.CPUSet) bool {
	nodes, err := parseList(p.Nodes, maxNode)
	switch {
	case err != nil: // refused elsewhere
		return true
	case nodes.IsEmpty() || slices.Contains(p.Flags, flagRelative):
		return true
	case slices.Contains(p.Flags, flagStatic):
		return !nodes.Intersection(mems).IsEmpty()
	default:
		return nodes.IsSubsetOf(mems)
	}
}

// checkMemory checks that the machine has the NUMA nodes that are named. Relative
// nodes count through those that there are, so any will do, if there is one.
func (p *placement) checkMemory() error {
	has := p.machine.MemoryNodes
	for i := range p.run.MemoryPolicies {
		m := &p.run.MemoryPolicies[i]
		if m.Mode == "Local" && has.IsEmpty() {
			return fmt.Errorf("has no NUMA node with memory, which memoryPolicies[%d].mode needs", i)
		}
		if slices.Contains(m.Flags, flagRelative) && !has.IsEmpty() {
			continue
		}
		if err := lacksNodes(m.Nodes, has, fieldOf("memoryPolicies[%d].nodes", i)); err != nil {
			return err
		}
	}
	for i := range p.run.Cgroups {
		if c := p.run.Cgroups[i].Cpuset; c != nil {
			if err := lacksNodes(c.Mems, has, fieldOf("cgroups[%d].cpuset.mems", i)); err != nil {
				return err
			}
		}
	}
	return p.checkTargets()
}

// checkTargets checks the nodes that kinds of work put memory on.
func (p *placement) checkTargets() error {
	for i := range p.run.Groups {
		kind, err := p.run.Groups[i].Work.Kind()
		if err != nil {
			return err
		}
		user, ok := kind.(work.NodeUser)
		if !ok {
			continue
		}
		parameter, nodes := user.MemoryNodes()
		at := fieldOf("groups[%d].work."+kind.Name()+"."+parameter, i)
		if err := lacksNodes(cpuset.New(nodes...).String(), p.machine.MemoryNodes, at); err != nil {
			return err
		}
	}
	return nil
}

// lacksNodes says which of the listed nodes are not there.
func lacksNodes(list string, has cpuset.CPUSet, at field) error {
	want, err := cpuset.Parse(list)
	if err != nil {
		return fmt.Errorf("%v: %w", at, err)
	}
	missing := want.Difference(has)
	if missing.IsEmpty() {
		return nil
	}
	names := has.String()
	if names == "" {
		names = "none"
	}
	return fmt.Errorf("lacks NUMA node %s of %v (it has %s)", missing, at, names)
}
