// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"

	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// spinning is a group of workers that spin.
func spinning(name string, workers int, cgroup string) spec.Group {
	return spec.Group{Name: name, Workers: workers, CloneMode: spec.CloneModeFork, Cgroup: cgroup, Work: work.Spec{SpinWait: &work.SpinWait{}}}
}

// fixed is a hold of a length.
func fixed(d time.Duration) spec.Hold { return spec.Hold{Fixed: new(quantity.Duration(d))} }

// inSteps is a job of groups and steps, as long as the steps are.
func inSteps(t *testing.T, groups []spec.Group, cgroups []string, steps ...spec.Step) Job {
	t.Helper()
	j := job(t, 0)
	if j.Cgroup == "" && len(cgroups) > 0 {
		t.Skip("there is no cgroup v2 here that can be written to, or this is not root")
	}
	j.Run.Groups, j.Run.Steps = groups, steps
	for _, name := range cgroups {
		j.Run.Cgroups = append(j.Run.Cgroups, spec.Cgroup{Name: name})
	}
	for i := range steps {
		j.Run.Duration += *steps[i].Hold.Fixed
	}
	return j
}

// starved is in a verdict about a worker that got no CPU although it could run: others that use the machine
// may have had them all.
const starved = "it was runnable (R)"

// performed runs a job whose sample has to be valid, unless a worker got no CPU.
func performed(t *testing.T, j Job) *report.Report {
	t.Helper()
	rep, err := client().Run(t.Context(), j, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := check.Sample(rep); rep.StepError != "" || !s.Valid && !strings.Contains(s.Message, starved) {
		t.Errorf("the sample is void: %+v; %s", s, rep.StepError)
	}
	assertNothingLeft(t, j)
	return rep
}

// assertWorkedIn checks in which steps a group may have made progress, and that all its workers completed.
func assertWorkedIn(t *testing.T, rep *report.Report, name string, may ...int) {
	t.Helper()
	g := groupOf(t, rep, name)
	did := stepsOf(g)
	for _, step := range did {
		if !slices.Contains(may, step) {
			t.Errorf("%s made progress in steps %v, want %v", name, did, may)
		}
	}
	sample := check.Sample(rep)
	if len(did) < len(may) && !strings.Contains(sample.Message, starved) {
		t.Errorf("%s made progress in steps %v, want %v: %+v", name, did, may, sample)
	}
	if g.Completed != g.Workers {
		t.Errorf("%s: %d of %d workers completed", name, g.Completed, g.Workers)
	}
}

// groupOf is a group of a report.
func groupOf(t *testing.T, rep *report.Report, name string) *report.Group {
	t.Helper()
	i := slices.IndexFunc(rep.Groups, func(g report.Group) bool { return g.Name == name })
	if i < 0 {
		t.Fatalf("the report has no group %s", name)
	}
	return &rep.Groups[i]
}

// stepsOf are the steps in which a group made progress.
func stepsOf(g *report.Group) []int {
	var list []int
	for _, p := range g.Phases {
		if p.Iterations > 0 || p.WorkUnits > 0 {
			list = append(list, p.Step)
		}
	}
	return list
}

func TestGroupsComeAndGoWithSteps(t *testing.T) {
	const hold = 200 * time.Millisecond
	j := inSteps(t, []spec.Group{spinning("always", 1, ""), spinning("first", 2, "a"), spinning("second", 1, "a/b")}, []string{"a", "a/b"},
		spec.Step{Name: "one", Cgroups: []string{"a"}, Groups: []string{"first"}, Hold: fixed(hold)},
		spec.Step{Name: "alone", Hold: fixed(hold / 2)},
		spec.Step{Name: "two", Cgroups: []string{"a", "a/b"}, Groups: []string{"second"}, Hold: fixed(hold)},
	)
	rep := performed(t, j)
	var names []string
	for i := range rep.Steps {
		s := &rep.Steps[i]
		names = append(names, s.Name+": "+strings.Join(s.Groups, " "))
		if took := time.Duration(s.End - s.Start); took < time.Duration(s.Planned) || took > time.Duration(s.Planned)+100*time.Millisecond {
			t.Errorf("step %s held %v, planned %v", s.Name, took, time.Duration(s.Planned))
		}
	}
	if diff := cmp.Diff([]string{"one: always first", "alone: always", "two: always second"}, names); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	for name, want := range map[string][]int{"always": {0, 1, 2}, "first": {0}, "second": {2}} {
		if assertWorkedIn(t, rep, name, want...); groupOf(t, rep, name).Starts != 1 {
			t.Errorf("%s: %d starts", name, groupOf(t, rep, name).Starts)
		}
	}
}

// Ops that repeat do so at their times within the hold; what starts and stops again and again is counted.
func TestGroupsAreStartedAndStoppedAgainAndAgain(t *testing.T) {
	j := inSteps(t, []spec.Group{spinning("always", 1, ""), spinning("often", 2, "a"), threaded(spinning("threads", 2, ""))}, []string{"a"},
		spec.Step{Name: "quiet", Hold: fixed(100 * time.Millisecond)},
		spec.Step{
			Name: "churn", Hold: fixed(time.Second), RepeatOpsEvery: new(quantity.Duration(100 * time.Millisecond)),
			Ops: []spec.Op{
				{CreateCgroup: &spec.CgroupOp{Cgroup: "a"}},
				{StartGroup: &spec.GroupOp{Group: "threads"}},
				{StartGroup: &spec.GroupOp{Group: "often"}},
				{StopGroup: &spec.GroupOp{Group: "threads"}},
				{RemoveCgroup: &spec.CgroupOp{Cgroup: "a"}},
			},
		},
	)
	rep := performed(t, j)
	churn := &rep.Steps[1]
	var names []string
	for _, op := range churn.Ops {
		names = append(names, op.Name+" "+op.Target)
		if op.Times < 2 || op.Times > 10 || op.Took <= 0 || op.At < churn.Begin {
			t.Errorf("%s: %d times, %v, at %d; want up to 10 times", op.Name, op.Times, time.Duration(op.Took), op.At)
		}
	}
	want := []string{"createCgroup a", "startGroup threads", "startGroup often", "stopGroup threads", "removeCgroup a"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("ops (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"always"}, churn.Groups); diff != "" {
		t.Errorf("groups that were there during the whole hold (-want +got):\n%s", diff)
	}
	for _, name := range []string{"often", "threads"} {
		g := groupOf(t, rep, name)
		assertWorkedIn(t, rep, name, 1)
		if n := churn.Ops[1].Times; g.Starts != n || g.Workers != 2*n || g.Completed != g.Workers {
			t.Errorf("%s: %d starts, want %d; %d of %d workers completed", name, g.Starts, n, g.Completed, g.Workers)
		}
	}
	if i := slices.IndexFunc(rep.Cgroups, func(c report.Cgroup) bool { return c.Name == "a" }); i < 0 {
		t.Error("the report has nothing of a cgroup that was removed")
	}
}

// threaded makes a group's workers threads.
func threaded(g spec.Group) spec.Group {
	g.CloneMode = spec.CloneModeThread
	return g
}

// A frozen group is silent and the report says why; it goes on when it is thawed, and stops when it is not.
func TestFrozenGroupsAreSilentAndStop(t *testing.T) {
	const hold = 300 * time.Millisecond
	freeze, thaw := spec.Op{FreezeCgroup: &spec.CgroupOp{Cgroup: "a"}}, spec.Op{ThawCgroup: &spec.CgroupOp{Cgroup: "a"}}
	j := inSteps(t, []spec.Group{spinning("free", 1, ""), spinning("cold", 1, "a/b"), threaded(spinning("threads", 2, "a")), spinning("late", 1, "c/d")},
		[]string{"a", "a/b", "c", "c/d"},
		spec.Step{Name: "before", Hold: fixed(hold)},
		spec.Step{Name: "frozen", Ops: []spec.Op{freeze}, Hold: fixed(hold)},
		spec.Step{Name: "thawed", Ops: []spec.Op{thaw}, Hold: fixed(hold)},
		spec.Step{
			Name: "again", Cgroups: []string{"c", "c/d"}, Groups: []string{"late"}, Hold: fixed(hold),
			Ops: []spec.Op{freeze, {FreezeCgroup: &spec.CgroupOp{Cgroup: "c"}}, {FreezeCgroup: &spec.CgroupOp{Cgroup: "c/d"}}},
		},
	)
	rep := performed(t, j)
	for name, may := range map[string][]int{"free": {0, 1, 2, 3}, "cold": {0, 2}, "threads": {0, 2}, "late": nil} {
		assertWorkedIn(t, rep, name, may...)
	}
	for i, want := range [][]string{nil, {"cold", "threads"}, nil, {"cold", "threads", "late"}} {
		if diff := cmp.Diff(want, rep.Steps[i].Frozen); diff != "" {
			t.Errorf("frozen in step %d (-want +got):\n%s", i, diff)
		}
	}
}

// What ops change of workers is read from /proc, while the run goes on.
func TestOpsChangeWorkersThatWork(t *testing.T) {
	j := inSteps(t, []spec.Group{spinning("forks", 2, ""), threaded(spinning("threads", 2, ""))}, []string{"a", "b"})
	j.Run.SchedulingPolicies = []spec.SchedulingPolicy{{Name: "batch", Batch: &struct{}{}}}
	own, err := allowed.CPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	cpu := own.List()[own.Size()-1]
	var nice, policy, affinity, move, back []spec.Op
	groups := []string{"forks", "threads"}
	for _, name := range groups {
		nice = append(nice, spec.Op{SetNice: &spec.SetNiceOp{Group: name, Nice: 7}})
		policy = append(policy, spec.Op{SetSchedulingPolicy: &spec.SetSchedulingPolicyOp{Group: name, SchedulingPolicy: "batch"}})
		affinity = append(affinity, spec.Op{SetAffinity: &spec.SetAffinityOp{Group: name, Affinity: spec.Affinity{Exact: strconv.Itoa(cpu)}}})
		move = append(move, spec.Op{MoveGroup: &spec.MoveGroupOp{Group: name, Cgroup: "b"}})
		back = append(back, spec.Op{MoveGroup: &spec.MoveGroupOp{Group: name}})
	}
	const hold = 400 * time.Millisecond
	for i, ops := range [][]spec.Op{nil, nice, policy, affinity, move, back} {
		j.Run.Steps = append(j.Run.Steps, spec.Step{Name: fmt.Sprintf("s%d", i), Ops: ops, Hold: fixed(hold)})
		j.Run.Duration += quantity.Duration(hold)
	}
	in := func(name string) func(stat []string, tid int) bool {
		return func(_ []string, tid int) bool {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", tid))
			return strings.Contains(string(text), "/run/"+name+"\n")
		}
	}
	wants := []func(stat []string, tid int) bool{
		func(stat []string, _ int) bool { return stat[16] == "7" },
		func(stat []string, _ int) bool { return stat[38] == strconv.Itoa(unix.SCHED_BATCH) && stat[16] == "7" },
		func(_ []string, tid int) bool {
			var set unix.CPUSet
			return unix.SchedGetaffinity(tid, &set) == nil && set.Count() == 1 && set.IsSet(cpu)
		},
		in("b"), in(defaultLeaf),
	}
	seen := make(chan int, 1)
	rep, err := client().Run(t.Context(), j, func(ev Event) {
		if ev.Type == EventStarted {
			go func() { seen <- followTasks(j.Cgroup, 4, wants) }() // ends with the run's cgroup
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if rep.StepError != "" {
		t.Error(rep.StepError)
	}
	if n := <-seen; n != len(wants) {
		t.Errorf("change %d of %d was not seen of all tasks: %v", n, len(wants), rep.Steps[min(n, len(rep.Steps)-1)].Ops)
	}
	assertNothingLeft(t, j)
	for _, step := range []int{3, 4, 5} {
		for _, name := range []string{"forks", "threads"} {
			if p := groupOf(t, rep, name).Phases[step]; p.Allowed != strconv.Itoa(cpu) || p.CPUs != "" && p.CPUs != p.Allowed {
				t.Errorf("%s, step %d: CPUs %s of %s, want %d", name, step, p.CPUs, p.Allowed, cpu)
			}
		}
	}
}

// followTasks waits for one change after the other to be seen of all tasks of a run, but for first threads of hosts,
// and says how many were. It ends with the run's cgroup.
func followTasks(cgroup string, tasks int, wants []func(stat []string, tid int) bool) int {
	n := 0
	lookUntil(glance/10, func() bool {
		list, err := threadsBelow(cgroup)
		had := 0
		for _, tid := range list {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", tid))
			if stat := strings.Fields(string(text)); err == nil && wants[n](stat[min(2, len(stat)):], tid) {
				had++
			}
		}
		if err == nil && had >= tasks {
			n++
		}
		return err != nil || n == len(wants)
	})
	return n
}

// threadsBelow are the ids of the threads in a cgroup and below it.
func threadsBelow(root string) ([]int, error) {
	if _, err := os.Stat(root); err != nil {
		return nil, err
	}
	var list []int
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			ids, _ := cgroup.Threads(path) // one that was just removed has none
			list = append(list, ids...)
		}
		return nil
	})
	return list, err
}

// Threads that share a process are moved one group at a time within their domain.
func TestThreadsOfOneProcessAreMovedApart(t *testing.T) {
	group := func(name, cgroup string) spec.Group {
		g := threaded(spinning(name, 2, cgroup))
		g.ProcessName = "shared"
		return g
	}
	const hold = 300 * time.Millisecond
	j := inSteps(t, []spec.Group{group("stays", "d/x"), group("moves", "d/x")}, []string{"d", "d/x", "d/y"},
		spec.Step{Name: "together", Hold: fixed(hold)},
		spec.Step{Name: "apart", Ops: []spec.Op{{MoveGroup: &spec.MoveGroupOp{Group: "moves", Cgroup: "d/y"}}}, Hold: fixed(hold)},
	)
	j.Run.Cgroups[1].Threaded, j.Run.Cgroups[2].Threaded = true, true
	in := func(name string) []string {
		var names []string
		ids, _ := cgroup.Threads(filepath.Join(j.Cgroup, name))
		for _, tid := range ids {
			comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", tid))
			group, _, _ := strings.Cut(strings.TrimSpace(string(comm)), "/")
			names = append(names, group)
		}
		slices.Sort(names)
		return names
	}
	seen := make(chan [2][]string, 1)
	rep, err := client().Run(t.Context(), j, func(ev Event) {
		if ev.Type == EventStarted {
			go func() { // ends when the threads are apart, or with the run
				lookUntil(glance, func() bool {
					_, err := os.Stat(j.Cgroup)
					return err != nil || len(in("d/y")) == 2
				})
				seen <- [2][]string{in("d/x"), in("d/y")}
			}()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if rep.StepError != "" {
		t.Error(rep.StepError)
	}
	if diff := cmp.Diff([2][]string{{"shared", "stays", "stays"}, {"moves", "moves"}}, <-seen); diff != "" {
		t.Errorf("threads in d/x and d/y (-want +got):\n%s", diff)
	}
	assertNothingLeft(t, j)
}

// What is not where it was moved to is found, unless it has ended.
func TestWhereTasksAreIsReadBack(t *testing.T) {
	path := runCgroup(t)
	if path == "" {
		t.Skip("making cgroups needs root and cgroup v2")
	}
	d, err := cgroup.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := areIn(d, []int{os.Getpid()}, nil); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d is not in %s", os.Getpid(), path)) {
		t.Errorf("a process elsewhere: %v", err)
	}
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"a process that has ended": areIn(d, []int{ended.Process.Pid}, nil), "threads of a domain": areIn(d, nil, nil),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
