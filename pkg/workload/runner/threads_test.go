// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

func TestTheSupervisorMovesAsideAndBack(t *testing.T) {
	before, err := allowed.CPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	one := cpuset.New(before.List()[before.Size()-1])
	back := moveTo(one, before)
	during, err := allowed.CPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	back()
	after, err := allowed.CPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	if !during.Equals(one) || !after.Equals(before) {
		t.Errorf("CPUs %s, then %s, then %s; want %s, %s, %s", before, during, after, before, one, before)
	}
}

// A thread that another one makes before it is restricted itself must not stay behind:
// the workers' zygote may be forked from it.
func TestThreadsMadeMeanwhileAreChangedToo(t *testing.T) {
	made, done := make(chan int), make(chan struct{})
	defer close(done)
	old, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	isOld := func(tid int) bool {
		return slices.ContainsFunc(old, func(e os.DirEntry) bool { return e.Name() == strconv.Itoa(tid) })
	}
	late, seen := 0, map[int]bool{}
	err = eachThread(func(tid int) error {
		for late == 0 || isOld(late) {
			go func() { // ends with the test; its thread, which it leaves locked, goes with it
				runtime.LockOSThread()
				made <- unix.Gettid()
				<-done
			}()
			late = <-made
		}
		seen[tid] = true
		return unix.ESRCH // a thread that has just ended does not count
	})
	if err != nil || !seen[late] {
		t.Errorf("thread %d is not among %v, %v", late, seen, err)
	}
	refused := errors.New("refused")
	n := 0
	if err := eachThread(func(int) error { n++; return refused }); !errors.Is(err, refused) || n < 2 {
		t.Errorf("%d threads were tried: %v", n, err)
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
	allowed, err := allowed.CPUs(0)
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

// Whoever waits for the end of a process must not keep its last thread from ending: that
// held up about each fourth run for a second, and one CPU.
func TestRunsOfThreadsEndAtOnce(t *testing.T) {
	const (
		runs    = 40
		atOnce  = 600 * time.Millisecond
		maxLate = 4 // for other reasons: this machine may be busy
	)
	late := 0
	for range runs {
		j := job(t, 20*time.Millisecond)
		spin := j.Run.Groups[1]
		spin.CloneMode, spin.Workers = spec.CloneModeThread, 4
		j.Run.Groups = []spec.Group{spin}
		rep, err := client().Run(t.Context(), j, nil)
		if err != nil {
			t.Fatal(err)
		}
		if time.Since(rep.StartedAt.Add(time.Duration(rep.Hold))) > atOnce {
			late++
		}
	}
	if late > maxLate {
		t.Errorf("%d of %d runs ended more than %v after the stop", late, runs, atOnce)
	}
}
