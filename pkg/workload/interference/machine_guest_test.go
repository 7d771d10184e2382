// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

//go:build guest

package interference

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onlyInAGuest keeps these tests, which set the clock, from a machine that
// somebody needs.
func onlyInAGuest(t *testing.T) {
	t.Helper()
	var root unix.Statfs_t
	init, err := os.Readlink("/proc/1/exe")
	if err == nil {
		err = unix.Statfs("/", &root)
	}
	if err != nil || init != "/init" || (root.Type != unix.TMPFS_MAGIC && root.Type != unix.RAMFS_MAGIC) {
		t.Skipf("this is no guest that hack/guest boots: process 1 is %q, the root a file system of type %#x; %v", init, root.Type, err)
	}
}

// The clock is set for real, and back.
func TestASetClockIsAStepInAGuest(t *testing.T) {
	onlyInAGuest(t)
	for name, by := range map[string]time.Duration{"ahead": 2 * time.Second, "back": -2 * time.Second} {
		t.Run(name, func(t *testing.T) {
			start := Take("/", os.Getpid())
			doubt := setClock(t, by)
			f := Between(start, start.Again(), nil, 0)
			if f.ClockStep == nil || f.Suspended == nil {
				t.Fatalf("absent: %v", f.Absent)
			}
			t.Logf("set by %v within %v: %v, suspended for %v", by, doubt, time.Duration(*f.ClockStep), time.Duration(*f.Suspended))
			if off := time.Duration(*f.ClockStep) - by; off > 0 || -off > doubt || *f.Suspended != 0 {
				t.Errorf("the clock was set by %v within %v, and stepped by %v, suspended for %d ns", by, doubt, time.Duration(*f.ClockStep), *f.Suspended)
			}
		})
	}
}

// setClock sets the wall clock, which loses the time between reading and setting it.
func setClock(t *testing.T, by time.Duration) (lost time.Duration) {
	t.Helper()
	before := time.Now()
	now, err := clockGettime(unix.CLOCK_REALTIME)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, new(unix.NsecToTimespec(now+by.Nanoseconds()))); err != nil {
		t.Fatal(err)
	}
	return time.Since(before) // on the monotonic clock
}

// A clock that is slewed goes at another rate, and the monotonic one with it.
func TestASlewedClockIsNoStepInAGuest(t *testing.T) {
	onlyInAGuest(t)
	const (
		fastest = 500 << 16 // 500 ppm, the most there can be
		long    = 400 * time.Millisecond
		shift   = 200 * time.Microsecond // what it would move by
	)
	if _, err := unix.Adjtimex(&unix.Timex{Modes: unix.ADJ_FREQUENCY, Freq: fastest}); err != nil {
		t.Fatal(err)
	}
	defer unix.Adjtimex(&unix.Timex{Modes: unix.ADJ_FREQUENCY}) //nolint:errcheck // the guest ends soon
	start := Take("/", os.Getpid())
	spin(t, long)
	end := start.Again()
	f := Between(start, end, nil, 0)
	if doubt := time.Duration(start.wall.doubt + end.wall.doubt); doubt > shift/2 {
		t.Fatalf("the readings are good to %v only, and that cannot tell %v", doubt, shift)
	}
	if f.ClockStep == nil || *f.ClockStep != 0 {
		t.Errorf("a clock that goes 500 ppm faster stepped by %d ns in %v; %v", *f.ClockStep, time.Duration(f.Elapsed), f.Absent)
	}
}

// Nobody else is in a guest: what a process used is what others used, but for a
// little of the kernel's own. That needs a guest with one CPU: the clocks of several
// emulated ones disagree, so that a process can use more time than passes.
func TestOtherCPUIsExactInAGuest(t *testing.T) {
	onlyInAGuest(t)
	start := Take("/", os.Getpid())
	spun := spin(t, time.Second)
	end := start.Again()
	f := Between(start, end, new(int64(0)), 0)
	if f.OtherCPU == nil {
		t.Fatalf("absent: %v", f.Absent)
	}
	t.Logf("a process used %d ns, others with it %d ns of %d on %d CPUs, give or take %d, the agent %d ns, notes %q",
		spun, *f.OtherCPU, f.Elapsed, f.CPUs, f.Resolution, *f.AgentCPU, f.Notes)
	kernel := f.Elapsed / 10
	if off := *f.OtherCPU - spun; -off > f.Resolution || off > f.Resolution+kernel {
		t.Errorf("%d ns of another process are %d ns of other CPU time, which is off by more than %d", spun, *f.OtherCPU, f.Resolution)
	}
	// The same time as the run's own is nobody else's.
	if own := Between(start, end, &spun, 0); *own.OtherCPU != max(*f.OtherCPU-spun, 0) {
		t.Errorf("the run used %d ns of %d, and others %d ns", spun, *f.OtherCPU, *own.OtherCPU)
	}
}

// A kernel counts pressure if it was not told to leave that.
func TestPressureInAGuest(t *testing.T) {
	onlyInAGuest(t)
	start := Take("/", os.Getpid())
	f := Between(start, start.Again(), nil, 0)
	_, err := os.ReadFile("/proc/pressure/cpu")
	if there := f.CPUPressure != nil && f.MemoryPressure != nil && f.IOPressure != nil; there != (err == nil) {
		t.Errorf("pressure is there: %t; reading it says %v and the figures %v", there, err, f.Absent)
	}
}
