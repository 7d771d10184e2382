// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

const (
	// saturated is the share of their CPUs that cgroups have to use together for
	// weights to decide anything.
	saturated = 0.95
	// defaultWeight is what the kernel gives a cgroup of which nothing is said.
	defaultWeight = 100
	// negligible is the share of a CPU below which a cgroup does not compete.
	negligible = 0.001
)

// contender is a cgroup that competes for CPUs with those beside it. One that the
// manifest does not declare, because only those below it are, has their sum.
type contender struct {
	name     string // empty: that of groups which name none
	weight   float64
	cpus     cpuset.CPUSet
	cpu      int64  // in ns
	pressure *int64 // in ns
	weighed  bool   // the controller cpu is on
	why      string // why weights promise it nothing
}

// cpuShare is how far the CPU time of a cgroup is off the share that weights
// promise it. From the run's own cgroup downwards, each level multiplies the share
// promised and the share had by those against the cgroups beside it.
func cpuShare(c *spec.Check, h *hold, i int) ([]reading, string) {
	target := &h.cgroups[i]
	switch self, told := h.contender(target.Name); {
	case target.Name == "":
		return nil, "it has no weight of its own"
	case told && self.pressure != nil && !h.competes(&self):
		return nil, "it wanted no CPU time"
	}
	promised, had := 1.0, 1.0
	var first []contender   // those of the topmost level with competition
	limits, _ := c.Limits() // validated, with a default
	var short []string
	for _, name := range pathOf(target.Name) {
		level, own, why := h.competition(name)
		if why == "" && len(level) >= 2 {
			why = h.undecided(first, level)
		}
		switch {
		case why != "":
			return []reading{unknown(why)}, ""
		case len(level) < 2:
			continue
		case first == nil:
			first = level
		}
		weights, used := totals(level)
		promised *= level[own].weight / weights
		had *= float64(level[own].cpu) / float64(used)
		short = append(short, h.modest(level, *limits.Max)...)
	}
	if first == nil {
		return nil, "no cgroup beside it wanted its CPUs"
	}
	off := 100 * math.Abs(had-promised) / promised
	if off > *limits.Max && len(short) > 0 {
		return []reading{unknown(strings.Join(short, "; ") + ": it did not use what it could have")}, ""
	}
	return []reading{measured(off, "the deviation of its CPU time from the share that weights promise",
		fmt.Sprintf(": it had %s of the CPU time and was promised %s", percentOf(had), percentOf(promised)))}, ""
}

// undecided says why weights decide nothing at a level; first is the topmost with
// competition, nil if this is it.
func (h *hold) undecided(first, level []contender) string {
	switch {
	case !slices.ContainsFunc(level, func(c contender) bool { return c.weighed }):
		return "the controller cpu is off, so that the kernel shares CPUs between tasks and not cgroups: set a cpu.weight"
	case first != nil && !level[0].cpus.Equals(first[0].cpus):
		return fmt.Sprintf("cpusets differ: %s has CPUs %s, %s below has %s", first[0].shown(), first[0].cpus, level[0].shown(), level[0].cpus)
	case first == nil && h.usedBy(level) < saturated:
		return fmt.Sprintf("%s used %s of their CPUs, less than the %g%% from which on weights decide", namesOf(level), unit{"%", spec.UnitPercent}.text(100*h.usedBy(level), 100*saturated), 100*saturated)
	}
	return ""
}

func percentOf(share float64) string {
	return unit{"%", spec.UnitPercent}.text(100*share, math.NaN())
}

// pathOf are the names of a cgroup and those above it, the topmost first.
func pathOf(name string) []string {
	var path []string
	for i, r := range name {
		if r == '/' {
			path = append(path, name[:i])
		}
	}
	return append(path, name)
}

// competition are the cgroups beside the named one that competed with it for the
// same CPUs, itself among them at position own; none if there were none. why is
// what keeps weights from promising anything.
func (h *hold) competition(name string) (level []contender, own int, why string) {
	self, ok := h.contender(name)
	switch {
	case !ok:
		return nil, 0, fmt.Sprintf("the kernel did not tell the CPU time of %s", self.shown())
	case !h.competes(&self) && self.pressure == nil:
		return nil, 0, self.shown() + " used no CPU time, and whether it wanted some is not known"
	case h.ownTasks(name):
		return nil, 0, "a cgroup above " + self.shown() + " has tasks of its own beside the cgroups below it"
	}
	own = -1
	for _, sibling := range h.siblings(name) {
		c, ok := h.contender(sibling)
		switch {
		case !ok && c.cpus.Intersection(self.cpus).IsEmpty() && !c.cpus.IsEmpty():
			continue
		case !ok:
			return nil, 0, fmt.Sprintf("the kernel did not tell the CPU time of %s", c.shown())
		case sibling != name && (!h.competes(&c) || c.cpus.Intersection(self.cpus).IsEmpty()):
			continue
		case !c.cpus.Equals(self.cpus):
			return nil, 0, fmt.Sprintf("cpusets differ: %s has CPUs %s, %s has %s", self.shown(), self.cpus, c.shown(), c.cpus)
		case c.why != "":
			why = c.shown() + " " + c.why
		}
		if sibling == name {
			own = len(level)
		}
		level = append(level, c)
	}
	if len(level) < 2 {
		return nil, 0, ""
	}
	return level, own, why
}

// ownTasks says whether tasks in the cgroup above used CPU time: they compete with
// the named cgroup by their own weights.
func (h *hold) ownTasks(name string) bool {
	above := name[:max(strings.LastIndexByte(name, '/'), 0)]
	if above == "" {
		return false
	}
	parent, ok := h.contender(above)
	for _, sibling := range h.siblings(name) {
		child, known := h.contender(sibling)
		parent.cpu -= child.cpu
		ok = ok && known
	}
	return ok && float64(parent.cpu) > (1-saturated)*float64(h.length())
}

// siblings are the names of the cgroups below the one that the named cgroup is
// below, itself among them.
func (h *hold) siblings(name string) []string {
	above := name[:max(strings.LastIndexByte(name, '/')+1, 0)]
	var names []string
	for i := range h.cgroups {
		rest, below := strings.CutPrefix(h.cgroups[i].Name, above)
		if !below || rest == "" && above != "" {
			continue
		}
		sibling, _, _ := strings.Cut(rest, "/")
		if sibling = above + sibling; !slices.Contains(names, sibling) {
			names = append(names, sibling)
		}
	}
	slices.Sort(names)
	return names
}

// contender is what is known of a cgroup; it reports false if its CPU time is not.
func (h *hold) contender(name string) (contender, bool) {
	out := contender{name: name, weight: defaultWeight}
	for i := range h.cgroups {
		if c := &h.cgroups[i]; c.Name == name {
			return out.read(c)
		}
	}
	for _, name := range h.siblings(name + "/") {
		child, ok := h.contender(name)
		if !ok {
			return out, false
		}
		out.cpu += child.cpu
		out.cpus = out.cpus.Union(child.cpus)
		out.weighed = out.weighed || child.weighed
	}
	return out, !out.cpus.IsEmpty()
}

// read fills in what the kernel said of a cgroup.
func (c contender) read(from *report.Cgroup) (contender, bool) {
	c.cpus, _ = cpuset.Parse(from.CPUs)
	if text := from.Files["cpu.weight"]; text != "" {
		weight, err := strconv.ParseFloat(text, 64)
		if err != nil || weight <= 0 {
			c.why = fmt.Sprintf("has the weight %q", text)
		} else {
			c.weight = weight
		}
	}
	switch {
	case from.Files["cpu.idle"] == "1":
		c.why = "is idle: it gets the time that no other wants"
	case from.Throttled != nil && *from.Throttled > 0, from.ThrottledTime != nil && *from.ThrottledTime > 0:
		c.why = "was held back by its quota"
	case c.cpus.IsEmpty():
		c.why = "has CPUs that are not known"
	}
	c.pressure, c.weighed = from.CPUPressure, from.Periods != nil || from.Files["cpu.weight"] != ""
	if from.CPU == nil {
		return c, false
	}
	c.cpu = *from.CPU
	return c, true
}

func (c *contender) shown() string {
	if c.name == "" {
		return "the cgroup of groups that name none"
	}
	return "cgroup " + c.name
}

// competes says whether a cgroup used a CPU, or waited for one.
func (h *hold) competes(c *contender) bool {
	least := negligible * float64(h.length())
	return float64(c.cpu) > least || c.pressure != nil && float64(*c.pressure) > least
}

// usedBy is the share of their CPUs that cgroups used together.
func (h *hold) usedBy(level []contender) float64 {
	_, used := totals(level)
	return float64(used) / (float64(level[0].cpus.Size()) * float64(h.length()))
}

func totals(level []contender) (weights float64, cpu int64) {
	for i := range level {
		weights += level[i].weight
		cpu += level[i].cpu
	}
	return weights, cpu
}

// modest finds cgroups that got less than their share and did not wait for more:
// even with a
// task for each of the CPUs in the time in which any waited, they would not have come
// to their share. Where the kernel does not tell how long they waited, they are taken
// to have wanted it.
func (h *hold) modest(level []contender, percent float64) (list []string) {
	weights, used := totals(level)
	for i := range level {
		c := &level[i]
		promised := float64(used) * c.weight / weights
		wanted := float64(used)
		if c.pressure != nil {
			wanted = float64(c.cpu) + float64(*c.pressure)*float64(c.cpus.Size())
		}
		if tolerated := promised * (1 - percent/100); float64(c.cpu) < tolerated && wanted < tolerated {
			list = append(list, fmt.Sprintf("%s waited for a CPU in %s of the time", c.shown(), percentOf(float64(*c.pressure)/float64(h.length()))))
		}
	}
	return list
}

func namesOf(level []contender) string {
	var names []string
	for i := range level {
		names = append(names, level[i].shown())
	}
	return strings.Join(names, " and ")
}
