// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/hack/guest"
)

const (
	module = "github.com/schedfleet/schedfleet"
	// suiteTimeout is for the tests of one package; most take seconds outside of a guest.
	suiteTimeout = 8 * time.Minute
	// maxTries is how many guests are booted for suites, should the emulator fail.
	maxTries = 3
	// statusMark begins the line that stands behind the output of a suite.
	statusMark = "the suite ended: "
)

// Shapes that the engine meets: each lacks something that another has.
const (
	manyNodes  = "2n4l1c2t" // NUMA, several caches, SMT
	manyCaches = "1n3l2c1t" // several caches; no NUMA, no SMT
	smallest   = "1n1l1c1t" // nothing at all
	fewCPUs    = "2n2l1c1t" // NUMA with one CPU each
)

// suite is tests of one package.
type suite struct {
	pkg    string // below the module
	run    string // those that depend on the machine; emulation is slow
	shapes []string
}

var suites = []suite{
	{pkg: "pkg/workload/cgroup", run: ".", shapes: []string{manyNodes}},
	{pkg: "pkg/workload/spawn", run: "MemoryPolicy|SetUp|OneTask|OnlyWhatIsAskedFor|AccountIsOfTheWorker|Frozen|OOMKiller|LeadsItsGroup|TheLimitOnProcesses|AffinityOfOneWorker|ShapesMix", shapes: []string{manyNodes}},
	{pkg: "pkg/workload/runner", run: "^TestMachine", shapes: []string{manyNodes, manyCaches, smallest}},
	{pkg: "pkg/workload/runner", run: "^Test(Broken|Hotplug)", shapes: []string{manyCaches}},
	{pkg: "pkg/workload/runner", run: "^TestEveryKind$", shapes: []string{fewCPUs}}, // emulated CPUs wait long for each other

	{pkg: "pkg/workload/probe", run: "Machine", shapes: []string{manyNodes, manyCaches, smallest}},
	{pkg: "pkg/workload/interference", run: "InAGuest", shapes: []string{smallest}}, // the clocks of several emulated CPUs disagree
	{pkg: "cmd/schedfleet", run: "^TestSamplesRun$/^(cpuset|numa|partition|threaded|kinds)$/^(numa-.*|smt-.*)$|^TestScenariosInAGuest$", shapes: []string{manyNodes}},
	{pkg: "cmd/schedfleet", run: "^TestScenariosInAGuest$", shapes: []string{manyCaches, fewCPUs}},
	{pkg: "pkg/workload/hotplug", run: "^TestMachine", shapes: []string{manyCaches}},
	{pkg: "nodeagent/sweep", run: "^TestMachine", shapes: []string{manyCaches}},
}

// TestTheEngineInAGuest runs tests on kernels with nothing but cgroup v2, in one
// guest of each shape. Each counts as a test of its own.
func TestTheEngineInAGuest(t *testing.T) {
	for _, shape := range []string{manyNodes, manyCaches, smallest, fewCPUs} {
		var here []suite
		for _, s := range suites {
			if slices.Contains(s.shapes, shape) {
				here = append(here, s)
			}
		}
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			testInGuest(t, shape, here)
		})
	}
}

func testInGuest(t *testing.T, notation string, here []suite) {
	shape, err := guest.ParseShape(notation)
	if err != nil {
		t.Fatal(err)
	}
	files, script := map[string]string{}, ""
	for _, s := range here {
		dir := path.Join("/test", s.pkg)
		if files[dir+"/tests"], err = guest.BuildTest(t.Context(), module+"/"+s.pkg, t.TempDir()); err != nil {
			t.Fatal(err)
		}
		if data := filepath.Join("../..", s.pkg, "testdata"); exists(data) {
			files[dir+"/testdata"] = data
		}
		script += fmt.Sprintf("cd %s; ./tests -test.v=test2json -test.run '%s' -test.timeout %v; echo; echo %s$?\n",
			dir, s.run, suiteTimeout, statusMark)
	}
	stdout, stderr, err := runSuites(t, guest.Config{
		Shape: shape, Files: files, Command: []string{"sh", "-c", script},
		Timeout: time.Duration(len(here)) * suiteTimeout, Console: &lines{t: t},
	})
	if err != nil {
		t.Errorf("%v\n%s", err, stderr)
	}
	for _, s := range here {
		t.Run(path.Base(s.pkg), func(t *testing.T) {
			said, after, ended := strings.Cut(stdout, statusMark)
			status, after, _ := strings.Cut(after, "\n")
			stdout = after
			failed := report(t, said)
			if !ended {
				t.Error("the guest ended before the tests did")
			} else if status != "0" && !failed {
				t.Errorf("the tests ended with status %s and\n%s", status, stderr)
			}
		})
	}
}

// runSuites runs a guest to its end, and another one if the emulator was to blame
// for that.
func runSuites(t *testing.T, cfg guest.Config) (stdout, stderr string, err error) {
	for range maxTries {
		var out, complaints bytes.Buffer
		cfg.Stdout, cfg.Stderr = &out, &complaints
		_, err = guest.Run(t.Context(), cfg)
		skipUnavailable(t, err)
		stdout, stderr = out.String(), complaints.String()
		var panicked *guest.PanicError
		if !errors.As(err, &panicked) || !panicked.StaleCode {
			break
		}
		t.Logf("the emulator ran stale code: %v", err)
	}
	return stdout, stderr, err
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// event is a line of "go tool test2json".
type event struct{ Action, Test, Output string }

func parseTests(t *testing.T, output string) ([]event, error) {
	cmd := exec.CommandContext(t.Context(), "go", "tool", "test2json")
	cmd.Stdin = strings.NewReader(output)
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go tool test2json: %w", err)
	}
	var events []event
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var e event
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return events, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading the output of go tool test2json: %w", err)
		}
		events = append(events, e)
	}
}

// report makes a subtest of each test that ran in the guest, and says whether one failed.
func report(t *testing.T, said string) (failed bool) {
	events, err := parseTests(t, said)
	if err != nil {
		t.Fatal(err)
	}
	output := map[string]*strings.Builder{}
	ran := 0
	for _, e := range events {
		if output[e.Test] == nil {
			output[e.Test] = &strings.Builder{}
		}
		output[e.Test].WriteString(e.Output)
		if e.Test == "" || (e.Action != "pass" && e.Action != "fail" && e.Action != "skip") {
			continue
		}
		ran++
		t.Run(e.Test, func(t *testing.T) {
			switch said := output[e.Test].String(); e.Action {
			case "fail":
				failed = true
				t.Errorf("in the guest:\n%s", said)
			case "skip":
				t.Skip("in the guest:", reason(said))
			}
		})
	}
	if ran == 0 {
		t.Error("no test ran in the guest")
	}
	return failed
}

// reason is the line of a skipped test that says why, after its place.
func reason(output string) string {
	for line := range strings.Lines(output) {
		if _, why, ok := strings.Cut(line, "_test.go:"); ok {
			_, why, _ = strings.Cut(why, ": ")
			return strings.TrimSpace(why)
		}
	}
	return "no reason given"
}
