// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"slices"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// walk goes through the steps of a run in thought: it knows at every moment which
// cgroups there are, which groups run where, and what is set, and refuses what
// cannot be. What depends on a machine is decided by whoever follows it.
type walk struct {
	run     *Run
	cgroups []cgroupNow
	groups  []groupNow
	// traits are what the work of the groups is.
	traits []trait
	// moment is when it is.
	moment
	// events are what has happened.
	events []event
	// loops are how the ops of the steps repeat.
	loops []loop
	// taken says that CPUs may be offline.
	taken bool
	// follow is told of each event once it has happened. Its error is no fault of the run.
	follow func(*event) error
	unfit  error
}

// cgroupNow is a cgroup at one moment.
type cgroupNow struct {
	exists, frozen bool
	// cpuset is nil if it is inherited.
	cpuset  *Cpuset
	cpu     CgroupCPU
	memory  CgroupMemory
	pidsMax *int64
}

// groupNow is a group at one moment.
type groupNow struct {
	runs     bool
	cgroup   string
	policy   string
	affinity *Affinity
}

// trait is what a walk has to know of a kind of work.
type trait struct {
	// destination is the cgroup that the workers move to by themselves, "" for none.
	destination string
	// deadline says that some of the workers are deadline tasks, whatever their group's policy is.
	deadline bool
}

// moment is a place in a script. Before the first step the step is none.
type moment struct{ step, op, pass int }

// What is not an op of its step.
const (
	beforeOps = -1
	afterHold = -2
)

// event is what happens to a cgroup, a group or the CPUs.
type event struct {
	kind eventKind
	moment
	cgroup, group int
}

type eventKind int

const (
	cgroupMade eventKind = iota
	cgroupRemoved
	groupStarted
	groupStopped
	groupMoved
	cpusetChanged
	settingsChanged
	affinityChanged
	policyChanged
	cpusTaken
	cpusGiven
)

// loop is how often the ops of a step differ: from pass on they do again what they
// did from pass from on.
type loop struct{ passes, from int }

// index is the pass that a repetition is like.
func (l loop) index(repetition int) int {
	if repetition < l.passes {
		return repetition
	}
	return l.from + (repetition-l.from)%(l.passes-l.from)
}

// maxPasses bounds how long ops that repeat may take to come back to where they were.
const maxPasses = 64

// errUnfit ends a walk that nobody follows any further.
var errUnfit = errors.New("the machine does not fit")

func newWalk(r *Run) *walk {
	return &walk{
		run: r, cgroups: make([]cgroupNow, len(r.Cgroups)), groups: make([]groupNow, len(r.Groups)), traits: make([]trait, len(r.Groups)),
		moment: moment{none, beforeOps, 0}, loops: make([]loop, len(r.Steps)),
	}
}

// look finds out what the work of the groups is.
func (w *walk) look() {
	for i := range w.run.Groups {
		_, shape, _ := w.run.Groups[i].work() // valid
		w.traits[i] = trait{
			destination: shape.Opens.Cgroup,
			deadline: slices.ContainsFunc(shape.Roles, func(role work.Role) bool {
				return role.Class != nil && role.Class.Policy == sys.PolicyDeadline
			}),
		}
	}
}

// through walks through the whole run.
func (w *walk) through() error {
	w.look()
	err := w.begin()
	for i := 0; i < len(w.run.Steps) && err == nil; i++ {
		err = w.inStep(i)
	}
	if w.unfit != nil {
		return w.unfit
	}
	return err
}

// all makes and starts everything, as it is in a run without steps.
func (w *walk) all() {
	for i := range w.run.Cgroups {
		w.cgroups[i] = cgroupNow{exists: true, cpuset: w.run.Cgroups[i].Cpuset, pidsMax: w.run.Cgroups[i].PidsMax}
	}
	for i := range w.run.Groups {
		g := &w.run.Groups[i]
		w.groups[i] = groupNow{runs: true, cgroup: g.Cgroup, policy: g.SchedulingPolicy, affinity: g.Affinity}
	}
}

// happened records an event and tells of it.
func (w *walk) happened(kind eventKind, cgroup, group int) error {
	w.events = append(w.events, event{kind, w.moment, cgroup, group})
	if w.follow == nil {
		return nil
	}
	if w.unfit = w.follow(&w.events[len(w.events)-1]); w.unfit != nil {
		return errUnfit
	}
	return nil
}

// begin makes and starts what no step and no op does.
func (w *walk) begin() error {
	later, startedLater := w.run.madeBySteps()
	var all []int
	for i := range w.run.Cgroups {
		if !later[w.run.Cgroups[i].Name] {
			all = append(all, i)
		}
	}
	for _, i := range w.run.byDepth(all) {
		if err := w.create(i); err != nil {
			return fmt.Errorf("cgroups[%d].name: %w when the run begins", i, err)
		}
	}
	for i := range w.run.Groups {
		if startedLater[w.run.Groups[i].Name] {
			continue
		}
		if err := w.start(i); err != nil {
			return fmt.Errorf("groups[%d].cgroup: %w when the run begins: name the group in a step, too", i, err)
		}
	}
	return nil
}

// madeBySteps are the names of the cgroups and groups that are not there for the whole run.
func (r *Run) madeBySteps() (cgroups, groups map[string]bool) {
	cgroups, groups = map[string]bool{}, map[string]bool{}
	for i := range r.Steps {
		for _, name := range r.Steps[i].Cgroups {
			cgroups[name] = true
		}
		for _, name := range r.Steps[i].Groups {
			groups[name] = true
		}
		for j := range r.Steps[i].Ops {
			if op := r.Steps[i].Ops[j].CreateCgroup; op != nil {
				cgroups[op.Cgroup] = true
			}
			if op := r.Steps[i].Ops[j].StartGroup; op != nil {
				groups[op.Group] = true
			}
		}
	}
	return cgroups, groups
}

// inStep walks through one step.
func (w *walk) inStep(i int) error {
	step := &w.run.Steps[i]
	w.moment = moment{i, beforeOps, 0}
	cgroups := w.run.byDepth(w.run.cgroupsNamed(step.Cgroups))
	for _, c := range cgroups {
		if err := w.create(c); err != nil {
			return fmt.Errorf("steps[%d].cgroups: %w", i, err)
		}
	}
	for _, name := range step.Groups {
		if err := w.start(w.run.group(name)); err != nil {
			return fmt.Errorf("steps[%d].groups: %w", i, err)
		}
	}
	ends, err := w.carryOut(i)
	if err != nil {
		return err
	}
	w.moment = moment{i, afterHold, 0}
	for _, name := range step.Groups {
		if g := w.run.group(name); w.groups[g].runs {
			if err := w.stop(g, step.Groups); err != nil {
				return fmt.Errorf("steps[%d].groups: at its end %w", i, err)
			}
		}
	}
	slices.Reverse(cgroups)
	for _, c := range cgroups {
		if !w.cgroups[c].exists {
			continue
		}
		if err := w.remove(c); err != nil {
			return fmt.Errorf("steps[%d].cgroups: at its end %w", i, err)
		}
	}
	return w.settled(i, ends)
}

// carryOut walks through the ops of a step as often as they differ, at least twice
// if they repeat. ends are the cpusets after each time.
func (w *walk) carryOut(i int) (ends [][]*Cpuset, err error) {
	step := &w.run.Steps[i]
	seen := []snapshot{w.snapshot()}
	var livesBefore []event
	for pass := 0; ; pass++ {
		before := len(w.events)
		for j := range step.Ops {
			w.moment = moment{i, j, pass}
			if err := w.do(&step.Ops[j]); err != nil {
				return nil, fmt.Errorf("steps[%d].ops[%d].%s.%w%s", i, j, step.Ops[j].name(), err, again(pass))
			}
		}
		now := w.snapshot()
		ends = append(ends, now.cpusets)
		w.loops[i] = loop{pass + 1, pass}
		if step.RepeatOpsEvery == nil || len(step.Ops) == 0 {
			return ends, nil
		}
		lives := w.lives(before)
		if pass > 0 && !slices.Equal(lives, livesBefore) {
			return nil, fmt.Errorf("steps[%d].repeatOpsEvery: what the ops start, stop, make and remove is not the same each time", i)
		}
		livesBefore = lives
		if from := lastEqual(seen, now); from != none && pass > 0 {
			w.loops[i] = loop{pass + 1, from}
			return ends, nil
		}
		if seen = append(seen, now); pass == maxPasses {
			return nil, fmt.Errorf("steps[%d].repeatOpsEvery: after %d times the ops have not come back to cpusets as they were: swap fewer", i, pass)
		}
	}
}

// again is what an error says that happens only when ops repeat.
func again(pass int) string {
	if pass == 0 {
		return ""
	}
	return ", when it is repeated"
}

// lives are what has been started, stopped, made and removed from one event on, whatever the pass.
func (w *walk) lives(from int) []event {
	var lives []event
	for _, e := range w.events[from:] {
		if e.kind <= groupStopped {
			e.pass = 0
			lives = append(lives, e)
		}
	}
	return lives
}

// snapshot is what decides whether ops can be carried out, and on which CPUs.
type snapshot struct {
	cgroups []bool
	cpusets []*Cpuset
	groups  []groupNow
}

func (w *walk) snapshot() snapshot {
	s := snapshot{groups: slices.Clone(w.groups)}
	for i := range w.cgroups {
		s.cgroups = append(s.cgroups, w.cgroups[i].exists)
		s.cpusets = append(s.cpusets, w.cgroups[i].cpuset)
	}
	return s
}

func (s snapshot) equal(other snapshot) bool {
	return slices.Equal(s.cgroups, other.cgroups) && slices.Equal(s.cpusets, other.cpusets) && slices.Equal(s.groups, other.groups)
}

// lastEqual is the position of the last snapshot that is like another, none if none is.
func lastEqual(seen []snapshot, now snapshot) int {
	for i, earlier := range slices.Backward(seen) {
		if earlier.equal(now) {
			return i
		}
	}
	return none
}

// settled checks that the cpusets after a step do not depend on how often its ops were carried out, if another follows.
func (w *walk) settled(i int, ends [][]*Cpuset) error {
	if i == len(w.run.Steps)-1 {
		return nil
	}
	for c := range w.cgroups {
		for _, end := range ends {
			if w.cgroups[c].exists && end[c] != ends[0][c] {
				return fmt.Errorf("steps[%d].repeatOpsEvery: which cpuset %q has at its end depends on how often swapCpusets was repeated, so no step can follow: make this the last, or name the cgroup in its cgroups",
					i, w.run.Cgroups[c].Name)
			}
		}
	}
	return nil
}
