// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

const (
	// window is how long workers are observed.
	window = time.Second
	// sampling is how often their class, nice value and CPU are looked at meanwhile.
	sampling = 2 * time.Millisecond
	// outsideTries is how often a figure may come out otherwise before that is a failure:
	// the last look is not exactly at the stop, and others may take the CPUs away in between.
	outsideTries = 3
)

// account is what the kernel has counted for a task.
type account struct {
	cpu, delay             time.Duration // on a CPU, and waiting for one
	runs                   uint64        // how often it was put on a CPU
	voluntary, involuntary uint64        // switches
	faults                 uint64        // minor ones
	reads, writes          uint64        // system calls
	readBytes, writeBytes  uint64
	moves                  uint64 // between CPUs
}

// minus is what was counted since another account.
func (a account) minus(b account) account {
	return account{
		a.cpu - b.cpu, a.delay - b.delay, a.runs - b.runs, a.voluntary - b.voluntary, a.involuntary - b.involuntary, a.faults - b.faults,
		a.reads - b.reads, a.writes - b.writes, a.readBytes - b.readBytes, a.writeBytes - b.writeBytes, a.moves - b.moves,
	}
}

// seen is what was seen of a worker from outside.
type seen struct {
	account
	// calls are how often it came by a tracepoint, such as syscalls/sys_enter_futex.
	calls map[string]uint64
	// classes, nices and cpus are those it had at some time.
	classes, nices, cpus map[int]bool
}

// observed is a worker from outside, and what it says of itself.
type observed struct {
	*report.Worker
	seen
}

// near says that a figure is not what it should be but for some percent; nothing if it is.
func near(what string, got, want uint64, percent float64) string {
	if math.Abs(float64(got)-float64(want)) <= float64(want)*percent/100 {
		return ""
	}
	return fmt.Sprintf("%s: %d, want %d but for %.0f %%", what, got, want, percent)
}

// procText reads a file of a task in /proc.
func procText(t *testing.T, tid int, name string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", tid, name))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// field is the number behind a name in a file of lines "name: number".
func field(t *testing.T, text, name string) uint64 {
	t.Helper()
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			if err != nil {
				t.Error(err)
			}
			return n
		}
	}
	t.Errorf("there is no %s in %q", name, text)
	return 0
}

// statFields are the fields of /proc/PID/stat behind the name: the first is the state, number 3 in proc(5).
func statFields(t *testing.T, tid int) []string {
	t.Helper()
	text := procText(t, tid, "stat")
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	if len(fields) < 39 {
		t.Fatalf("worker %d: /proc says %q", tid, text)
	}
	return fields
}

func accountOf(t *testing.T, tid int) (a account) {
	t.Helper()
	if _, err := fmt.Sscan(procText(t, tid, "schedstat"), &a.cpu, &a.delay, &a.runs); err != nil {
		t.Errorf("worker %d: schedstat: %v", tid, err)
	}
	status, io := procText(t, tid, "status"), procText(t, tid, "io")
	a.voluntary, a.involuntary = field(t, status, "voluntary_ctxt_switches"), field(t, status, "nonvoluntary_ctxt_switches")
	a.reads, a.writes = field(t, io, "syscr"), field(t, io, "syscw")
	a.readBytes, a.writeBytes = field(t, io, "rchar"), field(t, io, "wchar")
	a.moves = field(t, procText(t, tid, "sched"), "se.nr_migrations")
	faults, err := strconv.ParseUint(statFields(t, tid)[10-3], 10, 64)
	if err != nil {
		t.Error(err)
	}
	a.faults = faults
	return a
}

// sample notes the class, the nice value and the CPU that a worker has now.
func (s *seen) sample(t *testing.T, tid int) {
	t.Helper()
	fields := statFields(t, tid)
	for _, of := range []struct {
		number int // in proc(5)
		set    map[int]bool
	}{{19, s.nices}, {39, s.cpus}, {41, s.classes}} {
		n, err := strconv.Atoi(fields[of.number-3])
		if err != nil {
			t.Error(err)
		}
		of.set[n] = true
	}
}

// tracefs is where the kernel lists its tracepoints.
const tracefs = "/sys/kernel/tracing"

// tracing is the kernel's list of tracepoints. Where nobody has mounted it, it is mounted for
// as long as this process has it open.
var tracing = sync.OnceValues(func() (*os.Root, error) {
	if _, err := os.Stat(filepath.Join(tracefs, "events")); err == nil {
		return os.OpenRoot(tracefs)
	}
	dir, err := os.MkdirTemp("", "tracing")
	if err != nil {
		return nil, err
	}
	defer os.Remove(dir) //nolint:errcheck // empty by then
	if err := unix.Mount("tracefs", dir, "tracefs", 0, ""); err != nil {
		return nil, os.NewSyscallError("mounting tracefs", err)
	}
	root, err := os.OpenRoot(dir)
	return root, errors.Join(err, unix.Unmount(dir, unix.MNT_DETACH))
})

// needTracepoints skips a test where the kernel does not let it count by tracepoints.
func needTracepoints(t *testing.T, points []string) {
	t.Helper()
	if len(points) == 0 {
		return
	}
	root, err := tracing()
	for _, point := range points {
		if err == nil {
			_, err = root.Stat(filepath.Join("events", point, "id"))
		}
	}
	if err != nil {
		t.Skipf("counting calls from outside needs tracefs, and root: %v", err)
	}
}

// counter counts how often a task comes by a tracepoint, from now on.
func counter(t *testing.T, tid int, point string) (fd int) {
	t.Helper()
	root, err := tracing()
	if err != nil {
		t.Fatal(err)
	}
	text, err := root.ReadFile(filepath.Join("events", point, "id"))
	if err != nil {
		t.Fatal(err)
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_TRACEPOINT, Size: unix.PERF_ATTR_SIZE_VER1, Config: id}
	if fd, err = unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC); err != nil {
		t.Fatalf("counting %s of worker %d: %v", point, tid, err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

func counted(t *testing.T, fd int) uint64 {
	t.Helper()
	var count [8]byte
	if _, err := unix.Read(fd, count[:]); err != nil {
		t.Error(err)
	}
	return binary.NativeEndian.Uint64(count[:])
}

// observe runs a group and looks at its workers from outside, from before the start
// to just before the stop.
func observe(t *testing.T, g spec.Group, points []string, dangerous bool) (workers []observed, rep *report.Report) {
	t.Helper()
	j := job(t, time.Hour)
	g.Name, g.CloneMode = "observed", spec.CloneModeFork
	j.Run.Groups, j.Run.AllowDangerousWork = []spec.Group{g}, dangerous
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var looks *looks
	rep, err := client().Run(ctx, j, func(ev Event) {
		switch ev.Type {
		case EventPrepared:
			looks = newLooks(t, workersOf(), points)
		case EventStarted:
			looks.follow(t, window)
			looks.end(t)
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	looks.count(t)
	if v := check.Sample(rep); v.Reason != check.Cancelled {
		t.Fatalf("the sample: %+v", v)
	}
	for i := range rep.Workers {
		w := &rep.Workers[i]
		if looks.found[w.TID] == nil || !w.Completed {
			t.Fatalf("worker %d was not seen, or left: %s", i, w.Problem)
		}
		workers = append(workers, observed{Worker: w, seen: *looks.found[w.TID]})
	}
	return workers, rep
}

// looks are what was seen of tasks so far.
type looks struct {
	found    map[int]*seen
	first    map[int]account
	points   []string
	counters map[int][]int
}

func newLooks(t *testing.T, tids []int, points []string) *looks {
	t.Helper()
	l := &looks{found: map[int]*seen{}, first: map[int]account{}, points: points, counters: map[int][]int{}}
	for _, tid := range tids {
		l.found[tid] = &seen{calls: map[string]uint64{}, classes: map[int]bool{}, nices: map[int]bool{}, cpus: map[int]bool{}}
		l.first[tid] = accountOf(t, tid)
		for _, point := range points {
			l.counters[tid] = append(l.counters[tid], counter(t, tid, point))
		}
	}
	return l
}

// follow looks at the tasks again and again.
func (l *looks) follow(t *testing.T, d time.Duration) {
	t.Helper()
	ticker := time.NewTicker(sampling)
	defer ticker.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-ticker.C {
		for tid, s := range l.found {
			s.sample(t, tid)
		}
	}
}

// end takes the accounts of all that was from the first look until now.
func (l *looks) end(t *testing.T) {
	t.Helper()
	for tid, s := range l.found {
		s.account = accountOf(t, tid).minus(l.first[tid])
	}
}

// count reads the counters, when the tasks have ended.
func (l *looks) count(t *testing.T) {
	t.Helper()
	for tid, s := range l.found {
		for n, point := range l.points {
			s.calls[point] = counted(t, l.counters[tid][n])
		}
	}
}
