// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	eventsFile = "cgroup.events"
	// eventsSize is more than the kernel ever writes into it.
	eventsSize = 256
)

// WaitEmpty waits until no live process is in d or below it, woken by the
// kernel. It blocks a thread, not a goroutine of the poller, and ends with ctx.
func (d *Dir) WaitEmpty(ctx context.Context) error {
	if err := d.waitEvent(ctx, "populated", 0); err != nil && !gone(err) {
		return fmt.Errorf("waiting for %s to become empty: %w", d.path, err)
	}
	return nil
}

// waitEvent waits until cgroup.events has a value for a key.
func (d *Dir) waitEvent(ctx context.Context, key string, want uint64) error {
	path := d.file(eventsFile)
	events, err := open(path, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer events.Close() //nolint:errcheck // only read

	wake, closeWake, err := wakeWhenDone(ctx)
	if err != nil {
		return err
	}
	defer closeWake()

	for {
		// The read arms the poll: an event after it makes the poll return.
		got, err := readEvent(events, key)
		if err != nil {
			return err
		}
		if got == want {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		fds := []unix.PollFd{{Fd: int32(events.Fd()), Events: unix.POLLPRI}, {Fd: int32(wake), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return &os.PathError{Op: "poll", Path: path, Err: err}
		}
	}
}

func readEvent(events *os.File, key string) (uint64, error) {
	content, err := bounded("reading", events.Name(), func() ([]byte, error) {
		buf := make([]byte, eventsSize)
		n, err := unix.Pread(int(events.Fd()), buf, 0)
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: events.Name(), Err: err}
		}
		return buf[:n], nil
	})
	if err != nil {
		return 0, err
	}
	return event(content, key)
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
