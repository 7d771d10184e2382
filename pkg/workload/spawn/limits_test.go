// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// runnerCommand is the argument with which the test binary becomes a runner: a
// process that a test can limit, inject failures into and kill.
const runnerCommand = "runner-of-the-test"

// order is what such a runner is to do.
type order struct {
	Run *spec.Run `json:"run"`
	// Inject is put in force in all threads before it spawns.
	Inject *injection `json:"inject,omitempty"`
	// Files is the limit on open files for what it spawns, 0 for none.
	Files uint64 `json:"files,omitempty"`
	// Hold lets it keep the workers until its standard input ends.
	Hold bool `json:"hold,omitempty"`
	// Started lets them work.
	Started bool `json:"started,omitempty"`
}

// outcome is what became of it.
type outcome struct {
	Error    string      `json:"error,omitempty"`
	Before   possessions `json:"before"`
	After    possessions `json:"after"`
	Children bool        `json:"children,omitempty"` // some are left
	PIDs     []int       `json:"pids,omitempty"`     // of workers that are held
}

// beRunner is the runner's main function. It says "ready" when it will spawn, waits
// for its order, and answers with the outcome.
func beRunner() int {
	if err := serveOrder(json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, "runner of the test:", err)
		return 1
	}
	return 0
}

func serveOrder(in *json.Decoder, out *json.Encoder) error {
	// Once before what is limited or injected: the runtime opens what it opens once.
	if got := carryOut(order{Run: runOf(group("warm-up", 1, spins))}, nil); got.Error != "" {
		return errors.New(got.Error)
	}
	makeThreads()
	if err := out.Encode("ready"); err != nil {
		return err
	}
	var o order
	if err := in.Decode(&o); err != nil {
		return err
	}
	if o.Files > 0 {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: o.Files, Max: o.Files}); err != nil {
			return err
		}
	}
	if o.Inject != nil {
		if err := o.Inject.install(allThreads); err != nil {
			return err
		}
	}
	return out.Encode(carryOut(o, func(got outcome) {
		_ = out.Encode(got)
		_ = in.Decode(new(string)) // until the end of the input
	}))
}

// makeThreads leaves the runtime with threads at hand: it ends when it cannot make
// one that it needs.
func makeThreads() {
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() { _, _ = unix.Poll(nil, 20) })
	}
	all.Wait()
}

// carryOut spawns and closes, and calls hold in between if the order says so.
func carryOut(o order, hold func(outcome)) (got outcome) {
	fail := func(err error) { got.Error = strings.TrimSpace(got.Error + "\n" + err.Error()) }
	resolved, err := o.Run.Resolve(spec.Machine{CPUs: cpuset.New(0), MemoryNodes: cpuset.New(0)})
	if err != nil {
		fail(err)
		return got
	}
	if got.Before, err = possessed(); err != nil {
		fail(err)
	}
	h, err := Spawn(context.Background(), Config{Run: resolved, Stderr: os.Stderr})
	if err == nil && o.Hold {
		if o.Started {
			h.Start()
		}
		for n := range h.processes {
			got.PIDs = append(got.PIDs, h.pid(n))
		}
		hold(got)
	}
	if err != nil {
		fail(err)
	} else if err := h.Close(); err != nil {
		fail(err)
	}
	if got.After, err = possessed(); err != nil {
		fail(err)
	}
	_, err = unix.Wait4(-1, nil, unix.WNOHANG, nil)
	got.Children = !errors.Is(err, unix.ECHILD)
	return got
}

func (o *outcome) assertNothingLeft(t *testing.T) {
	t.Helper()
	if o.Before != o.After || o.Children {
		t.Errorf("before there was %+v, after it %+v, children are left: %t", o.Before, o.After, o.Children)
	}
}

// testRunner is a started runner that waits for its order.
type testRunner struct {
	cmd    *exec.Cmd
	order  order
	in     *json.Encoder
	out    *json.Decoder
	stderr *os.File
}

// startRunner returns when the runner is about to spawn; result lets it.
func startRunner(t *testing.T, o order) *testRunner {
	t.Helper()
	r := &testRunner{cmd: exec.CommandContext(t.Context(), "/proc/self/exe", runnerCommand), order: o}
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if r.stderr, err = os.Create(filepath.Join(t.TempDir(), "stderr")); err != nil {
		t.Fatal(err)
	}
	defer r.stderr.Close()
	r.cmd.Stderr = r.stderr
	in, err := r.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
	})
	r.in, r.out = json.NewEncoder(in), json.NewDecoder(out)
	var ready string
	if err := r.out.Decode(&ready); err != nil || ready != "ready" {
		t.Fatalf("the runner says %q, %v: %s", ready, err, r.told(t))
	}
	return r
}

// result gives the runner its order and reads what becomes of it.
func (r *testRunner) result(t *testing.T) outcome {
	t.Helper()
	if err := r.in.Encode(r.order); err != nil {
		t.Fatal(err)
	}
	var got outcome
	if err := r.out.Decode(&got); err != nil {
		t.Fatalf("the runner ended without a result: %v: %s", err, r.told(t))
	}
	return got
}

// told is what the runner and its zygotes wrote to standard error.
func (r *testRunner) told(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(r.stderr.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var workerNumber = regexp.MustCompile(`group g, worker (\d+) of (\d+): `)

// assertMidway checks that the error names a worker that is not the first, step,
// errno and remedy.
func assertMidway(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the error does not say %q: %s", w, text)
		}
	}
	m := workerNumber.FindStringSubmatch(text)
	if m == nil {
		t.Errorf("the error names no worker: %s", text)
		return
	}
	number, _ := strconv.Atoi(m[1])
	count, _ := strconv.Atoi(m[2])
	if number == 0 || number >= count {
		t.Errorf("worker %d of %d is not in the middle: %s", number, count, text)
	}
}

func TestTheLimitOnDescriptorsInTheMiddle(t *testing.T) {

	for name, tc := range map[string]struct {
		group spec.Group
		limit uint64
		want  string
	}{
		// Each process costs the runner one; a zygote needs one above zygoteLowFD.
		"watching workers": {group("g", zygoteLowFD+100, spins), zygoteLowFD + 60, "opening a descriptor on it (pid "},
		// A host needs all pipes at once.
		"making pipes of a host": {inMode(spec.CloneModeThread, group("g", 100, pairs)), zygoteLowFD + 60, "opening what it works with: too many open files"},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRunner(t, order{Run: runOf(tc.group), Files: tc.limit})
			got := r.result(t)
			assertMidway(t, got.Error, tc.want, "too many open files (each worker needs a descriptor: raise the limit on open files or declare fewer workers)")
			got.assertNothingLeft(t)
		})
	}
}

// A zygote that cannot have its own descriptors says so.
func TestTooFewDescriptorsForAZygote(t *testing.T) {
	r := startRunner(t, order{Run: runOf(group("g", 2, spins)), Files: zygoteLowFD})
	got := r.result(t)
	const want = "running the zygote: exit status 2: opening /dev/null: too many open files (each worker needs a descriptor: raise the limit"
	if !strings.Contains(got.Error, want) {
		t.Errorf("the error does not say %q but %q", want, got.Error)
	}
	got.assertNothingLeft(t)
}

func TestTheLimitOnProcessesInTheMiddle(t *testing.T) {
	for name, tc := range map[string]struct {
		mode spec.CloneMode
		want string
	}{
		"forks":   {spec.CloneModeFork, "forking it: resource temporarily unavailable"},
		"threads": {spec.CloneModeThread, "making its thread: resource temporarily unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := cgroupWith(t, "pids")
			r := startRunner(t, order{Run: runOf(inMode(tc.mode, group("g", 200, spins)))})
			writeFile(t, filepath.Join(dir, "cgroup.procs"), strconv.Itoa(r.cmd.Process.Pid))
			// The zygote's own threads come first, then some of the workers.
			writeFile(t, filepath.Join(dir, "pids.max"), strconv.Itoa(readNumber(t, filepath.Join(dir, "pids.current"))+60))
			got := r.result(t)
			assertMidway(t, got.Error, tc.want, "(a limit on processes is reached: RLIMIT_NPROC, pids.max or kernel.pid_max)")
			if strings.Contains(got.Error, "\n") {
				t.Errorf("the error also says what follows from it: %s", got.Error)
			}
			got.assertNothingLeft(t)
		})
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readNumber(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
