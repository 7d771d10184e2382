// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// crews are the crews of a run that are there.
type crews struct {
	// cfg is what they have in common.
	cfg  spawn.Config
	run  *spec.Resolved
	live map[int]*crew // by their numbers in the script
}

// crew is workers that were started together and are stopped together.
type crew struct {
	number int
	run    *spec.Resolved // its groups
	handle *spawn.Handle
	// first is the step of its first phase, steps how many it has.
	first, steps     int
	started, stopped int64
	groups           []*liveGroup
	// states are the letters of workers that made no progress in a step.
	states map[stateKey]string
}

type stateKey struct {
	step  int
	group string
	index int
}

// liveGroup is a group of a crew: where its workers are, and which CPUs they can have.
type liveGroup struct {
	*spec.ResolvedGroup
	crew *crew
	// cgroup is where it is now.
	cgroup string
	// affinity is that of each worker, or one for all; none, it has none.
	affinity []cpuset.CPUSet
	// inForce are the CPUs that each worker could have in a step, or one set for all.
	inForce map[int][]cpuset.CPUSet
}

// spawnFirst makes the workers that a run begins with: all of them, if it has no steps.
func spawnFirst(ctx context.Context, cfg spawn.Config) (*crews, error) {
	c := &crews{cfg: cfg, run: cfg.Run, live: map[int]*crew{}}
	if cfg.Run.Script == nil {
		h, err := spawn.Spawn(ctx, cfg)
		if err != nil {
			return nil, err
		}
		c.add(&crew{run: cfg.Run, handle: h})
		return c, nil
	}
	for _, number := range cfg.Run.Script.Start {
		if _, err := c.spawn(ctx, number, 0, nil); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// spawn makes the workers of a crew, parked. step is the one that is on. poolOf, where given, are the
// CPUs that a cgroup has by now.
func (c *crews) spawn(ctx context.Context, number, step int, poolOf func(cgroup string) cpuset.CPUSet) (*crew, error) {
	run := c.run.Crew(number)
	for i := range run.Groups {
		if poolOf != nil {
			run.Groups[i].Pool = poolOf(run.Groups[i].Cgroup)
		}
	}
	cfg := c.cfg
	cfg.Run, cfg.Whole = run, c.run
	cfg.FirstPhase, cfg.Phases = step, max(c.run.Script.Crews[number].Last-step+1, 1)
	h, err := spawn.Spawn(ctx, cfg)
	if err != nil {
		return nil, err
	}
	n := &crew{number: number, run: run, handle: h, first: step, steps: cfg.Phases}
	c.add(n)
	return n, nil
}

func (c *crews) add(n *crew) {
	n.states = map[stateKey]string{}
	for i := range n.run.Groups {
		g := &n.run.Groups[i]
		n.groups = append(n.groups, &liveGroup{ResolvedGroup: g, crew: n, cgroup: g.Cgroup, affinity: g.CPUs, inForce: map[int][]cpuset.CPUSet{}})
	}
	c.live[n.number] = n
}

// all are the crews that are there, in the order of their numbers.
func (c *crews) all() []*crew {
	var list []*crew
	for _, number := range slices.Sorted(maps.Keys(c.live)) {
		list = append(list, c.live[number])
	}
	return list
}

// group finds a group that is there.
func (c *crews) group(name string) (*liveGroup, error) {
	for _, n := range c.live {
		for _, g := range n.groups {
			if g.Name == name {
				return g, nil
			}
		}
	}
	return nil, fmt.Errorf("group %s is not there", name)
}

// stop stops crews side by side, and says whose processes are still there. lastResort may be nil.
func stop(list []*crew, lastResort func()) error {
	for _, n := range list {
		n.stopped = n.handle.TellStop()
	}
	var done sync.WaitGroup
	for _, n := range list {
		done.Go(func() { n.handle.Stop(lastResort) }) // each wait of a stop is bounded
	}
	done.Wait()
	var errs []error
	for _, n := range list {
		if left := n.handle.Alive(); left > 0 {
			errs = append(errs, fmt.Errorf("%d processes of group %s are still there after they were killed", left, n.groups[0].Name))
		}
	}
	return errors.Join(errs...)
}

// leave forgets a crew that was stopped, when the report has what it left.
func (c *crews) leave(n *crew, b *report.Builder) error {
	b.Add(n.report())
	delete(c.live, n.number)
	return n.handle.Close()
}

// report is what a crew left.
func (n *crew) report() report.Crew {
	return report.Crew{
		Workers: n.handle.Workers, Started: n.started, Stopped: n.stopped, FirstStep: n.first, Steps: n.steps, Allowed: n.allowed,
		State: func(group string, worker, step int) string { return n.states[stateKey{step, group, worker}] },
	}
}

// allowed are the CPUs that a worker could have in a step.
func (n *crew) allowed(group string, worker, step int) cpuset.CPUSet {
	i := slices.IndexFunc(n.groups, func(g *liveGroup) bool { return g.Name == group })
	sets := n.groups[i].inForce[step]
	switch len(sets) {
	case 0:
		return cpuset.New()
	case 1:
		return sets[0]
	}
	return sets[worker]
}

// noteStates notes the states of workers that made no progress in a step, or in a run without steps in step -1.
func (n *crew) noteStates(step int) {
	for _, s := range n.handle.States(step) {
		n.states[stateKey{step, s.Group, s.Index}] = s.Letter
	}
}

// close ends whatever is left.
func (c *crews) close() error {
	var errs []error
	for number, n := range c.live {
		errs = append(errs, n.handle.Close())
		delete(c.live, number)
	}
	return errors.Join(errs...)
}
