// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

const (
	// maxSteps is below arena.MaxPhases.
	maxSteps    = 64
	maxOps      = 16
	maxStepName = 32
)

var stepName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// validateScript checks what is wrong with steps by themselves. Whether each can
// follow upon those before it a walk finds out.
func (r *Run) validateScript() []error {
	if len(r.Steps) > maxSteps {
		return []error{fmt.Errorf("steps: at most %d, not %d", maxSteps, len(r.Steps))}
	}
	var errs []error
	names := map[string]bool{}
	for i := range r.Steps {
		s := &r.Steps[i]
		errs = append(errs, unique(names, s.Name, "steps[%d]", i), at(r.validateStep(s), "steps[%d]", i))
	}
	return append(errs, r.validateHolds()...)
}

func (r *Run) validateStep(s *Step) error {
	errs := []error{}
	if len(s.Name) > maxStepName || !stepName.MatchString(s.Name) {
		errs = append(errs, fmt.Errorf("name: must be at most %d lower-case letters, digits and dashes, not %q", maxStepName, s.Name))
	}
	for i, name := range s.Cgroups {
		errs = append(errs, r.knowsCgroup(fmt.Sprintf("cgroups[%d]", i), name), twice("cgroups", s.Cgroups, i))
	}
	for i, name := range s.Groups {
		errs = append(errs, r.knowsGroup(fmt.Sprintf("groups[%d]", i), name), twice("groups", s.Groups, i))
	}
	if len(s.Ops) > maxOps {
		errs = append(errs, fmt.Errorf("ops: at most %d, not %d: a step with a hold of 0s can carry out more", maxOps, len(s.Ops)))
	}
	for i := range s.Ops {
		errs = append(errs, at(r.validateOp(&s.Ops[i]), "ops[%d]", i))
	}
	if every := s.RepeatOpsEvery; every != nil {
		if len(s.Ops) == 0 {
			errs = append(errs, errors.New("repeatOpsEvery: there are no ops to repeat"))
		}
		if every.D() < minRepeatInterval || every.D() > maxDuration {
			errs = append(errs, fmt.Errorf("repeatOpsEvery: must be %v to 24h, not %v", minRepeatInterval, *every))
		}
	}
	return errors.Join(errs...)
}

func twice(field string, names []string, i int) error {
	if slices.Index(names, names[i]) == i {
		return nil
	}
	return fmt.Errorf("%s[%d]: %q is named twice", field, i, names[i])
}

func (r *Run) knowsCgroup(field, name string) error {
	if r.cgroup(name) == none {
		return fmt.Errorf("%s: there is no %q in cgroups", field, name)
	}
	return nil
}

func (r *Run) knowsGroup(field, name string) error {
	if r.group(name) == none {
		return fmt.Errorf("%s: there is no %q in groups", field, name)
	}
	return nil
}

// names are what an op is called, with whether it is set.
func (o *Op) names() [17]opName {
	return [...]opName{
		{"createCgroup", o.CreateCgroup != nil}, {"removeCgroup", o.RemoveCgroup != nil},
		{"startGroup", o.StartGroup != nil}, {"stopGroup", o.StopGroup != nil}, {"waitGroup", o.WaitGroup != nil}, {"moveGroup", o.MoveGroup != nil},
		{"setCpuset", o.SetCpuset != nil}, {"clearCpuset", o.ClearCpuset != nil}, {"swapCpusets", o.SwapCpusets != nil}, {"setCgroup", o.SetCgroup != nil},
		{"freezeCgroup", o.FreezeCgroup != nil}, {"thawCgroup", o.ThawCgroup != nil},
		{"setAffinity", o.SetAffinity != nil}, {"setNice", o.SetNice != nil}, {"setSchedulingPolicy", o.SetSchedulingPolicy != nil},
		{"offlineCPUs", o.OfflineCPUs != nil}, {"onlineCPUs", o.OnlineCPUs != nil},
	}
}

// opName is a member of an op.
type opName struct {
	name string
	set  bool
}

// name is what an op is called in a manifest, such as setCpuset.
func (o *Op) name() string {
	for _, n := range o.names() {
		if n.set {
			return n.name
		}
	}
	return ""
}

// validateOp checks an op by itself.
func (r *Run) validateOp(o *Op) error {
	set := 0
	for _, n := range o.names() {
		set += count(n.set)
	}
	if set != 1 {
		return fmt.Errorf("createCgroup: exactly one operation must be set, not %d", set)
	}
	return at(r.validateSetOp(o), "%s", o.name())
}

func (r *Run) validateSetOp(o *Op) error {
	for _, op := range []*CgroupOp{o.CreateCgroup, o.RemoveCgroup, o.ClearCpuset, o.FreezeCgroup, o.ThawCgroup} {
		if op != nil {
			return errors.Join(r.knowsCgroup("cgroup", op.Cgroup), r.validateCleared(o))
		}
	}
	for _, op := range []*GroupOp{o.StartGroup, o.StopGroup} {
		if op != nil {
			return r.knowsGroup("group", op.Group)
		}
	}
	switch {
	case o.WaitGroup != nil:
		return r.validateWait(o.WaitGroup)
	case o.MoveGroup != nil:
		return r.validateMove(o.MoveGroup)
	case o.SetCpuset != nil:
		return errors.Join(r.knowsCgroup("cgroup", o.SetCpuset.Cgroup), r.validateSetCpuset(o.SetCpuset))
	case o.SwapCpusets != nil:
		return r.validateSwap(o.SwapCpusets)
	case o.SetCgroup != nil:
		return r.validateSetCgroup(o.SetCgroup)
	case o.SetAffinity != nil:
		return errors.Join(r.knowsGroup("group", o.SetAffinity.Group), validateAffinity(&o.SetAffinity.Affinity), r.notAProgram(o.SetAffinity.Group))
	case o.SetNice != nil:
		return errors.Join(r.knowsGroup("group", o.SetNice.Group), within("nice", &o.SetNice.Nice, -20, 19), r.notAProgram(o.SetNice.Group))
	case o.SetSchedulingPolicy != nil:
		return r.validateSetPolicy(o.SetSchedulingPolicy)
	case o.OfflineCPUs != nil:
		return o.OfflineCPUs.validate()
	default:
		return o.OnlineCPUs.validate()
	}
}

// validateCleared checks that no partition loses its cpuset.
func (r *Run) validateCleared(o *Op) error {
	if o.ClearCpuset == nil {
		return nil
	}
	return r.notAPartition("cgroup", o.ClearCpuset.Cgroup)
}

func (r *Run) notAPartition(field, name string) error {
	if i := r.cgroup(name); i != none && r.Cgroups[i].partition() {
		return fmt.Errorf("%s: %q is a partition, whose cpuset cannot change during a run", field, name)
	}
	return nil
}

func (r *Run) validateWait(op *WaitGroupOp) error {
	errs := []error{r.knowsGroup("group", op.Group)}
	if i := r.group(op.Group); i != none && r.Groups[i].Work.Exec == nil {
		errs = append(errs, fmt.Errorf("group: %q is not of kind exec: only programs come to an end by themselves", op.Group))
	}
	if op.Timeout <= 0 || op.Timeout.D() > maxWait {
		errs = append(errs, fmt.Errorf("timeout: must be above 0s and at most %v, not %v", maxWait, op.Timeout))
	}
	return errors.Join(errs...)
}

func (r *Run) validateMove(op *MoveGroupOp) error {
	errs := []error{r.knowsGroup("group", op.Group), r.notAProgram(op.Group)}
	if op.Cgroup != "" {
		errs = append(errs, r.knowsCgroup("cgroup", op.Cgroup))
	}
	if limited := r.limitedBelow(op.Cgroup); limited != none {
		errs = append(errs, fmt.Errorf("cgroup: %q cannot hold workers, since %q below it has controllers: move the group to a cgroup of its own", op.Cgroup, r.Cgroups[limited].Name))
	}
	if i := r.group(op.Group); i != none {
		if kind, shape, ok := r.Groups[i].work(); ok && (shape.Opens.Cgroup != "" || shape.Opens.Leaves > 0) {
			errs = append(errs, fmt.Errorf("group: %q moves between cgroups itself: %s is that", op.Group, kind.Name()))
		}
	}
	return errors.Join(errs...)
}

func (r *Run) validateSetCpuset(op *SetCpusetOp) error {
	err := at(op.Cpuset.validate(), "cpuset")
	if op.Cpuset.Partition != "" {
		err = errors.New("cpuset.partition: a partition cannot be made during a run: declare it in cgroups, and make that cgroup in a step")
	}
	return errors.Join(err, r.notAPartition("cgroup", op.Cgroup))
}

func (r *Run) validateSwap(op *SwapCpusetsOp) error {
	if op.A == op.B {
		return fmt.Errorf("b: must be another cgroup than a, not %q, too", op.B)
	}
	return errors.Join(r.knowsCgroup("a", op.A), r.knowsCgroup("b", op.B), r.notAPartition("a", op.A), r.notAPartition("b", op.B))
}

// validateSetCgroup checks settings as those of a cgroup that has nothing else set, but
// for what needs something beside it, which a walk checks.
func (r *Run) validateSetCgroup(op *SetCgroupOp) error {
	errs := []error{r.knowsCgroup("cgroup", op.Cgroup)}
	if count(op.CPU != nil, op.Memory != nil, op.IO != nil, op.PidsMax != nil) == 0 {
		errs = append(errs, errors.New("cpu: neither it nor memory, io or pidsMax is set"))
	}
	if op.CPU != nil && *op.CPU == (CgroupCPU{}) {
		errs = append(errs, errors.New("cpu.weight: nothing is set: leave cpu out"))
	}
	if r.threaded(op.Cgroup) && op.Memory != nil {
		errs = append(errs, fmt.Errorf("memory: is not for a threaded cgroup, which %q is", op.Cgroup))
	}
	if r.threaded(op.Cgroup) && op.IO != nil {
		errs = append(errs, fmt.Errorf("io: is not for a threaded cgroup, which %q is", op.Cgroup))
	}
	if op.PidsMax != nil && (*op.PidsMax < 1 || *op.PidsMax > maxTasks) {
		errs = append(errs, fmt.Errorf("pidsMax: must be 1 to %d, not %d", maxTasks, *op.PidsMax))
	}
	return errors.Join(append(errs, at(op.Memory.validate(), "memory"), at(op.IO.validate(), "io"))...)
}

func (r *Run) validateSetPolicy(op *SetSchedulingPolicyOp) error {
	errs := []error{r.knowsGroup("group", op.Group), r.notAProgram(op.Group)}
	if op.SchedulingPolicy != "" && r.schedulingPolicy(op.SchedulingPolicy) == nil {
		errs = append(errs, fmt.Errorf("schedulingPolicy: there is no %q in schedulingPolicies", op.SchedulingPolicy))
	}
	if i := r.group(op.Group); i != none {
		if kind, shape, ok := r.Groups[i].work(); ok && hasClasses(&shape) {
			errs = append(errs, fmt.Errorf("group: %q is %s, which gives its workers their scheduling classes itself", op.Group, kind.Name()))
		}
	}
	return errors.Join(errs...)
}

// notAProgram refuses what would reach only the process that a program begins as.
func (r *Run) notAProgram(group string) error {
	if i := r.group(group); i != none && r.Groups[i].Work.Exec != nil {
		return fmt.Errorf("group: %q is programs, and which processes and threads they have by then is not known: set it in groups", group)
	}
	return nil
}

// member is the one that is set.
func (o *CPUsOp) member() string {
	if o.Last != nil {
		return "last"
	}
	return "exact"
}

func (o *CPUsOp) validate() error {
	if count(o.Exact != "", o.Last != nil) != 1 {
		return errors.New("exact: exactly one of exact and last must be set")
	}
	if _, err := parseList(o.Exact, maxCPU); err != nil {
		return fmt.Errorf("exact: must be a list of CPUs such as 0-3,8, not %q", o.Exact)
	}
	return within("last", o.Last, 1, maxCPU+1)
}

// validateCrews checks that groups that share a process live and die together.
func (r *Run) validateCrews(w *walk) []error {
	crewOf := map[host]int{}
	var errs []error
	for i, crew := range w.crews() {
		for _, g := range crew.Groups {
			at := r.hostOf(g)
			if at.group != none || r.Groups[g].CloneMode != CloneModeThread {
				continue
			}
			if first, known := crewOf[at]; known && first != i {
				errs = append(errs, fmt.Errorf("groups[%d].processName: %q is shared with a group that is started or stopped at another time: name both in the same steps, or give them processes of their own", g, r.Groups[g].ProcessName))
			} else if !known {
				crewOf[at] = i
			}
		}
	}
	return errs
}
