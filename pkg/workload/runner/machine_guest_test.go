//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// The machines these tests run on. CPUs are numbered node by node, cache by cache,
// core by core: on manyNodes the caches have the CPUs 0-1, 2-3, 4-5 and 6-7 and
// each is one core; on manyCaches 0-1, 2-3 and 4-5.
const (
	manyNodes  = "2n4l1c2t"
	manyCaches = "1n3l2c1t"
	smallest   = "1n1l1c1t"
)

// on is what is wanted on each machine. What begins with "!" is a refusal that
// says so; the machine the test does not name must not be there.
type on map[string]string

// onAll is for what is the same everywhere.
func onAll(want string) on { return on{manyNodes: want, manyCaches: want, smallest: want} }

// here is what is wanted on this machine, or what the refusal says.
func (o on) here(t *testing.T) (want, refusal string) {
	t.Helper()
	shape := shapeHere(t)
	want, known := o[shape]
	if !known {
		t.Fatalf("nothing is said of a machine of shape %s", shape)
	}
	if refusal, refused := strings.CutPrefix(want, "!"); refused {
		return "", refusal
	}
	return want, ""
}

func shapeHere(t *testing.T) string {
	t.Helper()
	m, err := topology.Read("/")
	if err != nil {
		t.Fatal(err)
	}
	return m.Shape()
}

// task is a worker as the kernel tells of it.
type task struct {
	pid, tid int
	// cpus and mems are Cpus_allowed_list and Mems_allowed_list.
	cpus, mems string
	// cgroup is relative to the run's own.
	cgroup string
	attr   *unix.SchedAttr
}

// spinner is a group of one worker that never waits.
func spinner(name string) spec.Group {
	return spec.Group{Name: name, Workers: 1, CloneMode: spec.CloneModeFork, Work: work.Spec{SpinWait: &work.SpinWait{}}}
}

// sleepers is a group of workers that mostly wait, which an emulated machine does fast.
func sleepers(name string, workers int) spec.Group {
	tick := &work.TimerLatency{Interval: quantity.Duration(5 * time.Millisecond)}
	return spec.Group{Name: name, Workers: workers, CloneMode: spec.CloneModeFork, Work: work.Spec{TimerLatency: tick}}
}

// onMachine carries out a run. One without a duration ends when look returns, which
// is called when the workers work.
func onMachine(t *testing.T, run spec.Run, look func(j Job, tasks map[string][]task)) (*report.Report, error) {
	t.Helper()
	run.Seed = 1
	endless := run.Duration == 0
	if endless {
		run.Duration = quantity.Duration(time.Hour)
	}
	j := Job{RunID: "test-" + strconv.Itoa(os.Getpid()), Cgroup: runCgroup(t), Run: run}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rep, err := client().Run(ctx, j, func(ev Event) {
		if ev.Type == EventStarted && look != nil {
			look(j, tasksOf(t, j))
		}
		if ev.Type == EventStarted && endless {
			cancel()
		}
	})
	assertNothingLeft(t, j)
	return rep, err
}

// trial is a run of one group. It is given alone where it is refused, and
// together with others otherwise: starting a run is what takes time here.
type trial struct {
	group  spec.Group
	cpuset *spec.Cpuset // of a cgroup of the group's own; nil for none
	policy *spec.SchedulingPolicy
	memory *spec.MemoryPolicy
	// refusal is what the refusal says; empty, there is none.
	refusal string
}

// outcome is what was seen of a trial.
type outcome struct {
	tasks  []task
	group  *report.Group
	cgroup *report.Cgroup // nil without one of its own
	report *report.Report
}

// maxTogether is how many groups a run can have.
const maxTogether = 12

// try carries out trials, by their sentences. during, if there is one, is called
// while the workers of a trial work, check afterwards.
func try(t *testing.T, trials map[string]trial, during func(name string, tasks []task), check func(t *testing.T, name string, o outcome)) {
	t.Helper()
	var possible []string
	for _, name := range slices.Sorted(maps.Keys(trials)) {
		if trials[name].refusal == "" {
			possible = append(possible, name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			rep, err := onMachine(t, joined(trials, []string{name}), nil)
			assertRefused(t, rep, err, trials[name].refusal)
		})
	}
	for some := range slices.Chunk(possible, maxTogether) {
		found := map[string][]task{}
		rep, err := onMachine(t, joined(trials, some), func(_ Job, tasks map[string][]task) {
			for i, name := range some {
				if found[name] = tasks[groupName(i)]; during != nil {
					during(name, found[name])
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range some {
			o := outcome{tasks: found[name], group: &rep.Groups[i], report: rep}
			if trials[name].cpuset != nil {
				o.cgroup = cgroupOf(t, rep, groupName(i))
			}
			t.Run(name, func(t *testing.T) { check(t, name, o) })
		}
	}
}

func groupName(i int) string { return "g" + strconv.Itoa(i) }

// joined is the run of some of the trials. What belongs to one has its number.
func joined(trials map[string]trial, names []string) spec.Run {
	var run spec.Run
	for i, name := range names {
		tr := trials[name]
		tr.group.Name = groupName(i)
		if tr.cpuset != nil {
			tr.group.Cgroup = groupName(i)
			run.Cgroups = append(run.Cgroups, spec.Cgroup{Name: groupName(i), Cpuset: tr.cpuset})
		}
		if tr.policy != nil {
			tr.group.SchedulingPolicy = groupName(i)
			policy := *tr.policy
			policy.Name = groupName(i)
			run.SchedulingPolicies = append(run.SchedulingPolicies, policy)
		}
		if tr.memory != nil {
			tr.group.MemoryPolicy = groupName(i)
			policy := *tr.memory
			policy.Name = groupName(i)
			run.MemoryPolicies = append(run.MemoryPolicies, policy)
		}
		run.Groups = append(run.Groups, tr.group)
	}
	return run
}

// tasksOf finds the workers in the run's cgroups, by the names of their groups.
func tasksOf(t *testing.T, j Job) map[string][]task {
	t.Helper()
	groups := map[string][]task{}
	for i := range j.Run.Groups {
		groups[j.Run.Groups[i].Name] = nil
	}
	err := filepath.WalkDir(j.Cgroup, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "cgroup.threads" {
			return err
		}
		list, err := os.ReadFile(path)
		if errors.Is(err, unix.EOPNOTSUPP) {
			return nil // a domain that can hold nothing
		}
		for word := range strings.FieldsSeq(string(list)) {
			tid, err := strconv.Atoi(word)
			if err != nil {
				return err
			}
			fields, err := statusOf(tid)
			if err != nil {
				return err
			}
			group, _, _ := strings.Cut(fields["Name"], "/") // threads are numbered
			if _, ours := groups[group]; ours {
				tk, err := taskOf(j, tid, fields)
				if err != nil {
					return err
				}
				groups[group] = append(groups[group], tk)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return groups
}

// statusOf is /proc/<tid>/status.
func statusOf(tid int) (map[string]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimSpace(value)
	}
	return fields, nil
}

func taskOf(j Job, tid int, status map[string]string) (task, error) {
	pid, err := strconv.Atoi(status["Tgid"])
	if err != nil {
		return task{}, err
	}
	in, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", tid))
	if err != nil {
		return task{}, err
	}
	attr, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		return task{}, os.NewSyscallError("sched_getattr", err)
	}
	_, path, _ := strings.Cut(strings.TrimSpace(string(in)), "0::")
	name, err := filepath.Rel(strings.TrimPrefix(j.Cgroup, "/sys/fs/cgroup"), path)
	return task{
		pid: pid, tid: tid, cpus: status["Cpus_allowed_list"], mems: status["Mems_allowed_list"], cgroup: name, attr: attr,
	}, err
}

// assertRefused checks that a run could not be set up, and in which words.
func assertRefused(t *testing.T, rep *report.Report, err error, words string) {
	t.Helper()
	var setup *SetupError
	if rep != nil || !errors.As(err, &setup) || !strings.Contains(setup.Message, words) {
		t.Errorf("got the report %+v and the error %v; want no report and %q in a setup error", rep, err, words)
	}
}

// isWithin says whether a list of CPUs is part of another.
func isWithin(t *testing.T, part, whole string) bool {
	t.Helper()
	return parsed(t, part).IsSubsetOf(parsed(t, whole))
}

func parsed(t *testing.T, list string) cpuset.CPUSet {
	t.Helper()
	set, err := cpuset.Parse(list)
	if err != nil {
		t.Fatalf("%q is no list: %v", list, err)
	}
	return set
}

// cgroupOf is what a report says of a cgroup.
func cgroupOf(t *testing.T, rep *report.Report, name string) *report.Cgroup {
	t.Helper()
	for i := range rep.Cgroups {
		if rep.Cgroups[i].Name == name {
			return &rep.Cgroups[i]
		}
	}
	t.Fatalf("the report has no cgroup %q", name)
	return nil
}
