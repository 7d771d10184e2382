// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"strings"
)

// parentOf is the name of the cgroup above, "" for the run's own.
func parentOf(cgroup string) string {
	return cgroup[:max(strings.LastIndexByte(cgroup, '/'), 0)]
}

// below says whether a cgroup lies below another; all lie below the run's own, "".
func below(cgroup, ancestor string) bool {
	return ancestor == "" && cgroup != "" || len(cgroup) > len(ancestor) && strings.HasPrefix(cgroup, ancestor) && cgroup[len(ancestor)] == '/'
}

// cgroup is the position of the named cgroup, none if it is not declared.
func (r *Run) cgroup(name string) int {
	for i := range r.Cgroups {
		if r.Cgroups[i].Name == name {
			return i
		}
	}
	return none
}

// threaded says whether the named cgroup is declared and threaded. The run's own
// never is, not even if a cgroup is declared without a name.
func (r *Run) threaded(name string) bool {
	i := r.cgroup(name)
	return name != "" && i != none && r.Cgroups[i].Threaded
}

// DomainOf is the nearest cgroup, from the named one upwards, that is not
// threaded; "" is the run's own. Threads of one process can be anywhere below it.
func (r *Run) DomainOf(cgroup string) string {
	for r.threaded(cgroup) {
		cgroup = parentOf(cgroup)
	}
	return cgroup
}

// validateTree checks what cgroups may lie below one another, and which can hold
// workers.
func (r *Run) validateTree() []error {
	domains := map[string]bool{} // that have threaded children
	for i := range r.Cgroups {
		if r.Cgroups[i].Threaded {
			domains[r.DomainOf(r.Cgroups[i].Name)] = true
		}
	}
	var errs []error
	for i := range r.Cgroups {
		if why := r.notThreaded(r.Cgroups[i].Name, domains); why != "" {
			errs = append(errs, fmt.Errorf("cgroups[%d].threaded: %s", i, why))
		}
	}
	for i := range r.Groups {
		if limited := r.limitedBelow(r.Groups[i].Cgroup); limited != none {
			errs = append(errs, fmt.Errorf("groups[%d].cgroup: %q cannot hold workers, since %q below it has controllers: give the group a cgroup of its own, or declare all below %q as threaded",
				i, r.Groups[i].Cgroup, r.Cgroups[limited].Name, r.Groups[i].Cgroup))
		}
	}
	return errs
}

// notThreaded says which cgroup must be threaded and is not: whatever lies below a
// domain with threaded children. The kernel takes no task into any other there.
func (r *Run) notThreaded(name string, domains map[string]bool) string {
	for part := name; part != ""; part = parentOf(part) {
		if r.threaded(part) {
			continue
		}
		for above := parentOf(part); above != ""; above = parentOf(above) {
			if domains[above] {
				return fmt.Sprintf("there are threaded cgroups below %q, so %q must be declared and threaded, too", above, part)
			}
		}
	}
	return ""
}

// limitedBelow is the position of a cgroup that keeps another from holding
// workers, none if there is none. A cgroup that hands controllers on can hold tasks
// only if all below it are threaded, and in its own domain. The run's own is out of the question: the
// workers of groups without a cgroup have one beside the declared.
func (r *Run) limitedBelow(name string) int {
	if name == "" {
		return none
	}
	domain := r.DomainOf(name)
	for i := range r.Cgroups {
		if c := &r.Cgroups[i]; below(c.Name, name) && (c.controlled() || r.setBySteps(c.Name)) && r.DomainOf(c.Name) != domain {
			return i
		}
	}
	return none
}

// controlled says whether something is set that needs a controller.
func (c *Cgroup) controlled() bool {
	return c.Cpuset != nil || c.CPU != nil || c.Memory != nil || c.IO != nil || c.PidsMax != nil
}

// setBySteps says whether an op sets something in a cgroup that needs a controller.
func (r *Run) setBySteps(cgroup string) bool {
	for i := range r.Steps {
		for j := range r.Steps[i].Ops {
			op := &r.Steps[i].Ops[j]
			if op.SetCpuset != nil && op.SetCpuset.Cgroup == cgroup || op.SetCgroup != nil && op.SetCgroup.Cgroup == cgroup {
				return true
			}
		}
	}
	return false
}
