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

// opPlace is what an op does on a machine.
type opPlace struct {
	// cpus are those of setCpuset, offlineCPUs and onlineCPUs.
	cpus cpus
	// affinities are those of setAffinity, each time it is carried out.
	affinities []confinement
}

// placeSteps goes through the steps on the machine.
func (p *placement) placeSteps() error {
	p.ops = make([][]opPlace, len(p.run.Steps))
	for i := range p.ops {
		p.ops[i] = make([]opPlace, len(p.run.Steps[i].Ops))
	}
	for _, step := range []func() error{p.placeCgroups, p.checkMemory, p.placeOps} {
		if err := step(); err != nil {
			return err
		}
	}
	clear(p.sets) // until they are made
	p.now.follow = p.follow
	if err := p.now.through(); err != nil {
		return err
	}
	total := 0
	for i := range p.groups {
		total += p.groups[i].workers
	}
	if total > MaxWorkers {
		return tooManyWorkers(total)
	}
	for _, check := range []func() error{p.checkHosts, p.checkScratch, p.checkBounds} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// placeOps resolves what ops name.
func (p *placement) placeOps() error {
	for i := range p.run.Steps {
		for j := range p.run.Steps[i].Ops {
			var err error
			switch op, out := &p.run.Steps[i].Ops[j], &p.ops[i][j]; {
			case op.SetCpuset != nil:
				out.cpus, err = p.resolveCpuset(&op.SetCpuset.Cpuset, fieldOfOp("steps[%d].ops[%d].setCpuset.cpuset", i, j))
				if err == nil {
					err = lacksNodes(op.SetCpuset.Cpuset.Mems, p.machine.MemoryNodes, fieldOfOp("steps[%d].ops[%d].setCpuset.cpuset.mems", i, j))
				}
			case op.OfflineCPUs != nil:
				out.cpus, err = p.numbered(op.OfflineCPUs, fieldOfOp("steps[%d].ops[%d].offlineCPUs", i, j))
			case op.OnlineCPUs != nil:
				out.cpus, err = p.numbered(op.OnlineCPUs, fieldOfOp("steps[%d].ops[%d].onlineCPUs", i, j))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// numbered are CPUs by their numbers, or the last of the machine's. One is never among these.
func (p *placement) numbered(op *CPUsOp, at field) (cpus, error) {
	if op.Last == nil {
		return p.listed(op.Exact, at, "exact")
	}
	list := p.cpus.list()
	if *op.Last >= len(list) {
		return nil, fmt.Errorf("has %d CPUs to use, so that none would be left by %v.last, %d", len(list), at, *op.Last)
	}
	return newCPUs(list[len(list)-*op.Last:]...), nil
}

// follow does on the machine what happens in the run, and checks what it comes to.
func (p *placement) follow(e *event) error {
	err := p.apply(e)
	if err == nil {
		err = p.checkNow()
	}
	if err == nil {
		return nil
	}
	switch {
	case e.step == none:
		return err
	case e.op >= 0:
		return fmt.Errorf("%w, in steps[%d].ops[%d].%s", err, e.step, e.op, p.run.Steps[e.step].Ops[e.op].name())
	default:
		return fmt.Errorf("%w, in steps[%d]", err, e.step)
	}
}

func (p *placement) apply(e *event) error {
	switch e.kind {
	case cgroupMade:
		p.sets[e.cgroup] = p.declared[e.cgroup]
	case cgroupRemoved:
		p.sets[e.cgroup] = nil
	case cpusetChanged:
		p.changeCpuset(e)
	case groupStarted:
		return p.startGroup(e.group)
	case affinityChanged:
		return p.setAffinity(e)
	case cpusTaken, cpusGiven:
		return p.switchCPUs(e)
	case groupStopped, groupMoved, settingsChanged, policyChanged:
		return nil
	}
	clear(p.pools)
	return nil
}

func (p *placement) changeCpuset(e *event) {
	switch op := &p.run.Steps[e.step].Ops[e.op]; {
	case op.SwapCpusets != nil:
		a, b := p.run.cgroup(op.SwapCpusets.A), p.run.cgroup(op.SwapCpusets.B)
		p.sets[a], p.sets[b] = p.sets[b], p.sets[a]
	case op.SetCpuset != nil:
		p.sets[e.cgroup] = p.ops[e.step][e.op].cpus
	default:
		p.sets[e.cgroup] = nil
	}
	clear(p.pools)
}

// startGroup places a group when it is started for the first time. Each further time
// it must come out the same.
func (p *placement) startGroup(i int) error {
	at := &p.groups[i]
	before := *at
	if err := p.placeGroup(i); err != nil {
		return err
	}
	if at.placed && !slices.Equal(before.pool.list(), at.pool.list()) {
		return fmt.Errorf("has CPUs %s for groups[%d] (%s) when it is started again, and %s at its first start: it must have the same each time",
			at.pool, i, p.run.Groups[i].Name, before.pool)
	}
	at.placed = true
	return nil
}

// poolNow is the CPUs that the workers of a group can have at the moment, whatever their affinity.
func (p *placement) poolNow(group int) cpus {
	return p.poolOf(p.run.cgroup(p.now.groups[group].cgroup))
}

func (p *placement) setAffinity(e *event) error {
	g, op := &p.run.Groups[e.group], p.run.Steps[e.step].Ops[e.op].SetAffinity
	pool, at := p.poolNow(e.group), fieldOfOp("steps[%d].ops[%d].setAffinity.affinity", e.step, e.op)
	if pool.empty() {
		return fmt.Errorf("has no CPU left for %v", at)
	}
	if g.NUMANode != nil {
		var err error
		if pool, err = p.nodeCPUs(*g.NUMANode, pool, at); err != nil {
			return err
		}
	}
	c, err := p.confine(g, &op.Affinity, pool, at)
	if err != nil {
		return err
	}
	p.groups[e.group].now = c
	out := &p.ops[e.step][e.op]
	out.affinities = append(out.affinities, c)
	return nil
}

// switchCPUs takes CPUs offline, or brings them back.
func (p *placement) switchCPUs(e *event) error {
	defer clear(p.pools)
	of := p.ops[e.step][e.op].cpus
	if e.kind == cpusGiven {
		if there := of.minus(p.offline); !there.empty() {
			return fmt.Errorf("has CPU %s of steps[%d].ops[%d].onlineCPUs online already", there, e.step, e.op)
		}
		p.offline = p.offline.minus(of)
		return nil
	}
	if of.minus(p.offline).empty() {
		return fmt.Errorf("has CPU %s of steps[%d].ops[%d].offlineCPUs offline already", of, e.step, e.op)
	}
	p.offline = p.offline.or(of)
	if p.cpus.within(p.offline) {
		return fmt.Errorf("has no other CPU to use than %s, one of which must stay online", p.cpus)
	}
	return nil
}

// checkNow checks what the machine cannot give at the moment.
func (p *placement) checkNow() error {
	for _, check := range []func() error{p.checkNesting, p.checkPartitions, p.checkTasks, p.checkPools} {
		if err := check(); err != nil {
			return err
		}
	}
	if !p.offline.empty() {
		if err := p.checkOffline(); err != nil {
			return err
		}
	}
	return p.admitDeadlines()
}

// checkPools checks that groups that run have a CPU left.
func (p *placement) checkPools() error {
	for i := range p.groups {
		if p.now.groups[i].runs && p.poolNow(i).empty() {
			return fmt.Errorf("has no CPU left for groups[%d] (%s)", i, p.run.Groups[i].Name)
		}
	}
	return nil
}

// checkOffline checks that CPUs that are offline leave every cpuset and every worker
// one, and partitions and exact affinities all of theirs.
func (p *placement) checkOffline() error {
	for i := range p.sets {
		gone := p.sets[i].and(p.offline)
		if c := &p.run.Cgroups[i]; !gone.empty() && (c.partition() || p.sets[i].within(p.offline)) {
			return fmt.Errorf("has CPU %s offline, which cgroups[%d] (%s) with CPUs %s cannot be without", gone, i, c.Name, p.sets[i])
		}
	}
	for i := range p.groups {
		if !p.now.groups[i].runs {
			continue
		}
		a, c := p.now.groups[i].affinity, &p.groups[i].now
		gone := c.cpus.or(c.from).and(p.offline)
		if !gone.empty() && (a != nil && a.Exact != "" || c.cpus.minus(p.offline).empty() && gone.size() >= c.count) {
			return fmt.Errorf("has CPU %s offline, which the affinity of groups[%d] (%s), %s, cannot be without", gone, i, p.run.Groups[i].Name, c.cpus.or(c.from))
		}
	}
	return nil
}

// script is the steps on the machine. Preconditions: the run has steps.
func (p *placement) script() *Script {
	s := p.now.script()
	for i := range s.Steps {
		for j := range s.Steps[i].Ops {
			out, at := &s.Steps[i].Ops[j], &p.ops[i][j]
			out.CPUs = at.cpus.set()
			switch {
			case out.SetCpuset != nil:
				out.Mems = memsOf(&out.SetCpuset.Cpuset)
			case out.SetSchedulingPolicy != nil:
				out.Class = p.run.classOf(out.SetSchedulingPolicy.SchedulingPolicy)
			case out.SetAffinity != nil:
				out.affinity = p.drawing(i, j)
			}
		}
	}
	return s
}

// classOf is the class of the named policy, that of SCHED_OTHER for none.
func (r *Run) classOf(policy string) work.Class {
	var class work.Class
	if p := r.schedulingPolicy(policy); p != nil {
		class.Policy, class.Priority = p.kernel()
		if p.Deadline != nil {
			call := p.Deadline.call()
			class.Runtime, class.Deadline, class.Period = call.Runtime, call.Deadline, call.Period
		}
	}
	return class
}

// drawing is what gives the affinities of each time that a setAffinity is carried out.
func (p *placement) drawing(step, op int) func(repetition int) []cpuset.CPUSet {
	group := p.run.group(p.run.Steps[step].Ops[op].SetAffinity.Group)
	workers, seed := p.groups[group].workers, uint64(p.run.Seed)
	each, repeats := p.ops[step][op].affinities, p.now.loops[step]
	return func(repetition int) []cpuset.CPUSet {
		c := &each[repeats.index(repetition)]
		if c.count == 0 {
			return []cpuset.CPUSet{c.cpus.set()}
		}
		// Groups by themselves have numbers below 1<<8.
		stream := uint64(group) | uint64(op+1)<<8 | uint64(step+1)<<16 | uint64(repetition)<<24
		return c.draw(rand.New(rand.NewPCG(seed, stream)), workers)
	}
}
