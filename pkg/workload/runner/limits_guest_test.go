//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

const (
	// shareTime is how long shares of CPU time are measured.
	shareTime = quantity.Duration(4 * time.Second)
	// shareError is how far a share may be from what was asked for, in percent of it.
	shareError = 10
	// shareTries is how often a share may come out otherwise before that is a failure.
	shareTries = 3
	// breachTimeout bounds the time until a worker runs where it was put.
	breachTimeout = 20 * time.Second
)

// measured carries out a run until nothing is wrong with its figures, a few times
// at most: on an emulated machine whose host is busy, tasks are charged for time
// they did not have.
func measured(t *testing.T, run spec.Run, wrong func(*report.Report) string) {
	t.Helper()
	for try := 1; ; try++ {
		run.Duration = shareTime
		rep, err := onMachine(t, run, nil)
		if err != nil {
			t.Fatal(err)
		}
		switch problem := wrong(rep); {
		case problem == "":
			return
		case try == shareTries:
			t.Error(problem)
			return
		default:
			t.Logf("try %d: %s", try, problem)
		}
	}
}

// notShare says that a part is not the share it should be; nothing if it is.
func notShare(what string, part, of int64, percent float64) string {
	got := 100 * float64(part) / float64(of)
	if got < percent*(100-shareError)/100 || got > percent*(100+shareError)/100 {
		return fmt.Sprintf("%s is %.1f %%, want %.0f %% but for %d %% of that", what, got, percent, shareError)
	}
	return ""
}

func TestMachineQuota(t *testing.T) {
	g := spinner("spin")
	g.Cgroup = "held"
	const period = 100 * time.Millisecond
	quota := &spec.CgroupCPU{Quota: new(quantity.Duration(30 * time.Millisecond)), Period: new(quantity.Duration(period))}
	measured(t, spec.Run{Groups: []spec.Group{g}, Cgroups: []spec.Cgroup{{Name: "held", CPU: quota}}}, func(rep *report.Report) string {
		c := cgroupOf(t, rep, "held")
		if c.Periods == nil || c.Throttled == nil || c.ThrottledTime == nil || c.CPU == nil {
			return fmt.Sprintf("the report lacks figures of the quota: %+v", c)
		}
		// The worker uses up its quota in every period.
		if full := uint64(shareTime.D() / period); *c.Periods < full*8/10 || *c.Throttled < *c.Periods*8/10 || *c.ThrottledTime <= 0 {
			return fmt.Sprintf("throttled in %d of %d periods for %d ns, in a hold of %d periods", *c.Throttled, *c.Periods, *c.ThrottledTime, full)
		}
		return cmp.Or(
			notShare("the CPU time of the worker", rep.Groups[0].CPU, rep.Groups[0].Wall, 30),
			notShare("the CPU time of the cgroup", *c.CPU, rep.Hold, 30))
	})
}

func TestMachineWeights(t *testing.T) {
	for name, tc := range map[string]struct {
		first, second spec.CgroupCPU
		percent       float64 // of the second
	}{
		"one to three":        {spec.CgroupCPU{Weight: new(100)}, spec.CgroupCPU{Weight: new(300)}, 75},
		"the kernel's own":    {spec.CgroupCPU{Weight: new(100)}, spec.CgroupCPU{UclampMaxPercent: new(100)}, 50},
		"idle against others": {spec.CgroupCPU{Idle: true}, spec.CgroupCPU{Weight: new(100)}, 97},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := spinner("first"), spinner("second")
			first.Cgroup, second.Cgroup = "one", "two"
			measured(t, spec.Run{Groups: []spec.Group{first, second}, Cgroups: []spec.Cgroup{
				{Name: "one", CPU: &tc.first, Cpuset: &spec.Cpuset{Exact: "0"}}, {Name: "two", CPU: &tc.second, Cpuset: &spec.Cpuset{Exact: "0"}},
			}}, func(rep *report.Report) string {
				return notShare("the CPU time of the second", rep.Groups[1].CPU, rep.Groups[0].CPU+rep.Groups[1].CPU, tc.percent)
			})
		})
	}
}

// What is asked for stands in the kernel's files while the workers work, and in the report.
func TestMachineKnobs(t *testing.T) {
	ms := func(n int) *quantity.Duration { return new(quantity.Duration(n) * quantity.Duration(time.Millisecond)) }
	mi := func(n int) *quantity.Bytes { return new(quantity.Bytes(n) << 20) }
	g := spinner("spin")
	g.Cgroup = "app/inner"
	want := map[string]string{
		"cpu.weight": "222", "cpu.max": "20000 50000", "cpu.max.burst": "7000",
		"memory.min": fmt.Sprint(1 << 20), "memory.low": fmt.Sprint(2 << 20), "memory.high": fmt.Sprint(64 << 20), "memory.max": fmt.Sprint(65 << 20),
		"pids.max": "33",
	}
	rep, err := onMachine(t, spec.Run{Groups: []spec.Group{g}, Cgroups: []spec.Cgroup{{
		Name:    "app/inner",
		CPU:     &spec.CgroupCPU{Weight: new(222), Quota: ms(20), Period: ms(50), Burst: ms(7)},
		Memory:  &spec.CgroupMemory{Min: mi(1), Low: mi(2), High: mi(64), Max: mi(65)},
		PidsMax: new(int64(33)),
	}}}, func(j Job, _ map[string][]task) {
		for file, value := range want {
			text, err := os.ReadFile(filepath.Join(j.Cgroup, "app/inner", file))
			if got := strings.TrimSpace(string(text)); err != nil || got != value {
				t.Errorf("%s is %q (%v), want %q", file, got, err, value)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for file, value := range want {
		if got := cgroupOf(t, rep, "app/inner").Files[file]; got != value {
			t.Errorf("%s is reported as %q, want %q", file, got, value)
		}
	}
}

// A worker that somebody puts on other CPUs while it works is seen there.
func TestMachineABreachIsSeen(t *testing.T) {
	for name, breach := range map[string]func(j Job, tid int) error{
		"of its affinity": func(_ Job, tid int) error {
			var set unix.CPUSet
			set.Set(1)
			return unix.SchedSetaffinity(tid, &set)
		},
		"of its cpuset": func(j Job, _ int) error {
			return os.WriteFile(filepath.Join(j.Cgroup, "set", "cpuset.cpus"), []byte("1"), 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, refusal := on{manyNodes: "", manyCaches: "", smallest: "!there is no CPU 1"}.here(t)
			g := spinner("spin")
			run := spec.Run{Groups: []spec.Group{g}}
			if name == "of its cpuset" {
				run.Groups[0].Cgroup, run.Cgroups = "set", []spec.Cgroup{{Name: "set", Cpuset: &spec.Cpuset{Exact: "0"}}}
			} else {
				run.Groups[0].Affinity = &spec.Affinity{Exact: "0"}
			}
			rep, err := onMachine(t, run, func(j Job, tasks map[string][]task) {
				if len(tasks["spin"]) != 1 {
					t.Errorf("%d workers, want 1", len(tasks["spin"]))
					return
				}
				tid := tasks["spin"][0].tid
				switch err := breach(j, tid); {
				case refusal != "" && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ERANGE):
					t.Errorf("%s, and the breach ended with %v", refusal, err)
				case refusal == "" && err != nil:
					t.Error(err)
				case refusal == "":
					awaitCPU(t, tid, 1)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			assertBreach(t, rep, refusal == "")
		})
	}
}

func assertBreach(t *testing.T, rep *report.Report, breached bool) {
	t.Helper()
	g, w := &rep.Groups[0], &rep.Workers[0]
	if g.AskedCPUs != "0" || g.AllowedCPUs != "0" || w.Allowed != "0" {
		t.Errorf("asked for were the CPUs %s, allowed at the start %s and %s, want 0", g.AskedCPUs, g.AllowedCPUs, w.Allowed)
	}
	if beyond := !isWithin(t, w.CPUs, w.Allowed) && !isWithin(t, g.CPUs, g.AllowedCPUs); beyond != breached {
		t.Errorf("the worker is reported on the CPUs %s, its group on %s, want some beyond 0: %t", w.CPUs, g.CPUs, breached)
	}
	const remark = "1 of 1 workers ran outside of their CPUs: group spin, worker 0 on CPUs 1, not in 0"
	if slices.Contains(rep.Notes, remark) != breached {
		t.Errorf("the notes are %q, want %q in them: %t", rep.Notes, remark, breached)
	}
}

// awaitCPU waits until a task has run on a CPU for a while.
func awaitCPU(t *testing.T, tid, cpu int) {
	t.Helper()
	const ticks = 10 // of 10 ms
	began := int64(-1)
	for deadline := time.Now().Add(breachTimeout); time.Now().Before(deadline); {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", tid))
		if err != nil {
			t.Error(err)
			return
		}
		_, after, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(after)
		var utime, on int64
		if _, err := fmt.Sscan(fields[11], &utime); err != nil {
			t.Error(err)
		}
		if _, err := fmt.Sscan(fields[36], &on); err != nil {
			t.Error(err)
		}
		switch {
		case int(on) != cpu:
			began = -1
		case began < 0:
			began = utime
		case utime-began >= ticks:
			return
		}
	}
	t.Errorf("task %d does not run on CPU %d within %v", tid, cpu, breachTimeout)
}
