// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// readBack asks the kernel what it gave each parked worker. What differs from what
// was asked is an error, since something else would be measured.
func (h *Handle) readBack() error {
	var errs []error
	var cpus allowed.Reader
	for i := range h.allowed {
		group, n := h.locate(i)
		tid := h.arena.Block(i).TID()
		var err error
		if h.allowed[i], err = cpus.CPUs(tid); err == nil {
			err = errors.Join(differsInCPUs(group, n, h.allowed[i]), differsInPolicy(group, n, tid))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: reading back what the kernel gave it: %w", h.name(i), err))
		}
		if len(errs) == maxNamedErrors {
			break
		}
	}
	return errors.Join(errs...)
}

// differsInCPUs compares the CPUs a worker may use with those it asked for. The
// kernel keeps an affinity that goes beyond the cgroup's cpuset, but grants the common part.
func differsInCPUs(g *spec.ResolvedGroup, i int, got cpuset.CPUSet) error {
	asked := g.WorkerCPUs(i)
	if asked.IsEmpty() || got.Equals(asked) || got.Equals(asked.Intersection(g.Pool)) {
		return nil
	}
	return fmt.Errorf("it may use CPUs %s, not %s", got, asked)
}

// differsInPolicy compares a worker's scheduling policy with the one asked for.
func differsInPolicy(g *spec.ResolvedGroup, i, tid int) error {
	got, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		return os.NewSyscallError("sched_getattr", err)
	}
	want := g.Class(i)
	if int(got.Policy) != want.Policy || int(got.Priority) != want.Priority {
		return fmt.Errorf("its policy is %d with priority %d, not %d with %d", got.Policy, got.Priority, want.Policy, want.Priority)
	}
	if want.Policy == sys.PolicyDeadline && (got.Runtime != want.Runtime || got.Deadline != want.Deadline || got.Period != want.Period) {
		return fmt.Errorf("it has %d ns of %d ns every %d ns, not %d of %d every %d",
			got.Runtime, got.Deadline, got.Period, want.Runtime, want.Deadline, want.Period)
	}
	if fair := want.Policy == sys.PolicyOther || want.Policy == sys.PolicyBatch; fair && g.Nice != nil && int(got.Nice) != *g.Nice {
		return fmt.Errorf("its nice value is %d, not %d", got.Nice, *g.Nice)
	}
	return nil
}
