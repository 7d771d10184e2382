// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// pollSlice is how long a wait for a process goes on before its context is
// looked at again.
const pollSlice = 100 * time.Millisecond

// errGone says that a process has ended, whoever has its number now.
var errGone = errors.New("the process has ended")

// Process is one process, told apart from a later one with the same number.
type Process struct {
	PID int `json:"pid"`
	// StartTime is when it started, in clock ticks since the machine booted.
	StartTime uint64 `json:"startTime"`
}

// identify returns the running process with this number.
func identify(pid int) (Process, error) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			return Process{}, errGone
		}
		return Process{}, fmt.Errorf("looking at process %d: %w", pid, err)
	}
	state, start, err := parseStat(string(stat))
	if err != nil {
		return Process{}, fmt.Errorf("looking at process %d: %w", pid, err)
	}
	if strings.ContainsAny(state, "ZX") {
		return Process{}, errGone
	}
	return Process{PID: pid, StartTime: start}, nil
}

// parseStat takes state and start time from a line of /proc/PID/stat. They
// stand after the name, which is in parentheses and may hold any.
func parseStat(stat string) (state string, start uint64, err error) {
	const stateField, startField = 0, 19 // counted from the name, see proc_pid_stat(5)
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) <= startField {
		return "", 0, fmt.Errorf("its stat has only %d fields", len(fields))
	}
	start, err = strconv.ParseUint(fields[startField], 10, 64)
	if err != nil {
		return "", 0, fmt.Errorf("its start time: %w", err)
	}
	return fields[stateField], start, nil
}

// open returns a descriptor that stands for this very process. While it is
// open, the number may be reused, but not the descriptor.
func (p Process) open() (fd int, err error) {
	fd, err = unix.PidfdOpen(p.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return -1, errGone
	}
	if err != nil {
		return -1, os.NewSyscallError("pidfd_open", err)
	}
	if now, err := identify(p.PID); err != nil || now != p {
		_ = unix.Close(fd)
		if err == nil {
			err = errGone
		}
		return -1, err
	}
	return fd, nil
}

// alive tells whether the process runs.
func (p Process) alive() bool {
	now, err := identify(p.PID)
	return err == nil && now == p
}

// signal sends sig; to a process that has ended there is nothing to send.
func (p Process) signal(sig unix.Signal) error {
	fd, err := p.open()
	if err != nil {
		return ignoreGone(err)
	}
	defer unix.Close(fd) //nolint:errcheck // a pidfd has nothing to flush
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("sending %v to process %d: %w", sig, p.PID, err)
	}
	return nil
}

// wait returns when the process has ended, or with the context's error.
func (p Process) wait(ctx context.Context) error {
	fd, err := p.open()
	if err != nil {
		return ignoreGone(err)
	}
	defer unix.Close(fd) //nolint:errcheck // a pidfd has nothing to flush
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(pollSlice.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("waiting for process %d: %w", p.PID, os.NewSyscallError("poll", err))
		}
		if n > 0 {
			return nil
		}
	}
	return fmt.Errorf("process %d has not ended: %w", p.PID, ctx.Err())
}

func ignoreGone(err error) error {
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

// marked lists the processes of the cluster in dir, this one left out. A
// process that ends meanwhile, or belongs to another user, is none of it.
func marked(dir string) ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	mark := []byte(envMark + "=" + dir)
	var found []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		p, err := identify(pid)
		if err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil || !hasEntry(env, mark) || !p.alive() {
			continue
		}
		found = append(found, p)
	}
	return found, nil
}

func hasEntry(environ, entry []byte) bool {
	for e := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.Equal(e, entry) {
			return true
		}
	}
	return false
}

// killMarked kills the processes of the cluster in dir until there is none: one
// may start another while it is looked for. It returns how many it killed.
func killMarked(ctx context.Context, dir string) (killed int, err error) {
	for {
		found, err := marked(dir)
		if err != nil || len(found) == 0 {
			return killed, err
		}
		var failed []error
		for _, p := range found {
			failed = append(failed, p.signal(unix.SIGKILL))
		}
		for _, p := range found {
			failed = append(failed, p.wait(ctx))
		}
		if err := errors.Join(failed...); err != nil {
			return killed, fmt.Errorf("killing what is left of the cluster: %w", err)
		}
		killed += len(found)
	}
}
