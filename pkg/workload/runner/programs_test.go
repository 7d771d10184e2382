// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// shell is a group of one worker that becomes a shell with a script.
func shell(name, script string) spec.Group {
	return become(name, &work.Exec{Program: "sh", Args: []string{"-c", script}})
}

func become(name string, e *work.Exec) spec.Group {
	return spec.Group{Name: name, Workers: 1, CloneMode: spec.CloneModeFork, Work: work.Spec{Exec: e}}
}

// programs is a job of groups whose workers become programs of this machine.
func programs(t *testing.T, d time.Duration, groups ...spec.Group) Job {
	t.Helper()
	j := job(t, d)
	j.Run.Groups = groups
	j.Policy = &spec.Policy{Programs: map[string]string{"sh": "/bin/sh", "true": "/bin/true", "false": "/bin/false"}}
	return j
}

// runPrograms carries a job out and returns what became of the programs, by group.
func runPrograms(t *testing.T, j Job) (*report.Report, map[string]*report.Program) {
	t.Helper()
	rep, err := client().Run(t.Context(), j, nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := map[string]*report.Program{}
	for i := range rep.Groups {
		if g := &rep.Groups[i]; len(g.Programs) > 0 {
			ended[g.Name] = &g.Programs[0]
		}
	}
	assertNothingLeft(t, j)
	return rep, ended
}

// How programs end is told apart, and decides whether the sample counts.
func TestHowProgramsEnd(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("neither a script nor a binary"), 0o755); err != nil {
		t.Fatal(err)
	}
	crashes := shell("crashes", "kill -SEGV $$")
	other := shell("other-code", "exit 3")
	other.Work.Exec.SuccessExitCodes = []int32{3, 4}
	ready := shell("within-grace", "sleep 1.2; echo through")
	polite := shell("polite", `trap 'echo bye; exit 5' INT; while :; do sleep 0.01; done`)
	polite.Work.Exec.StopSignal, polite.Work.Exec.Grace = "INT", new(quantity.Duration(100*time.Millisecond))
	j := programs(t, time.Second,
		become("true", &work.Exec{Program: "true"}), become("false", &work.Exec{Program: "false"}), crashes, other, ready, polite,
		shell("stopped", "exec sleep 1000"), shell("stubborn", `trap "" TERM; while :; do sleep 0.1; done`),
		become("broken", &work.Exec{Program: "broken"}),
	)
	j.Policy.Programs["broken"] = broken
	rep, ended := runPrograms(t, j)
	for name, want := range map[string]ending{
		"true":         {payload.Succeeded, "exited with 0", true},
		"false":        {payload.Failed, "exited with 1", false},
		"crashes":      {payload.Crashed, "ended by SIGSEGV", false},
		"other-code":   {payload.Succeeded, "exited with 3", true},
		"within-grace": {payload.Succeeded, "exited with 0", true},
		"polite":       {payload.Stopped, "stopped with SIGINT: exited with 5", true},
		"stopped":      {payload.Stopped, "stopped with SIGTERM: ended by SIGTERM", true},
		"stubborn":     {payload.Killed, "killed because SIGTERM did not end it in time", false},
		"broken":       {payload.NotExecuted, "executing " + broken + ": exec format error", false},
	} {
		assertEnded(t, rep, ended, name, want)
	}
	if p := ended["within-grace"]; p.Stdout != "through\n" || p.Ran < 1150e6 {
		t.Errorf("within its grace: %+v", p)
	}
	if p := ended["polite"]; p.Stdout != "bye\n" || p.Ran < 1000e6 {
		t.Errorf("after its grace: %+v", p)
	}
	v := check.Sample(rep)
	if v.Valid || v.Reason != check.MissingSamples || !strings.Contains(v.Message, "group false, worker 0: false: exited with 1") {
		t.Errorf("judged %+v", v)
	}
}

// ending is how a program is to have ended.
type ending struct {
	class payload.Class
	text  string
	did   bool
}

func assertEnded(t *testing.T, rep *report.Report, ended map[string]*report.Program, name string, want ending) {
	t.Helper()
	p := ended[name]
	i := slices.IndexFunc(rep.Workers, func(w report.Worker) bool { return w.Group == name })
	row := &rep.Workers[i]
	if p.Exit.Class != want.class || !strings.HasPrefix(p.Exit.Text, want.text) || row.Completed != want.did {
		t.Errorf("%s: %+v, completed %v; want %+v", name, p.Exit, row.Completed, want)
	}
	if p.Note != "" {
		t.Errorf("%s: %s", name, p.Note)
	}
	if !want.did && !strings.Contains(row.Problem, want.text) {
		t.Errorf("%s: problem %q", name, row.Problem)
	}
	if row.Iterations != 0 || row.WorkUnits != 0 || want.class != payload.NotExecuted && (row.CPU <= 0 || row.Wall != p.Ran) {
		t.Errorf("%s: ran %d ns, figures %+v", name, p.Ran, row.Figures)
	}
}

// A program finds what the kernel gives any program: nothing of the worker is left
// but what its group asked for.
func TestWhatAProgramFinds(t *testing.T) {
	const script = `echo "$0|$1|$2|$(cat)|$GREETING|$HOME|$PATH"
ls -l /proc/self/fd | sed -n 's/.* \([0-9]*\) -> /\1 /p'
grep -E 'Sig(Blk|Ign):' /proc/self/status
set -- $(cat /proc/$$/stat); echo "group $(( $5 == $$ )) session $(( $6 == $$ )) nice ${19}"`
	g := spec.Group{Name: "find", Workers: 2, CloneMode: spec.CloneModeFork, Nice: new(7), Work: work.Spec{Exec: &work.Exec{
		Program: "sh", Env: []work.EnvVar{{Name: "GREETING", Value: "hello $(WORKER)"}},
		Args: []string{"-c", script, "worker $(WORKER) of $$(WORKER)", "$(DURATION_SECONDS) $(DURATION_MILLISECONDS)", "$(CPUS)"},
	}}}
	rep, _ := runPrograms(t, programs(t, 30500*time.Millisecond, g))
	if v := check.Sample(rep); !v.Valid {
		t.Errorf("judged %+v", v)
	}
	if rep.Hold > 30e9 {
		t.Errorf("all programs were through, and the run went on for %v", time.Duration(rep.Hold))
	}
	for i, p := range rep.Groups[0].Programs {
		lines := strings.Split(p.Stdout, "\n")
		n := strconv.Itoa(i)
		cpus, _, _ := strings.Cut(strings.TrimPrefix(lines[0], "worker "+n+" of $(WORKER)|31 30500|"), "|")
		if want := "worker " + n + " of $(WORKER)|31 30500|" + cpus + "||hello " + n + "||/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"; lines[0] != want || cpus == "0" {
			t.Errorf("it found %q, want %q", lines[0], want)
		}
		var opened []string
		for _, line := range lines[1:] {
			if fd, target, ok := strings.Cut(line, " "); ok && len(fd) == 1 {
				kind, _, _ := strings.Cut(target, ":")
				opened = append(opened, fd+" "+kind)
			}
		}
		// The output of ls is a pipe to sed, and ls reads the directory.
		opened = slices.DeleteFunc(opened, func(fd string) bool { return strings.HasPrefix(fd, "3 /proc/") })
		if !slices.Equal(opened, []string{"0 /dev/null", "1 pipe", "2 pipe"}) {
			t.Errorf("open are %q: %s", opened, p.Stdout)
		}
		for _, want := range []string{
			"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "group 1 session 0 nice 7",
		} {
			if !slices.Contains(lines, want) {
				t.Errorf("no line %q in %s", want, p.Stdout)
			}
		}
		if p.Worker != i || p.Path != "/bin/sh" || len(p.Digest) != 64 || p.Truncated {
			t.Errorf("worker %d: %+v", i, p)
		}
	}
}

// What a program writes is kept to a bound, and its figures are found all the same.
func TestWhatAProgramWrites(t *testing.T) {
	long := shell("long", `echo "first 1"; head -c 10000000 /dev/zero | tr '\0' x; echo; echo "last 42.5"; echo '{"a": 1}'`)
	long.Work.Exec.Metrics = []payload.Metric{
		{Name: "first", From: payload.Stdout, Pattern: "^first ([0-9]+)$", Unit: "1/s", Polarity: payload.HigherIsBetter},
		{Name: "last", From: payload.Stdout, Pattern: "^last ([0-9.]+)$", Polarity: payload.Neither},
		{Name: "leaf", From: payload.Stdout, JSON: "a", Polarity: payload.LowerIsBetter},
	}
	short := shell("short", `echo "noise"; echo '{"jobs": [{"iops": 12.25, "text": "9"}]}'; echo "late 1" >&2; echo "late 2" >&2`)
	short.Work.Exec.Metrics = []payload.Metric{
		{Name: "iops", From: payload.Stdout, JSON: "jobs.0.iops", Polarity: payload.HigherIsBetter},
		{Name: "text", From: payload.Stdout, JSON: "jobs.0.text", Polarity: payload.Neither},
		{Name: "late", From: payload.Stderr, Pattern: "late (.)", Polarity: payload.Neither},
	}
	j := programs(t, 20*time.Second, long, short) // until both are through
	rep, ended := runPrograms(t, j)
	if v := check.Sample(rep); !v.Valid {
		t.Errorf("judged %+v", v)
	}
	if p := ended["long"]; !p.Truncated || len(p.Stdout) > 5<<10 || !strings.HasPrefix(p.Stdout, "first 1\nxxx") ||
		!strings.HasSuffix(p.Stdout, "xx\nlast 42.5\n{\"a\": 1}\n") || !strings.Contains(p.Stdout, "\n[... 9995932 bytes left out ...]\n") {
		t.Errorf("%d bytes, truncated %v: %.100s ... %s", len(p.Stdout), p.Truncated, p.Stdout, p.Stdout[max(0, len(p.Stdout)-100):])
	}
	for group, want := range map[string]string{
		"long": `[{"name":"first","unit":"1/s","polarity":"HigherIsBetter","value":1},{"name":"last","polarity":"Neither","value":42.5},` +
			`{"name":"leaf","polarity":"LowerIsBetter","missing":"stdout is longer than the 1048576 bytes that are kept of it"}]`,
		"short": `[{"name":"iops","polarity":"HigherIsBetter","value":12.25},{"name":"text","polarity":"Neither","missing":"jobs.0.text is a string, not a number"},` +
			`{"name":"late","polarity":"Neither","value":2}]`,
	} {
		got, err := json.Marshal(ended[group].Metrics)
		if err != nil || string(got) != want {
			t.Errorf("%s: %v, metrics\n%s, want\n%s", group, err, got, want)
		}
	}
}

// What a program leaves behind is gone after the run, also what has left its process group, and does
// not hold the run up. Where there is no cgroup to hold it, the runner is its parent in the end.
func TestWhatAProgramLeavesBehind(t *testing.T) {
	for name, cgroup := range map[string]string{"in a cgroup": runCgroup(t), "without a cgroup": ""} {
		t.Run(name, func(t *testing.T) {
			if name == "in a cgroup" && cgroup == "" {
				t.Skip("making cgroups needs root and cgroup v2")
			}
			j := programs(t, 300*time.Millisecond, shell("leaves", `setsid sh -c "trap '' TERM; sleep 86399 & sleep 86397" & sleep 86398 & sleep 0.1; echo left`))
			j.Cgroup = cgroup
			began := time.Now()
			rep, ended := runPrograms(t, j)
			if v := check.Sample(rep); !v.Valid {
				t.Errorf("judged %+v", v)
			}
			if p := ended["leaves"]; p.Stdout != "left\n" || !strings.Contains(p.Note, "still there") {
				t.Errorf("%+v", p)
			}
			if took := time.Since(began); took > 6*time.Second {
				t.Errorf("it took %v", took)
			}
			assertNoProcess(t, "sleep\x008639")
		})
	}
}

// assertNoProcess checks that no process has a command line that begins so.
func assertNoProcess(t *testing.T, prefix string) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range processes {
		if line, err := os.ReadFile(path); err == nil && strings.HasPrefix(string(line), prefix) {
			t.Errorf("%s: %q is still there", path, line)
		}
	}
}

// The CPU time of a program is that of its children, too, and none of the worker's before it.
func TestProgramsAreCharged(t *testing.T) {
	const burn = `i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done`
	j := programs(t, 20*time.Second, shell("child", "("+burn+"); : ; sleep 0.1; sleep 0.1"), become("nothing", &work.Exec{Program: "true"}))
	rep, _ := runPrograms(t, j)
	if v := check.Sample(rep); !v.Valid {
		t.Errorf("judged %+v", v)
	}
	child, nothing := &rep.Groups[0], &rep.Groups[1]
	if child.CPU < 30e6 || child.CPU > child.Wall || child.Voluntary < 3 || child.CPUs != "" || child.Progress != work.ProgressCPU {
		t.Errorf("with a child that burns: %+v", child.Figures)
	}
	if nothing.CPU <= 0 || nothing.CPU > child.CPU/2 || nothing.Wall > child.Wall {
		t.Errorf("with nothing to do: %+v", nothing.Figures)
	}
}

// A run that is called off does not wait for programs to end by themselves.
func TestACancelledRunEndsItsPrograms(t *testing.T) {
	begun := filepath.Join(t.TempDir(), "begun")
	if err := unix.Mkfifo(begun, 0o600); err != nil {
		t.Fatal(err)
	}
	g := shell("patient", "echo > "+begun+"; exec sleep 1000")
	g.Work.Exec.Grace = new(quantity.Duration(time.Minute))
	j := programs(t, time.Hour, g)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := time.Now()
	rep, err := client().Run(ctx, j, func(ev Event) {
		if ev.Type == EventStarted {
			if _, err := os.ReadFile(begun); err != nil { // it waits until the program is there
				t.Error(err)
			}
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if p := rep.Groups[0].Programs[0]; !rep.Cancelled || p.Exit.Class != payload.Stopped {
		t.Errorf("%+v", p)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	assertNothingLeft(t, j)
}

// Nor does it, if it is called off when its time is over and programs have their grace.
func TestARunThatIsCancelledLateEndsItsPrograms(t *testing.T) {
	g := shell("patient", "exec sleep 1000")
	g.Work.Exec.Grace = new(quantity.Duration(time.Minute))
	j := programs(t, 50*time.Millisecond, g)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	began := time.Now()
	rep, err := client().Run(ctx, j, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p := rep.Groups[0].Programs[0]; p.Exit.Class != payload.Stopped {
		t.Errorf("%+v", p)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	assertNothingLeft(t, j)
}

// Another user's program may open its output by name, as with /dev/stdout.
func TestAProgramOfAnotherUserWrites(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	g := shell("other", "id -u > /dev/stdout; echo heard > /dev/stderr")
	g.UID, g.GID = new(int64(65534)), new(int64(65534))
	_, ended := runPrograms(t, programs(t, 2*time.Second, g))
	if p := ended["other"]; p.Stdout != "65534\n" || p.Stderr != "heard\n" {
		t.Errorf("%+v", p)
	}
}

// A run whose program is not there to be executed is refused before anything starts.
func TestProgramsThatAreNotOffered(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := errors.Join(os.WriteFile(open, []byte("#!/bin/sh\n"), 0o755), os.Chmod(open, 0o757)); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		program string
		policy  *spec.Policy
		want    string
	}{
		"without a policy":            {"sh", nil, "groups[0].work.exec.program: no program sh is offered here"},
		"that the policy leaves out":  {"fio", &spec.Policy{}, "this machine does not fit: it does not offer the program fio, which groups[0].work.exec.program names"},
		"that has gone":               {"sh", &spec.Policy{Programs: map[string]string{"sh": "/no/sh"}}, "groups[0].work.exec.program: sh: lstat /no: no such file or directory"},
		"that anybody can write to":   {"sh", &spec.Policy{Programs: map[string]string{"sh": open}}, "others can write to " + open},
		"that is no path of its own":  {"sh", &spec.Policy{Programs: map[string]string{"sh": "sh"}}, `groups[0].work.exec.program: sh: "sh" is no absolute path`},
		"that is a directory instead": {"sh", &spec.Policy{Programs: map[string]string{"sh": "/"}}, "/ is no executable file"},
	} {
		t.Run(name, func(t *testing.T) {
			j := programs(t, time.Second, become("g", &work.Exec{Program: tc.program}))
			j.Policy = tc.policy
			_, err := client().Run(t.Context(), j, nil)
			var setup *SetupError
			if !errors.As(err, &setup) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			assertNothingLeft(t, j)
		})
	}
}

// Pipes and goroutines of programs do not outlive the run: a second one in the same process finds
// the same descriptors.
func TestProgramsLeaveNoDescriptors(t *testing.T) {
	j := programs(t, time.Second, become("true", &work.Exec{Program: "true"}), shell("sh", "echo x"))
	before := openDescriptors(t)
	for range 3 {
		if _, err := Supervise(t.Context(), j, func(EventType) {}); err != nil {
			t.Fatal(err)
		}
	}
	after := openDescriptors(t)
	if len(after) > len(before)+2 { // what the Go runtime opens for itself at first
		t.Errorf("%d descriptors before, %d after: %v", len(before), len(after), after)
	}
}

func openDescriptors(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			open = append(open, e.Name()+" "+target)
		}
	}
	return open
}
