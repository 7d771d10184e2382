// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
)

// thisMachine is the machine the test runs on, with a parent for cgroups that is
// not there before the test, nor after it.
func thisMachine(t *testing.T) Host {
	t.Helper()
	mount, err := cgroup.Mount()
	if errors.Is(err, cgroup.ErrNoCgroup2) {
		return Host{Root: "/"}
	}
	if err != nil {
		t.Fatal(err)
	}
	return Host{Root: "/", CgroupMount: mount, CgroupParent: filepath.Join(mount, "schedfleet-test-capability", "runs")}
}

func states(findings []capability.Finding) map[string]capability.State {
	got := make(map[string]capability.State)
	for _, f := range findings {
		got[f.Name] = f.State
	}
	return got
}

// TestThisMachine probes the kernel the test runs on: what it says must agree with
// what can be seen without probing, and nothing may be left of it.
func TestThisMachine(t *testing.T) {
	h := thisMachine(t)
	before := snapshot(t, h.CgroupMount)
	findings := h.Probe()
	if diff := cmp.Diff(before, snapshot(t, h.CgroupMount)); diff != "" {
		t.Errorf("cgroups (-before +after):\n%s", diff)
	}
	for _, f := range findings {
		t.Logf("%s %s %s", f.Name, f.State, f.Message)
	}
	got := states(findings)
	if len(got) != len(all) {
		t.Errorf("%d findings, want %d", len(got), len(all))
	}
	if root := os.Geteuid() == 0; root && got[capability.Credentials] != capability.Present {
		t.Errorf("Credentials is %s as root", got[capability.Credentials])
	}
	for name, path := range map[string]string{capability.PSI: "/proc/pressure/cpu", capability.NUMAMaps: "/proc/self/numa_maps", capability.SchedExt: "/sys/kernel/sched_ext"} {
		if _, err := os.Stat(path); (err == nil) != (got[name] == capability.Present) {
			t.Errorf("%s is %s, and of %s is known: %v", name, got[name], path, err)
		}
	}
	if got[capability.NUMAMaps] == capability.Present && (got[capability.MempolicyPreferredMany] == capability.Unknown || got[capability.MempolicyWeightedInterleave] == capability.Unknown) {
		t.Error("a kernel with NUMA refuses every memory policy")
	}
	if h.CgroupMount == "" {
		return
	}
	content, err := os.ReadFile(filepath.Join(h.CgroupMount, "cgroup.controllers"))
	if err != nil {
		t.Fatal(err)
	}
	for name, controller := range map[string]string{capability.CgroupCPU: "cpu", capability.CgroupCpuset: "cpuset", capability.CgroupMemory: "memory"} {
		has := slices.Contains(strings.Fields(string(content)), controller)
		if !has && got[name] != capability.Absent {
			t.Errorf("%s is %s though the hierarchy has %q only", name, got[name], content)
		}
	}
}

func TestCapabilitiesAreTheEffectiveOnes(t *testing.T) {
	held, err := thisKernel{}.capabilities()
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "CapEff:")
	if want := fmt.Sprintf("%016x", held); !strings.HasPrefix(strings.TrimSpace(rest), want) {
		t.Errorf("capabilities %s, the kernel says %.20q", want, rest)
	}
}

// An agent that stands aside on one CPU still has to tell what runs can do on all of
// them: it is the CPUs of runs that count.
func TestProbesOnTheCPUsOfRuns(t *testing.T) {
	h := thisMachine(t)
	cpus, err := thisKernel{}.allowedCPUs()
	if err != nil {
		t.Fatal(err)
	}
	if h.CPUs = cpus; cpus.Size() == 1 || states(h.Probe(capability.Deadline))[capability.Deadline] != capability.Present {
		t.Skip("this process may not make deadline tasks, or has one CPU only")
	}
	h.CPUs = cpuset.New(cpus.List()[0])
	if got := h.Probe(capability.Deadline); got[0].State != capability.Unknown {
		t.Errorf("with one CPU for runs: %v, want nobody to know", got)
	}
	if left, err := (thisKernel{}).allowedCPUs(); err != nil || !left.Equals(cpus) {
		t.Errorf("this thread was moved to CPUs %v (%v)", left, err)
	}
}

// The threads that policies were tried on are not to be met again.
func TestNothingIsLeftOfTriedPolicies(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := policies(t)
	thisMachine(t).Probe(capability.Realtime, capability.Deadline, capability.SchedExt, capability.NegativeNice, capability.MempolicyPreferredMany, capability.MempolicyWeightedInterleave)
	after := policies(t)
	if own, now := before[unix.Gettid()], after[unix.Gettid()]; own != now {
		t.Errorf("this thread had %+v before and has %+v", own, now)
	}
	had := slices.Collect(maps.Values(before)) // new threads inherit one of these
	for tid, p := range after {
		if !slices.Contains(had, p) {
			t.Errorf("thread %d was left with %+v", tid, p)
		}
	}
}

type policy struct {
	policy uint32
	nice   int32
}

// policies are those of the threads of this process.
func policies(t *testing.T) map[int]policy {
	t.Helper()
	found := make(map[int]policy)
	for _, tid := range threads(t) {
		if attr, err := unix.SchedGetAttr(tid, 0); err == nil {
			found[tid] = policy{attr.Policy, attr.Nice}
		}
	}
	return found
}
