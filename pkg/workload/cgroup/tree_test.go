// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"
)

func TestUsageFiles(t *testing.T) {
	u, err := fake(t, map[string]string{
		"cpu.stat":       "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 3\nthrottled_usec 2\n",
		"cpu.pressure":   "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
		"io.pressure":    "some avg10=1.50 avg60=0.00 avg300=0.00 total=9\n",
		"memory.current": "4096\n",
		"memory.peak":    "8192\n",
		"memory.events":  "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 0\n",
		"pids.current":   "1\n",
		"pids.peak":      "6\n",
		"pids.events":    "max 5\n",
		"io.stat":        "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n259:0 \n8:16 rbytes=5 depth=max\n",
	}).Usage()
	if err != nil {
		t.Fatal(err)
	}
	micro := func(n int) *time.Duration { return new(time.Duration(n) * time.Microsecond) }
	want := Usage{
		CPU: micro(30), User: micro(20), System: micro(10), Periods: new(uint64(4)), Throttled: new(uint64(3)), ThrottledTime: micro(2),
		MemoryCurrent: new(int64(4096)), MemoryPeak: new(int64(8192)),
		MemoryEvents: map[string]uint64{"low": 0, "high": 1, "max": 2, "oom": 3, "oom_kill": 4, "oom_group_kill": 0},
		PIDsCurrent:  new(int64(1)), PIDsPeak: new(int64(6)), PIDsRefused: new(uint64(5)),
		IO: map[string]map[string]uint64{
			"8:0":  {"rbytes": 1, "wbytes": 2, "rios": 3, "wios": 4, "dbytes": 0, "dios": 0},
			"8:16": {"rbytes": 5},
		},
		CPUPressure: &Pressure{Some: micro(7), Full: micro(5)}, IOPressure: &Pressure{Some: micro(9)},
	}
	if diff := cmp.Diff(want, u); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	if kills := u.OOMKills(); kills == nil || *kills != 4 {
		t.Errorf("OOM kills %v, want 4", kills)
	}
}

func TestWhatIsNotCountedIsAbsent(t *testing.T) {
	u, err := fake(t, nil).Usage()
	if diff := cmp.Diff(Usage{}, u); diff != "" || err != nil || u.OOMKills() != nil {
		t.Errorf("error %v, usage of nothing (-want +got):\n%s", err, diff)
	}
}

func TestUsageThatCannotBeRead(t *testing.T) {
	for file, content := range map[string]string{
		"cpu.stat": "usage_usec\n", "memory.peak": "many\n", "memory.events": "oom\n", "pids.events": "max max\n", "cpu.pressure": "some total=x\n", "io.pressure": "some\n",
	} {
		if _, err := fake(t, map[string]string{file: content}).Usage(); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: error %v, want one that names the file", file, err)
		}
	}
}

// TestTreeWithoutControllers runs where the hierarchy has none to give, too.
func TestTreeWithoutControllers(t *testing.T) {
	above := testRoot(t)
	before, err := above.parent().text(subtreeFile)
	if err != nil {
		t.Fatal(err)
	}
	made, err := NewTree(filepath.Join(above.Path(), "deep/run"), []Definition{{Name: "a/b"}, {Name: "c"}})
	if err != nil {
		t.Fatal(err)
	}
	sleeper(t, made.Dir("a/b"))
	u, err := made.Usage("a/b")
	if err != nil || u.CPU == nil {
		t.Errorf("usage %+v, %v; want CPU in it", u, err)
	}
	applied, err := made.Applied("c")
	if err != nil || applied.Type != "domain" || len(applied.Files) != 0 {
		t.Errorf("applied %+v, %v", applied, err)
	}
	if made.Dir("b") != nil || made.Dir("").Path() != made.Root().Path() || len(made.Notes()) != 0 {
		t.Errorf("b is %v, the root %v, notes %q", made.Dir("b"), made.Dir(""), made.Notes())
	}
	for _, ask := range []func(string) error{
		func(name string) error { _, err := made.Usage(name); return err },
		func(name string) error { _, err := made.Applied(name); return err },
	} {
		if err := ask("b"); err == nil || !strings.Contains(err.Error(), `no cgroup "b"`) {
			t.Errorf("asked for a cgroup that is not there: %v", err)
		}
	}
	if err := made.Remove(bound(t)); err != nil {
		t.Error(err)
	}
	isGone(t, made.Root().Path())
	if after, err := above.parent().text(subtreeFile); after != before || err != nil {
		t.Errorf("the top has the controllers %q, %v; want %q", after, err, before)
	}
}

func TestATreeThatFailsLeavesNothing(t *testing.T) {
	above := testRoot(t)
	root := filepath.Join(above.Path(), "deep/run")
	_, err := NewTree(root, []Definition{{Name: "a"}, {Name: "cgroup.procs"}})
	if err == nil || !strings.Contains(err.Error(), "a file of that name") {
		t.Errorf("a cgroup with the name of a file: %v", err)
	}
	isGone(t, filepath.Dir(root))
	if _, err := NewTree(filepath.Join(t.TempDir(), "run"), nil); !errors.Is(err, ErrOutside) {
		t.Errorf("a tree outside of the hierarchy: %v", err)
	}
}

func TestProbeFilesHere(t *testing.T) {
	above := testRoot(t)
	left := mustChild(t, above, "agent/"+probeName+"1/child").parent() // of a process that was killed
	if _, err := ProbeFiles(left.parent().Path()); err != nil {
		t.Error(err)
	}
	isGone(t, left.Path())
	if err := left.parent().Remove(bound(t)); err != nil {
		t.Fatal(err)
	}
	files, err := ProbeFiles(filepath.Join(above.Path(), "agent"))
	if err != nil || !files["cgroup.procs"] || files["cgroup.nonsense"] {
		t.Errorf("files %v, %v", files, err)
	}
	isGone(t, filepath.Join(above.Path(), "agent"))
	if _, err := ProbeFiles(t.TempDir()); !errors.Is(err, ErrOutside) {
		t.Errorf("probing outside of the hierarchy: %v", err)
	}
}

func TestRecords(t *testing.T) {
	d := testRoot(t)
	if d.hasRecord() {
		t.Error("a new cgroup has a record")
	}
	made := &Tree{unrecorded: map[string][]string{}}
	for _, c := range []string{"pids", "cpu", "pids"} {
		if err := made.record(d, []string{c}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := d.recordedControllers()
	if diff := cmp.Diff([]string{"cpu", "pids"}, got); diff != "" || err != nil || len(made.Notes()) != 0 {
		t.Errorf("notes %q, error %v, record (-want +got):\n%s", made.Notes(), err, diff)
	}
	// Nothing of it is enabled, so there is nothing to put back but the record.
	if err := putBack(t.Context(), d.path, nil); err != nil {
		t.Fatal(err)
	}
	if d.hasRecord() {
		t.Error("a record is left")
	}
	if err := d.setRecord(recordExclusive, "no CPUs"); err != nil {
		t.Fatal(err)
	}
	if err := putBack(t.Context(), d.path, nil); err == nil || !strings.Contains(err.Error(), recordExclusive) {
		t.Errorf("a record that is no list: %v", err)
	}
}

func TestTheRecordOfWhatCannotBeTakenBackStays(t *testing.T) {
	for name, tc := range map[string]struct {
		stuck bool
		want  string
	}{"taken back": {false, ""}, "not taken back": {true, "2-3"}} {
		t.Run(name, func(t *testing.T) {
			d := fake(t, map[string]string{exclusiveFile: "0-1\n"})
			var made Tree
			if err := made.setAside(d, cpuset.New(2, 3), false); err != nil {
				t.Fatal(err)
			}
			if tc.stuck { // a directory takes no write
				if err := errors.Join(os.Remove(d.file(exclusiveFile)), os.Mkdir(d.file(exclusiveFile), 0o755)); err != nil {
					t.Fatal(err)
				}
			}
			if err := made.takeBack(); (err != nil) != tc.stuck {
				t.Errorf("taking back: %v", err)
			}
			if got, err := d.recordedCPUs(); err != nil || got.String() != tc.want {
				t.Errorf("the record is %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

// asNobody names the cgroup for a copy of the test binary that may not write to it.
const asNobody = "SCHEDFLEET_TEST_AS_NOBODY"

// A user whose cgroup is delegated runs beside the agent of root.
func TestWhatOthersRecordedIsLeftToThem(t *testing.T) {
	if path := os.Getenv(asNobody); path != "" {
		if err := putBack(t.Context(), path, nil); err != nil {
			t.Error(err)
		}
		return
	}
	d := testRoot(t)
	if err := d.setRecord(recordControllers, "cpu"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$")
	cmd.Env, cmd.Dir = append(os.Environ(), asNobody+"="+d.path), "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if !d.hasRecord() {
		t.Error("the record is gone")
	}
}

// TestRecordsWhereUserAttributesAreRefused has a pipe for the directory of an
// older kernel: it takes attributes of the namespace trusted, and none of user.
func TestRecordsWhereUserAttributesAreRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for attributes of the namespace trusted")
	}
	d := &Dir{path: filepath.Join(t.TempDir(), "pipe")}
	if err := unix.Mkfifo(d.path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.setRecord(recordControllers, "cpu"); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Getxattr(d.path, "trusted."+recordControllers, nil); n != len("cpu") || err != nil {
		t.Errorf("%d bytes in the namespace trusted, %v", n, err)
	}
	if got, err := d.recordedControllers(); !slices.Equal(got, []string{"cpu"}) || err != nil {
		t.Errorf("record %v, %v", got, err)
	}
	if err := d.setRecord(recordControllers, ""); err != nil || d.hasRecord() {
		t.Errorf("removing the record: %v", err)
	}
}

// TestNoRecordIsTold has a directory of proc for a cgroup of a kernel that
// keeps no attributes.
func TestNoRecordIsTold(t *testing.T) {
	d := &Dir{path: "/proc/self"}
	made := &Tree{unrecorded: map[string][]string{}}
	if err := made.record(d, []string{"cpu", "io"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{d.path: {"cpu", "io"}}, made.unrecorded); diff != "" {
		t.Errorf("known to this process (-want +got):\n%s", diff)
	}
	if notes := made.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "cpu, io stay enabled") {
		t.Errorf("notes %q", notes)
	}
	if d.hasRecord() {
		t.Error("there is a record")
	}
}

func TestLockIsForOne(t *testing.T) {
	d := testRoot(t)
	unlock, err := lock(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		unlock, err := lock(t.Context(), d)
		if err == nil {
			unlock()
		}
		got <- err
	}()
	select {
	case err := <-got:
		t.Fatalf("two have the lock: %v", err)
	case <-time.After(20 * lockRetry):
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := lock(stopped, d); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("waiting although the context has ended: %v", err)
	}
	unlock()
	if err := <-got; err != nil {
		t.Errorf("the second: %v", err)
	}
	if _, err := lock(t.Context(), &Dir{path: filepath.Join(d.path, "missing")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("locking what is missing: %v", err)
	}
}
