// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package interference

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Sample is one look at the machine.
type Sample struct {
	sampler   *sampler
	parentPID int
	layout    *layout
	// at is CLOCK_MONOTONIC when the CPU times were read, which may be off by doubt.
	at, doubt int64
	// online is the list of online CPUs, cpus their number.
	online string
	cpus   int

	// idle and busy are the CPU times of all CPUs together, statErr says why they are not known.
	idle, busy       int64
	statErr          error
	steal, interrupt reading
	agent            reading
	// pressure is that on CPU, memory and I/O.
	pressure [3]reading
	// frequency is the lowest of a CPU, in percent of its highest.
	frequency     reading
	frequencyNote string
	thermal       reading
	// wall and boot are the offsets of CLOCK_REALTIME and CLOCK_BOOTTIME.
	wall, boot  offset
	clockSource string
}

// reading is what the kernel told, or why it did not. Times are in ns.
type reading struct {
	value int64
	err   error
}

// Take looks at the machine whose files are below root; "/" is this machine.
// parentPID is the agent, the runner's parent.
//
// The CPU times are read last: a sample is best taken right before the work
// starts and right before it stops, the run's own CPU time right after it.
func Take(root string, parentPID int) Sample {
	s := &sampler{root: root, now: clockGettime}
	return s.take(parentPID, nil)
}

// Again looks at the same machine again. It reads less than Take, as which files
// there are to read is known: it is meant for the end, where it delays the stop.
func (s Sample) Again() Sample {
	next := *s.sampler
	return next.take(s.parentPID, &s)
}

// sampler takes samples.
type sampler struct {
	root string
	// now reads a clock of the kernel, in ns.
	now func(clock int32) (int64, error)
	buf [4096]byte
}

// take looks at all there is. It takes over the layout of an earlier sample, if
// there is one, as long as the same CPUs are online.
func (s *sampler) take(parentPID int, earlier *Sample) Sample {
	out := Sample{sampler: s, parentPID: parentPID}
	out.online, _ = s.read(cpuDir + "/online")
	if earlier != nil && earlier.online == out.online {
		out.layout = earlier.layout
	} else {
		out.layout = s.lookAround(out.online)
	}
	out.cpus = out.layout.cpus
	out.frequency, out.frequencyNote = s.frequency(out.layout)
	out.thermal = s.thermal(out.layout)
	for i, name := range []string{"cpu", "memory", "io"} {
		out.pressure[i] = s.pressure(name)
	}
	out.clockSource, _ = s.read("sys/devices/system/clocksource/clocksource0/current_clocksource")
	out.wall, out.boot = s.offset(unix.CLOCK_REALTIME), s.offset(unix.CLOCK_BOOTTIME)
	out.agent = s.processCPU(parentPID)
	s.cpuTimes(&out)
	return out
}

// read reads a file below the root, up to 4 KiB of it, without the spaces around.
// It makes the system calls itself, as there may be a thousand files to read and
// os.ReadFile takes each to the network poller first.
func (s *sampler) read(path string) (string, error) {
	path = filepath.Join(s.root, path)
	fd, err := again(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return "", fmt.Errorf("opening %s: %w", path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	n, err := again(func() (int, error) { return unix.Read(fd, s.buf[:]) })
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return strings.TrimSpace(string(s.buf[:n])), nil
}

// again repeats a system call that a signal ended early.
func again(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
