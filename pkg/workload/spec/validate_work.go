// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"slices"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	// MaxPrograms bounds the workers that are programs, which each have pipes for their output.
	MaxPrograms = 64
	// maxWords bounds the arguments and environments of all programs together, which
	// every NodeRun has a copy of.
	maxWords quantity.Bytes = 64 << 10
	// maxScratch bounds the scratch files of a run together.
	maxScratch quantity.Bytes = 16 << 30
)

// validateWork checks what kinds of work ask of their groups and of the run.
func (r *Run) validateWork() []error {
	var errs []error
	packets, programs, words := 0, 0, 0
	for i := range r.Groups {
		g := &r.Groups[i]
		kind, shape, ok := g.work()
		if !ok {
			continue // said elsewhere
		}
		errs = append(errs, at(r.validateKind(g, kind.Name(), &shape), "groups[%d]", i))
		if shape.Opens.Packets {
			packets += g.Workers / shape.SetSize
		}
		if g.Work.Exec != nil {
			programs += g.Workers
			words += g.Work.Exec.Words()
		}
	}
	if packets > work.MaxPacketSets {
		errs = append(errs, fmt.Errorf("groups: at most %d sets of workers can have a network of their own, not %d", work.MaxPacketSets, packets))
	}
	if programs > MaxPrograms {
		errs = append(errs, fmt.Errorf("groups: at most %d workers can be programs, not %d", MaxPrograms, programs))
	}
	if quantity.Bytes(words) > maxWords {
		errs = append(errs, fmt.Errorf("groups: at most %v of args and env of programs in all, not %d bytes: put what is longer into a script that the node offers", maxWords, words))
	}
	if bytes := r.scratch(func(group int) int { return r.Groups[group].Workers }); bytes > maxScratch {
		errs = append(errs, fmt.Errorf("groups: at most %v of scratch files in all, not %v: give a smaller fileSize, or fewer workers", maxScratch, bytes))
	}
	return errs
}

// scratch is how much the scratch files of the run's workers take.
func (r *Run) scratch(workers func(group int) int) quantity.Bytes {
	var all quantity.Bytes
	for i := range r.Groups {
		if _, shape, ok := r.Groups[i].work(); ok && shape.Opens.File != nil {
			all += quantity.Bytes(shape.Opens.File.Bytes) * quantity.Bytes(workers(i))
		}
	}
	return all
}

// work is a group's kind of work with what it needs; ok is false when it is not valid.
func (g *Group) work() (kind work.Kind, shape work.Shape, ok bool) {
	kind, err := g.Work.Kind()
	if err != nil || kind.Validate() != nil {
		return nil, work.Shape{}, false
	}
	return kind, kind.Shape(), true
}

// validateKind checks what a kind of work asks of its group.
func (r *Run) validateKind(g *Group, kind string, shape *work.Shape) error {
	var errs []error
	if shape.ForkOnly != "" && g.CloneMode != CloneModeFork {
		errs = append(errs, fmt.Errorf("cloneMode: must be %s for %s: %s", CloneModeFork, kind, shape.ForkOnly))
	}
	if shape.Dangerous && !r.AllowDangerousWork {
		errs = append(errs, fmt.Errorf("work.%s: can harm what else runs on the machine: set allowDangerousWork, and use nodes that allow it", kind))
	}
	if name := shape.Opens.Cgroup; name != "" && r.cgroup(name) == none {
		errs = append(errs, fmt.Errorf("work.%s.destination: there is no %q in cgroups", kind, name))
	}
	if (shape.Opens.Packets || g.Work.Exec != nil) && g.WorkersPercent != 0 {
		errs = append(errs, fmt.Errorf("workersPercent: not for %s, of which there may be a few only; set workers", kind))
	}
	if g.SchedulingPolicy != "" && hasClasses(shape) {
		errs = append(errs, fmt.Errorf("schedulingPolicy: %s gives its workers their scheduling classes itself", kind))
	}
	return errors.Join(errs...)
}

// hasClasses says whether a kind of work gives its workers their scheduling classes itself.
func hasClasses(shape *work.Shape) bool {
	return slices.ContainsFunc(shape.Roles, func(role work.Role) bool { return role.Class != nil })
}
