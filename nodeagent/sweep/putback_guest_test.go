// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

//go:build guest

package sweep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/hotplug"
)

// TestMachineIsLeftAsItWas is about an agent whose runners are killed in the
// middle of runs: controllers they enabled are disabled again by a sweep, and
// at the latest when the agent leaves.
func TestMachineIsLeftAsItWas(t *testing.T) {
	mount, err := cgroup.Mount()
	if err != nil {
		t.Fatal(err)
	}
	withoutControllers(t, mount)
	agents, err := cgroup.Create(filepath.Join(mount, "schedfleet-test-agents"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := agents.Remove(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s := Sweeper{Root: filepath.Join(agents.Path(), "node")}
	before := enabled(t, mount)
	if _, err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	idle := enabled(t, mount)

	killedRun(t, s.Root)
	if got := enabled(t, mount)[mount]; !strings.Contains(got, "cpu") {
		t.Fatalf("a run with a weight has the controllers %q", got)
	}
	if removed, err := s.Sweep(t.Context()); err != nil || len(removed) != 1 {
		t.Errorf("Sweep = %v, %v", removed, err)
	}
	if diff := cmp.Diff(idle, enabled(t, mount)); diff != "" {
		t.Errorf("controllers after the sweep (-before the run +after):\n%s", diff)
	}

	killedRun(t, s.Root)
	if err := s.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, enabled(t, mount)); diff != "" {
		t.Errorf("controllers after the agent has left (-before it came +after):\n%s", diff)
	}
}

// killedRun makes the cgroups of a run that nobody removes.
func killedRun(t *testing.T, root string) {
	t.Helper()
	_, err := cgroup.NewTree(filepath.Join(root, "run-1"), []cgroup.Definition{
		{Name: "a", Settings: cgroup.Settings{CPU: cgroup.CPUSettings{Weight: new(10)}}},
		{Name: "b/c", Settings: cgroup.Settings{PidsMax: new(int64(10))}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// enabled is what each cgroup hands on to those below it.
func enabled(t *testing.T, mount string) map[string]string {
	t.Helper()
	seen := make(map[string]string)
	err := filepath.WalkDir(mount, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "cgroup.subtree_control" {
			return err
		}
		content, err := os.ReadFile(path)
		seen[filepath.Dir(path)] = strings.TrimSpace(string(content))
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return seen
}

// withoutControllers makes the top of the hierarchy hand on nothing, as it is
// where nobody needed a controller so far.
func withoutControllers(t *testing.T, mount string) {
	t.Helper()
	file := filepath.Join(mount, "cgroup.subtree_control")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set := func(sign string) {
		for c := range strings.FieldsSeq(string(content)) {
			if err := os.WriteFile(file, []byte(sign+c), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	set("-")
	t.Cleanup(func() { set("+") })
}

// TestMachineCPUsComeBack is about an agent that was killed with its runner and the run's watchdog, while a CPU was
// offline: the next agent's first sweep puts it back.
func TestMachineCPUsComeBack(t *testing.T) {
	mount, err := cgroup.Mount()
	if err != nil {
		t.Fatal(err)
	}
	s := Sweeper{Root: filepath.Join(mount, "schedfleet-test-cpus")}
	t.Cleanup(func() {
		if err := s.Leave(context.Background()); err != nil {
			t.Error(err)
		}
	})
	const cpu, file = "CPU 1", "/sys/devices/system/cpu/cpu1/online"
	state := func() string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	takeCPU(t)
	if is := state(); is != "0" {
		t.Fatalf("%s reads %s", cpu, is)
	}
	if removed, err := s.Sweep(t.Context()); err != nil || cmp.Diff([]string{cpu + " offline"}, removed) != "" {
		t.Errorf("Sweep = %q, %v", removed, err)
	}
	if is := state(); is != "1" {
		t.Errorf("%s reads %s after the sweep", cpu, is)
	}
	if removed, err := s.Sweep(t.Context()); err != nil || removed != nil {
		t.Errorf("the next Sweep = %q, %v", removed, err)
	}
}

// takeCPU leaves CPU 1 offline, as a run does that is killed with its watchdog: what it had open is closed, and
// nothing is put back.
func takeCPU(t *testing.T) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestTakesACPU$", "-test.v")
	cmd.Env = append(os.Environ(), takerVariable+"=1")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "taken") {
		t.Fatalf("the taker ended with %v and said %s", err, out)
	}
}

// takerVariable makes TestTakesACPU take it.
const takerVariable = "SCHEDFLEET_TEST_TAKE_CPU"

// TestTakesACPU is the process that takeCPU starts; it dies with the CPU offline.
func TestTakesACPU(t *testing.T) {
	if os.Getenv(takerVariable) == "" {
		return
	}
	c, err := hotplug.Open("/", "taker", cpuset.New(1), cpuset.New(0, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Offline(cpuset.New(1)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(os.Stdout, "taken")
	if err := unix.Kill(os.Getpid(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-t.Context().Done()
}
