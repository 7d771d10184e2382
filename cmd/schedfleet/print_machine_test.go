// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/pkg/workload/fingerprint"
	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

func TestPrintTheMachine(t *testing.T) {
	host := &report.Host{Shape: "1n2l4c2t", Changed: []fingerprint.Change{{Name: "governor", Before: "performance", After: "powersave"}}}
	host.Digest = strings.Repeat("0123456789", 6)
	for name, tc := range map[string]struct {
		print func(*strings.Builder)
		want  string
	}{
		"nobody looked": {func(w *strings.Builder) { printHost(w, nil); printInterference(w, nil) }, ""},
		"what it is and what became of it": {func(w *strings.Builder) { printHost(w, host) },
			"machine 1n2l4c2t, fingerprint 012345678901\nchanged during the run: governor: performance -> powersave\n"},
		"a kernel that tells nothing": {func(w *strings.Builder) { printInterference(w, &interference.Figures{Elapsed: 1e9}) }, ""},
		"a kernel that tells everything": {func(w *strings.Builder) {
			printInterference(w, &interference.Figures{
				Elapsed: 2e9, CPUs: 4, OtherCPU: new(int64(1e8)), Steal: new(int64(0)), Interrupt: new(int64(2e6)), AgentCPU: new(int64(1e6)),
				CPUPressure: new(int64(1e9)), MemoryPressure: new(int64(0)), IOPressure: new(int64(2e7)),
				LowestFrequencyPercent: new(97), ThermalEvents: new(int64(2)), ClockStep: new(int64(-1234567)),
			})
		}, "beside the run: others 0.050 CPUs, agent 0.001, interrupts 0.001, steal 0.000, waiting for a CPU 50.0%, for memory 0.0%, for I/O 1.0%, " +
			"lowest frequency 97%, thermal events 2, wall clock moved 1.23ms\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			tc.print(&out)
			if diff := cmp.Diff(tc.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrintWhatWasApplied(t *testing.T) {
	groups := []report.Group{
		{Name: "a", Policy: "fifo 50", AskedCPUs: "0-3", AllowedCPUs: "0-1"},
		{Name: "b", Policy: "other", AskedCPUs: "0-3", AllowedCPUs: "0-3"},
	}
	for name, tc := range map[string]struct {
		run  *spec.Run
		want string
	}{
		"without cgroups there is no column for them": {nil, `
  GROUP   POLICY  ASKED CPUS  ALLOWED CPUS
      a  fifo 50         0-3           0-1
      b    other         0-3           0-3
`},
		"with a cgroup": {&spec.Run{Groups: []spec.Group{{Name: "b", Cgroup: "app/x"}, {Name: "a"}}}, `
  GROUP  CGROUP   POLICY  ASKED CPUS  ALLOWED CPUS
      a       -  fifo 50         0-3           0-1
      b   app/x    other         0-3           0-3
`},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			printApplied(&out, groups, tc.run)
			if diff := cmp.Diff(tc.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrintCgroups(t *testing.T) {
	for name, tc := range map[string]struct {
		cgroups []report.Cgroup
		want    string
	}{
		"there are none": {nil, ""},
		"a kernel that tells nothing": {[]report.Cgroup{{Name: "c"}}, `
  CGROUP
       c
`},
		"what was set and what came of it": {[]report.Cgroup{
			{Name: "", CPUs: "0-3", Mems: "0", Partition: "member", CPU: new(int64(5e8)), OOMKills: new(uint64(0))},
			{Name: "c", CPUs: "0-1", Mems: "0", Partition: "isolated", CPU: new(int64(15e8)), Periods: new(uint64(10)), Throttled: new(uint64(4)),
				ThrottledTime: new(int64(12e7)), MemoryPeak: new(int64(4 << 20)), PIDsPeak: new(int64(3)), OOMKills: new(uint64(1)),
				Files: map[string]string{"cpu.weight": "500\n", "cpu.max": "50000 100000", "io.max": "8:0 rbps=1\n8:16 rbps=2"}},
		}, `
           CGROUP  ALLOWED CPUS  MEMORY NODES  PARTITION  CPUS USED               THROTTLED  MEMORY PEAK  OOM KILLS  TASKS PEAK
  (the run's own)           0-3             0          -      0.500                       -            -          -           -
                c           0-1             0   isolated      1.500  4 of 10 periods, 120ms          4Mi          1           3
set in c: cpu.max=50000 100000, cpu.weight=500, io.max=8:0 rbps=1; 8:16 rbps=2
`},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			printCgroups(&out, tc.cgroups, 1e9)
			if diff := cmp.Diff(tc.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWorkersAreCountedWhereTheyAreKnown(t *testing.T) {
	for want, groups := range map[string][]spec.Group{
		"7 workers":   {{Workers: 3}, {Workers: 4}},
		"all workers": {{Workers: 3}, {WorkersPercent: 50}},
	} {
		if got := workersOfRun(&spec.Run{Groups: groups}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
