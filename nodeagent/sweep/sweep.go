// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package sweep removes what earlier runs left on the node.
package sweep

import (
	"context"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
)

// timeout bounds a sweep: processes that do not die of a kill are stuck in the kernel.
const timeout = 30 * time.Second

// Sweeper looks after an agent's cgroup. Everything below it is of a run, and
// nothing of a run is anywhere else.
type Sweeper struct {
	Root string
}

// Sweep makes the agent's cgroup if it is not there, and kills and removes
// everything below it. It returns the cgroups it removed, also with an error.
func (s Sweeper) Sweep(ctx context.Context) (removed []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if _, err := cgroup.Create(s.Root); err != nil {
		return nil, err
	}
	return cgroup.Sweep(ctx, s.Root)
}

// Leave removes the agent's cgroup too.
func (s Sweeper) Leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return cgroup.RemoveAll(ctx, s.Root)
}
