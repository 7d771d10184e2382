// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/pkg/workload/fingerprint"
	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const ms = int64(time.Millisecond)

// limitedTo is a report of a good run of 2 s on 4 CPUs, on which everything there
// is was seen, and which is limited.
func limitedTo(limits *spec.Interference, change func(*report.Report)) *report.Report {
	r := &report.Report{
		Hold: 2e9, Planned: 2e9, Limits: limits,
		Groups:  []report.Group{{Name: "g", Progress: work.ProgressIterations}},
		Workers: []report.Worker{{Group: "g", Completed: true, Figures: report.Figures{Iterations: 1}}},
		Interference: &interference.Figures{
			Elapsed: 2e9, CPUs: 4, Resolution: 60 * ms,
			OtherCPU: new(100 * ms), Steal: new(20 * ms), Interrupt: new(40 * ms), AgentCPU: new(ms),
			CPUPressure: new(500 * ms), MemoryPressure: new(20 * ms), IOPressure: new(40 * ms),
			LowestFrequencyPercent: new(95), ThermalEvents: new(int64(0)), ClockStep: new(ms), Suspended: new(int64(0)),
			ClockSource: "tsc", ClockSourceAfter: "tsc",
		},
		Cgroups: []report.Cgroup{
			{Name: "", Type: "domain"},
			{Name: "capped", Files: map[string]string{"cpu.max": "10000 100000"}, Periods: new(uint64(20)), Throttled: new(uint64(1))},
			{Name: "free", Files: map[string]string{"cpu.max": "max 100000"}, Periods: new(uint64(0)), Throttled: new(uint64(0))},
			{Name: "free, and not counted", Files: map[string]string{"cpu.max": "max 100000"}, Type: "domain"},
			{Name: "without a quota", Files: map[string]string{"cpu.weight": "100"}, Type: "domain"},
		},
	}
	change(r)
	return r
}

func asItIs(*report.Report) {}

func TestLimits(t *testing.T) {
	cpus := func(thousandths int64) *quantity.CPUs { return new(quantity.CPUs(thousandths)) }
	length := func(d time.Duration) *quantity.Duration { return new(quantity.Duration(d)) }
	seen := func(change func(*interference.Figures)) func(*report.Report) {
		return func(r *report.Report) { change(r.Interference) }
	}
	tight := &spec.Interference{ // just what was seen
		MaxOtherCPU: cpus(50), MaxSteal: cpus(10), MaxInterruptCPU: cpus(20), MaxMemoryPressurePercent: new(1), MaxIOPressurePercent: new(2),
		MinFrequencyPercent: new(95), MaxThermalEvents: new(int64(0)), MaxClockStep: length(time.Millisecond), MaxThrottledPercent: new(5),
	}
	for name, tc := range map[string]struct {
		limits *spec.Interference
		change func(*report.Report)
		reason string
		says   string // the whole message of a void sample
	}{
		"nothing is limited":   {nil, seen(func(f *interference.Figures) { f.OtherCPU = new(int64(8e9)) }), "", ""},
		"no limit is set":      {&spec.Interference{}, func(r *report.Report) { r.Interference = nil }, "", ""},
		"all are just kept":    {tight, asItIs, "", ""},
		"others used too much": {&spec.Interference{MaxOtherCPU: cpus(200)}, seen(func(f *interference.Figures) { f.OtherCPU = new(2640 * ms) }), Disturbed, "other processes used 1.32 CPUs on average, more than the 0.2 allowed by interference.maxOtherCPU"},
		"others used a little too much": {
			&spec.Interference{MaxOtherCPU: cpus(200)}, seen(func(f *interference.Figures) { f.OtherCPU = new(400*ms + 1000) }), Disturbed,
			"other processes used 0.2000005 CPUs on average, more than the 0.2 allowed by interference.maxOtherCPU",
		},
		"others may use nothing":        {&spec.Interference{MaxOtherCPU: cpus(0)}, asItIs, Disturbed, "other processes used 0.05 CPUs on average, more than the 0 allowed by interference.maxOtherCPU"},
		"steal":                         {&spec.Interference{MaxSteal: cpus(9)}, asItIs, Steal, "the hypervisor gave 0.01 CPUs to others on average, more than the 0.009 allowed by interference.maxSteal"},
		"interrupts":                    {&spec.Interference{MaxInterruptCPU: cpus(10)}, asItIs, Disturbed, "interrupts used 0.02 CPUs on average, more than the 0.01 allowed by interference.maxInterruptCPU"},
		"memory":                        {&spec.Interference{MaxMemoryPressurePercent: new(0)}, asItIs, Disturbed, "tasks waited for memory during 1 % of the time, more than the 0 % allowed by interference.maxMemoryPressurePercent"},
		"I/O":                           {&spec.Interference{MaxIOPressurePercent: new(1)}, asItIs, Disturbed, "tasks waited for I/O during 2 % of the time, more than the 1 % allowed by interference.maxIOPressurePercent"},
		"a slow CPU":                    {&spec.Interference{MinFrequencyPercent: new(96)}, asItIs, Frequency, "a CPU was at 95 % of its highest frequency, less than the 96 % asked for by interference.minFrequencyPercent"},
		"heat":                          {&spec.Interference{MaxThermalEvents: new(int64(2))}, seen(func(f *interference.Figures) { f.ThermalEvents = new(int64(3)) }), Frequency, "CPUs were throttled for their heat 3 times, more than the 2 allowed by interference.maxThermalEvents"},
		"heat once":                     {&spec.Interference{MaxThermalEvents: new(int64(0))}, seen(func(f *interference.Figures) { f.ThermalEvents = new(int64(1)) }), Frequency, "CPUs were throttled for their heat once, more than the 0 allowed by interference.maxThermalEvents"},
		"the clock goes ahead":          {&spec.Interference{MaxClockStep: length(999 * time.Microsecond)}, asItIs, ClockStep, "the wall clock moved 1ms against the monotonic one, more than the 999µs allowed by interference.maxClockStep"},
		"the clock goes back":           {&spec.Interference{MaxClockStep: length(time.Second)}, seen(func(f *interference.Figures) { f.ClockStep = new(-2500 * ms) }), ClockStep, "the wall clock moved -2.5s against the monotonic one, more than the 1s allowed by interference.maxClockStep"},
		"asleep while the clock stood":  {&spec.Interference{MaxClockStep: length(time.Second)}, seen(func(f *interference.Figures) { f.Suspended = new(3000 * ms) }), ClockStep, "the machine was suspended for 3s, more than the 1s allowed by interference.maxClockStep"},
		"throttled":                     {&spec.Interference{MaxThrottledPercent: new(4)}, asItIs, Throttled, "cgroup capped was throttled in 5 % of its 20 periods, more than the 4 % allowed by interference.maxThrottledPercent"},
		"throttled, all are looked at":  {&spec.Interference{MaxThrottledPercent: new(5)}, func(r *report.Report) { r.Cgroups[2].Periods, r.Cgroups[2].Throttled = new(uint64(3)), new(uint64(1)) }, Throttled, "cgroup free was throttled in 33.33 % of its 3 periods, more than the 5 % allowed by interference.maxThrottledPercent"},
		"no cgroup has a quota":         {&spec.Interference{MaxThrottledPercent: new(0)}, func(r *report.Report) { r.Cgroups = r.Cgroups[2:] }, "", ""},
		"a quota without periods":       {&spec.Interference{MaxThrottledPercent: new(5)}, func(r *report.Report) { r.Cgroups[1].Periods = nil }, Throttled, "how often cgroup capped was throttled could not be measured, which interference.maxThrottledPercent needs: its cpu.stat tells no periods"},
		"a cgroup that was not read":    {&spec.Interference{MaxThrottledPercent: new(5)}, func(r *report.Report) { r.Cgroups[4] = report.Cgroup{Name: "lost"} }, Throttled, "how often cgroup lost was throttled could not be measured, which interference.maxThrottledPercent needs: whether it has a quota could not be read"},
		"no time":                       {&spec.Interference{MaxOtherCPU: cpus(50)}, seen(func(f *interference.Figures) { f.Elapsed = 0 }), Disturbed, "the CPU time of other processes could not be measured, which interference.maxOtherCPU needs: no time passed"},
		"no time for pressure":          {&spec.Interference{MaxIOPressurePercent: new(50)}, seen(func(f *interference.Figures) { f.Elapsed = 0 }), Disturbed, "how long tasks waited for I/O could not be measured, which interference.maxIOPressurePercent needs: no time passed"},
		"all of a reason are told":      {&spec.Interference{MaxOtherCPU: cpus(49), MaxInterruptCPU: cpus(19)}, asItIs, Disturbed, "other processes used 0.05 CPUs on average, more than the 0.049 allowed by interference.maxOtherCPU; interrupts used 0.02 CPUs on average, more than the 0.019 allowed by interference.maxInterruptCPU"},
		"a worker missing comes before": {&spec.Interference{MaxOtherCPU: cpus(0)}, func(r *report.Report) { r.Workers[0].Completed, r.Workers[0].Problem = false, "why" }, MissingSamples, "1 of 1 workers did not work until the stop; group g, worker 0: why"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Sample(limitedTo(tc.limits, tc.change))
			if got.Valid != (tc.reason == "") || got.Reason != tc.reason || (tc.says != "" && got.Message != tc.says) {
				t.Errorf("got %+v\nwant reason %q and\n%s", got, tc.reason, tc.says)
			}
		})
	}
}

// Absent is not zero: what could not be measured cannot be within a limit.
func TestALimitWithoutItsFigureIsNotKept(t *testing.T) {
	for field, tc := range map[string]struct {
		limits spec.Interference
		figure string // its name in JSON
		reason string
	}{
		"maxOtherCPU":              {spec.Interference{MaxOtherCPU: new(quantity.CPUs(1e6))}, "otherCPUNanoseconds", Disturbed},
		"maxSteal":                 {spec.Interference{MaxSteal: new(quantity.CPUs(1e6))}, "stealNanoseconds", Steal},
		"maxInterruptCPU":          {spec.Interference{MaxInterruptCPU: new(quantity.CPUs(1e6))}, "interruptNanoseconds", Disturbed},
		"maxMemoryPressurePercent": {spec.Interference{MaxMemoryPressurePercent: new(100)}, "memoryPressureNanoseconds", Disturbed},
		"maxIOPressurePercent":     {spec.Interference{MaxIOPressurePercent: new(100)}, "ioPressureNanoseconds", Disturbed},
		"minFrequencyPercent":      {spec.Interference{MinFrequencyPercent: new(1)}, "lowestFrequencyPercent", Frequency},
		"maxThermalEvents":         {spec.Interference{MaxThermalEvents: new(int64(1e6))}, "thermalEvents", Frequency},
		"maxClockStep":             {spec.Interference{MaxClockStep: new(quantity.Duration(time.Hour))}, "clockStepNanoseconds", ClockStep},
	} {
		t.Run(field, func(t *testing.T) {
			got := Sample(limitedTo(&tc.limits, func(r *report.Report) {
				r.Interference = &interference.Figures{Elapsed: 2e9, CPUs: 4, Absent: map[string]string{tc.figure: "the reason"}}
			}))
			if want := "could not be measured, which interference." + field + " needs: the reason"; got.Valid || got.Reason != tc.reason || !strings.Contains(got.Message, want) {
				t.Errorf("got %+v, want reason %q and %q", got, tc.reason, want)
			}
			got = Sample(limitedTo(&tc.limits, func(r *report.Report) { r.Interference = nil }))
			if want := "needs: the report has no figure of it"; got.Valid || got.Reason != tc.reason || !strings.Contains(got.Message, want) {
				t.Errorf("without any figures: got %+v, want reason %q and %q", got, tc.reason, want)
			}
		})
	}
}

// Each reason gives way to those that explain more.
func TestTheOrderOfReasons(t *testing.T) {
	r := limitedTo(&spec.Interference{
		MaxClockStep: new(quantity.Duration(0)), MaxSteal: new(quantity.CPUs(0)), MaxOtherCPU: new(quantity.CPUs(0)),
		MinFrequencyPercent: new(100), MaxThrottledPercent: new(0),
	}, func(r *report.Report) {
		r.Cancelled = true
		r.Workers[0] = report.Worker{Group: "g"}
	})
	for _, step := range []struct {
		want string
		mend func()
	}{
		{Cancelled, func() { r.Cancelled = false }},
		{MissingSamples, func() { r.Workers[0].Completed = true }},
		{LoadAbsent, func() { r.Workers[0].Iterations = 1 }},
		{ClockStep, func() { r.Limits.MaxClockStep = nil }},
		{Steal, func() { r.Limits.MaxSteal = nil }},
		{Disturbed, func() { r.Limits.MaxOtherCPU = nil }},
		{Frequency, func() { r.Limits.MinFrequencyPercent = nil }},
		{Throttled, func() { r.Limits.MaxThrottledPercent = nil }},
		{"", func() {}},
	} {
		if got := Sample(r); got.Reason != step.want {
			t.Errorf("the reason is %s, want %s", got.Reason, step.want)
		}
		step.mend()
	}
}

func TestAChangedMachineIsRemarked(t *testing.T) {
	governor := fingerprint.Change{Name: "cpufreq.governor", Before: "performance", After: "powersave"}
	for name, tc := range map[string]struct {
		host *report.Host
		want []string
	}{
		"nobody looked":  {nil, nil},
		"nothing":        {&report.Host{}, nil},
		"one thing":      {&report.Host{Changed: []fingerprint.Change{governor}}, []string{`the machine was changed during the run: cpufreq.governor: performance -> powersave`}},
		"several things": {&report.Host{Changed: []fingerprint.Change{governor, {}, {}}}, []string{`the machine was changed during the run: cpufreq.governor: performance -> powersave, and 2 more`}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Remarks(&report.Report{Host: tc.host})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestABreachOfIsolationIsRemarked(t *testing.T) {
	worker := func(index int, used, allowed string) report.Worker {
		return report.Worker{Group: "g", Index: index, Allowed: allowed, Figures: report.Figures{CPUs: used}}
	}
	for name, tc := range map[string]struct {
		workers []report.Worker
		want    []string
	}{
		"all within":               {[]report.Worker{worker(0, "0-1", "0-3"), worker(1, "3", "3")}, nil},
		"one that never ran":       {[]report.Worker{worker(0, "", "0-3")}, nil},
		"nobody knows what it may": {[]report.Worker{worker(0, "7", "")}, nil},
		"two outside":              {[]report.Worker{worker(0, "0-1", "0"), worker(1, "0", "0"), worker(2, "5", "0")}, []string{"2 of 3 workers ran outside of their CPUs: group g, worker 0 on CPUs 1, not in 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Remarks(&report.Report{Groups: []report.Group{{Name: "g"}}, Workers: tc.workers})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRemarks(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*interference.Figures)
		want   []string
	}{
		"nothing out of the ordinary":          {func(*interference.Figures) {}, nil},
		"others, as much as is usual":          {func(f *interference.Figures) { f.OtherCPU = new(400 * ms) }, nil},
		"others":                               {func(f *interference.Figures) { f.OtherCPU = new(402 * ms) }, []string{"other processes used 0.2 CPUs on average, 5.03 % of the machine"}},
		"others, no more than could be seen":   {func(f *interference.Figures) { f.OtherCPU, f.Resolution = new(402*ms), 402*ms }, nil},
		"steal":                                {func(f *interference.Figures) { f.Steal = new(100 * ms) }, []string{"the hypervisor gave 0.05 CPUs to others on average, 1.25 % of the machine"}},
		"steal, as much as is usual":           {func(f *interference.Figures) { f.Steal = new(80 * ms) }, nil},
		"a clock that went back":               {func(f *interference.Figures) { f.ClockStep = new(-11 * ms) }, []string{"the wall clock moved -11ms against the monotonic one"}},
		"a small step":                         {func(f *interference.Figures) { f.ClockStep = new(10 * ms) }, nil},
		"asleep":                               {func(f *interference.Figures) { f.Suspended = new(ms) }, []string{"the machine was suspended for 1ms"}},
		"heat":                                 {func(f *interference.Figures) { f.ThermalEvents = new(int64(2)) }, []string{"CPUs were throttled for their heat 2 times"}},
		"another clock source":                 {func(f *interference.Figures) { f.ClockSourceAfter = "hpet" }, []string{"the kernel's clock source changed from tsc to hpet"}},
		"a figure that is less than it can be": {func(f *interference.Figures) { f.Notes = []string{"so it is"} }, []string{"so it is"}},
		"no time":                              {func(f *interference.Figures) { f.Elapsed, f.Steal = 0, new(90*ms) }, nil},
		"nothing is known":                     {func(f *interference.Figures) { *f = interference.Figures{} }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := limitedTo(nil, func(r *report.Report) { tc.change(r.Interference) })
			if diff := cmp.Diff(tc.want, Remarks(r)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got := Sample(r); !got.Valid {
				t.Errorf("a remark made the sample void: %+v", got)
			}
		})
	}
	if got := Remarks(limitedTo(nil, func(r *report.Report) { r.Interference = nil })); got != nil {
		t.Errorf("without figures there are remarks: %q", got)
	}
}
