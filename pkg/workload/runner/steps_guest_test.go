//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// needCPUs skips a test on a machine with fewer CPUs.
func needCPUs(t *testing.T, n int) {
	t.Helper()
	own, err := allowed.CPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	if own.Size() < n {
		t.Skipf("needs %d CPUs, this machine has %d", n, own.Size())
	}
}

// exactly is a cpuset of a list of CPUs.
func exactly(cpus string) *spec.Cpuset { return &spec.Cpuset{Exact: cpus} }

// carriedOut runs a job all of whose steps have to be carried out. That emulated workers wait long for each other,
// and get nowhere in a hold, is no matter.
func carriedOut(t *testing.T, j Job) *report.Report {
	t.Helper()
	rep, err := client().Run(t.Context(), j, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rep.StepError != "" || len(rep.Steps) != len(j.Run.Steps) {
		t.Errorf("%d of %d steps: %s", len(rep.Steps), len(j.Run.Steps), rep.StepError)
	}
	assertNothingLeft(t, j)
	return rep
}

// assertIsolated checks that a group was in each step on CPUs it could have, and which those were.
func assertIsolated(t *testing.T, rep *report.Report, name string, want ...string) {
	t.Helper()
	var got []string
	seen := 0
	for _, p := range groupOf(t, rep, name).Phases {
		got = append(got, p.Allowed)
		if !isWithin(t, p.CPUs, p.Allowed) {
			t.Errorf("%s, step %d: on the CPUs %q, allowed are %s", name, p.Step, p.CPUs, p.Allowed)
		}
		if p.CPUs != "" {
			seen++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: CPUs by step (-want +got):\n%s", name, diff)
	}
	if seen < len(got)*4/5 { // emulated CPUs wait for each other
		t.Errorf("%s ran in %d of %d steps", name, seen, len(got))
	}
	for i := range rep.Workers {
		for _, p := range rep.Workers[i].Phases {
			if !isWithin(t, p.CPUs, p.Allowed) {
				t.Errorf("%s, worker %d, step %d: on the CPUs %q, allowed are %s", rep.Workers[i].Group, rep.Workers[i].Index, p.Step, p.CPUs, p.Allowed)
			}
		}
	}
}

// Cpusets change under load, and no phase has a CPU of another.
func TestMachineCpusetsChangeBetweenSteps(t *testing.T) {
	needCPUs(t, 4)
	pinned := spinning("pinned", 1, "a")
	pinned.Affinity = &spec.Affinity{Exact: "0-1"}
	set := func(cpus string) spec.Op {
		return spec.Op{SetCpuset: &spec.SetCpusetOp{Cgroup: "a", Cpuset: *exactly(cpus)}}
	}
	const hold = 200 * time.Millisecond
	j := inSteps(t, []spec.Group{spinning("free", 3, "a"), pinned, threaded(spinning("threads", 2, "a/b"))}, []string{"a", "a/b"},
		spec.Step{Name: "inherited", Hold: fixed(hold)},
		spec.Step{Name: "set", Ops: []spec.Op{set("1-3")}, Hold: fixed(hold)},
		spec.Step{Name: "other", Ops: []spec.Op{set("0")}, Hold: fixed(hold)},
		spec.Step{Name: "cleared", Ops: []spec.Op{{ClearCpuset: &spec.CgroupOp{Cgroup: "a"}}}, Hold: fixed(hold)},
		spec.Step{Name: "moved", Ops: []spec.Op{set("2-3"), {MoveGroup: &spec.MoveGroupOp{Group: "threads"}}}, Hold: fixed(hold)},
	)
	rep := carriedOut(t, j)
	own, err := allowed.CPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	all := own.String()
	assertIsolated(t, rep, "free", all, "1-3", "0", all, "2-3")
	assertIsolated(t, rep, "pinned", "0-1", "1", "0", "0-1", "2-3")
	assertIsolated(t, rep, "threads", all, "1-3", "0", all, all)
}

// A hundred exchanges of cpusets under load, each with a hold of its own.
func TestMachineCpusetsAreSwapped(t *testing.T) {
	needCPUs(t, 4)
	const steps, runs, hold = 51, 2, 60 * time.Millisecond
	j := inSteps(t, []spec.Group{spinning("left", 2, "l"), threaded(spinning("right", 2, "r"))}, []string{"l", "r"})
	j.Run.Cgroups[0].Cpuset, j.Run.Cgroups[1].Cpuset = exactly("0-1"), exactly("2-3")
	var left, right []string
	for n := range steps {
		step := spec.Step{Name: fmt.Sprintf("s%d", n), Hold: fixed(hold)}
		if n > 0 {
			step.Ops = []spec.Op{{SwapCpusets: &spec.SwapCpusetsOp{A: "l", B: "r"}}}
		}
		j.Run.Steps = append(j.Run.Steps, step)
		j.Run.Duration += quantity.Duration(hold)
		left, right = append(left, [2]string{"0-1", "2-3"}[n%2]), append(right, [2]string{"2-3", "0-1"}[n%2])
	}
	for range runs {
		rep := carriedOut(t, j)
		assertIsolated(t, rep, "left", left...)
		assertIsolated(t, rep, "right", right...)
	}
}

// While ops repeat, what workers can have is what they could have at any time of the hold.
func TestMachineCpusetsAreSwappedWithinAHold(t *testing.T) {
	needCPUs(t, 5)
	j := inSteps(t, []spec.Group{spinning("left", 2, "l"), spinning("right", 2, "r")}, []string{"l", "r"}, spec.Step{
		Name: "swaps", Hold: fixed(2 * time.Second), RepeatOpsEvery: new(quantity.Duration(50 * time.Millisecond)),
		Ops: []spec.Op{{SwapCpusets: &spec.SwapCpusetsOp{A: "l", B: "r"}}},
	})
	j.Run.Cgroups[0].Cpuset, j.Run.Cgroups[1].Cpuset = exactly("0-1"), exactly("2-3")
	rep := carriedOut(t, j)
	assertIsolated(t, rep, "left", "0-3")
	assertIsolated(t, rep, "right", "0-3")
	if n := rep.Steps[0].Ops[0].Times; n < 3 {
		t.Errorf("%d swaps", n)
	}
}

// usedIn is the share of one CPU that a cgroup had in a step.
func usedIn(t *testing.T, rep *report.Report, step int, cgroup string) (share float64, c *report.Cgroup) {
	t.Helper()
	s := &rep.Steps[step]
	for i := range s.Cgroups {
		if c := &s.Cgroups[i]; c.Name == cgroup && c.CPU != nil {
			return float64(*c.CPU) / float64(s.End-s.Start), c
		}
	}
	t.Fatalf("step %d has no CPU time of cgroup %s", step, cgroup)
	return 0, nil
}

// Weights and quotas that an op changes are followed, in that step and not before.
func TestMachineSettingsChangeBetweenSteps(t *testing.T) {
	needCPUs(t, 2)
	change := func(cgroup string, cpu spec.CgroupCPU) spec.Op {
		return spec.Op{SetCgroup: &spec.SetCgroupOp{Cgroup: cgroup, CPU: &cpu}}
	}
	const hold = time.Second
	j := inSteps(t, []spec.Group{spinning("a", 1, "a"), spinning("b", 1, "b")}, []string{"a", "b"},
		spec.Step{Name: "equal", Hold: fixed(hold)},
		spec.Step{Name: "weights", Ops: []spec.Op{change("a", spec.CgroupCPU{Weight: new(900)})}, Hold: fixed(hold)},
		spec.Step{Name: "quota", Ops: []spec.Op{change("a", spec.CgroupCPU{Quota: new(quantity.Duration(10 * time.Millisecond))})}, Hold: fixed(hold)},
	)
	j.Run.Cgroups[0].Cpuset, j.Run.Cgroups[1].Cpuset = exactly("0"), exactly("0")
	rep := carriedOut(t, j)
	for step, want := range [][2]float64{{0.35, 0.65}, {0.75, 0.97}, {0.05, 0.2}} {
		share, c := usedIn(t, rep, step, "a")
		if share < want[0] || share > want[1] {
			t.Errorf("step %d: a has %.2f of the CPU, want %v", step, share, want)
		}
		if throttled := c.Throttled != nil && *c.Throttled > 0; throttled != (step == 2) {
			t.Errorf("step %d: throttled %v", step, c.Throttled)
		}
	}
	if detail := rep.Steps[2].Ops[0].Detail; !strings.Contains(detail, "cpu.max=10000 100000") {
		t.Errorf("the op says %q", detail)
	}
}

// Cgroups of a step have their settings when they are made again, whatever ops changed before; partitions take CPUs
// away from the others while they are there.
func TestMachineCgroupsComeAndGo(t *testing.T) {
	needCPUs(t, 4)
	const hold = 300 * time.Millisecond
	set := spec.Op{SetCgroup: &spec.SetCgroupOp{Cgroup: "s/t", CPU: &spec.CgroupCPU{Weight: new(50)}, Memory: &spec.CgroupMemory{High: new(quantity.Bytes(1 << 28))}}}
	there := spec.Step{Name: "with", Cgroups: []string{"s", "s/t"}, Groups: []string{"within"}, Hold: fixed(hold)}
	again := there
	again.Name, there.Ops = "again", []spec.Op{set}
	j := inSteps(t, []spec.Group{spinning("always", 2, "a"), spinning("within", 1, "s/t"), spinning("alone", 1, "p")}, []string{"a", "s", "s/t", "p"},
		there, again,
		spec.Step{Name: "partition", Cgroups: []string{"p"}, Groups: []string{"alone"}, Hold: fixed(hold)},
		spec.Step{Name: "without", Hold: fixed(hold)},
	)
	j.Run.Cgroups[1].Cpuset = exactly("1-2")
	j.Run.Cgroups[2].Cpuset, j.Run.Cgroups[2].CPU = exactly("2"), &spec.CgroupCPU{Weight: new(200)}
	j.Run.Cgroups[2].Memory = &spec.CgroupMemory{Max: new(quantity.Bytes(1 << 29))}
	j.Run.Cgroups[3].Cpuset = &spec.Cpuset{Exact: "3", Partition: spec.PartitionRoot}
	rep := carriedOut(t, j)
	own, err := allowed.CPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	all, rest := own.String(), own.Difference(parsed(t, "3")).String()
	assertIsolated(t, rep, "always", all, all, rest, all)
	assertIsolated(t, rep, "within", "2", "2")
	assertIsolated(t, rep, "alone", "3")
	for step, want := range []map[string]string{{"cpu.weight": "50", "memory.high": fmt.Sprint(1 << 28)}, {"cpu.weight": "200", "memory.high": "max"}} {
		_, c := usedIn(t, rep, step, "s/t")
		for file, value := range want {
			if c.Files[file] != value {
				t.Errorf("step %d: %s is %q, want %q", step, file, c.Files[file], value)
			}
		}
		if c.CPUs != "2" || c.Files["memory.max"] != fmt.Sprint(1<<29) {
			t.Errorf("step %d: %+v", step, c)
		}
	}
}

// A group that starts with a step has its memory where its policy says, in a cpuset that an op gave memory nodes.
func TestMachineMemoryPolicyInAStep(t *testing.T) {
	machine, _, err := thisMachine()
	if err != nil {
		t.Fatal(err)
	}
	if machine.MemoryNodes.Size() < 2 {
		t.Skip("needs two NUMA nodes with memory")
	}
	bound := walker("")
	bound.Name, bound.MemoryPolicy = "bound", "other"
	kept := walker("")
	kept.Name, kept.Cgroup = "kept", "a"
	j := inSteps(t, []spec.Group{spinning("always", 1, ""), bound, kept}, []string{"a"},
		spec.Step{Name: "before", Hold: fixed(100 * time.Millisecond), Ops: []spec.Op{{SetCpuset: &spec.SetCpusetOp{Cgroup: "a", Cpuset: spec.Cpuset{Mems: "1"}}}}},
		spec.Step{Name: "with", Groups: []string{"bound", "kept"}, Hold: fixed(2 * time.Second)},
	)
	j.Run.MemoryPolicies = []spec.MemoryPolicy{{Name: "other", Mode: "Bind", Nodes: "1"}}
	rep := carriedOut(t, j)
	for _, name := range []string{"bound", "kept"} {
		assertPages(t, groupOf(t, rep, name).Pages, "1")
	}
}
