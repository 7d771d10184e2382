// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// errNoCgroups is of ops that need what the machine does not have.
var errNoCgroups = errors.New("there is no cgroup v2 here that can be written to")

// carryOutOps carries the ops of a step out, in order, and records them.
func (e *engine) carryOutOps(ctx context.Context, s *spec.ScriptStep) error {
	for i := range s.Ops {
		if err := ctx.Err(); err != nil {
			return err
		}
		op, rec := &s.Ops[i], &e.last().Ops[i]
		began := sys.Monotonic()
		if rec.Times == 0 {
			rec.Name, rec.At = nameOf(op), began-e.origin
		}
		target, detail, err := e.carryOut(ctx, op)
		rec.Target, rec.Detail = target, detail
		rec.Took += sys.Monotonic() - began
		rec.Times++
		if err != nil {
			if !e.cancelled() {
				rec.Error = err.Error()
			}
			return fmt.Errorf("ops[%d] %s: %w", i, rec.Name, err)
		}
		if e.holding != none {
			e.noteFrozen()
		}
	}
	return nil
}

// nameOf is the member of the manifest that an op is.
func nameOf(op *spec.ScriptOp) string { return op.Field[strings.LastIndexByte(op.Field, '.')+1:] }

// carryOut carries one op out, and says what it was about and what was set.
func (e *engine) carryOut(ctx context.Context, op *spec.ScriptOp) (target, detail string, err error) {
	switch {
	case op.CreateCgroup != nil:
		return op.CreateCgroup.Cgroup, "", e.makeCgroup(op.CreateCgroup.Cgroup)
	case op.RemoveCgroup != nil:
		return op.RemoveCgroup.Cgroup, "", e.removeCgroups(op)
	case op.StartGroup != nil:
		return op.StartGroup.Group, "", e.startCrews(ctx, op.Crews)
	case op.StopGroup != nil:
		return op.StopGroup.Group, "", e.stopCrews(op.Crews)
	case op.WaitGroup != nil:
		return op.WaitGroup.Group, op.WaitGroup.Timeout.String(), e.waitGroup(ctx, op.WaitGroup)
	case op.MoveGroup != nil:
		return op.MoveGroup.Group, op.MoveGroup.Cgroup, e.moveGroup(ctx, op.MoveGroup)
	case op.SetAffinity != nil:
		detail, err := e.setAffinity(op)
		return op.SetAffinity.Group, detail, err
	case op.SetNice != nil:
		return op.SetNice.Group, fmt.Sprint(op.SetNice.Nice), e.setNice(op.SetNice)
	case op.SetSchedulingPolicy != nil:
		return op.SetSchedulingPolicy.Group, op.SetSchedulingPolicy.SchedulingPolicy, e.setClass(op)
	case op.OfflineCPUs != nil:
		return op.CPUs.String(), "", e.setOnline(op.CPUs, false)
	case op.OnlineCPUs != nil:
		return op.CPUs.String(), "", e.setOnline(op.CPUs, true)
	default:
		return e.changeCgroup(ctx, op)
	}
}

// changeCgroup carries out an op that changes a cgroup that is there.
func (e *engine) changeCgroup(ctx context.Context, op *spec.ScriptOp) (target, detail string, err error) {
	switch {
	case op.SetCpuset != nil:
		return op.SetCpuset.Cgroup, setsText(op.CPUs, op.Mems), e.setCpuset(op.SetCpuset.Cgroup, op.CPUs, op.Mems)
	case op.ClearCpuset != nil:
		return op.ClearCpuset.Cgroup, "", e.setCpuset(op.ClearCpuset.Cgroup, cpuset.New(), cpuset.New())
	case op.SwapCpusets != nil:
		return op.SwapCpusets.A, op.SwapCpusets.B, e.swapCpusets(op.SwapCpusets)
	case op.SetCgroup != nil:
		change := changeOf(op.SetCgroup)
		return op.SetCgroup.Cgroup, change.String(), e.setCgroup(op.SetCgroup.Cgroup, change)
	case op.FreezeCgroup != nil:
		return op.FreezeCgroup.Cgroup, "", e.freeze(ctx, op.FreezeCgroup.Cgroup)
	case op.ThawCgroup != nil:
		return op.ThawCgroup.Cgroup, "", e.thaw(op.ThawCgroup.Cgroup)
	default:
		return "", "", fmt.Errorf("%s: there is no such op", op.Field)
	}
}

func setsText(cpus, mems cpuset.CPUSet) string {
	if mems.IsEmpty() {
		return cpus.String()
	}
	return fmt.Sprintf("%s, memory nodes %s", cpus, mems)
}

func (e *engine) makeCgroup(name string) error {
	if e.groups.tree == nil {
		return errNoCgroups
	}
	e.inForce.changed()
	return e.groups.makeOne(name)
}

// removeCgroups stops what runs in a cgroup, and removes it with those below it.
func (e *engine) removeCgroups(op *spec.ScriptOp) error {
	if err := e.stopCrews(op.Crews); err != nil {
		return err
	}
	for _, name := range op.Remove {
		if err := e.removeCgroup(name); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) removeCgroup(name string) error {
	if e.groups.tree == nil {
		return errNoCgroups
	}
	for frozen := range e.frozen {
		if isIn(frozen, name) {
			delete(e.frozen, frozen)
		}
	}
	if err := e.groups.removeOne(context.Background(), name); err != nil {
		return err
	}
	e.cpusChanged()
	return nil
}

// isIn says whether a cgroup is another or below it.
func isIn(name, above string) bool { return name == above || strings.HasPrefix(name, above+"/") }

// waitGroup waits until the programs of a group have ended.
func (e *engine) waitGroup(ctx context.Context, op *spec.WaitGroupOp) error {
	g, err := e.crews.group(op.Group)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, op.Timeout.D(), fmt.Errorf("within %v", op.Timeout))
	defer cancel()
	if err := g.crew.handle.AwaitEnd(ctx, op.Group); err != nil {
		return fmt.Errorf("%w (%w)", err, context.Cause(ctx))
	}
	return nil
}

// moveGroup moves the processes of a group to a cgroup, or its threads where other groups have threads in
// the same process, and reads back where they are.
func (e *engine) moveGroup(ctx context.Context, op *spec.MoveGroupOp) error {
	if e.groups.tree == nil {
		return errNoCgroups
	}
	g, err := e.crews.group(op.Group)
	if err != nil {
		return err
	}
	to := e.groups.tree.Dir(inTree(op.Cgroup))
	processes, threads, err := g.crew.handle.Move(op.Group,
		func(pid int) error { return to.MoveProcess(ctx, pid) }, to.MoveThread)
	if err != nil {
		return err
	}
	if err := areIn(to, processes, threads); err != nil {
		return err
	}
	e.note(g) // while it moved it could have either
	g.cgroup = op.Cgroup
	e.cpusChanged()
	return e.restoreAffinity(g)
}

// areIn reads back whether processes and threads are in a cgroup, but for those that have ended.
func areIn(d *cgroup.Dir, processes, threads []int) error {
	kind, err := d.Type()
	if err != nil {
		return err
	}
	there, list := processes, cgroup.Procs
	if kind == "threaded" {
		there, list = append(processes, threads...), cgroup.Threads
	}
	if len(there) == 0 {
		return nil
	}
	ids, err := list(d.Path())
	if err != nil {
		return err
	}
	slices.Sort(ids)
	for _, id := range there {
		if _, in := slices.BinarySearch(ids, id); !in && spawn.IsThere(id) {
			return fmt.Errorf("process or thread %d is not in %s although it was moved there", id, d.Path())
		}
	}
	return nil
}

// setCpuset gives a cgroup other CPUs and memory nodes.
func (e *engine) setCpuset(name string, cpus, mems cpuset.CPUSet) error {
	if e.groups.tree == nil {
		return errNoCgroups
	}
	if err := e.groups.tree.SetCPUs(name, cpus, mems); err != nil {
		return err
	}
	return e.cpusetsChanged(name)
}

func (e *engine) swapCpusets(op *spec.SwapCpusetsOp) error {
	if e.groups.tree == nil {
		return errNoCgroups
	}
	if err := e.groups.tree.SwapCPUs(op.A, op.B); err != nil {
		return err
	}
	return e.cpusetsChanged(op.A, op.B)
}

// cpusetsChanged follows a change of cpusets.
func (e *engine) cpusetsChanged(names ...string) error {
	e.cpusChanged()
	for _, n := range e.crews.all() {
		for _, g := range n.groups {
			if slices.ContainsFunc(names, func(name string) bool { return isIn(g.cgroup, name) }) {
				if err := e.restoreAffinity(g); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (e *engine) setCgroup(name string, change cgroup.Settings) error {
	if e.groups.tree == nil {
		return errNoCgroups
	}
	return e.groups.tree.Change(name, change)
}

// freeze stops all tasks of a cgroup; the wait for that is bounded.
func (e *engine) freeze(ctx context.Context, name string) error {
	if e.groups.tree == nil {
		return errNoCgroups
	}
	if err := e.groups.tree.Dir(name).Freeze(ctx); err != nil {
		return err
	}
	e.frozen[name] = true
	return nil
}

// thaw lets all tasks of a cgroup go on, unless one above it is frozen.
func (e *engine) thaw(name string) error {
	if e.groups.tree == nil {
		return errNoCgroups
	}
	delete(e.frozen, name)
	for above := range e.frozen {
		if isIn(name, above) {
			return e.groups.tree.Dir(name).ThawLater()
		}
	}
	return e.groups.tree.Dir(name).Thaw(context.Background())
}

// setAffinity restricts the workers of a group.
func (e *engine) setAffinity(op *spec.ScriptOp) (detail string, err error) {
	g, err := e.crews.group(op.SetAffinity.Group)
	if err != nil {
		return "", err
	}
	sets := op.Affinities(e.repetition)
	detail = fmt.Sprintf("%d sets of CPUs", len(sets))
	if len(sets) == 1 {
		detail = sets[0].String()
	}
	g.affinity = sets
	err = e.applyAffinity(g)
	if e.holding != none {
		e.note(g)
	}
	return detail, err
}

// applyAffinity gives the workers of a group their affinity.
func (e *engine) applyAffinity(g *liveGroup) error {
	return g.each(func(i int) error { return g.crew.handle.SetAffinity(g.Name, i, g.affinity[min(i, len(g.affinity)-1)]) })
}

// restoreAffinity gives workers their affinity back after a change of their cpuset. Linux before 6.2
// forgets it then, so that for a moment they could have all CPUs of the cpuset.
func (e *engine) restoreAffinity(g *liveGroup) error {
	if len(g.affinity) == 0 {
		return nil
	}
	pool := e.inForce.of(g.cgroup)
	got, err := g.crew.handle.CPUs(g.Name, 0)
	if err != nil || got.Equals(within(g.affinity[0], pool)) {
		return nil //nolint:nilerr // only a worker that has ended has no CPUs, and it needs none
	}
	if e.holding != none {
		g.inForce[e.holding] = unite(g.inForce[e.holding], []cpuset.CPUSet{pool})
	}
	return g.each(func(i int) error {
		if cpus := g.affinity[min(i, len(g.affinity)-1)]; !cpus.Intersection(pool).IsEmpty() {
			return g.crew.handle.SetAffinity(g.Name, i, cpus)
		}
		return nil
	})
}

// note notes the CPUs of a group if a hold is on.
func (e *engine) note(g *liveGroup) {
	if e.holding != none {
		e.inForce.note(g, e.holding)
	}
}

func (e *engine) setNice(op *spec.SetNiceOp) error {
	g, err := e.crews.group(op.Group)
	if err != nil {
		return err
	}
	return g.each(func(i int) error { return g.crew.handle.SetNice(g.Name, i, op.Nice) })
}

func (e *engine) setClass(op *spec.ScriptOp) error {
	g, err := e.crews.group(op.SetSchedulingPolicy.Group)
	if err != nil {
		return err
	}
	return g.each(func(i int) error { return g.crew.handle.SetClass(g.Name, i, op.Class) })
}

// each changes every worker of a group. One that has ended does not count: its end is in the report.
func (g *liveGroup) each(change func(i int) error) error {
	for i := range g.Workers {
		if err := change(i); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

// setOnline takes CPUs offline or online.
func (e *engine) setOnline(cpus cpuset.CPUSet, online bool) error {
	if e.cpus == nil {
		return errors.New("no CPU of this run was prepared to be taken offline")
	}
	change, offline := e.cpus.Offline, e.inForce.offline.Union(cpus)
	if online {
		change, offline = e.cpus.Online, e.inForce.offline.Difference(cpus)
	}
	if err := change(cpus); err != nil {
		return err
	}
	e.inForce.offline = offline
	if e.groups.tree != nil {
		e.groups.tree.SetOffline(offline)
	}
	e.cpusChanged()
	return nil
}

// allowanceOf is what everything between the holds of a run may take altogether, 0 for a run without steps.
func allowanceOf(run *spec.Run) time.Duration {
	if len(run.Steps) == 0 {
		return 0
	}
	return run.TransitionTime() + filesTimeOf(run) + graceOf(run)
}
