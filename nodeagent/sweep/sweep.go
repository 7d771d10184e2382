// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package sweep removes what earlier runs left on the node.
package sweep

import (
	"context"
	"errors"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/hotplug"
)

// hostRoot is the root of the machine's files.
const hostRoot = "/"

// timeout bounds a sweep: processes that do not die of a kill are stuck in the kernel.
const timeout = 30 * time.Second

// Sweeper looks after an agent's cgroup. Everything below it is of a run, and
// nothing of a run is anywhere else but in the journal of CPUs that are offline.
type Sweeper struct {
	Root string
}

// Sweep makes the agent's cgroup if it is not there, kills and removes
// everything below it, and puts CPUs back that a killed run took offline. It returns
// what it removed and put back, also with an error.
func (s Sweeper) Sweep(ctx context.Context) (removed []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if _, err := cgroup.Create(s.Root); err != nil {
		return nil, err
	}
	removed, err = cgroup.Sweep(ctx, s.Root)
	restored, recoverErr := hotplug.Recover(hostRoot)
	for _, r := range restored {
		removed = append(removed, r.What+" "+r.During)
	}
	return removed, errors.Join(err, recoverErr)
}

// Leave removes the agent's cgroup too.
func (s Sweeper) Leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return cgroup.RemoveAll(ctx, s.Root)
}
