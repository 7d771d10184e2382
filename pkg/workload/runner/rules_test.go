// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What the machine moved between NUMA nodes is told where the kernel counts it, as
// the difference over the run.
func TestPagesMovedDuringTheRun(t *testing.T) {
	counts := true
	counted := func() (n uint64) {
		text, err := os.ReadFile("/proc/vmstat")
		if err != nil {
			t.Fatal(err)
		}
		_, line, found := strings.Cut(string(text), "\nnuma_pages_migrated")
		if counts = found; found {
			_, err = fmt.Sscan(line, &n)
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	low := counted()
	before := numaPagesMigrated()
	if (before != nil) != counts || counts && (*before < low || *before > counted()) {
		t.Fatalf("the kernel counts: %t, from %d to %d, read: %v", counts, low, counted(), before)
	}
	rep, err := client().Run(t.Context(), job(t, 50*time.Millisecond), nil)
	if err != nil {
		t.Fatal(err)
	}
	if (rep.NUMAPagesMigrated != nil) != counts {
		t.Fatalf("the kernel counts: %t, reported: %t", counts, rep.NUMAPagesMigrated != nil)
	}
	if counts && *rep.NUMAPagesMigrated > counted()-low {
		t.Errorf("%d pages were moved during the run, from before to after it %d", *rep.NUMAPagesMigrated, counted()-low)
	}
}

// What ran away from its worker into a session of its own is still in the run's
// cgroup, and ends with the run.
func TestTheEndOfARunReachesWhatRanAway(t *testing.T) {
	j := job(t, time.Hour)
	if j.Cgroup == "" {
		t.Skip("making cgroups needs root and cgroup v2")
	}
	stray := exec.CommandContext(t.Context(), "sleep", "infinity")
	stray.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := client().Run(ctx, j, func(ev Event) {
		if ev.Type != EventStarted {
			return
		}
		defer cancel()
		if err := stray.Start(); err != nil {
			t.Error(err)
			return
		}
		go func() { ended <- stray.Wait() }()
		if err := os.WriteFile(filepath.Join(j.Cgroup, defaultLeaf, "cgroup.procs"), []byte(strconv.Itoa(stray.Process.Pid)), 0o600); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Error(err)
	}
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "killed") {
			t.Errorf("the stray: %v", err)
		}
	case <-time.After(removeTimeout):
		t.Error("the stray lives on")
	}
	assertNothingLeft(t, j)
}

// A report that is lost is not a run that went well.
func TestAReportThatCannotBeWrittenIsAFailure(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	j := job(t, time.Hour)
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", Command)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = full, &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdin.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(said.String(), "writing the report: write /dev/stdout: no space left on device") {
		t.Errorf("it ended with %v and said %s", err, said.String())
	}
	assertNothingLeft(t, j)
}
