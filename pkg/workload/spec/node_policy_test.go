// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"strings"
	"testing"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func doing(w work.Spec, workers int) *Run {
	return &Run{Duration: 1e9, AllowDangerousWork: true, Groups: []Group{{Name: "g", Workers: workers, CloneMode: CloneModeFork, Work: w}}}
}

var (
	starving = work.Spec{RTStarvation: &work.RTStarvation{RTWorkers: 1, FairWorkers: 1, RTPriority: 50, BurstIters: new(int64(1))}}
	onDisk   = work.Spec{IORandRead: &work.IORandRead{Device: "/dev/vdb"}}
)

func TestWhatANodeDoesNotAllow(t *testing.T) {
	exec := work.Spec{Exec: &work.Exec{Program: "fio"}}
	for name, tc := range map[string]struct {
		run    *Run
		policy *Policy
		want   string
	}{
		"nothing is known":    {doing(starving, 2), nil, ""},
		"dangerous work":      {doing(starving, 2), &Policy{}, "does not allow dangerous work, which groups[0].work.rtStarvation is"},
		"that is allowed":     {doing(starving, 2), &Policy{DangerousWork: true}, ""},
		"a device":            {doing(onDisk, 1), &Policy{Devices: []string{"/dev/vdc"}}, "does not offer the device /dev/vdb, which groups[0].work.ioRandRead.device names"},
		"that is offered":     {doing(onDisk, 1), &Policy{Devices: []string{"/dev/vdc", "/dev/vdb"}}, ""},
		"a program":           {doing(exec, 1), &Policy{Programs: map[string]string{"sh": "/bin/sh"}}, "does not offer the program fio, which groups[0].work.exec.program names"},
		"one that is offered": {doing(exec, 1), &Policy{Programs: map[string]string{"fio": "/usr/bin/fio"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := tc.policy.refuses(tc.run, nil); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAMachineIsUnfitByItsPolicy(t *testing.T) {
	err := doing(starving, 2).Unfit(Machine{CPUs: cpuset.New(0), Policy: &Policy{}})
	if err == nil || !strings.Contains(err.Error(), "does not allow dangerous work") {
		t.Errorf("got %v", err)
	}
}

func TestAProgramIsAsManyTasksAsItHasThreads(t *testing.T) {
	app := work.Spec{Schbench: &work.Schbench{
		MessageThreads: 2, CacheFootprint: 4 << 10, Operations: new(int64(1)), Sleep: new(quantity.Duration(1e6)),
	}}
	run := doing(app, 3)
	got, err := run.Resolve(Machine{CPUs: cpuset.New(0, 1, 2, 3)})
	if err != nil {
		t.Fatal(err)
	}
	g := got.Groups[0]
	// On 4 CPUs each of 2 message threads has 2 workers; a control thread is beside them.
	if set := g.Kind.Shape().SetSize; set != 1+2+4 || g.Workers != 3*set {
		t.Errorf("%d tasks in sets of %d, want 21 in sets of 7", g.Workers, set)
	}
	run.Groups[0].Workers, run.Groups[0].WorkersPercent = 0, 100
	if err := run.Validate(); err == nil || !strings.Contains(err.Error(), "brings its own threads") {
		t.Errorf("workersPercent of a program: %v", err)
	}
	run = doing(app, 65)
	if _, err := run.Resolve(Machine{CPUs: cpuset.New(0)}); err == nil || !strings.Contains(err.Error(), "would have 65 processes with threads; at most 64 are possible") {
		t.Errorf("65 programs: %v", err)
	}
}

func TestAClassOfARoleIsBeforeThatOfTheGroup(t *testing.T) {
	got, err := doing(starving, 4).Resolve(Machine{CPUs: cpuset.New(0)})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []work.Class{{Policy: 1, Priority: 50}, {}, {Policy: 1, Priority: 50}, {}} {
		if class := got.Groups[0].Class(i); class != want {
			t.Errorf("worker %d has %+v, want %+v", i, class, want)
		}
	}
}
