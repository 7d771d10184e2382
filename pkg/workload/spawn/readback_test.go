// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func TestTheKernelTellsWhichCPUsAWorkerMayUse(t *testing.T) {
	all := cpuset.New(allowedCPUs(t)...)
	pinned := group("pinned", 2, ticks)
	pinned.Affinity = &spec.Affinity{SingleCPU: &struct{}{}}
	h := start(t, pinned, group("free", 2, ticks))
	for _, w := range workers(h) {
		want := all
		if w.Group.Name == "pinned" {
			want = cpuset.New(all.List()[0])
		}
		if !w.Allowed.Equals(want) {
			t.Errorf("group %s, worker %d may use %s, want %s", w.Group.Name, w.Index, w.Allowed, want)
		}
	}
}

func TestWhatDiffersFromWhatWasAskedIsNamed(t *testing.T) {
	nice := 7
	own, err := unix.SchedGetAttr(0, 0)
	if err != nil || own.Policy != sys.PolicyOther {
		t.Skipf("the test itself is not a normal task: policy %d, %v", own.Policy, err)
	}
	set := func(cpus ...int) []cpuset.CPUSet { return []cpuset.CPUSet{cpuset.New(cpus...)} }
	for name, tc := range map[string]struct {
		group   spec.ResolvedGroup
		allowed cpuset.CPUSet
		want    string // "" is as asked
	}{
		"nothing was asked":           {spec.ResolvedGroup{}, cpuset.New(0, 1), ""},
		"the CPUs asked for":          {spec.ResolvedGroup{CPUs: set(1, 2)}, cpuset.New(1, 2), ""},
		"those of them in the cpuset": {spec.ResolvedGroup{CPUs: set(0, 1, 2), Pool: cpuset.New(2, 3)}, cpuset.New(2), ""},
		"fewer CPUs":                  {spec.ResolvedGroup{CPUs: set(1, 2), Pool: cpuset.New(1, 2)}, cpuset.New(1), "it may use CPUs 1, not 1-2"},
		"other CPUs":                  {spec.ResolvedGroup{CPUs: set(1), Pool: cpuset.New(0, 1)}, cpuset.New(0), "it may use CPUs 0, not 1"},
		"another policy":              {spec.ResolvedGroup{Policy: sys.PolicyFIFO, Priority: 3}, cpuset.New(0), "its policy is 0 with priority 0, not 1 with 3"},
		"another policy for its role": {spec.ResolvedGroup{Kind: &work.RTStarvation{RTWorkers: 1, FairWorkers: 1, RTPriority: 3}}, cpuset.New(0),
			"its policy is 0 with priority 0, not 1 with 3"},
		"another nice value":                   {spec.ResolvedGroup{Nice: &nice}, cpuset.New(0), "its nice value is 0, not 7"},
		"a nice value that is without meaning": {spec.ResolvedGroup{Policy: sys.PolicyOther}, cpuset.New(0), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.group.Kind == nil {
				tc.group.Kind = &work.SpinWait{}
			}
			var said []string
			for _, err := range []error{differsInCPUs(&tc.group, 0, tc.allowed), differsInPolicy(&tc.group, 0, 0)} {
				if err != nil {
					said = append(said, err.Error())
				}
			}
			if got := strings.Join(said, "; "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestADeadlineTaskHasWhatItAskedFor(t *testing.T) {
	requireRoot(t, "SCHED_DEADLINE")
	g := group("d", 2, ticks)
	g.SchedulingPolicy = "d"
	run := &spec.Run{Duration: ms(1000), Seed: 1, Groups: []spec.Group{g}, SchedulingPolicies: []spec.SchedulingPolicy{
		{Name: "d", Deadline: &spec.Deadline{Runtime: ms(1), Deadline: ms(8), Period: new(ms(16))}},
	}}
	h := startRun(t, run)
	for _, w := range workers(h) {
		attr, err := unix.SchedGetAttr(w.TID, 0)
		if err != nil {
			t.Fatal(err)
		}
		if attr.Policy != sys.PolicyDeadline || attr.Runtime != 1e6 || attr.Deadline != 8e6 || attr.Period != 16e6 {
			t.Errorf("worker %d: %+v", w.Index, attr)
		}
	}
}

// Threads of one process stand in cgroups of their own, below the one the process is in.
func TestThreadsOfOneProcessInSeveralCgroups(t *testing.T) {
	domain := v2Cgroup(t)
	files := map[string]*os.File{}
	for _, name := range []string{"a", "b"} {
		dir := filepath.Join(domain, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Rmdir(dir) })
		if err := os.WriteFile(filepath.Join(dir, "cgroup.type"), []byte("threaded"), 0); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		files["app/"+name] = file
	}
	run := &spec.Run{Duration: ms(1000), Seed: 1, Cgroups: []spec.Cgroup{{Name: "app/a", Threaded: true}, {Name: "app/b", Threaded: true}}}
	for _, name := range []string{"a", "b"} {
		g := threads(name, 2, "server", ticks)
		g.Cgroup = "app/" + name
		run.Groups = append(run.Groups, g)
	}
	cfg := config(t, run)
	cfg.Cgroups = files
	h, err := Spawn(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	list := workers(h)
	for _, w := range list {
		if w.PID != list[0].PID {
			t.Errorf("group %s, worker %d is in process %d, others in %d", w.Group.Name, w.Index, w.PID, list[0].PID)
		}
		where := procFile(t, strconv.Itoa(w.PID), "task", strconv.Itoa(w.TID), "cgroup")
		if want := filepath.Join(filepath.Base(domain), w.Group.Name); !strings.Contains(where, want) {
			t.Errorf("group %s, worker %d is in %s", w.Group.Name, w.Index, where)
		}
	}
	h.Start()
	h.Stop(nil)
	for _, w := range workers(h) {
		if !w.Exit.Clean() {
			t.Errorf("group %s, worker %d: %s", w.Group.Name, w.Index, w.Exit)
		}
	}
}

// A runner that was started on one CPU, as an agent that stands aside starts it, and
// then got those of its job makes its workers on all of these.
func TestZygotesAreAsManyAsTheCPUsNow(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all, err := allowed.CPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	if all.Size() < 2 {
		t.Skip("needs two CPUs")
	}
	cfg := config(t, runOf(group("g", 2*minShare, spins)))
	defer func() {
		if err := allowed.SetCPUs(0, all); err != nil {
			t.Error(err)
		}
	}()
	for n := 1; n <= 2; n++ {
		if err := allowed.SetCPUs(0, cpuset.New(all.List()[:n]...)); err != nil {
			t.Fatal(err)
		}
		h, zygotes, err := prepare(&cfg)
		if err != nil {
			t.Fatal(err)
		}
		if len(zygotes) != n {
			t.Errorf("%d zygotes on %d CPUs", len(zygotes), n)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}
