// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/watchdog"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// The test binary is its own runner, zygote and watchdog.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == Command:
		os.Exit(mainAndCount(os.Args[1:]))
	case len(os.Args) == 2 && (os.Args[1] == spawn.ZygoteCommand || os.Args[1] == watchdog.Command):
		os.Exit(Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

func job(t *testing.T, d time.Duration) Job {
	t.Helper()
	return Job{RunID: "test-" + strconv.Itoa(os.Getpid()), Cgroup: runCgroup(t), Run: spec.Run{
		Duration: quantity.Duration(d), Seed: 1,
		Groups: []spec.Group{
			{Name: "ping", Workers: 2, CloneMode: spec.CloneModeFork, Work: work.Spec{FutexPingPong: &work.FutexPingPong{SpinIters: new(int64(64))}}},
			{Name: "spin", Workers: 1, CloneMode: spec.CloneModeFork, Work: work.Spec{SpinWait: &work.SpinWait{}}},
		},
	}}
}

// runCgroup is the directory of a cgroup for the test, "" without root.
func runCgroup(t *testing.T) string {
	t.Helper()
	mount, err := cgroup.Mount()
	if err != nil || os.Geteuid() != 0 {
		t.Logf("without a cgroup: uid %d, %v", os.Geteuid(), err)
		return ""
	}
	root := filepath.Join(mount, fmt.Sprintf("schedfleet-test-%d", os.Getpid()))
	t.Cleanup(func() {
		if err := cgroup.RemoveAll(context.Background(), root); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(root, "run")
}

func client() Client { return Client{Path: "/proc/self/exe", Stderr: os.Stderr} }

// assertNothingLeft checks that the run's cgroup and processes are gone.
func assertNothingLeft(t *testing.T, j Job) {
	t.Helper()
	if _, err := os.Stat(j.Cgroup); j.Cgroup != "" && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the cgroup is still there: %v", err)
	}
}

func TestARunIsReported(t *testing.T) {
	j := job(t, 300*time.Millisecond)
	var events []EventType
	rep, err := client().Run(t.Context(), j, func(ev Event) { events = append(events, ev.Type) })
	if err != nil {
		t.Fatal(err)
	}
	if want := []EventType{EventPrepared, EventStarted, EventReport}; !slices.Equal(events, want) {
		t.Errorf("events %v, want %v", events, want)
	}
	if v := check.Sample(rep); !v.Valid {
		t.Errorf("the sample is void: %+v", v)
	}
	if rep.RunID != j.RunID || rep.Hold < 300e6 || len(rep.Workers) != 3 || len(rep.Groups) != 2 {
		t.Errorf("run %s, hold %d, %d workers, %d groups", rep.RunID, rep.Hold, len(rep.Workers), len(rep.Groups))
	}
	if n := rep.Groups[0].Distributions[0].Histogram.Count(); n == 0 {
		t.Error("no latency samples")
	}
	assertNothingLeft(t, j)
}

// A run that cannot be cleaned up was set up all the same: nobody may take it for
// one that does not fit the machine. Here a record of what to put back makes no sense.
func TestARunThatCannotBeCleanedUpHasFailed(t *testing.T) {
	j := job(t, 50*time.Millisecond)
	if j.Cgroup == "" {
		t.Skip("making cgroups needs root and cgroup v2")
	}
	above, err := cgroup.Create(filepath.Dir(j.Cgroup))
	if err != nil {
		t.Fatal(err)
	}
	const record = "user.schedfleet.exclusive"
	if err := unix.Setxattr(above.Path(), record, []byte("no CPUs"), 0); err != nil {
		t.Fatal(err)
	}
	_, err = client().Run(t.Context(), j, nil)
	var setup *SetupError
	if err == nil || errors.As(err, &setup) || !strings.Contains(err.Error(), "cleaning up after the run") {
		t.Errorf("got %v", err)
	}
	if err := unix.Removexattr(above.Path(), record); err != nil {
		t.Fatal(err)
	}
	assertNothingLeft(t, j)
}

func TestWorkersAreBornInTheirCgroup(t *testing.T) {
	j := job(t, time.Hour)
	if j.Cgroup == "" {
		t.Skip("making cgroups needs root and cgroup v2")
	}
	j.Run.Cgroups = []spec.Cgroup{{Name: "left"}}
	j.Run.Groups[1].Cgroup = "left"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var spin, ping []int
	_, err := client().Run(ctx, j, func(ev Event) {
		if ev.Type == EventStarted {
			spin, _ = cgroup.Procs(filepath.Join(j.Cgroup, "left"))
			ping, _ = cgroup.Procs(filepath.Join(j.Cgroup, defaultLeaf))
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(spin) != 1 || len(ping) != 2 {
		t.Errorf("%d workers in left, want 1; %d in the default one, want 2", len(spin), len(ping))
	}
	assertNothingLeft(t, j)
}

func TestACancelledRunIsReportedAsSuch(t *testing.T) {
	j := job(t, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rep, err := client().Run(ctx, j, func(ev Event) {
		if ev.Type == EventStarted {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := check.Sample(rep); v.Valid || v.Reason != check.Cancelled {
		t.Errorf("judged %+v", v)
	}
	assertNothingLeft(t, j)
}

func TestWhatCannotBeSetUpIsASetupError(t *testing.T) {
	j := job(t, time.Second)
	j.Run.Groups[1].Affinity = &spec.Affinity{Exact: "4095"}
	_, err := client().Run(t.Context(), j, nil)
	var setup *SetupError
	if !errors.As(err, &setup) || !strings.Contains(setup.Message, "lacks CPU 4095 of groups[1].affinity.exact") {
		t.Errorf("got %v", err)
	}
	assertNothingLeft(t, j)
}

// processesOf are the runner and the workers of a run, found by their parents.
func processesOf(t *testing.T) (runner int, workers []int) {
	t.Helper()
	for _, pid := range children(t, os.Getpid()) {
		if kids := children(t, pid); len(kids) > 0 {
			return pid, kids
		}
	}
	t.Fatal("there is no runner with workers")
	return 0, nil
}

func children(t *testing.T, pid int) []int {
	t.Helper()
	var list []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range tasks {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for word := range strings.FieldsSeq(string(text)) {
			kid, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, kid)
		}
	}
	return list
}

// awaitDeath waits for processes that are not our children. A pidfd cannot mean another one.
func awaitDeath(t *testing.T, pidfds []int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for _, fd := range pidfds {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, int(time.Until(deadline).Milliseconds()))
		if n != 1 || err != nil {
			t.Errorf("a worker is alive five seconds later: %d, %v", n, err)
		}
		_ = unix.Close(fd)
	}
}

func pidfds(t *testing.T, pids []int) []int {
	t.Helper()
	var fds []int
	for _, pid := range pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
	}
	return fds
}

// Without a cgroup nothing but the workers' own death signal can end them.
func TestNothingOutlivesAKilledRunner(t *testing.T) {
	j := job(t, time.Hour)
	for _, j.Cgroup = range []string{j.Cgroup, ""} {
		var workers []int
		rep, err := client().Run(t.Context(), j, func(ev Event) {
			if ev.Type == EventStarted {
				pid, pids := processesOf(t)
				workers = pidfds(t, pids)
				if err := unix.Kill(pid, unix.SIGKILL); err != nil {
					t.Error(err)
				}
			}
		})
		if err == nil || rep != nil || !strings.Contains(err.Error(), "killed") {
			t.Errorf("got report %v and error %v", rep, err)
		}
		awaitDeath(t, workers)
		assertNothingLeft(t, j)
	}
}

// A runner that is killed while its zygote forks leaves a zygote that dies, and
// workers that see that their parent is gone.
func TestNothingOutlivesARunnerKilledInTheMiddleOfForking(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) }()
	j := job(t, time.Hour)
	j.Cgroup = ""
	j.Run.Groups[0].Workers = 3000
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		for {
			for _, pid := range children(t, os.Getpid()) {
				if len(children(t, pid)) > 20 {
					_ = unix.Kill(pid, unix.SIGKILL)
					return
				}
			}
		}
	}()
	if _, err := client().Run(t.Context(), j, nil); err == nil {
		t.Error("a killed runner reported")
	}
	<-killed
	deadline := time.Now().Add(5 * time.Second)
	for {
		_, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if errors.Is(err, unix.ECHILD) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d processes are alive five seconds later", len(children(t, os.Getpid())))
		}
	}
}

func TestAKilledWorkerVoidsTheSample(t *testing.T) {
	j := job(t, 500*time.Millisecond)
	rep, err := client().Run(t.Context(), j, func(ev Event) {
		if ev.Type == EventStarted {
			_, workers := processesOf(t)
			if err := unix.Kill(slices.Max(workers), unix.SIGKILL); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	v := check.Sample(rep)
	if v.Valid || v.Reason != check.MissingSamples || !strings.Contains(v.Message, "1 of 3 workers") || !strings.Contains(v.Message, "SIGKILL") {
		t.Errorf("judged %+v", v)
	}
	assertNothingLeft(t, j)
}

// The parent's end of the pipe is what tells a runner that its parent died.
func TestARunnerEndsWithItsParent(t *testing.T) {
	j := job(t, time.Hour)
	text := fmt.Appendf(nil, `{"runID":"x","cgroup":%q,"run":{"duration":"1h","seed":1,"groups":[{"name":"g","workers":2,"cloneMode":"Fork","work":{"spinWait":{}}}]}}`, j.Cgroup)
	cmd := exec.Command("/proc/self/exe", Command)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := &startedWriter{started: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdin.Write(text); err != nil {
		t.Fatal(err)
	}
	<-out.started
	_, pids := processesOf(t)
	workers := pidfds(t, pids)
	_ = stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the runner: %v", err)
	}
	awaitDeath(t, workers)
	assertNothingLeft(t, j)
	if !strings.Contains(out.buf.String(), `"cancelled":true`) {
		t.Errorf("it said %s", out.buf.String())
	}
}

// startedWriter says when the started event has passed.
type startedWriter struct {
	buf     bytes.Buffer
	started chan struct{}
	said    bool
}

func (w *startedWriter) Write(b []byte) (int, error) {
	w.buf.Write(b)
	if !w.said && strings.Contains(w.buf.String(), `"started"`) {
		w.said = true
		close(w.started)
	}
	return len(b), nil
}

func TestBadJobs(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":         {"", "reading the job: EOF"},
		"not JSON":        {"{", "reading the job"},
		"an unknown part": {`{"runID":"x","run":{"duration":"1s","bogus":1}}`, `unknown field "bogus"`},
		"an invalid run":  {`{"runID":"x","run":{"duration":"-1s"}}`, "duration: must be above 0s"},
		"a bad duration":  {`{"runID":"x","run":{"duration":"soon"}}`, `a duration is written such as "50ms", not "soon"`},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe", Command)
			cmd.Stdin = strings.NewReader(tc.text)
			out, err := cmd.Output()
			if err == nil || !strings.Contains(strings.ReplaceAll(string(out), `\"`, `"`), tc.want) {
				t.Errorf("%v, it said %s, want %q", err, out, tc.want)
			}
		})
	}
}
