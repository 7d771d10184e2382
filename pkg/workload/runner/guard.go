// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/hotplug"
	"github.com/schedfleet/schedfleet/pkg/workload/network"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/watchdog"
)

// guardMargin is what a watchdog allows the runner beyond the time in which it has ended all workers at the
// latest: it has to look at the machine and to build the report before it says that the run is over.
const guardMargin = 10 * time.Second

// guardTime is when a watchdog acts, counted from the end of the run's duration. Tests have less of it.
var guardTime = spawn.StopTimeout + 2*spawn.KillTimeout + guardMargin

// guard starts a watchdog if some work of the run can harm what else runs on the machine, or if the run takes
// CPUs offline; nil otherwise. Without one such a run is refused.
func guard(run *spec.Resolved, groups *cgroups, cpus *hotplug.CPUs) (*watchdog.Watchdog, error) {
	for i := range run.Groups {
		kind := run.Groups[i].Kind
		if !kind.Shape().Dangerous {
			continue
		}
		w, err := startWatchdog(run, groups, cpus.Undo())
		if err != nil {
			err = fmt.Errorf("groups[%d].work.%s: needs a watchdog that can end it: %w", i, kind.Name(), err)
		}
		return w, err
	}
	if cpus == nil {
		return nil, nil
	}
	w, err := startWatchdog(run, groups, cpus.Undo())
	if err != nil {
		err = fmt.Errorf("steps: a run that takes CPUs offline needs a watchdog that can put them back: %w", err)
	}
	return w, err
}

func startWatchdog(run *spec.Resolved, groups *cgroups, undo *watchdog.Undo) (*watchdog.Watchdog, error) {
	if groups.tree == nil {
		return nil, errors.New("there is no cgroup v2 here that can be written to: mount one, and run as root")
	}
	kill, err := groups.tree.Root().OpenKill()
	if err != nil {
		return nil, err
	}
	defer kill.Close() //nolint:errcheck // the watchdog has its own
	workers := 0
	for i := range run.Groups {
		workers += run.Groups[i].Workers
	}
	limit := run.Run.Duration.D() + allowanceOf(run.Run) + graceOf(run.Run) + guardTime + 3*time.Duration(workers)*spawn.EndTimePerProcess
	return watchdog.Start(watchdog.Config{Kill: kill, Deadline: limit, Undo: undo, Stderr: os.Stderr})
}

// openNetwork makes the network of a run whose workers need one: a pair of links for each set. It is
// nil for any other run.
func openNetwork(run *spec.Resolved) (*network.Network, error) {
	sets := 0
	for i := range run.Groups {
		if shape := run.Groups[i].Kind.Shape(); shape.Opens.Packets {
			sets += run.Groups[i].Workers / shape.SetSize
		}
	}
	if sets == 0 {
		return nil, nil
	}
	return network.New(sets)
}
