// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// packetTimeout bounds each wait of a socket, so that a worker sees the stop.
const packetTimeout = 100 * time.Millisecond

// OpenPackets opens a packet socket for frames of work.FrameType on an end of a set's pair, in a network
// that the descriptor namespace is of. The calling thread, which is locked, is in the namespace
// meanwhile and back in its own after; an error to go back means that it must not be used any more.
func OpenPackets(namespace, set, end int) (fd int, err error) {
	before, err := os.Open(namespaceFile)
	if err != nil {
		return -1, err
	}
	defer before.Close() //nolint:errcheck // only looked at
	if err := setns(namespace); err != nil {
		return -1, err
	}
	fd, err = openHere(linkName(set, end))
	if back := setns(int(before.Fd())); back != nil {
		err = errors.Join(err, back)
	}
	if err != nil && fd >= 0 {
		_ = unix.Close(fd)
		fd = -1
	}
	return fd, err
}

// openHere opens a socket on a link of the thread's namespace.
func openHere(link string) (int, error) {
	// With the protocol 0 it hears nothing before it is bound.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("opening a packet socket: %w", err)
	}
	request, err := unix.NewIfreq(link)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request)
	}
	if err != nil {
		return fd, fmt.Errorf("looking for the link %s: %w", link, err)
	}
	address := &unix.SockaddrLinklayer{Protocol: networkOrder(work.FrameType), Ifindex: int(request.Uint32())}
	if err := unix.Bind(fd, address); err != nil {
		return fd, fmt.Errorf("binding a packet socket to %s: %w", link, err)
	}
	limit := unix.NsecToTimeval(packetTimeout.Nanoseconds())
	for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &limit); err != nil {
			return fd, fmt.Errorf("setting the time limit of a packet socket: %w", err)
		}
	}
	return fd, nil
}

// networkOrder is a number with its bytes in the order of the network, on the little-endian machines there are.
func networkOrder(n uint16) uint16 { return n<<8 | n>>8 }

// Try makes a network of one pair, opens a socket on each end, and gives it all back.
func Try() error {
	n, err := New(1)
	if err != nil {
		return err
	}
	result := make(chan error)
	go func() { // ends with the sockets; its thread, which it leaves locked, goes with it
		runtime.LockOSThread()
		var errs []error
		for end := range 2 {
			fd, err := OpenPackets(int(n.file.Fd()), 0, end)
			if err == nil {
				err = unix.Close(fd)
			}
			errs = append(errs, err)
		}
		result <- errors.Join(errs...)
	}()
	return errors.Join(<-result, n.Close())
}
