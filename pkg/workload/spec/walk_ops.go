// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"slices"
)

// do carries an op out in thought. Its error begins with a member of the op.
// Preconditions: each op is valid by itself.
func (w *walk) do(op *Op) error {
	r := w.run
	switch {
	case op.CreateCgroup != nil:
		return of("cgroup", w.create(r.cgroup(op.CreateCgroup.Cgroup)))
	case op.RemoveCgroup != nil:
		return of("cgroup", w.removeWithGroups(op.RemoveCgroup.Cgroup))
	case op.StartGroup != nil:
		return of("group", w.start(r.group(op.StartGroup.Group)))
	case op.StopGroup != nil:
		return w.withGroup(op.StopGroup.Group, func(i int) error { return w.stop(i, nil) })
	case op.WaitGroup != nil:
		return w.withGroup(op.WaitGroup.Group, w.waits)
	case op.MoveGroup != nil:
		return w.move(op.MoveGroup)
	case op.SetCpuset != nil:
		return w.setCpuset(op.SetCpuset.Cgroup, &op.SetCpuset.Cpuset)
	case op.ClearCpuset != nil:
		return w.setCpuset(op.ClearCpuset.Cgroup, nil)
	case op.SwapCpusets != nil:
		return w.swap(op.SwapCpusets)
	case op.SetCgroup != nil:
		return w.set(op.SetCgroup)
	case op.FreezeCgroup != nil:
		return w.freeze(op.FreezeCgroup.Cgroup, true)
	case op.ThawCgroup != nil:
		return w.freeze(op.ThawCgroup.Cgroup, false)
	default:
		return w.doToTasks(op)
	}
}

// doToTasks carries out what is about tasks and CPUs.
func (w *walk) doToTasks(op *Op) error {
	switch {
	case op.SetAffinity != nil:
		return w.withGroup(op.SetAffinity.Group, func(i int) error {
			if w.hasDeadline(i) {
				return fmt.Errorf("%q has deadline tasks, which must keep all CPUs of their root domain", op.SetAffinity.Group)
			}
			w.groups[i].affinity = &op.SetAffinity.Affinity
			return w.happened(affinityChanged, none, i)
		})
	case op.SetNice != nil:
		return w.withGroup(op.SetNice.Group, func(int) error { return nil })
	case op.SetSchedulingPolicy != nil:
		return w.withGroup(op.SetSchedulingPolicy.Group, func(i int) error {
			w.groups[i].policy = op.SetSchedulingPolicy.SchedulingPolicy
			return w.happened(policyChanged, none, i)
		})
	case op.OfflineCPUs != nil:
		for i := range w.groups {
			if w.groups[i].runs && w.hasDeadline(i) {
				return fmt.Errorf("%s: group %q has deadline tasks then: the kernel takes no CPU offline whose time it has promised", op.OfflineCPUs.member(), w.run.Groups[i].Name)
			}
		}
		w.taken = true
		return w.happened(cpusTaken, none, none)
	default:
		if !w.taken {
			return fmt.Errorf("%s: no offlineCPUs comes before it, so there is nothing to bring back", op.OnlineCPUs.member())
		}
		return w.happened(cpusGiven, none, none)
	}
}

// withGroup does something to a group that runs.
func (w *walk) withGroup(name string, do func(i int) error) error {
	i := w.run.group(name)
	if !w.groups[i].runs {
		return fmt.Errorf("group: group %q does not run then", name)
	}
	return of("group", do(i))
}

// of puts the member of an op in front of an error.
func of(member string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", member, err)
}

// existing is the position of a cgroup that is there.
func (w *walk) existing(member, name string) (int, error) {
	i := w.run.cgroup(name)
	if !w.cgroups[i].exists {
		return none, fmt.Errorf("%s: cgroup %q is not there then", member, name)
	}
	return i, nil
}

// removeWithGroups stops the groups in a cgroup and below it, and removes both.
func (w *walk) removeWithGroups(name string) error {
	if !w.cgroups[w.run.cgroup(name)].exists {
		return fmt.Errorf("cgroup %q is not there then", name)
	}
	var groups []int
	var along []string
	for i := range w.groups {
		if in := w.groups[i].cgroup; w.groups[i].runs && (in == name || below(in, name)) {
			groups, along = append(groups, i), append(along, w.run.Groups[i].Name)
		}
	}
	for _, g := range groups {
		if err := w.stop(g, along); err != nil {
			return err
		}
	}
	var gone []int
	for i := range w.cgroups {
		if c := w.run.Cgroups[i].Name; w.cgroups[i].exists && (c == name || below(c, name)) {
			gone = append(gone, i)
		}
	}
	gone = w.run.byDepth(gone)
	slices.Reverse(gone)
	for _, i := range gone {
		if err := w.remove(i); err != nil {
			return err
		}
	}
	return nil
}

// waits checks that what is waited for can come to its end.
func (w *walk) waits(i int) error {
	if frozen := w.frozenAbove(w.groups[i].cgroup); frozen != "" {
		return fmt.Errorf("group %q is frozen with cgroup %q then, so it does not come to its end", w.run.Groups[i].Name, frozen)
	}
	return nil
}

// move moves a group. A worker that is a process can go anywhere; a thread only
// with its process, or within its domain.
func (w *walk) move(op *MoveGroupOp) error {
	return w.withGroup(op.Group, func(i int) error {
		g, now := &w.run.Groups[i], &w.groups[i]
		if now.cgroup == op.Cgroup {
			return fmt.Errorf("%q is in cgroup %q already", op.Group, op.Cgroup)
		}
		if err := w.canHold(op.Cgroup); err != nil {
			return err
		}
		if w.hasDeadline(i) {
			return fmt.Errorf("%q has deadline tasks, whose CPU time the kernel has promised where they are", op.Group)
		}
		from, to := w.run.DomainOf(now.cgroup), w.run.DomainOf(op.Cgroup)
		if from != to && g.CloneMode == CloneModeThread {
			switch {
			case g.ProcessName != "":
				return fmt.Errorf("%q is threads of a process %q, which may have others: it can be moved within %q only", op.Group, g.ProcessName, from)
			case w.run.threaded(now.cgroup) || w.run.threaded(op.Cgroup):
				return fmt.Errorf("%q is threads, which cannot leave %q, the nearest cgroup that is not threaded", op.Group, from)
			}
		}
		now.cgroup = op.Cgroup
		if err := w.checkHolding(); err != nil {
			return err
		}
		return w.happened(groupMoved, none, i)
	})
}

// setCpuset gives a cgroup a cpuset, or none.
func (w *walk) setCpuset(name string, c *Cpuset) error {
	i, err := w.existing("cgroup", name)
	if err != nil {
		return err
	}
	if c == nil && w.cgroups[i].cpuset == nil {
		return fmt.Errorf("cgroup: cgroup %q has no cpuset then", name)
	}
	w.cgroups[i].cpuset = c
	return of("cgroup", w.cpusetNow(i))
}

// swap exchanges two cpusets.
func (w *walk) swap(op *SwapCpusetsOp) error {
	a, err := w.existing("a", op.A)
	if err != nil {
		return err
	}
	b, err := w.existing("b", op.B)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		at     int
		member string
	}{{a, "a"}, {b, "b"}} {
		if w.cgroups[c.at].cpuset == nil {
			return fmt.Errorf("%s: cgroup %q has no cpuset then", c.member, w.run.Cgroups[c.at].Name)
		}
	}
	w.cgroups[a].cpuset, w.cgroups[b].cpuset = w.cgroups[b].cpuset, w.cgroups[a].cpuset
	return of("a", w.cpusetNow(a))
}

// cpusetNow checks and tells of a cpuset that has changed.
func (w *walk) cpusetNow(i int) error {
	if err := w.checkMems(); err != nil {
		return err
	}
	if err := w.checkHolding(); err != nil {
		return err
	}
	return w.happened(cpusetChanged, i, none)
}

// set changes settings of a cgroup. With what was set before they must be such as a cgroup can have.
func (w *walk) set(op *SetCgroupOp) error {
	i, err := w.existing("cgroup", op.Cgroup)
	if err != nil {
		return err
	}
	now := &w.cgroups[i]
	if op.CPU != nil {
		now.cpu = now.cpu.with(op.CPU)
		if err := now.cpu.validate(); err != nil {
			return fmt.Errorf("cpu.%w (with what is set already)", err)
		}
	}
	if op.Memory != nil {
		now.memory = now.memory.with(op.Memory)
		if err := now.memory.validate(); err != nil {
			return fmt.Errorf("memory.%w (with what is set already)", err)
		}
	}
	if op.PidsMax != nil {
		now.pidsMax = op.PidsMax
	}
	if err := w.checkHolding(); err != nil {
		return fmt.Errorf("pidsMax: %w", err)
	}
	return w.happened(settingsChanged, i, none)
}

func (w *walk) freeze(name string, frozen bool) error {
	i, err := w.existing("cgroup", name)
	if err == nil {
		w.cgroups[i].frozen = frozen
	}
	return err
}

// hasDeadline says whether a group has deadline tasks at the moment.
func (w *walk) hasDeadline(i int) bool {
	if p := w.run.schedulingPolicy(w.groups[i].policy); p != nil && p.Deadline != nil {
		return true
	}
	return w.traits[i].deadline
}

// with is settings with others over them.
func (c CgroupCPU) with(over *CgroupCPU) CgroupCPU {
	c.Idle = c.Idle || over.Idle
	put(&c.Weight, over.Weight)
	put(&c.UclampMinPercent, over.UclampMinPercent)
	put(&c.UclampMaxPercent, over.UclampMaxPercent)
	put(&c.Quota, over.Quota)
	put(&c.Period, over.Period)
	put(&c.Burst, over.Burst)
	return c
}

// with is settings with others over them.
func (m CgroupMemory) with(over *CgroupMemory) CgroupMemory {
	put(&m.Min, over.Min)
	put(&m.Low, over.Low)
	put(&m.High, over.High)
	put(&m.Max, over.Max)
	put(&m.SwapMax, over.SwapMax)
	return m
}

// put replaces a setting unless there is nothing to replace it with.
func put[T any](to **T, from *T) {
	if from != nil {
		*to = from
	}
}
