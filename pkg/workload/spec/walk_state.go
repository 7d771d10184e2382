// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"slices"
)

// group is the position of the named group, none if it is not declared.
func (r *Run) group(name string) int {
	return slices.IndexFunc(r.Groups, func(g Group) bool { return g.Name == name })
}

// cgroupsNamed are the positions of cgroups.
func (r *Run) cgroupsNamed(names []string) []int {
	var at []int
	for _, name := range names {
		at = append(at, r.cgroup(name))
	}
	return at
}

// create makes a cgroup as it is declared.
func (w *walk) create(i int) error {
	c := &w.run.Cgroups[i]
	if w.cgroups[i].exists {
		return fmt.Errorf("cgroup %q is there already", c.Name)
	}
	for above := parentOf(c.Name); above != ""; above = parentOf(above) {
		if a := w.run.cgroup(above); a != none && !w.cgroups[a].exists {
			return fmt.Errorf("cgroup %q cannot be made, since %q above it is not there", c.Name, above)
		}
	}
	now := cgroupNow{exists: true, cpuset: c.Cpuset, pidsMax: c.PidsMax}
	if c.CPU != nil {
		now.cpu = *c.CPU
	}
	if c.Memory != nil {
		now.memory = *c.Memory
	}
	w.cgroups[i] = now
	if err := w.checkMems(); err != nil {
		return err
	}
	return w.happened(cgroupMade, i, none)
}

// remove takes a cgroup away that holds nothing any more.
func (w *walk) remove(i int) error {
	name := w.run.Cgroups[i].Name
	for j := range w.cgroups {
		if other := w.run.Cgroups[j].Name; w.cgroups[j].exists && below(other, name) {
			return fmt.Errorf("cgroup %q cannot be removed, since %q below it is still there", name, other)
		}
	}
	for g := range w.groups {
		if !w.groups[g].runs {
			continue
		}
		group := &w.run.Groups[g]
		if w.groups[g].cgroup == name {
			return fmt.Errorf("cgroup %q cannot be removed, since group %q still runs in it: stop it or move it before", name, group.Name)
		}
		if w.traits[g].destination == name {
			return fmt.Errorf("cgroup %q cannot be removed, since the workers of group %q still move to it: stop it before", name, group.Name)
		}
	}
	w.cgroups[i] = cgroupNow{}
	return w.happened(cgroupRemoved, i, none)
}

// start starts a group as it is declared.
func (w *walk) start(i int) error {
	g := &w.run.Groups[i]
	if w.groups[i].runs {
		return fmt.Errorf("group %q runs already", g.Name)
	}
	if err := w.canHold(g.Cgroup); err != nil {
		return fmt.Errorf("group %q cannot start: %w", g.Name, err)
	}
	if frozen := w.frozenAbove(g.Cgroup); frozen != "" {
		return fmt.Errorf("group %q cannot start in cgroup %q, since %q is frozen", g.Name, g.Cgroup, frozen)
	}
	if err := w.canHold(w.traits[i].destination); err != nil {
		return fmt.Errorf("group %q cannot start: its workers move to a cgroup, but %w", g.Name, err)
	}
	w.groups[i] = groupNow{runs: true, cgroup: g.Cgroup, policy: g.SchedulingPolicy, affinity: g.Affinity}
	if err := w.checkHolding(); err != nil {
		return err
	}
	return w.happened(groupStarted, none, i)
}

// canHold says why a cgroup cannot hold workers at the moment.
func (w *walk) canHold(cgroup string) error {
	if i := w.run.cgroup(cgroup); i != none && !w.cgroups[i].exists {
		return fmt.Errorf("cgroup %q is not there", cgroup)
	}
	return nil
}

// stop stops a group. What it is frozen with is thawed, so nothing else may be frozen by that, but groups that are stopped along with it.
func (w *walk) stop(i int, along []string) error {
	g := &w.groups[i]
	for at := range w.cgroups {
		name := w.run.Cgroups[at].Name
		if !w.cgroups[at].frozen || g.cgroup != name && !below(g.cgroup, name) {
			continue
		}
		for other := range w.groups {
			in := w.groups[other].cgroup
			if other != i && w.groups[other].runs && (in == name || below(in, name)) && !slices.Contains(along, w.run.Groups[other].Name) {
				return fmt.Errorf("group %q cannot stop while it is frozen: thawing cgroup %q for it would let group %q go on: thaw it before", w.run.Groups[i].Name, name, w.run.Groups[other].Name)
			}
		}
		w.cgroups[at].frozen = false
	}
	*g = groupNow{}
	return w.happened(groupStopped, none, i)
}

// frozenAbove is the frozen cgroup that freezes what is in another, "" if there is none.
func (w *walk) frozenAbove(cgroup string) string {
	for ; cgroup != ""; cgroup = parentOf(cgroup) {
		if i := w.run.cgroup(cgroup); i != none && w.cgroups[i].frozen {
			return cgroup
		}
	}
	return ""
}

// checkHolding checks what cgroups hold: no more tasks than they may, and none
// whose memory policy cannot be had there.
func (w *walk) checkHolding() error {
	for i := range w.cgroups {
		most := w.cgroups[i].pidsMax
		if most == nil {
			continue
		}
		least := w.run.tasksIn(i, w.where, func(group int) int { return max(w.run.Groups[group].Workers, 1) })
		if int64(least) > *most {
			return fmt.Errorf("cgroup %q holds %d workers and host processes then, and its pidsMax is %d", w.run.Cgroups[i].Name, least, *most)
		}
	}
	for i := range w.groups {
		if !w.groups[i].runs {
			continue
		}
		m := w.run.memoryPolicy(w.run.Groups[i].MemoryPolicy)
		if m == none {
			continue
		}
		mems, by := w.run.memsIn(w.groups[i].cgroup, w.cpusetOf)
		if by != none && !w.run.MemoryPolicies[m].allowedBy(mems) {
			return fmt.Errorf("memoryPolicies[%d].nodes, which group %q has, names NUMA nodes %s, and cgroup %q allows %s then",
				m, w.run.Groups[i].Name, w.run.MemoryPolicies[m].Nodes, w.run.Cgroups[by].Name, mems)
		}
	}
	return nil
}

// checkMems checks that no cpuset has NUMA nodes that one above it keeps it from.
func (w *walk) checkMems() error {
	for i := range w.cgroups {
		if c := w.cgroups[i].cpuset; c == nil || c.Mems == "" {
			continue
		}
		mems := memsOf(w.cgroups[i].cpuset)
		above, by := w.run.memsIn(parentOf(w.run.Cgroups[i].Name), w.cpusetOf)
		if by != none && !mems.IsSubsetOf(above) {
			return fmt.Errorf("cgroup %q has NUMA nodes %s then, not all of them within %s of %q above it", w.run.Cgroups[i].Name, mems, above, w.run.Cgroups[by].Name)
		}
	}
	return nil
}

// where is the cgroup of a group that runs.
func (w *walk) where(group int) (cgroup string, runs bool) {
	return w.groups[group].cgroup, w.groups[group].runs
}

func (w *walk) cpusetOf(cgroup int) *Cpuset { return w.cgroups[cgroup].cpuset }
