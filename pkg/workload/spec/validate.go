// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	maxDuration = 24 * time.Hour
	maxGroups   = 12
	// MaxWorkers bounds the workers of one group and of a run.
	MaxWorkers = 20_000
	maxComm    = 15
	// maxWorkersPercent bounds workersPercent: a thousand workers for each CPU.
	maxWorkersPercent = 100_000
	// maxCPU is the highest CPU that Linux can be built for.
	maxCPU = 8191
)

// maxID is the highest user or group id; the next one means "none" to the kernel.
const maxID = 1<<32 - 2

// Validate checks everything that does not depend on a machine and returns all
// it finds. Each error begins with the path of the field.
func (r *Run) Validate() error {
	errs := []error{validateRun(r)}
	known := names{scheduling: map[string]bool{}, memory: map[string]bool{}, cgroups: map[string]bool{}}
	for i, p := range r.SchedulingPolicies {
		errs = append(errs, at(validatePolicy(&p), "schedulingPolicies[%d]", i), unique(known.scheduling, p.Name, "schedulingPolicies[%d]", i))
	}
	for i, p := range r.MemoryPolicies {
		errs = append(errs, at(validateMemoryPolicy(&p), "memoryPolicies[%d]", i), unique(known.memory, p.Name, "memoryPolicies[%d]", i))
	}
	for i, c := range r.Cgroups {
		errs = append(errs, at(validateCgroup(&c), "cgroups[%d]", i), unique(known.cgroups, c.Name, "cgroups[%d]", i))
	}
	groups := map[string]bool{}
	for i := range r.Groups {
		g := &r.Groups[i]
		errs = append(errs, at(validateGroup(g), "groups[%d]", i), unique(groups, g.Name, "groups[%d]", i), known.referredToBy(g, i))
	}
	errs = append(errs, at(r.Interference.validate(), "interference"), r.validateThrottled())
	errs = append(errs, r.validateWork()...)
	errs = append(errs, r.validateHosts()...)
	errs = append(errs, r.validateMems()...)
	errs = append(errs, r.validateTasks()...)
	errs = append(errs, r.validateChecks()...)
	errs = append(errs, r.validateTree()...)
	errs = append(errs, r.validateScript()...)
	if err := errors.Join(errs...); err != nil || len(r.Steps) == 0 {
		return err
	}
	// What has faults by itself would make a walk stumble over them.
	w := newWalk(r)
	if err := w.through(); err != nil {
		return err
	}
	return errors.Join(r.validateCrews(w)...)
}

// names are those that groups can refer to.
type names struct{ scheduling, memory, cgroups map[string]bool }

func (n names) referredToBy(g *Group, i int) error {
	var errs []error
	for _, ref := range []struct {
		known             map[string]bool
		name, field, list string
	}{
		{n.scheduling, g.SchedulingPolicy, "schedulingPolicy", "schedulingPolicies"},
		{n.memory, g.MemoryPolicy, "memoryPolicy", "memoryPolicies"},
		{n.cgroups, g.Cgroup, "cgroup", "cgroups"},
	} {
		if ref.name != "" && !ref.known[ref.name] {
			errs = append(errs, fmt.Errorf("groups[%d].%s: there is no %q in %s", i, ref.field, ref.name, ref.list))
		}
	}
	return errors.Join(errs...)
}

// at puts the path of a field in front of an error, and of each of several.
func at(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	path := fmt.Sprintf(format, args...)
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range many.Unwrap() {
			all = append(all, at(e, "%s", path))
		}
		return errors.Join(all...)
	}
	return fmt.Errorf("%s.%w", path, err)
}

func unique(seen map[string]bool, name, format string, args ...any) error {
	if seen[name] {
		return fmt.Errorf("%s.name: %q is already taken", fmt.Sprintf(format, args...), name)
	}
	seen[name] = true
	return nil
}

func validateRun(r *Run) error {
	if r.Duration <= 0 || r.Duration.D() > maxDuration {
		return fmt.Errorf("duration: must be above 0s and at most 24h, not %v", r.Duration)
	}
	if len(r.Groups) == 0 || len(r.Groups) > maxGroups {
		return fmt.Errorf("groups: there must be 1 to %d, not %d", maxGroups, len(r.Groups))
	}
	total := 0
	for i := range r.Groups {
		total += r.Groups[i].Workers
	}
	if total > MaxWorkers {
		return fmt.Errorf("groups: at most %d workers in all, not %d", MaxWorkers, total)
	}
	return nil
}

func validateGroup(g *Group) error {
	if g.Name == "" {
		return errors.New("name: must not be empty")
	}
	if err := validateProcess(g); err != nil {
		return err
	}
	if len(g.Comm) > maxComm || strings.ContainsRune(g.Comm, 0) {
		return fmt.Errorf("comm: at most %d bytes without a zero byte, not %q", maxComm, g.Comm)
	}
	if g.Nice != nil && (*g.Nice < -20 || *g.Nice > 19) {
		return fmt.Errorf("nice: must be -20 to 19, not %d", *g.Nice)
	}
	kind, err := g.Work.Kind()
	if err != nil {
		return err
	}
	if err := kind.Validate(); err != nil {
		return fmt.Errorf("work.%s.%w", kind.Name(), err)
	}
	if err := validateWorkers(g, kind); err != nil {
		return err
	}
	if g.NUMANode != nil && (*g.NUMANode < 0 || *g.NUMANode > maxNode) {
		return fmt.Errorf("numaNode: must be 0 to %d, not %d", maxNode, *g.NUMANode)
	}
	return validateAffinity(g.Affinity)
}

// validateWorkers checks how many workers a group has. A share of the CPUs is
// rounded up to a whole set of the kind of work; a number has to be one.
func validateWorkers(g *Group, kind work.Kind) error {
	if g.WorkersPercent != 0 {
		if g.Workers != 0 {
			return fmt.Errorf("workersPercent: not together with workers, which is %d", g.Workers)
		}
		if kind.Shape().OneProcess {
			return fmt.Errorf("workersPercent: %s brings its own threads for the CPUs there are; set workers to the number of programs", kind.Name())
		}
		if g.WorkersPercent < 1 || g.WorkersPercent > maxWorkersPercent {
			return fmt.Errorf("workersPercent: must be 1 to %d, not %d", maxWorkersPercent, g.WorkersPercent)
		}
		return nil
	}
	if g.Workers < 1 || g.Workers > MaxWorkers {
		return fmt.Errorf("workers: must be 1 to %d, not %d", MaxWorkers, g.Workers)
	}
	if shape := kind.Shape(); !shape.OneProcess && g.Workers%shape.SetSize != 0 {
		return fmt.Errorf("workers: %s works in sets of %d, so it must be a multiple of that, not %d", kind.Name(), shape.SetSize, g.Workers)
	}
	return nil
}

// validateProcess checks what the process of a group's workers is.
func validateProcess(g *Group) error {
	if g.CloneMode != CloneModeFork && g.CloneMode != CloneModeThread {
		return fmt.Errorf("cloneMode: must be %s or %s, not %q", CloneModeFork, CloneModeThread, g.CloneMode)
	}
	if g.ProcessName != "" && g.CloneMode != CloneModeThread {
		return fmt.Errorf("processName: needs cloneMode %s, not %s", CloneModeThread, g.CloneMode)
	}
	if len(g.ProcessName) > maxComm || strings.ContainsAny(g.ProcessName, "/\x00") {
		return fmt.Errorf("processName: at most %d bytes without '/' or a zero byte, not %q", maxComm, g.ProcessName)
	}
	if g.UID != nil && (*g.UID < 0 || *g.UID > maxID) {
		return fmt.Errorf("uid: must be 0 to %d, not %d", maxID, *g.UID)
	}
	if g.GID != nil && (*g.GID < 0 || *g.GID > maxID) {
		return fmt.Errorf("gid: must be 0 to %d, not %d", maxID, *g.GID)
	}
	return nil
}

// validateHosts checks that groups that share a host process want the same of
// it: a process has one user and one group.
func (r *Run) validateHosts() []error {
	first := map[host]*Group{}
	var errs []error
	for i := range r.Groups {
		g, at := &r.Groups[i], r.hostOf(i)
		other, shared := first[at]
		if !shared {
			first[at] = g
			continue
		}
		for _, id := range []struct {
			field       string
			theirs, own *int64
		}{{"uid", other.UID, g.UID}, {"gid", other.GID, g.GID}} {
			if idText(id.theirs) != idText(id.own) {
				errs = append(errs, fmt.Errorf("groups[%d].%s: %q and %q are threads of one process %q, so it must be the same in both, not %s and %s",
					i, id.field, other.Name, g.Name, g.ProcessName, idText(id.theirs), idText(id.own)))
			}
		}
	}
	return errs
}

func idText(id *int64) string {
	if id == nil {
		return "unset"
	}
	return strconv.FormatInt(*id, 10)
}

func validateAffinity(a *Affinity) error {
	if a == nil {
		return nil
	}
	ways := count(a.Exact != "", a.SingleCPU != nil, a.LowestCPUs != nil, a.RandomSubset != nil, a.LLCAligned != nil, a.SMTSiblingPair != nil, a.CrossCgroup != nil)
	if ways != 1 {
		return fmt.Errorf("affinity: exactly one way to choose CPUs must be set, not %d", ways)
	}
	if _, err := parseList(a.Exact, maxCPU); err != nil {
		return fmt.Errorf("affinity.exact: must be a list of CPUs such as 0-3,8, not %q", a.Exact)
	}
	if l := a.LowestCPUs; l != nil && (l.Count < 1 || l.Count > maxCPU+1) {
		return fmt.Errorf("affinity.lowestCPUs.count: must be 1 to %d, not %d", maxCPU+1, l.Count)
	}
	if r := a.RandomSubset; r != nil {
		if _, err := parseList(r.From, maxCPU); err != nil {
			return fmt.Errorf("affinity.randomSubset.from: must be a list of CPUs such as 0-3,8, not %q", r.From)
		}
		if r.Count < 1 {
			return fmt.Errorf("affinity.randomSubset.count: must be at least 1, not %d", r.Count)
		}
	}
	return nil
}

// count is how many of the conditions hold.
func count(conditions ...bool) int {
	n := 0
	for _, holds := range conditions {
		if holds {
			n++
		}
	}
	return n
}

// parseList reads a list of numbers in the kernel's form. It looks at the numbers
// before it makes the set, which a range such as 0-2000000000 would make huge.
func parseList(list string, highest int) (cpuset.CPUSet, error) {
	for number := range strings.FieldsFuncSeq(list, func(c rune) bool { return c == ',' || c == '-' }) {
		if n, err := strconv.Atoi(number); err != nil || n > highest {
			return cpuset.New(), fmt.Errorf("%q is not a number of 0 to %d", number, highest)
		}
	}
	return cpuset.Parse(list)
}
