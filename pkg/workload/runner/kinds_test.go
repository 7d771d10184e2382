// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/probe"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
	"github.com/schedfleet/schedfleet/pkg/workload/work/worktest"
)

const (
	// plainHold is how long a kind works in each shape, otherHold with other
	// parameters, loadedHold beside others that want the CPUs too.
	plainHold  = time.Second
	otherHold  = 400 * time.Millisecond
	loadedHold = 300 * time.Millisecond
	// stopLimit is how long it may take from the stop to the end of the last worker,
	// loadedLimit beside others that want the CPUs too.
	stopLimit   = 200 * time.Millisecond * slowness
	loadedLimit = 300 * time.Millisecond * slowness
	// spinners is how many want the CPUs too.
	spinners = 4
	// stopTries is how often a stop may be late before that is a failure: other tests
	// may take the CPUs away for a moment. A kind that is late to look is so every time.
	stopTries = 4
)

// kindRun is a run of one kind of work.
type kindRun struct {
	example worktest.Example
	shape   work.Shape
	job     Job
	scratch string
	limit   time.Duration // of the stop
	before  snapshot
}

// newKindRun is the run of an example that has no groups yet.
func newKindRun(t *testing.T, e worktest.Example, hold, limit time.Duration) *kindRun {
	t.Helper()
	r := &kindRun{example: e, shape: e.Work(2).Shape(), scratch: scratch(t), limit: limit, job: job(t, max(hold, e.Hold))}
	if r.scratch == "" && r.shape.Opens.File != nil {
		t.Skip("this machine has no directory for scratch files but in memory, where no device is read from or written to")
	}
	r.job.Run.Groups = nil
	r.job.Run.AllowDangerousWork = r.shape.Dangerous
	r.job.Policy = &spec.Policy{DangerousWork: true, Scratch: r.scratch, Programs: map[string]string{"sh": program(t, "sh")}}
	r.before = take(t, r.scratch)
	return r
}

// scratch is a directory that is not in memory, empty if there is none.
func scratch(t *testing.T) string {
	t.Helper()
	for _, parent := range []string{os.TempDir(), "/var/tmp"} {
		var fs unix.Statfs_t
		if err := unix.Statfs(parent, &fs); err != nil || fs.Type == unix.TMPFS_MAGIC || fs.Type == unix.RAMFS_MAGIC {
			continue
		}
		dir, err := os.MkdirTemp(parent, "schedfleet-test-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return ""
}

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// add adds a group of the kind: two workers that are alike, or else one set.
func (r *kindRun) add(name string, mode spec.CloneMode, process string) {
	g := spec.Group{Name: name, CloneMode: mode, ProcessName: process, Work: r.example.Spec, Workers: r.shape.SetSize}
	if r.shape.SetSize == 1 {
		g.Workers = 2
	}
	if r.shape.OneProcess {
		g.Workers = 1
	}
	r.job.Run.Groups = append(r.job.Run.Groups, g)
}

// addSpinners adds workers that want the CPUs too.
func (r *kindRun) addSpinners(name string, n int, mode spec.CloneMode, process string) {
	r.job.Run.Groups = append(r.job.Run.Groups, spec.Group{
		Name: name, CloneMode: mode, ProcessName: process, Workers: n, Work: work.Spec{SpinWait: &work.SpinWait{}},
	})
}

// addForks adds the kind as processes.
func (r *kindRun) addForks() { r.add("forks", spec.CloneModeFork, "") }

// addAlone adds the kind as threads of a process of their own.
func (r *kindRun) addAlone() { r.add("alone", spec.CloneModeThread, "") }

// addShared adds it as threads of a process that they share with another group.
func (r *kindRun) addShared() {
	r.add("front", spec.CloneModeThread, "server")
	r.addSpinners("back", 1, spec.CloneModeThread, "server")
}

// setsClasses says that a kind gives its workers scheduling classes: two sets of it
// keep each other from the CPUs.
func setsClasses(shape *work.Shape) bool {
	return slices.ContainsFunc(shape.Roles, func(r work.Role) bool { return r.Class != nil })
}

// carryOut runs it, again if the stop was late, and checks all that holds for every run.
func (r *kindRun) carryOut(t *testing.T) *report.Report {
	t.Helper()
	for try := 1; ; try++ {
		rep, took := r.once(t)
		if took >= 0 && took <= r.limit {
			return rep
		}
		if try == stopTries {
			t.Errorf("the last worker was gone %v after the stop, want %v at most", took, r.limit)
			return rep
		}
		t.Logf("try %d: the last worker was gone %v after the stop", try, took)
	}
}

// once runs it and says how long it took from the stop to the end of the last worker.
func (r *kindRun) once(t *testing.T) (*report.Report, time.Duration) {
	t.Helper()
	var watching *watch
	var said bytes.Buffer
	rep, err := Client{Path: "/proc/self/exe", Stderr: &said}.Run(t.Context(), r.job, func(ev Event) {
		if ev.Type == EventPrepared {
			watching = watchAll(t, workersOf())
		}
	})
	if err != nil {
		t.Fatalf("%v; it said %s", err, said.String())
	}
	if strings.Contains(said.String(), leftMark) {
		t.Error(said.String())
	}
	stopped := rep.StartedAt.Add(time.Duration(rep.Hold))
	watching.assertNoGrowth(t, stopped)
	assertNothingLeft(t, r.job)
	assertOnlyLeft(t, r.before, r.scratch)

	processes := map[int]bool{}
	for i := range rep.Workers {
		w := &rep.Workers[i]
		processes[w.PID] = true
		if !w.Completed {
			t.Errorf("group %s, worker %d: %s", w.Group, w.Index, w.Problem)
		}
	}
	if t.Failed() {
		t.Log(summary(rep))
	}
	return rep, watching.last(processes).Sub(stopped)
}

// assertProgress checks that every worker got on, by what that is for its kind, but
// for those that may starve.
func assertProgress(t *testing.T, rep *report.Report) {
	t.Helper()
	if v := check.Sample(rep); !v.Valid {
		t.Errorf("the sample is void: %+v", v)
	}
	progress, starve := map[string]work.Progress{}, map[string]bool{}
	for i := range rep.Groups {
		g := &rep.Groups[i]
		progress[g.Name] = g.Progress
		for _, role := range g.Roles {
			starve[g.Name+" "+role.Name] = role.MayStarve
		}
	}
	for i := range rep.Workers {
		w := &rep.Workers[i]
		made := map[work.Progress]bool{work.ProgressUnits: w.WorkUnits > 0, work.ProgressIterations: w.Iterations > 0, work.ProgressCPU: w.CPU > 0}
		if got, known := made[progress[w.Group]]; !known || !got && !starve[w.Group+" "+w.Role] {
			t.Errorf("group %s, worker %d, %s: no progress by %q: %+v", w.Group, w.Index, w.Role, progress[w.Group], w.Figures)
		}
	}
}

// assertHistograms checks that groups of the kind have the histograms that it
// promises, and values in each that a run of that length can have.
func (r *kindRun) assertHistograms(t *testing.T, rep *report.Report) {
	t.Helper()
	most := uint64(rep.Hold + int64(stopLimit))
	for i := range rep.Groups {
		g := &rep.Groups[i]
		want := r.shape.Metrics
		if g.Kind != r.example.Kind {
			want = nil
		}
		if len(g.Distributions) != len(want) {
			t.Errorf("group %s has %d histograms, want %v", g.Name, len(g.Distributions), want)
			continue
		}
		for n, d := range g.Distributions {
			h, fills := d.Histogram, r.example.FillsAny(&r.shape, want[n])
			if d.Measure != want[n] || !r.example.Unsure && h.Count() > 0 != fills || d.Metric != work.MetricRate && h.Max() > most {
				t.Errorf("group %s: %d values of %v up to %d; want of %v, some: %t", g.Name, h.Count(), d.Measure, h.Max(), want[n], fills)
			}
		}
	}
}

// skipUnable skips a kind that this machine cannot run, by what a probe says of it.
func skipUnable(t *testing.T, shape *work.Shape) {
	t.Helper()
	host := probe.Host{Root: "/"}
	if mount, err := cgroup.Mount(); err == nil {
		host.CgroupMount, host.CgroupParent = mount, filepath.Join(mount, "schedfleet-test-needs")
		t.Cleanup(func() { _ = cgroup.RemoveAll(t.Context(), host.CgroupParent) })
	}
	if len(shape.Needs) == 0 {
		return
	}
	for _, found := range host.Probe(shape.Needs...) {
		if found.State != capability.Present {
			t.Skipf("this machine cannot: %s: %s", found.Name, found.Message)
		}
	}
}

// TestEveryKind runs every kind of work in every shape it allows. That it does not
// allocate is tested in package work.
func TestEveryKind(t *testing.T) {
	adopt(t)
	watchClosely(t)
	for _, kind := range worktest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			list := worktest.Examples(kind)
			if len(list) == 0 {
				t.Fatal("there is no example of it")
			}
			shape := list[0].Work(2).Shape()
			skipUnable(t, &shape)
			testShapes(t, list[0], &shape)
			for _, e := range list[1:] {
				t.Run(e.Variant, func(t *testing.T) {
					r := newKindRun(t, e, otherHold, stopLimit)
					r.addForks()
					r.check(t)
				})
			}
			if emulated {
				return // such a machine is busy anyway
			}
			t.Run("under load", func(t *testing.T) {
				r := newKindRun(t, list[0], loadedHold, loadedLimit)
				r.addForks()
				r.addSpinners("load", spinners, spec.CloneModeFork, "")
				r.carryOut(t)
			})
		})
	}
}

// testShapes runs an example as processes, as threads of a process of their own, and as threads of a
// process that they share; some at once where they leave each other alone.
func testShapes(t *testing.T, e worktest.Example, shape *work.Shape) {
	shapes := map[string][]func(r *kindRun){"processes": {(*kindRun).addForks}}
	switch {
	case shape.ForkOnly != "":
	case setsClasses(shape):
		shapes["threads"], shapes["threads beside others"] = []func(r *kindRun){(*kindRun).addAlone}, []func(r *kindRun){(*kindRun).addShared}
	case emulated: // where to start a run is what takes time
		shapes = map[string][]func(r *kindRun){"all shapes": {(*kindRun).addForks, (*kindRun).addAlone, (*kindRun).addShared}}
	default:
		shapes["threads, alone and beside others"] = []func(r *kindRun){(*kindRun).addAlone, (*kindRun).addShared}
	}
	for name, adds := range shapes {
		t.Run(name, func(t *testing.T) {
			r := newKindRun(t, e, plainHold, stopLimit)
			for _, add := range adds {
				add(r)
			}
			r.check(t)
		})
	}
}

func (r *kindRun) check(t *testing.T) {
	t.Helper()
	rep := r.carryOut(t)
	assertProgress(t, rep)
	r.assertHistograms(t, rep)
}

// summary is what the groups of a run did, for whoever looks into a failure.
func summary(rep *report.Report) string {
	var lines []string
	for i := range rep.Groups {
		g := &rep.Groups[i]
		lines = append(lines, fmt.Sprintf("%s (%s): %d workers, %+v, counters %v", g.Name, g.Kind, g.Workers, g.Figures, g.Counters))
	}
	return strings.Join(lines, "\n")
}
