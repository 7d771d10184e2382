//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// lastCPU is the last CPU of the machine, of which there are several.
func lastCPU(t *testing.T) string {
	t.Helper()
	list := parsed(t, onlineCPUs(t)).List()
	if len(list) < 3 {
		t.Fatalf("the machine has the CPUs %v", list)
	}
	return strconv.Itoa(list[len(list)-1])
}

func onlineCPUs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// awaitOnline waits until a CPU is online, or offline.
func awaitOnline(t *testing.T, cpu string, want bool) time.Duration {
	t.Helper()
	began := time.Now()
	for isWithin(t, cpu, onlineCPUs(t)) != want {
		if time.Since(began) > breachTimeout {
			t.Errorf("CPU %s does not come online: %t", cpu, want)
			break
		}
		_ = sys.SleepUntil(sys.Monotonic() + time.Millisecond.Nanoseconds())
	}
	return time.Since(began)
}

// shrinking is a run that takes the last CPU offline in its second step. Two workers have two CPUs.
func shrinking(t *testing.T, down time.Duration, more ...spec.Step) spec.Run {
	t.Helper()
	list := parsed(t, onlineCPUs(t)).List()
	two := fmt.Sprint(list[len(list)-2], "-", list[len(list)-1])
	g := spinner("spin")
	g.Workers, g.Cgroup = 2, "all"
	run := spec.Run{
		Groups: []spec.Group{g}, Cgroups: []spec.Cgroup{{Name: "all", Cpuset: &spec.Cpuset{Exact: two}}},
		Checks: []spec.Check{{Name: "kept", Metric: spec.CheckIsolation}, {Name: "alive", Metric: spec.CheckStarvation}},
	}
	take := spec.Step{Name: "down", Hold: fixed(down), Ops: []spec.Op{{OfflineCPUs: &spec.CPUsOp{Last: new(1)}}}}
	steps(&run, brief, append([]spec.Step{take}, more...)...)
	return run
}

func TestHotplugIsAStepLikeAnother(t *testing.T) {
	cpu, before := lastCPU(t), onlineCPUs(t)
	for name, more := range map[string][]spec.Step{
		"back in a step of its own": {{Name: "up", Hold: fixed(brief), Ops: []spec.Op{{OnlineCPUs: &spec.CPUsOp{Exact: cpu}}}}},
		"back when the run is over": nil,
	} {
		t.Run(name, func(t *testing.T) {
			run := shrinking(t, brief, more...)
			rep, err := onMachine(t, run, func(Job, map[string][]task) { t.Logf("offline after %v", awaitOnline(t, cpu, false)) })
			if err != nil {
				t.Fatal(err)
			}
			if v := check.Sample(rep); !v.Valid || rep.Verdict != report.Pass {
				t.Errorf("the sample is %+v, the verdict %s, the findings %+v", v, rep.Verdict, rep.Findings)
			}
			if after := onlineCPUs(t); after != before {
				t.Errorf("the CPUs %s are online, they were %s", after, before)
			}
			row := report.Restored{What: "CPU " + cpu, Before: "online", During: "offline", After: "online", Verified: true}
			i := slices.IndexFunc(rep.Restored, func(r report.Restored) bool { return r.What == row.What })
			if i < 0 {
				t.Fatalf("restored is %+v", rep.Restored)
			}
			if diff := cmp.Diff(row, rep.Restored[i]); diff != "" {
				t.Errorf("restored (-want +got):\n%s", diff)
			}
			phases := groupOf(t, rep, "spin").Phases
			for i, p := range phases {
				if on := isWithin(t, cpu, p.CPUs); on != (i != 1) {
					t.Errorf("in step %d the workers were on the CPUs %s", i, p.CPUs)
				}
			}
			if c := rep.Host.Changed; c != nil {
				t.Errorf("the machine is not what it was: %v", c)
			}
		})
	}
}

// Whatever is killed, the CPU comes back.
func TestHotplugIsUndoneWhenTheRunIsKilled(t *testing.T) {
	cpu, before := lastCPU(t), onlineCPUs(t)
	for name, tc := range map[string]struct {
		victims func(t *testing.T, runner int) []int
		said    string // by the watchdog; without one it is the client that puts back
	}{
		"the runner":                  {func(_ *testing.T, runner int) []int { return []int{runner} }, "put back what it had changed of the machine"},
		"its watchdog and the runner": {func(t *testing.T, runner int) []int { return []int{watchdogsOf(t, runner)[0].pid, runner} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var killed time.Time
			j := Job{RunID: "test-hotplug", Cgroup: runCgroup(t), Run: shrinking(t, time.Minute)}
			j.Run.Seed = 1
			_, err := client().Run(t.Context(), j, func(ev Event) {
				if ev.Type != EventStarted {
					return
				}
				awaitOnline(t, cpu, false)
				all := tc.victims(t, runnerOf(t))
				killed = time.Now()
				for _, pid := range all {
					if err := unix.Kill(pid, unix.SIGKILL); err != nil {
						t.Error(err)
					}
				}
			})
			if err == nil || !strings.Contains(err.Error(), "signal: killed") || !strings.Contains(err.Error(), tc.said) {
				t.Errorf("a run that was killed ended with %v", err)
			}
			awaitOnline(t, cpu, true)
			t.Logf("online %v after the kill; %v", time.Since(killed), err)
			if after := onlineCPUs(t); after != before {
				t.Errorf("the CPUs %s are online, they were %s", after, before)
			}
			assertNothingLeft(t, j)
		})
	}
}

// What a run enables above its cgroup is disabled again, and the report says so.
func TestHotplugAndControllersAreReported(t *testing.T) {
	top := filepath.Dir(filepath.Dir(runCgroup(t)))
	notHandedOn(t, top, "pids")
	held := spinner("spin")
	held.Cgroup = "held"
	rep, err := onMachine(t, spec.Run{Duration: quantity.Duration(brief), Groups: []spec.Group{held}, Cgroups: []spec.Cgroup{{Name: "held", PidsMax: new(int64(50))}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(rep.Restored, func(r report.Restored) bool { return r.What == "controllers of "+top })
	if i < 0 {
		t.Fatalf("restored is %+v", rep.Restored)
	}
	now, err := os.ReadFile(filepath.Join(top, controlFile))
	if err != nil {
		t.Fatal(err)
	}
	row := rep.Restored[i]
	if !row.Verified || !strings.Contains(row.During, "pids") || strings.Contains(row.Before, "pids") || row.After != row.Before || strings.Contains(string(now), "pids") {
		t.Errorf("restored is %+v, and the file says %q", row, now)
	}
	if c := rep.Host.Changed; c != nil {
		t.Errorf("the machine is not what it was: %v", fmt.Sprint(c))
	}
}

// notHandedOn disables a controller in a cgroup for the rest of the test.
func notHandedOn(t *testing.T, dir, controller string) {
	t.Helper()
	set := func(sign string) {
		if err := os.WriteFile(filepath.Join(dir, controlFile), []byte(sign+controller), 0); err != nil {
			t.Error(err)
		}
	}
	set("-")
	t.Cleanup(func() { set("+") })
}
