// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// eventsSize is more than the kernel ever writes into cgroup.events.
const eventsSize = 256

// WaitEmpty waits until no live process is in d or below it, woken by the
// kernel. It blocks a thread, not a goroutine of the poller, and ends with ctx.
func (d *Dir) WaitEmpty(ctx context.Context) error {
	path := filepath.Join(d.path, "cgroup.events")
	events, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if gone(err) {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(events) //nolint:errcheck // only read

	wake, closeWake, err := wakeWhenDone(ctx)
	if err != nil {
		return err
	}
	defer closeWake()

	for {
		// The read arms the poll: an event after it makes the poll return.
		live, err := readPopulated(events)
		if err != nil {
			return &os.PathError{Op: "read", Path: path, Err: err}
		}
		if !live {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("waiting for %s to become empty: %w", d.path, err)
		}
		fds := []unix.PollFd{{Fd: int32(events), Events: unix.POLLPRI}, {Fd: int32(wake), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return &os.PathError{Op: "poll", Path: path, Err: err}
		}
	}
}

func readPopulated(events int) (bool, error) {
	var buf [eventsSize]byte
	n, err := unix.Pread(events, buf[:], 0)
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return populated(buf[:n])
}

// wakeWhenDone returns a descriptor that becomes readable when ctx ends, and
// what closes it.
func wakeWhenDone(ctx context.Context) (fd int, closeFD func(), err error) {
	fd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return -1, nil, os.NewSyscallError("eventfd", err)
	}
	written := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(written)
		// An eventfd at 0 takes this without blocking or failing.
		_, _ = unix.Write(fd, binary.NativeEndian.AppendUint64(nil, 1))
	})
	return fd, func() {
		if !stop() {
			<-written
		}
		_ = unix.Close(fd)
	}, nil
}
