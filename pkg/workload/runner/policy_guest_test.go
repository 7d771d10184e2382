//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

func TestMachinePolicies(t *testing.T) {
	none := &struct{}{}
	trials, want, says := map[string]trial{}, map[string]unix.SchedAttr{}, map[string]string{}
	ms := func(n int) quantity.Duration { return quantity.Duration(n) * quantity.Duration(time.Millisecond) }
	for name, tc := range map[string]struct {
		policy spec.SchedulingPolicy
		nice   *int
		want   unix.SchedAttr
		says   string
	}{
		"normal":            {spec.SchedulingPolicy{Normal: none}, nil, unix.SchedAttr{Policy: unix.SCHED_NORMAL}, "other"},
		"normal and nice":   {spec.SchedulingPolicy{Normal: none}, new(7), unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: 7}, "other"},
		"normal, less nice": {spec.SchedulingPolicy{Normal: none}, new(-11), unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: -11}, "other"},
		"batch and nice":    {spec.SchedulingPolicy{Batch: none}, new(3), unix.SchedAttr{Policy: unix.SCHED_BATCH, Nice: 3}, "batch"},
		"idle and nice":     {spec.SchedulingPolicy{Idle: none}, new(19), unix.SchedAttr{Policy: unix.SCHED_IDLE, Nice: 19}, "idle"},
		"fifo":              {spec.SchedulingPolicy{FIFO: &spec.Realtime{Priority: 50}}, nil, unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: 50}, "fifo 50"},
		"round robin":       {spec.SchedulingPolicy{RoundRobin: &spec.Realtime{Priority: 98}}, nil, unix.SchedAttr{Policy: unix.SCHED_RR, Priority: 98}, "rr 98"},
		"deadline": {spec.SchedulingPolicy{Deadline: &spec.Deadline{Runtime: ms(2), Deadline: ms(10), Period: new(ms(40))}}, nil,
			unix.SchedAttr{Policy: unix.SCHED_DEADLINE, Runtime: 2e6, Deadline: 10e6, Period: 40e6}, "deadline 2ms/10ms/40ms"},
		"deadline, as often as it ends": {spec.SchedulingPolicy{Deadline: &spec.Deadline{Runtime: ms(1), Deadline: ms(20)}}, nil,
			unix.SchedAttr{Policy: unix.SCHED_DEADLINE, Runtime: 1e6, Deadline: 20e6, Period: 20e6}, "deadline 1ms/20ms/20ms"},
		"ext and nice": {spec.SchedulingPolicy{Ext: none}, new(5), unix.SchedAttr{Policy: unix.SCHED_EXT, Nice: 5}, "ext"},
	} {
		// Workers of real-time classes that never waited would take all there is.
		tr := trial{group: sleepers("", 2), policy: &tc.policy}
		tr.group.Nice = tc.nice
		trials[name], want[name], says[name] = tr, tc.want, tc.says
	}
	try(t, trials, nil, func(t *testing.T, name string, o outcome) {
		if o.group.Policy != says[name] || o.group.Completed != 2 || len(o.tasks) != 2 {
			t.Errorf("%d workers, the report says %q and %d completed; want 2 of %q", len(o.tasks), o.group.Policy, o.group.Completed, says[name])
		}
		for _, tk := range o.tasks {
			got := *tk.attr
			got.Size, got.Flags, got.Util_min, got.Util_max = 0, 0, 0, 0
			if got.Policy != unix.SCHED_DEADLINE {
				got.Runtime = 0 // the slice of the fair class
			}
			if got != want[name] {
				t.Errorf("worker %d has %+v, want %+v", tk.tid, got, want[name])
			}
		}
	})
}

// The kernel takes deadline tasks only if they may use their whole root domain,
// and as many as the CPUs have time for.
func TestMachineDeadlinesThatCannotBeHad(t *testing.T) {
	for name, tc := range map[string]struct {
		perCPU   int           // workers, in percent; 0 is a single one
		runtime  time.Duration // every 10 ms
		affinity *spec.Affinity
		want     on
	}{
		"on one CPU of several": {0, 5 * time.Millisecond, &spec.Affinity{SingleCPU: &struct{}{}},
			on{manyNodes: "!has a root domain of CPUs 0-7, all of which a deadline task must be allowed to use; groups[0] may use 0", manyCaches: "!has a root domain of CPUs 0-5", smallest: ""}},
		"more than there is time for": {200, 6 * time.Millisecond, nil,
			on{manyNodes: "! CPUs for deadline tasks on CPUs 0-7, less than the 9.6 of groups[0].schedulingPolicy", manyCaches: "! CPUs for deadline tasks on CPUs 0-5, less than the 7.2", smallest: "! CPUs for deadline tasks on CPUs 0, less than the 1.2"}},
		// It keeps a twentieth for normal tasks, which no sysctl tells.
		"what the kernel keeps for itself": {100, 9800 * time.Microsecond, nil, onAll("!the bandwidth of SCHED_DEADLINE is used up")},
	} {
		t.Run(name, func(t *testing.T) {
			_, refusal := tc.want.here(t)
			g := sleepers("tick", 1)
			if tc.perCPU > 0 {
				g.Workers, g.WorkersPercent = 0, tc.perCPU
			}
			g.SchedulingPolicy, g.Affinity = "d", tc.affinity
			every := spec.Deadline{Runtime: quantity.Duration(tc.runtime), Deadline: quantity.Duration(10 * time.Millisecond)}
			rep, err := onMachine(t, spec.Run{Groups: []spec.Group{g}, SchedulingPolicies: []spec.SchedulingPolicy{{Name: "d", Deadline: &every}}}, nil)
			if refusal != "" {
				assertRefused(t, rep, err, refusal)
			} else if err != nil {
				t.Fatal(err)
			}
		})
	}
}
