// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/hack/guest"
)

const (
	module = "github.com/schedfleet/schedfleet"
	// engineTimeout is for tests that take seconds outside of a guest.
	engineTimeout = 4 * time.Minute
)

// TestTheEngineInAGuest runs tests of the engine on a machine with two NUMA
// nodes, SMT and nothing but cgroup v2. Each counts as a test of its own.
func TestTheEngineInAGuest(t *testing.T) {
	tests := []struct {
		pkg string
		run string // those that depend on the machine; emulation is slow
	}{
		{pkg: module + "/pkg/workload/cgroup", run: "."},
		{pkg: module + "/pkg/workload/spawn", run: "MemoryPolicy|SetUp|OneTask|OnlyWhatIsAskedFor|AccountIsOfTheWorker|Frozen|OOMKiller|LeadsItsGroup|TheLimitOnProcesses|AffinityOfOneWorker|ShapesMix"},
	}
	for _, tc := range tests {
		t.Run(path.Base(tc.pkg), func(t *testing.T) {
			t.Parallel()
			testInGuest(t, tc.pkg, tc.run)
		})
	}
}

func testInGuest(t *testing.T, pkg, pattern string) {
	program, err := guest.BuildTest(t.Context(), pkg, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	result, err := guest.Run(t.Context(), guest.Config{
		Shape:   guest.Shape{Nodes: 2, LLCsPerNode: 1, CoresPerLLC: 1, ThreadsPerCore: 2},
		Files:   map[string]string{"/test/tests": program},
		Dir:     "/test",
		Command: []string{"/test/tests", "-test.v=test2json", "-test.run", pattern, "-test.timeout", engineTimeout.String()},
		Timeout: engineTimeout, Console: &lines{t: t}, Stdout: &stdout, Stderr: &stderr,
	})
	skipUnavailable(t, err)
	if err != nil {
		t.Fatalf("%v\n%s", err, &stdout)
	}
	events, err := parseTests(t, &stdout)
	if err != nil {
		t.Fatal(err)
	}
	failed := report(t, events)
	if result.ExitCode != 0 && !failed {
		t.Errorf("the tests ended with %+v and\n%s", result, &stderr)
	}
}

// event is a line of "go tool test2json".
type event struct{ Action, Test, Output string }

func parseTests(t *testing.T, output io.Reader) ([]event, error) {
	cmd := exec.CommandContext(t.Context(), "go", "tool", "test2json")
	cmd.Stdin = output
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
func report(t *testing.T, events []event) (failed bool) {
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
