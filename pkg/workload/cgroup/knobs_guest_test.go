// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

//go:build guest

package cgroup

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEveryKnobIsWrittenAndReadBack(t *testing.T) {
	root := parent(t, "schedfleet-knobs")
	files := must(ProbeFiles(root))(t)
	for name, tc := range map[string]struct {
		give    Settings
		want    map[string]string
		partOf  string // a file that some kernels do not have
		missing string // what the error then says
	}{
		"nothing":     {want: map[string]string{}},
		"CPUs":        {give: Settings{CPUs: set(t, "1,3")}, want: map[string]string{"cpuset.cpus": "1,3"}},
		"nodes":       {give: Settings{Mems: set(t, "1")}, want: map[string]string{"cpuset.mems": "1"}},
		"weight":      {give: Settings{CPU: CPUSettings{Weight: new(10000)}}, want: map[string]string{"cpu.weight": "10000"}},
		"low weight":  {give: Settings{CPU: CPUSettings{Weight: new(1)}}, want: map[string]string{"cpu.weight": "1"}},
		"idle":        {give: Settings{CPU: CPUSettings{Idle: true}}, want: map[string]string{"cpu.idle": "1"}},
		"quota":       {give: Settings{CPU: CPUSettings{Quota: 250 * time.Millisecond}}, want: map[string]string{"cpu.max": "250000 100000"}},
		"period only": {give: Settings{CPU: CPUSettings{Period: 50 * time.Millisecond}}, want: map[string]string{"cpu.max": "max 50000"}},
		"quota with period and burst": {
			give: Settings{CPU: CPUSettings{Quota: 5 * time.Millisecond, Period: 20 * time.Millisecond, Burst: 3 * time.Millisecond}},
			want: map[string]string{"cpu.max": "5000 20000", "cpu.max.burst": "3000"},
		},
		"utilisation clamped": {
			give:   Settings{CPU: CPUSettings{UclampMinPercent: new(20), UclampMaxPercent: new(80)}},
			want:   map[string]string{"cpu.uclamp.min": "20.00", "cpu.uclamp.max": "80.00"},
			partOf: "cpu.uclamp.min", missing: "CONFIG_UCLAMP_TASK_GROUP",
		},
		"utilisation clamped to all and nothing": {
			give:   Settings{CPU: CPUSettings{UclampMinPercent: new(0), UclampMaxPercent: new(100)}},
			want:   map[string]string{"cpu.uclamp.min": "0.00", "cpu.uclamp.max": "max"},
			partOf: "cpu.uclamp.min", missing: "CONFIG_UCLAMP_TASK_GROUP",
		},
		"memory, of which the kernel keeps pages": {
			give: Settings{Memory: MemorySettings{Max: new(int64(64<<20 + 5))}},
			want: map[string]string{"memory.max": "67108864", "memory.high": "max", "memory.low": "0"},
		},
		"all of memory": {
			give: Settings{Memory: MemorySettings{Min: new(int64(1 << 20)), Low: new(int64(2 << 20)), High: new(int64(3 << 20)), Max: new(int64(4 << 20)), SwapMax: new(int64(0))}},
			want: map[string]string{
				"memory.max": "4194304", "memory.high": "3145728", "memory.low": "2097152", "memory.min": "1048576", "memory.swap.max": "0",
			},
			partOf: "memory.swap.max", missing: "no swap accounting",
		},
		"the least of memory": {give: Settings{Memory: MemorySettings{Min: new(int64(1 << 20))}}, want: map[string]string{"memory.min": "1048576"}},
		"more memory than can be counted": {
			give: Settings{Memory: MemorySettings{Max: new(int64(1<<63 - 1))}},
			want: map[string]string{"memory.max": "max", "memory.high": "max", "memory.low": "0"},
		},
		"processes": {give: Settings{PidsMax: new(int64(100))}, want: map[string]string{"pids.max": "100"}},
		"weight of I/O": {
			give: Settings{IO: IOSettings{Weight: new(300)}}, want: map[string]string{"io.weight": "default 300"},
			partOf: "io.weight", missing: "CONFIG_BLK_CGROUP_IOCOST",
		},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := NewTree(filepath.Join(root, "run"), []Definition{{Name: "a", Settings: tc.give}})
			if tc.partOf != "" && !files[tc.partOf] {
				if err == nil || !strings.Contains(err.Error(), tc.missing) {
					t.Fatalf("the kernel has no %s; the error %v does not say %q", tc.partOf, err, tc.missing)
				}
				isGone(t, filepath.Join(root, "run"))
				t.Logf("the refusal: %v", err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer remove(t, made)
			applied := must(made.Applied("a"))(t)
			if diff := cmp.Diff(tc.want, applied.Files); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if want := tc.give.CPUs; !want.IsEmpty() && !applied.CPUs.Equals(want) {
				t.Errorf("CPUs in force %v, want %v", applied.CPUs, want)
			}
			if want := tc.give.Mems; !want.IsEmpty() && !applied.Mems.Equals(want) {
				t.Errorf("memory nodes in force %v, want %v", applied.Mems, want)
			}
			if applied.CPUs.IsEmpty() || applied.Mems.IsEmpty() || applied.Type != "domain" {
				t.Errorf("applied %+v", applied)
			}
			if got, want := must(made.Root().names(subtreeFile))(t), tc.give.Controllers(); !slices.Equal(distinct(got), want) {
				t.Errorf("the tree has the controllers %v, want no more than %v", got, want)
			}
		})
	}
}

func TestLimitsOfADevice(t *testing.T) {
	root := filepath.Join(parent(t, "schedfleet-io"), "run")
	limits := IOLimit{ReadBytesPerSecond: new(int64(1 << 20)), WriteOperationsPerSecond: new(int64(50))}
	limits.Device = "250:250"
	_, err := NewTree(root, []Definition{{Name: "a", Settings: Settings{IO: IOSettings{Limits: []IOLimit{limits}}}}})
	if err == nil || !strings.Contains(err.Error(), "io.max: no such device") || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("a device that is not there: %v", err)
	}
	isGone(t, root)

	limits.Device = device(t)
	if limits.Device == "" {
		t.Log("this guest has no disk")
		return
	}
	made := tree(t, root, Definition{Name: "a", Settings: Settings{IO: IOSettings{Limits: []IOLimit{limits}}}})
	want := map[string]string{"io.max": limits.Device + " rbps=1048576 wbps=max riops=max wiops=50"}
	if diff := cmp.Diff(want, must(made.Applied("a"))(t).Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// device returns the number of a disk.
func device(t *testing.T) string {
	t.Helper()
	disks, err := filepath.Glob("/sys/block/*/dev")
	if err != nil {
		t.Fatal(err)
	}
	for _, disk := range disks {
		if number, err := os.ReadFile(disk); err == nil {
			return strings.TrimSpace(string(number))
		}
	}
	return ""
}

func TestNestedCgroupsHaveTheirControllers(t *testing.T) {
	root := filepath.Join(parent(t, "schedfleet-nested"), "run")
	all := Settings{
		CPUs: set(t, "0-1"), CPU: CPUSettings{Weight: new(50)}, Memory: MemorySettings{High: new(int64(64 << 20))}, PidsMax: new(int64(10)),
	}
	made := tree(t, root, Definition{Name: "a/b/c", Settings: all}, Definition{Name: "a/x", Settings: Settings{PidsMax: new(int64(5))}})
	needed := []string{"cpu", "cpuset", "memory", "pids"}
	for _, name := range []string{"", "a", "a/b"} {
		if got := must(made.Dir(name).names(subtreeFile))(t); !slices.Equal(distinct(got), needed) {
			t.Errorf("cgroup %q hands on %v, want %v", name, got, needed)
		}
	}
	if got := must(made.Dir("a/b/c").text(subtreeFile))(t); got != "" {
		t.Errorf("a leaf hands on %q", got)
	}
	want := map[string]string{
		"cpuset.cpus": "0-1", "cpu.weight": "50", "memory.max": "max", "memory.high": "67108864", "memory.low": "0", "pids.max": "10",
	}
	if diff := cmp.Diff(want, must(made.Applied("a/b/c"))(t).Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestQuotaThrottles(t *testing.T) {
	made := tree(t, filepath.Join(parent(t, "schedfleet-quota"), "run"),
		Definition{Name: "a", Settings: Settings{CPU: CPUSettings{Quota: 5 * time.Millisecond, Period: 50 * time.Millisecond}}},
		Definition{Name: "b"})
	startIn(t, made.Dir("a"), spinner())
	// The kernel accounts the time when it ends, behind the number.
	eventually(t, "10 throttled periods", func() bool { u := usage(t, made, "a"); return *u.Throttled >= 10 && *u.ThrottledTime > 0 })
	u := usage(t, made, "a")
	if *u.Periods < *u.Throttled || *u.ThrottledTime <= 0 || *u.CPU <= 0 {
		t.Errorf("%d periods, %v throttled, %v used", *u.Periods, u.ThrottledTime, u.CPU)
	}
	// A quota is for whole periods, and the spinner ran in each of them.
	if most := time.Duration(*u.Periods+1) * 10 * time.Millisecond; *u.CPU > most {
		t.Errorf("%v of CPU in %d periods of which each has 5 ms", *u.CPU, *u.Periods)
	}
}

func TestWeightsDivideACPU(t *testing.T) {
	one := set(t, "2")
	made := tree(t, filepath.Join(parent(t, "schedfleet-weight"), "run"),
		Definition{Name: "a", Settings: Settings{CPUs: one, CPU: CPUSettings{Weight: new(100)}}},
		Definition{Name: "b", Settings: Settings{CPUs: one, CPU: CPUSettings{Weight: new(300)}}})
	startIn(t, made.Dir("a"), spinner())
	startIn(t, made.Dir("b"), spinner())
	used := func(name string) time.Duration { return *usage(t, made, name).CPU }
	// While the host has no time for the guest's CPU, a task runs on past its
	// slice, by more than the scheduler makes up for: one good window will do.
	var ratios []float64
	for range 6 {
		a, b := used("a"), used("b")
		eventually(t, "2 s of CPU", func() bool { return used("a")-a+used("b")-b >= 2*time.Second })
		ratio := float64(used("b")-b) / float64(used("a")-a)
		if ratio >= 2.7 && ratio <= 3.3 {
			return
		}
		ratios = append(ratios, ratio)
	}
	t.Errorf("weights 100:300 divided the CPU 1:%.2f", ratios)
}

func TestMemoryLimitKills(t *testing.T) {
	made := tree(t, filepath.Join(parent(t, "schedfleet-memory"), "run"),
		Definition{Name: "a", Settings: Settings{Memory: MemorySettings{Max: new(int64(32 << 20))}}})
	err := startIn(t, made.Dir("a"), child("allocate")).Wait()
	if err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("it ended with %v", err)
	}
	u := usage(t, made, "a")
	if *u.OOMKills() == 0 || *u.MemoryPeak < 16<<20 || *u.MemoryPeak > 33<<20 {
		t.Errorf("OOM kills %d, peak %d", *u.OOMKills(), *u.MemoryPeak)
	}
}

func TestProcessLimitRefusesForks(t *testing.T) {
	made := tree(t, filepath.Join(parent(t, "schedfleet-pids"), "run"),
		Definition{Name: "a", Settings: Settings{PidsMax: new(int64(3))}})
	startIn(t, made.Dir("a"), exec.Command("sh", "-c", "for i in 1 2 3 4 5; do sleep 1000 & done; wait"))
	eventually(t, "a refused fork", func() bool { return *usage(t, made, "a").PIDsRefused > 0 })
	if u := usage(t, made, "a"); *u.PIDsPeak != 3 {
		t.Errorf("peak of %d processes, want 3", *u.PIDsPeak)
	}
}

func TestUsageIsOfWhatThereIs(t *testing.T) {
	made := tree(t, filepath.Join(parent(t, "schedfleet-usage"), "run"), Definition{Name: "a"},
		Definition{Name: "b", Settings: Settings{CPU: CPUSettings{Weight: new(1)}}})
	// Both have the controller cpu, since their parent hands it on; neither has others.
	u := usage(t, made, "a")
	if u.CPU == nil || u.Periods == nil || u.CPUPressure == nil || u.CPUPressure.Some == nil {
		t.Errorf("not counted: %+v", u)
	}
	if u.MemoryPeak != nil || u.OOMKills() != nil || u.PIDsPeak != nil || u.PIDsRefused != nil || u.IO != nil {
		t.Errorf("counted without a controller: %+v", u)
	}
}

func TestProbeLeavesNothing(t *testing.T) {
	root := parent(t, "schedfleet-probe")
	failed := make(chan error, 4)
	for range cap(failed) {
		go func() {
			files, err := ProbeFiles(filepath.Join(root, "agent"))
			for _, want := range []string{"cgroup.procs", "cpu.weight", "cpuset.cpus.partition", "memory.max", "io.max", "pids.max"} {
				if err == nil && !files[want] {
					t.Errorf("no %s among %v", want, slices.Sorted(maps.Keys(files)))
				}
			}
			failed <- err
		}()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	isGone(t, filepath.Join(root, "agent"))
}
