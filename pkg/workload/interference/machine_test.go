// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package interference

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// spinVariable makes the test binary a process that uses as much CPU time as it says.
	spinVariable = "SCHEDFLEET_TEST_SPIN"
	spinTimeout  = time.Minute
)

func TestMain(m *testing.M) {
	if text := os.Getenv(spinVariable); text != "" {
		ns, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if err := spinFor(ns); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// spinFor uses CPU time until this process has used so much, in ns.
func spinFor(ns int64) error {
	for {
		used, err := clockGettime(unix.CLOCK_PROCESS_CPUTIME_ID)
		if err != nil || used >= ns {
			return err
		}
	}
}

// spin runs a process that uses so much CPU time, and returns what it used.
func spin(t *testing.T, cpu time.Duration) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), spinTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, self(t))
	cmd.Env = append(os.Environ(), spinVariable+"="+strconv.FormatInt(cpu.Nanoseconds(), 10))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Nanoseconds()
}

func self(t *testing.T) string {
	t.Helper()
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Others use this machine too, so there is no more than a lower bound; the test
// in a guest has both.
func TestAnotherProcessShows(t *testing.T) {
	start := Take("/", os.Getpid())
	spun := spin(t, 500*time.Millisecond)
	f := Between(start, start.Again(), new(int64(0)), 0)
	if f.OtherCPU == nil || f.Steal == nil {
		t.Fatalf("absent: %v", f.Absent)
	}
	t.Logf("a process used %d ns, others with it %d ns, this one %d ns of %d, %d were stolen", spun, *f.OtherCPU, *f.AgentCPU, f.Elapsed, *f.Steal)
	if missing := spun - *f.OtherCPU; missing > f.Resolution+*f.Steal {
		t.Errorf("%d ns of another process are %d ns of other CPU time: %d short, more than %d and %d stolen", spun, *f.OtherCPU, missing, f.Resolution, *f.Steal)
	}
	if limit := f.Elapsed*int64(f.CPUs) + f.Resolution; *f.OtherCPU > limit {
		t.Errorf("others used %d ns, more than there are: %d", *f.OtherCPU, limit)
	}
}

// The agent is told apart from others, and what is said of it is exact.
func TestTheAgentIsNotAnother(t *testing.T) {
	start := Take("/", os.Getpid())
	before, err := clockGettime(unix.CLOCK_PROCESS_CPUTIME_ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := spinFor(before + 300e6); err != nil {
		t.Fatal(err)
	}
	after, err := clockGettime(unix.CLOCK_PROCESS_CPUTIME_ID)
	if err != nil {
		t.Fatal(err)
	}
	end := start.Again()
	told := Between(start, end, new(int64(0)), 0)
	if told.AgentCPU == nil || *told.AgentCPU < after-before {
		t.Fatalf("the agent used %v ns, want at least %d; %v", told.AgentCPU, after-before, told.Absent)
	}
	end.agent = start.agent // as if it had used none
	if other := Between(start, end, new(int64(0)), 0).OtherCPU; *told.OtherCPU != max(*other-*told.AgentCPU, 0) {
		t.Errorf("with the agent's %d ns taken off, others used %d ns, and %d ns without", *told.AgentCPU, *told.OtherCPU, *other)
	}
}

// What every Linux tells is there, and a machine nobody touches keeps its clocks.
func TestFiguresOfThisMachine(t *testing.T) {
	start := Take("/", os.Getppid())
	f := Between(start, start.Again(), new(int64(0)), 0)
	if f.OtherCPU == nil || f.Steal == nil || f.Interrupt == nil || f.AgentCPU == nil || f.ClockStep == nil || f.Suspended == nil || f.ClockSource == "" || f.CPUs == 0 {
		t.Errorf("not all is there that every Linux tells: %+v", f)
	}
	if f.ClockStep != nil && (*f.ClockStep > 1e6 || *f.ClockStep < -1e6) {
		t.Errorf("the wall clock moved %d ns, and nobody set it", *f.ClockStep)
	}
	if f.Suspended != nil && *f.Suspended != 0 {
		t.Errorf("the machine was suspended for %d ns", *f.Suspended)
	}
}

func TestAProcessThatEndedHasNoClock(t *testing.T) {
	cmd := exec.Command(self(t))
	cmd.Env = append(os.Environ(), spinVariable+"=0")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	s := sampler{now: clockGettime}
	if got := s.processCPU(cmd.ProcessState.Pid()); got.err == nil {
		t.Errorf("process %d ended and has used %d ns", cmd.ProcessState.Pid(), got.value)
	}
}

func BenchmarkAgain(b *testing.B) {
	start := Take("/", os.Getppid())
	for b.Loop() {
		start.Again()
	}
}

// Benchmark256CPUs has a policy for each CPU, a core for each CPU and all
// counters. Its files are not the kernel's: BenchmarkReadOfSysfs is what one of those takes.
func Benchmark256CPUs(b *testing.B) {
	f := machine.with(files{"sys/devices/system/cpu/online": "0-255"})
	for id := range 256 {
		f = f.with(cpuFiles(id, strconv.Itoa(id), 1, 1)).with(policyFiles(id, 1000, 1000))
	}
	root := f.write(b)
	start := Take(root, os.Getppid())
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			Take(root, os.Getppid())
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			start.Again()
		}
	})
}

func BenchmarkReadOfSysfs(b *testing.B) {
	s := sampler{root: "/", now: clockGettime}
	for b.Loop() {
		if _, err := s.read(cpuDir + "/cpu0/topology/core_cpus_list"); err != nil {
			b.Fatal(err)
		}
	}
}
