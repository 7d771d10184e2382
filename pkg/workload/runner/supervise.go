// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// removeTimeout bounds the removal of the run's cgroups.
const removeTimeout = 10 * time.Second

// defaultLeaf is the cgroup of groups that name none. No manifest can name it.
const defaultLeaf = "@default"

const cloneMethod = "clone3 without exec"

// Supervise carries a job out in this process. Cancelling ctx ends the work
// early; the report then says so. emit is told when the workers are parked and
// when they work.
func Supervise(ctx context.Context, job Job, emit func(EventType)) (rep *report.Report, err error) {
	resolved, err := resolve(&job.Run)
	if err != nil {
		return nil, err
	}
	groups, err := openCgroups(job.Cgroup, resolved)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, groups.remove()) }()

	places, unknown := readPlaces()
	h, err := spawn.Spawn(ctx, spawn.Config{Run: resolved, Places: places, Cgroups: groups.files, Stderr: os.Stderr})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	emit(EventPrepared)
	rep = measure(ctx, job, h, groups, emit)
	if unknown != nil {
		rep.Notes = append(rep.Notes, fmt.Sprintf("distances of migrations are unknown: %v", unknown))
	}
	return rep, nil
}

func resolve(run *spec.Run) (*spec.Resolved, error) {
	machine, err := allowedMachine()
	if err != nil {
		return nil, err
	}
	resolved, err := run.Resolve(machine)
	if err != nil {
		return nil, fmt.Errorf("this machine does not fit: %w", err)
	}
	return resolved, nil
}

// measure lets the workers work and builds the report.
func measure(ctx context.Context, job Job, h *spawn.Handle, groups *cgroups, emit func(EventType)) *report.Report {
	rep := &report.Report{
		Schema: report.SchemaVersion, RunID: job.RunID, Kernel: kernelRelease(), CloneMethod: cloneMethod,
		SupervisorClass: schedulingClass(), Planned: job.Run.Duration.Nanoseconds(), Seed: job.Run.Seed,
	}
	before, moved := ownCPU(), numaPagesMigrated()
	rep.StartedAt = time.Now()
	started := h.Start()
	emit(EventStarted)
	h.Hold(ctx, job.Run.Duration.D())
	rep.Cancelled = ctx.Err() != nil
	rep.SupervisorCPU = ownCPU() - before
	stopped := h.Stop(groups.kill)
	if now := numaPagesMigrated(); now != nil && moved != nil {
		rep.NUMAPagesMigrated = new(*now - *moved)
	}
	rep.AddWorkers(h.Workers, started, stopped)
	if groups.root == nil {
		rep.Notes = append(rep.Notes, "there is no cgroup v2 to write to: the workers ran in the cgroup of the runner")
	}
	return rep
}

// cgroups are the run's cgroup and those below it.
type cgroups struct {
	root  *cgroup.Dir // nil when there is no cgroup v2
	files map[string]*os.File
}

func openCgroups(path string, run *spec.Resolved) (*cgroups, error) {
	c := &cgroups{files: map[string]*os.File{}}
	if path == "" {
		if len(run.Run.Cgroups) > 0 {
			return nil, errors.New("cgroups: there is no cgroup v2 here that can be written to")
		}
		return c, nil
	}
	var err error
	if c.root, err = cgroup.Create(path); err != nil {
		return nil, err
	}
	names := map[string]string{"": defaultLeaf}
	for _, def := range run.Run.Cgroups {
		names[def.Name] = def.Name
	}
	for name, dir := range names {
		if err := c.open(name, dir); err != nil {
			return nil, errors.Join(err, c.remove())
		}
	}
	return c, nil
}

func (c *cgroups) open(name, dir string) error {
	child, err := c.root.Child(dir)
	if err != nil {
		return err
	}
	c.files[name], err = child.Open()
	return err
}

// kill is the last resort against workers: it cannot miss.
func (c *cgroups) kill() {
	if c.root != nil {
		_ = c.root.Kill()
	}
}

func (c *cgroups) remove() error {
	for _, file := range c.files {
		if file != nil {
			_ = file.Close()
		}
	}
	if c.root == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	return c.root.Remove(ctx)
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}

// ownCPU is the CPU time of this process in ns.
func ownCPU() int64 {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return r.Utime.Nano() + r.Stime.Nano()
}
