// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// Bounds are how much of what every node offers a node lets runs have. The zero
// value of each bounds nothing beyond what holds everywhere.
type Bounds struct {
	// UserIDs and GroupIDs are those that workers may have. A group of workers that
	// names none has the agent's own, which is RootID.
	UserIDs  IDs `json:"userIDs,omitempty"`
	GroupIDs IDs `json:"groupIDs,omitempty"`
	// MaxRealtimePriority is the highest of FIFO and RoundRobin; 0 forbids both.
	MaxRealtimePriority *int `json:"maxRealtimePriority,omitempty"`
	// ForbidDeadline forbids SCHED_DEADLINE, which goes before all priorities.
	ForbidDeadline bool `json:"forbidDeadline,omitempty"`
	// MinNice is the lowest nice value.
	MinNice *int `json:"minNice,omitempty"`
	// MaxMemory is what a run may use in all; the kernel holds it to that.
	MaxMemory *quantity.Bytes `json:"maxMemory,omitempty"`
	// MaxWorkers is the number of tasks of a run.
	MaxWorkers *int `json:"maxWorkers,omitempty"`
	// MaxDuration is the length of a run.
	MaxDuration *quantity.Duration `json:"maxDuration,omitempty"`
}

// RootID is the user and the group that agents have.
const RootID = 0

// Bounds of what bounds can be.
const (
	lowestNice, highestNice = -20, 19
)

// Validate checks the bounds. An error names the member.
func (b *Bounds) Validate() error {
	var errs []error
	if n := b.MaxRealtimePriority; n != nil && (*n < 0 || *n > maxPriority) {
		errs = append(errs, fmt.Errorf("maxRealtimePriority: must be 0, for none, to %d, not %d", maxPriority, *n))
	}
	if n := b.MinNice; n != nil && (*n < lowestNice || *n > highestNice) {
		errs = append(errs, fmt.Errorf("minNice: must be %d to %d, not %d", lowestNice, highestNice, *n))
	}
	if n := b.MaxWorkers; n != nil && (*n < 1 || *n > MaxWorkers) {
		errs = append(errs, fmt.Errorf("maxWorkers: must be 1 to %d, not %d", MaxWorkers, *n))
	}
	if n := b.MaxMemory; n != nil && *n < 1 {
		errs = append(errs, fmt.Errorf("maxMemory: must be more than nothing, not %v", *n))
	}
	if d := b.MaxDuration; d != nil && *d <= 0 {
		errs = append(errs, fmt.Errorf("maxDuration: must be more than nothing, not %v", *d))
	}
	return errors.Join(errs...)
}

// refuse says what of the run exceeds the bounds on every machine.
func (b *Bounds) refuse(r *Run) error {
	if d := b.MaxDuration; d != nil && r.Duration > *d {
		return fmt.Errorf("allows runs of %v at most, and duration is %v", *d, r.Duration)
	}
	for i := range r.Groups {
		if err := errors.Join(b.refuseIDs(&r.Groups[i], i), b.refuseGroup(r, i)); err != nil {
			return err
		}
	}
	for i := range r.Steps {
		for j := range r.Steps[i].Ops {
			if err := b.refuseOp(r, &r.Steps[i].Ops[j], i, j); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Bounds) refuseIDs(g *Group, i int) error {
	for _, id := range []struct {
		allowed     IDs
		has         *int64
		kind, field string
	}{{b.UserIDs, g.UID, "users", "uid"}, {b.GroupIDs, g.GID, "groups", "gid"}} {
		switch {
		case len(id.allowed) == 0:
		case id.has != nil && !id.allowed.Has(*id.has):
			return fmt.Errorf("allows the %s %v only, and groups[%d].%s is %d", id.kind, id.allowed, i, id.field, *id.has)
		case id.has == nil && !id.allowed.Has(RootID):
			return fmt.Errorf("allows the %s %v only, and groups[%d] without a %s has the agent's, %d", id.kind, id.allowed, i, id.field, RootID)
		}
	}
	return nil
}

func (b *Bounds) refuseGroup(r *Run, i int) error {
	g := &r.Groups[i]
	if err := b.refusePolicy(r.schedulingPolicy(g.SchedulingPolicy), fmt.Sprintf("groups[%d].schedulingPolicy", i)); err != nil {
		return err
	}
	if g.Nice != nil {
		if err := b.refuseNice(*g.Nice, fmt.Sprintf("groups[%d].nice", i)); err != nil {
			return err
		}
	}
	kind, err := g.Work.Kind()
	if err != nil {
		return err
	}
	shape, field := kind.Shape(), fmt.Sprintf("groups[%d].work.%s", i, kind.Name())
	for _, role := range shape.Roles {
		if role.Class == nil {
			continue
		}
		if err := b.refuseClass(role.Class.Policy, role.Class.Priority, field); err != nil {
			return err
		}
	}
	for _, class := range shape.Classes {
		if err := b.refuseClass(class.Policy, class.Priority, field); err != nil {
			return err
		}
	}
	if shape.LowestNice < 0 {
		return b.refuseNice(shape.LowestNice, field)
	}
	return nil
}

func (b *Bounds) refuseOp(r *Run, o *Op, step, op int) error {
	switch at := fmt.Sprintf("steps[%d].ops[%d]", step, op); {
	case o.SetSchedulingPolicy != nil:
		return b.refusePolicy(r.schedulingPolicy(o.SetSchedulingPolicy.SchedulingPolicy), at+".setSchedulingPolicy.schedulingPolicy")
	case o.SetNice != nil:
		return b.refuseNice(o.SetNice.Nice, at+".setNice.nice")
	}
	return nil
}

func (b *Bounds) refusePolicy(p *SchedulingPolicy, field string) error {
	if p == nil {
		return nil
	}
	policy, priority := p.kernel()
	return b.refuseClass(policy, priority, field)
}

func (b *Bounds) refuseClass(policy, priority int, field string) error {
	most := b.MaxRealtimePriority
	switch {
	case policy == sys.PolicyDeadline && b.ForbidDeadline:
		return fmt.Errorf("does not allow SCHED_DEADLINE, which %s needs", field)
	case policy != sys.PolicyFIFO && policy != sys.PolicyRR || most == nil || priority <= *most:
		return nil
	case *most == 0:
		return fmt.Errorf("does not allow real-time policies, which %s needs", field)
	}
	return fmt.Errorf("allows real-time priorities up to %d, and %s has %d", *most, field, priority)
}

func (b *Bounds) refuseNice(nice int, field string) error {
	if b.MinNice == nil || nice >= *b.MinNice {
		return nil
	}
	return fmt.Errorf("allows nice values from %d, and %s has %d", *b.MinNice, field, nice)
}

// lacking says what the bounds themselves need of a machine.
func (b *Bounds) lacking(has map[string]capability.State) error {
	if b.MaxMemory == nil || has == nil || has[capability.CgroupMemory] == capability.Present {
		return nil
	}
	return fmt.Errorf("cannot hold runs to the maxMemory of its policy without the feature %s", capability.CgroupMemory)
}

// checkBounds checks what depends on the number of workers on the machine.
func (p *placement) checkBounds() error {
	if p.machine.Policy == nil {
		return nil
	}
	b := &p.machine.Policy.Bounds
	tasks, memory := 0, int64(0)
	for i := range p.groups {
		at := &p.groups[i]
		shape := at.kind.Shape()
		tasks += at.workers
		memory += int64(at.workers)*int64(shape.MemoryBytes) + int64(at.workers/max(shape.SetSize, 1))*int64(shape.RegionBytes)
	}
	if most := b.MaxWorkers; most != nil && tasks > *most {
		return fmt.Errorf("allows %d workers at most, and groups have %d here", *most, tasks)
	}
	if most := b.MaxMemory; most != nil && memory > int64(*most) {
		return fmt.Errorf("allows runs %v of memory at most, and what the work of groups maps is %v here", *most, quantity.Bytes(memory))
	}
	return nil
}
