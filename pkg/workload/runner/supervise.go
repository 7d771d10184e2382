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

	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/fingerprint"
	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

const cloneMethod = "clone3 without exec"

// Supervise carries a job out in this process. Cancelling ctx ends the work
// early; the report then says so. emit is told when the workers are parked and
// when they work. A report with an error is of a run that could not be cleaned up.
func Supervise(ctx context.Context, job Job, emit func(EventType)) (*report.Report, error) {
	if err := job.Run.Validate(); err != nil {
		return nil, err
	}
	machine, unknown, err := thisMachine()
	if err != nil {
		return nil, err
	}
	machine.Policy = job.Policy
	resolved, err := job.Run.Resolve(machine)
	if err != nil {
		return nil, fmt.Errorf("this machine does not fit: it %w", err)
	}
	host := lookAtHost(machine.Topology)
	rep, err := carryOut(ctx, job, machine, resolved, emit)
	if rep == nil {
		return nil, err
	}
	rep.Host = host.after()
	rep.Notes = append(rep.Notes, remarks(rep, resolved, unknown)...)
	return rep, err
}

// carryOut makes what the run needs around it and the workers, lets them work, and takes everything
// away again.
func carryOut(ctx context.Context, job Job, machine spec.Machine, run *spec.Resolved, emit func(EventType)) (rep *report.Report, err error) {
	groups, err := openCgroups(job.Cgroup, run)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, groups.remove()) }()
	links, err := openNetwork(run)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, links.Close()) }()
	left, err := adoptOrphans(run, groups)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, left.end()) }()

	h, err := spawn.Spawn(ctx, spawn.Config{
		Run: run, Places: placesOf(machine.Topology), Cgroups: groups.files, Network: links.File(), Scratch: job.scratch(),
		Programs: job.programs(), Stderr: os.Stderr,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	watchdog, err := guard(run, groups)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, watchdog.End()) }()
	if machine.Topology != nil {
		defer moveTo(housekeeping(machine.CPUs, machine.Topology.Usable(machine.CPUs)), machine.CPUs)()
	}
	emit(EventPrepared)
	return measure(ctx, job, h, groups, emit), nil
}

// measure lets the workers work and builds the report.
func measure(ctx context.Context, job Job, h *spawn.Handle, groups *cgroups, emit func(EventType)) *report.Report {
	rep := &report.Report{
		Schema: report.SchemaVersion, RunID: job.RunID, Kernel: kernelRelease(), CloneMethod: cloneMethod,
		SupervisorClass: schedulingClass(), Planned: job.Run.Duration.Nanoseconds(), Seed: job.Run.Seed, Limits: job.Run.Interference,
	}
	used, cpuBefore := groups.usage(), groups.cpu()
	around, moved := interference.Take("/", os.Getppid()), numaPagesMigrated()
	rep.StartedAt = time.Now()
	before := ownCPU()
	started := h.Start()
	emit(EventStarted)
	h.Hold(ctx, job.Run.Duration.D())
	rep.Cancelled = ctx.Err() != nil
	rep.SupervisorCPU = ownCPU() - before
	after := around.Again()
	runnerCPU := ownCPU() - before // with that look, which took a part of what it saw
	runCPU := elapsed(cpuBefore, groups.cpu())
	stopped := h.Stop(groups.kill)
	if now := numaPagesMigrated(); now != nil && moved != nil {
		rep.NUMAPagesMigrated = new(*now - *moved)
	}
	rep.AddWorkers(h.Workers, started, stopped)
	rep.Cgroups = groups.since(used)
	if runCPU == nil {
		runCPU = new(rep.WorkersCPU())
	}
	rep.Interference = interference.Between(around, after, runCPU, runnerCPU)
	rep.Notes = groups.notes()
	return rep
}

// remarks are what a reader of the report should know besides its figures.
func remarks(rep *report.Report, run *spec.Resolved, unknown error) []string {
	notes := check.Remarks(rep)
	if unknown != nil {
		notes = append(notes, fmt.Sprintf("distances of migrations are unknown: %v", unknown))
	}
	for i := range run.Groups {
		if run.Groups[i].Policy == sys.PolicyExt && fingerprint.Scheduler("/") == fingerprint.KernelScheduler {
			return append(notes, "no sched_ext scheduler is loaded: tasks of SCHED_EXT ran under the kernel's own")
		}
	}
	return notes
}

// host is the machine as it was before the run.
type host struct {
	topology *topology.Machine
	before   *fingerprint.Fingerprint
}

// lookAtHost reads what decides whether runs compare; without a topology nothing.
func lookAtHost(m *topology.Machine) *host {
	if m == nil {
		return nil
	}
	return &host{topology: m, before: fingerprint.Read("/", m)}
}

// after is what the report says of the machine, with what changed meanwhile.
func (h *host) after() *report.Host {
	if h == nil {
		return nil
	}
	return &report.Host{Shape: h.topology.Shape(), Fingerprint: *h.before, Changed: h.before.Diff(fingerprint.Read("/", h.topology))}
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
