// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// envHelper turns the test binary into a stand-in for a process of a cluster.
const envHelper = "DEVCLUSTER_TEST_HELPER"

// testTimeout bounds what takes milliseconds.
const testTimeout = 20 * time.Second

func TestMain(m *testing.M) {
	switch os.Getenv(envHelper) {
	case "":
		os.Exit(m.Run())
	case "stay": // until it is told to stop
		told := make(chan os.Signal, 1)
		signal.Notify(told, unix.SIGTERM)
		fmt.Println("up")
		<-told
		fmt.Println("told to stop")
	case "fail":
		fmt.Println("this is why")
		os.Exit(3)
	}
}

// startHelper starts a stand-in that stays, with more in its environment.
func startHelper(t *testing.T, env ...string) (Process, *exec.Cmd) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), envHelper+"=stay"), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the stand-in did not come up: %v", err)
	}
	p, err := identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return p, cmd
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

func TestParseStat(t *testing.T) {
	const rest = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21"
	tests := map[string]struct {
		stat      string
		wantState string
		wantStart uint64
		wantErr   bool
	}{
		"a plain name":              {stat: "7 (sh) S" + rest, wantState: "S", wantStart: 4711},
		"a name with anything":      {stat: "7 (a ) R (b) Z) S" + rest, wantState: "S", wantStart: 4711},
		"a line cut short":          {stat: "7 (sh) S 1 2", wantErr: true},
		"a start that is no number": {stat: "7 (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x", wantErr: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			state, start, err := parseStat(tc.stat)
			if state != tc.wantState || start != tc.wantStart || (err != nil) != tc.wantErr {
				t.Errorf("parseStat() = %q, %d, %v", state, start, err)
			}
		})
	}
}

func TestProcessIsToldApartFromALaterOne(t *testing.T) {
	p, _ := startHelper(t)
	later := Process{PID: p.PID, StartTime: p.StartTime + 1}
	if !p.alive() || later.alive() {
		t.Fatalf("alive() = %v for the process, %v for another with its number", p.alive(), later.alive())
	}
	if err := later.signal(unix.SIGKILL); err != nil {
		t.Errorf("signalling a process that has ended: %v", err)
	}
	if err := later.wait(testContext(t)); err != nil {
		t.Errorf("waiting for a process that has ended: %v", err)
	}
	if !p.alive() {
		t.Error("the signal reached the process that has the number now")
	}
}

func TestProcessSignalAndWait(t *testing.T) {
	p, cmd := startHelper(t)
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := p.wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("wait() = %v while the process runs, want the context's error", err)
	}
	if err := p.signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(testContext(t)); err != nil {
		t.Fatal(err)
	}
	// Nobody has waited for it yet: it is a zombie, and no process any more.
	if p.alive() {
		t.Error("a zombie passes for a process")
	}
	_ = cmd.Wait()
}

func TestKillMarked(t *testing.T) {
	dir := t.TempDir()
	ours, _ := startHelper(t, envMark+"="+dir)
	another, _ := startHelper(t, envMark+"="+dir+"2")
	unmarked, _ := startHelper(t, "OTHER="+envMark+"="+dir)

	killed, err := killMarked(testContext(t), dir)
	if err != nil || killed != 1 {
		t.Errorf("killMarked() = %d, %v, want one killed", killed, err)
	}
	if ours.alive() {
		t.Error("the cluster's process lives")
	}
	if !another.alive() || !unmarked.alive() {
		t.Error("a process of another cluster, or of none, was killed")
	}
	if killed, err := killMarked(testContext(t), dir); err != nil || killed != 0 {
		t.Errorf("a second killMarked() = %d, %v, want none", killed, err)
	}
}
