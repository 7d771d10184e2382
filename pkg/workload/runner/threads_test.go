// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

func TestTheSupervisorMovesAsideAndBack(t *testing.T) {
	before, err := spawn.AllowedCPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	one := cpuset.New(before.List()[before.Size()-1])
	back := moveTo(one, before)
	during, err := spawn.AllowedCPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	back()
	after, err := spawn.AllowedCPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	if !during.Equals(one) || !after.Equals(before) {
		t.Errorf("CPUs %s, then %s, then %s; want %s, %s, %s", before, during, after, before, one, before)
	}
}

// Real-time tasks on every CPU do not give way to lower ones, so the supervisor has
// to be above them to stop them.
func TestRealtimeSpinnersOnEveryCPUAreStoppedInTime(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("real-time policies need root")
	}
	j := job(t, 300*time.Millisecond)
	j.Run.SchedulingPolicies = []spec.SchedulingPolicy{{Name: "top", FIFO: &spec.Realtime{Priority: 98}}}
	spin := j.Run.Groups[1]
	spin.Workers, spin.SchedulingPolicy = runtime.NumCPU(), "top"
	j.Run.Groups = []spec.Group{spin}
	rep, err := client().Run(t.Context(), j, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := check.Sample(rep); !v.Valid || rep.Hold > 2*j.Run.Duration.Nanoseconds() {
		t.Errorf("held for %v: %+v", time.Duration(rep.Hold), v)
	}
	if got := rep.Groups[0].Policy; got != "fifo 98" || rep.SupervisorClass != "SCHED_RR" {
		t.Errorf("workers in %q, supervisor in %q", got, rep.SupervisorClass)
	}
	assertNothingLeft(t, j)
}

func TestARunKeepsToTheCPUsOfItsJob(t *testing.T) {
	allowed, err := spawn.AllowedCPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	j := job(t, 50*time.Millisecond)
	j.CPUs = cpuset.New(allowed.List()[0]).String()
	rep, err := client().Run(t.Context(), j, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rep.Groups {
		if g := &rep.Groups[i]; g.AskedCPUs != j.CPUs || g.AllowedCPUs != j.CPUs || g.CPUs != j.CPUs {
			t.Errorf("group %s: asked for %q, allowed %q, used %q, want %q", g.Name, g.AskedCPUs, g.AllowedCPUs, g.CPUs, j.CPUs)
		}
	}
	j.CPUs = "many"
	if _, err := client().Run(t.Context(), j, nil); err == nil || !strings.Contains(err.Error(), `cpus: must be a list of CPUs such as 0-3,8, not "many"`) {
		t.Errorf("with CPUs that are no list: %v", err)
	}
}
