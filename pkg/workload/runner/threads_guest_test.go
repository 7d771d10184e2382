// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

//go:build guest

package runner

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// An agent that stands aside, and the runner it starts, are on the highest CPU. The
// workers have all that the agent had.
func TestMachineStandingAside(t *testing.T) {
	had, err := StandAside()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := restrict(had); err != nil {
			t.Error(err)
		}
	})
	aside := had
	if had.Size() > 2 {
		aside = cpuset.New(had.List()[had.Size()-1])
	}
	assertThreads(t, os.Getpid(), aside, sys.PolicyOther, 0)

	j := Job{
		RunID: "test-" + strconv.Itoa(os.Getpid()), Cgroup: runCgroup(t), CPUs: had.String(),
		Run: spec.Run{Duration: quantity.Duration(time.Hour), Seed: 1, Groups: []spec.Group{sleepers("tick", 2)}},
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rep, err := client().Run(ctx, j, func(ev Event) {
		if ev.Type != EventStarted {
			return
		}
		defer cancel()
		workers := tasksOf(t, j)["tick"]
		if len(workers) != 2 {
			t.Errorf("there are %d workers", len(workers))
		}
		for _, worker := range workers {
			status, err := statusOf(worker.tid)
			if err != nil {
				t.Error(err)
				return
			}
			runner, err := strconv.Atoi(status["PPid"])
			if err != nil {
				t.Error(err)
				return
			}
			assertThreads(t, runner, aside, sys.PolicyRR, supervisorPriority)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := rep.Groups[0].AllowedCPUs; got != had.String() {
		t.Errorf("the workers may use %s, want %s", got, had)
	}
	assertNothingLeft(t, j)
}

// assertThreads checks where all threads of a process may run, and as what.
func assertThreads(t *testing.T, pid int, cpus cpuset.CPUSet, policy, priority uint32) {
	t.Helper()
	threads, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		t.Error(err)
	}
	for _, e := range threads {
		tid, err := strconv.Atoi(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		got, err := allowed.CPUs(tid)
		if err != nil {
			continue // it has just ended
		}
		attr, err := unix.SchedGetAttr(tid, 0)
		if err != nil {
			continue
		}
		if !got.Equals(cpus) || attr.Policy != policy || attr.Priority != priority {
			t.Errorf("thread %d of process %d has CPUs %s, policy %d and priority %d; want %s, %d and %d",
				tid, pid, got, attr.Policy, attr.Priority, cpus, policy, priority)
		}
	}
}
