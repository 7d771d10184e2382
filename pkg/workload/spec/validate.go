// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

const (
	maxDuration = 24 * time.Hour
	maxGroups   = 12
	// MaxWorkers bounds the workers of one group and of a run.
	MaxWorkers = 20_000
	maxComm    = 15
)

// Validate checks everything that does not depend on a machine and returns all
// it finds. Each error begins with the path of the field.
func (r *Run) Validate() error {
	errs := []error{validateRun(r)}
	policies, cgroups := map[string]bool{}, map[string]bool{}
	for i, p := range r.SchedulingPolicies {
		errs = append(errs, at(validatePolicy(&p), "schedulingPolicies[%d]", i), unique(policies, p.Name, "schedulingPolicies[%d]", i))
	}
	for i, c := range r.Cgroups {
		errs = append(errs, at(validateCgroup(&c), "cgroups[%d]", i), unique(cgroups, c.Name, "cgroups[%d]", i))
	}
	groups := map[string]bool{}
	for i := range r.Groups {
		g := &r.Groups[i]
		errs = append(errs, at(validateGroup(g), "groups[%d]", i), unique(groups, g.Name, "groups[%d]", i))
		if g.SchedulingPolicy != "" && !policies[g.SchedulingPolicy] {
			errs = append(errs, fmt.Errorf("groups[%d].schedulingPolicy: there is no %q in schedulingPolicies", i, g.SchedulingPolicy))
		}
		if g.Cgroup != "" && !cgroups[g.Cgroup] {
			errs = append(errs, fmt.Errorf("groups[%d].cgroup: there is no %q in cgroups", i, g.Cgroup))
		}
	}
	return errors.Join(errs...)
}

func at(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s.%w", fmt.Sprintf(format, args...), err)
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
	if g.Workers < 1 || g.Workers > MaxWorkers {
		return fmt.Errorf("workers: must be 1 to %d, not %d", MaxWorkers, g.Workers)
	}
	if g.CloneMode != CloneModeFork {
		return fmt.Errorf("cloneMode: must be %s, not %q", CloneModeFork, g.CloneMode)
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
	if set := kind.Shape().SetSize; g.Workers%set != 0 {
		return fmt.Errorf("workers: %s works in sets of %d, so it must be a multiple of that, not %d", kind.Name(), set, g.Workers)
	}
	return validateAffinity(g.Affinity)
}

func validateAffinity(a *Affinity) error {
	if a == nil {
		return nil
	}
	members := 0
	for _, set := range []bool{a.Exact != "", a.SingleCPU != nil, a.RandomSubset != nil} {
		if set {
			members++
		}
	}
	if members != 1 {
		return fmt.Errorf("affinity: exactly one way to choose CPUs must be set, not %d", members)
	}
	if _, err := cpuset.Parse(a.Exact); err != nil {
		return fmt.Errorf("affinity.exact: must be a list of CPUs such as 0-3,8, not %q", a.Exact)
	}
	if r := a.RandomSubset; r != nil {
		if _, err := cpuset.Parse(r.From); err != nil {
			return fmt.Errorf("affinity.randomSubset.from: must be a list of CPUs such as 0-3,8, not %q", r.From)
		}
		if r.Count < 1 {
			return fmt.Errorf("affinity.randomSubset.count: must be at least 1, not %d", r.Count)
		}
	}
	return nil
}

func validateCgroup(c *Cgroup) error {
	if c.Name == "" || path.IsAbs(c.Name) || path.Clean(c.Name) != c.Name {
		return fmt.Errorf("name: must be a relative path without empty parts, not %q", c.Name)
	}
	for part := range strings.SplitSeq(c.Name, "/") {
		if strings.HasPrefix(part, ".") || strings.ContainsRune(part, 0) {
			return fmt.Errorf("name: no part may begin with a dot or hold a zero byte: %q", c.Name)
		}
	}
	return nil
}

func validatePolicy(p *SchedulingPolicy) error {
	if p.Name == "" {
		return errors.New("name: must not be empty")
	}
	members := 0
	for _, set := range []bool{p.Normal != nil, p.Batch != nil, p.Idle != nil, p.FIFO != nil, p.RoundRobin != nil} {
		if set {
			members++
		}
	}
	if members != 1 {
		return fmt.Errorf("name: %q must have exactly one class, not %d", p.Name, members)
	}
	for name, rt := range map[string]*Realtime{"fifo": p.FIFO, "roundRobin": p.RoundRobin} {
		if rt != nil && (rt.Priority < 1 || rt.Priority > 99) {
			return fmt.Errorf("%s.priority: must be 1 to 99, not %d", name, rt.Priority)
		}
	}
	return nil
}

// kernel is the policy's number and priority for sched_setscheduler(2).
func (p *SchedulingPolicy) kernel() (policy, priority int) {
	switch {
	case p.Batch != nil:
		return sys.PolicyBatch, 0
	case p.Idle != nil:
		return sys.PolicyIdle, 0
	case p.FIFO != nil:
		return sys.PolicyFIFO, p.FIFO.Priority
	case p.RoundRobin != nil:
		return sys.PolicyRR, p.RoundRobin.Priority
	default:
		return sys.PolicyOther, 0
	}
}
