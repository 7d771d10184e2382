// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

const (
	// maxPriority leaves 99 to the supervisor, which has to end the workers.
	maxPriority = 98
	// minDeadlineRuntime is the shortest runtime that the kernel reckons with.
	minDeadlineRuntime = 1024 * time.Nanosecond
)

func validatePolicy(p *SchedulingPolicy) error {
	if p.Name == "" {
		return errors.New("name: must not be empty")
	}
	classes := count(p.Normal != nil, p.Batch != nil, p.Idle != nil, p.FIFO != nil, p.RoundRobin != nil, p.Deadline != nil, p.Ext != nil)
	if classes != 1 {
		return fmt.Errorf("name: %q must have exactly one class, not %d", p.Name, classes)
	}
	switch {
	case p.FIFO != nil:
		return at(p.FIFO.validate(), "fifo")
	case p.RoundRobin != nil:
		return at(p.RoundRobin.validate(), "roundRobin")
	case p.Deadline != nil:
		return at(p.Deadline.validate(), "deadline")
	default:
		return nil
	}
}

func (rt *Realtime) validate() error {
	if rt.Priority < 1 || rt.Priority > maxPriority {
		return fmt.Errorf("priority: must be 1 to %d, since 99 is the supervisor's, which has to end the workers, not %d", maxPriority, rt.Priority)
	}
	return nil
}

// validate checks what the kernel demands: a runtime it can reckon with, and
// runtime <= deadline <= period. It also demands less than 2^63 ns, which a
// Duration always is.
func (d *Deadline) validate() error {
	if d.Runtime.D() < minDeadlineRuntime {
		return fmt.Errorf("runtime: must be at least %dns, not %v", minDeadlineRuntime.Nanoseconds(), d.Runtime)
	}
	if d.Deadline < d.Runtime {
		return fmt.Errorf("deadline: must be at least the runtime, %v, not %v", d.Runtime, d.Deadline)
	}
	if d.Period != nil && *d.Period < d.Deadline {
		return fmt.Errorf("period: must be at least the deadline, %v, not %v", d.Deadline, *d.Period)
	}
	return nil
}

// call is what sched_setattr(2) is told. Preconditions: the policy is valid.
func (d *Deadline) call() *DeadlineCall {
	c := &DeadlineCall{Runtime: uint64(d.Runtime), Deadline: uint64(d.Deadline), Period: uint64(d.Deadline)}
	if d.Period != nil {
		c.Period = uint64(*d.Period)
	}
	return c
}

// kernel is the policy's number and its priority, 0 where it has none.
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
	case p.Deadline != nil:
		return sys.PolicyDeadline, 0
	case p.Ext != nil:
		return sys.PolicyExt, 0
	default:
		return sys.PolicyOther, 0
	}
}

// schedulingPolicy is the named scheduling policy, nil for none.
func (r *Run) schedulingPolicy(name string) *SchedulingPolicy {
	for i := range r.SchedulingPolicies {
		if r.SchedulingPolicies[i].Name == name {
			return &r.SchedulingPolicies[i]
		}
	}
	return nil
}
