// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package interference

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// clockTries is how often two clocks are compared to find the tightest reading.
const clockTries = 3

// offset is how far a clock is ahead of the monotonic one. It may be off by doubt.
type offset struct {
	value, doubt int64
	err          error
}

// offset reads a clock between two readings of the monotonic one, and takes the
// tightest of several tries, because the thread may be preempted in between.
func (s *sampler) offset(clock int32) offset {
	var best offset
	for try := range clockTries {
		before, err1 := s.monotonic()
		at, err2 := s.now(clock)
		after, err3 := s.monotonic()
		if err := errors.Join(err1, err2, err3); err != nil {
			return offset{err: fmt.Errorf("reading clock %d: %w", clock, err)}
		}
		// Rounded up, so that a reading of two equal times is not taken as exact.
		doubt := (after-before)/2 + 1
		if try == 0 || doubt < best.doubt {
			best = offset{value: at - before - (after-before)/2, doubt: doubt}
		}
	}
	return best
}

func (s *sampler) monotonic() (int64, error) { return s.now(unix.CLOCK_MONOTONIC) }

// processCPU is the CPU time of a process: of all its threads, of those that
// ended as well, in ns. The process's CPU clock tells that in one system call,
// where /proc/<pid>/stat is in steps of 10 ms and its threads' schedstat files
// lose those that end.
func (s *sampler) processCPU(pid int) reading {
	if pid <= 0 {
		return reading{err: errors.New("the runner's parent is in another PID namespace")}
	}
	v, err := s.now(processClock(pid))
	if err != nil {
		return reading{err: fmt.Errorf("reading the CPU clock of process %d: %w", pid, err)}
	}
	return reading{value: v}
}

// processClock is the id of the clock of a process's CPU time: the kernel keeps
// the complement of the PID above three bits, of which 2 means time on a CPU.
func processClock(pid int) int32 { return int32(^pid)<<3 | 2 }

func clockGettime(clock int32) (int64, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, err
	}
	return ts.Nano(), nil
}
