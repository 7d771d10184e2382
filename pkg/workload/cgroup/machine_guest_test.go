// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

//go:build guest

package cgroup

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"
)

// Tests of files with the tag guest need cgroup v2 with all its controllers,
// four CPUs and two NUMA nodes, and nobody else who makes cgroups.

// childEnv tells the test binary what to be instead of a test.
const childEnv = "SCHEDFLEET_CGROUP_TEST_CHILD"

var held [][]byte

func init() {
	switch what, arg, _ := strings.Cut(os.Getenv(childEnv), "="); what {
	case "":
		return
	case "allocate": // until it is killed
		for {
			held = append(held, bytes.Repeat([]byte{1}, 1<<20))
		}
	case "threads": // to be moved about
		for range 4 {
			go func() {
				runtime.LockOSThread()
				select {}
			}()
		}
		parkForEver()
	case "tree": // make one, say so, and wait to be killed
		_, err := NewTree(arg, []Definition{
			{Name: "a", Settings: Settings{CPU: CPUSettings{Weight: new(7)}, PidsMax: new(int64(9))}},
			{Name: "b", Settings: Settings{CPUs: cpuset.New(3), Partition: "isolated"}},
		})
		if err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString("made\n")
		parkForEver()
	}
}

func parkForEver() { <-time.After(time.Hour) }

// parent makes a cgroup for trees below the top, and checks in the end that
// nothing is left of it, and the top as it was.
func parent(t *testing.T, name string) string {
	t.Helper()
	point, err := Mount()
	if err != nil {
		t.Fatal(err)
	}
	top := &Dir{path: point}
	cpus, mems := must(top.cpus(effectiveCPUs))(t), must(top.cpus(effectiveMems))(t)
	if !set(t, "0-3").IsSubsetOf(cpus) || !set(t, "0-1").IsSubsetOf(mems) {
		t.Skipf("needs the CPUs 0-3 and the memory nodes 0-1; this machine has %v and %v", cpus, mems)
	}
	bare(t, top)
	before := state(t, top)
	dir, err := Create(filepath.Join(point, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if diff := cmp.Diff("", must(dir.text(subtreeFile))(t)); diff != "" {
			t.Errorf("controllers of %s (-want +got):\n%s", dir.path, diff)
		}
		if dir.hasRecord() || top.hasRecord() {
			t.Error("a record is left")
		}
		ctx, cancel := contextForCleanup()
		defer cancel()
		if err := RemoveAll(ctx, dir.path); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(before, state(t, top)); diff != "" {
			t.Errorf("the top cgroup (-before +after):\n%s", diff)
		}
	})
	return dir.path
}

// bare disables what the guest's init enabled, until the test ends.
func bare(t *testing.T, top *Dir) {
	t.Helper()
	on := must(top.names(subtreeFile))(t)
	if len(on) == 0 {
		return
	}
	if err := top.write(subtreeFile, "-"+strings.Join(on, " -")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := top.enable(on); err != nil {
			t.Error(err)
		}
	})
}

// state is what a tree may change in a directory above it.
func state(t *testing.T, d *Dir) map[string]string {
	t.Helper()
	s := map[string]string{}
	for _, file := range []string{subtreeFile, effectiveCPUs, effectiveMems} {
		s[file] = must(d.text(file))(t)
	}
	isolated, err := os.ReadFile("/sys/devices/system/cpu/isolated")
	if err != nil {
		t.Fatal(err)
	}
	s["isolated"] = string(isolated)
	return s
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// tree makes a tree that is removed when the test ends.
func tree(t *testing.T, root string, defs ...Definition) *Tree {
	t.Helper()
	made, err := NewTree(root, defs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, made) })
	return made
}

func remove(t *testing.T, made *Tree) {
	t.Helper()
	ctx, cancel := contextForCleanup()
	defer cancel()
	if err := made.Remove(ctx); err != nil {
		t.Error(err)
	}
	isGone(t, made.Root().Path())
}

// contextForCleanup outlives the test's own.
func contextForCleanup() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), testTimeout)
}

// startIn starts a command in a cgroup, and kills it when the test ends.
func startIn(t *testing.T, d *Dir, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	f := must(d.Open())(t)
	defer f.Close()
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(f.Fd())}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// child is this test binary being something else.
func child(what string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what)
	return cmd
}

func spinner() *exec.Cmd { return exec.Command("sh", "-c", "while :; do :; done") }

// eventually asks until it holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.After(testTimeout); !holds(); {
		select {
		case <-deadline:
			t.Fatalf("not within %v: %s", testTimeout, what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func usage(t *testing.T, made *Tree, name string) Usage {
	t.Helper()
	return must(made.Usage(name))(t)
}

func set(t *testing.T, list string) cpuset.CPUSet {
	t.Helper()
	return must(cpuset.Parse(list))(t)
}
