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
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/fingerprint"
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
	rep.Workload, rep.Node, rep.Run = job.Name, job.Node, &job.Run
	rep.Host = host.after()
	rep.Notes = append(rep.Notes, remarks(rep, resolved, unknown)...)
	check.Evaluate(rep, job.Run.Checks)
	return rep, err
}

// carryOut makes what the run needs around it and the workers, lets them work, and takes everything
// away again.
func carryOut(ctx context.Context, job Job, machine spec.Machine, run *spec.Resolved, emit func(EventType)) (rep *report.Report, err error) {
	above := lookAbove(job.Cgroup)
	groups, err := openCgroups(job.Cgroup, run, job.maxMemory())
	if err != nil {
		return nil, err
	}
	defer func() {
		above.again()
		if err = errors.Join(err, groups.remove()); rep != nil {
			rep.Restored = append(rep.Restored, above.restored()...)
		}
	}()
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

	cpus, err := openCPUs(job.RunID, run, machine.CPUs)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cpus.Close()) }()

	workers, err := spawnFirst(ctx, spawn.Config{
		Run: run, Places: placesOf(machine.Topology), Cgroups: groups.files, Network: links.File(), Scratch: job.scratch(),
		Programs: job.programs(), Stderr: os.Stderr,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, workers.close()) }()
	emit(EventPrepared)
	start, err := approach(ctx, job.StartAt)
	if err != nil {
		return nil, err
	}
	// Its deadline counts from here, and not from a wait of minutes.
	watchdog, err := guard(run, groups, cpus)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, watchdog.End()) }()
	defer func() { // before the watchdog is told that the run is over
		restored, restoreErr := cpus.Restore()
		if err = errors.Join(err, restoreErr); rep != nil {
			rep.Restored = append(rep.Restored, restored...)
		}
	}()
	if machine.Topology != nil {
		defer moveTo(housekeeping(machine.CPUs, machine.Topology.Usable(machine.CPUs)), machine.CPUs)()
	}
	rep = newReport(&job)
	if run.Script != nil {
		workers.cfg.CPUs = machine.CPUs
		newEngine(rep, groups, workers, cpus, machine.CPUs).perform(ctx, start, emit)
		return rep, nil
	}
	measure(ctx, rep, workers.live[0], groups, machine.CPUs, start, emit)
	return rep, nil
}

// newReport is a report with what is known before the start.
func newReport(job *Job) *report.Report {
	return &report.Report{
		Schema: report.SchemaVersion, RunID: job.RunID, Kernel: kernelRelease(), CloneMethod: cloneMethod,
		SupervisorClass: schedulingClass(), Planned: job.Run.Duration.Nanoseconds(), Seed: job.Run.Seed, Limits: job.Run.Interference,
	}
}

// measure lets the workers of a run without steps work and fills the report in.
func measure(ctx context.Context, rep *report.Report, n *crew, groups *cgroups, usable cpuset.CPUSet, start *start, emit func(EventType)) {
	groups.begin()
	inForce := inForce{run: usable, cgroups: groups}
	for _, g := range n.groups {
		inForce.note(g, none)
	}
	around := lookAround(groups)
	start.reach(rep)
	n.started = n.handle.Start()
	emit(EventStarted)
	n.handle.Hold(ctx, time.Duration(rep.Planned))
	rep.Cancelled = ctx.Err() != nil
	counted := around.until(groups)
	n.noteStates(none)
	groups.thaw()
	n.stopped = n.handle.Stop(groups.kill)
	around.moves(&counted)
	b := report.NewBuilder(n.run, n.started)
	b.Add(n.report())
	b.Finish(rep)
	rep.SupervisorCPU, rep.NUMAPagesMigrated = counted.supervisorCPU, counted.moved
	rep.Cgroups = groups.whole()
	rep.Interference = counted.interference(func() *int64 { return new(rep.WorkersCPU()) })
	if inForce.err != nil {
		rep.Notes = append(rep.Notes, inForce.err.Error())
	}
	rep.Notes = append(rep.Notes, groups.notes()...)
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
	return &host{topology: m, before: fingerprint.Look("/", m)}
}

// after is what the report says of the machine, with what changed meanwhile.
func (h *host) after() *report.Host {
	if h == nil {
		return nil
	}
	return &report.Host{Shape: h.topology.Shape(), Fingerprint: *h.before, Topology: h.topology, Changed: h.before.Diff(fingerprint.Look("/", h.topology))}
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
