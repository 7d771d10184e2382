// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// RawForkExit makes a child that ends at once, with the exit signal SIGCHLD, and returns its
// id. The child has a copy of the caller's memory map, as after fork(2), and touches none of
// it: it makes one system call between being born and being dead. So nothing has to be kept
// from happening to it, and it is safe beside a live Go runtime, too.
func RawForkExit() (pid int, errno Errno) {
	r := forkExit(uintptr(unix.SIGCHLD))
	if r < 0 {
		return 0, Errno(-r)
	}
	return int(r), 0
}

// forkExit is clone(2) with the given flags; the child ends with status 0. The caller gets the child's id or a
// negative errno.
func forkExit(flags uintptr) int64

// WaitChild waits for a child of the caller's to end and reaps it. cpu is the CPU time that the child had in ns.
func WaitChild(pid int) (cpu uint64, errno Errno) {
	for {
		var r unix.Rusage
		if forked {
			_, _, errno = syscall.RawSyscall6(unix.SYS_WAIT4, uintptr(pid), 0, 0, uintptr(unsafe.Pointer(&r)), 0, 0)
		} else {
			_, _, errno = syscall.Syscall6(unix.SYS_WAIT4, uintptr(pid), 0, 0, uintptr(unsafe.Pointer(&r)), 0, 0)
		}
		if errno != Interrupted {
			return uint64(r.Utime.Nano() + r.Stime.Nano()), errno
		}
	}
}

// RawReapChildren says who reaps the children of this process: the kernel as soon as they end, by
// SIGCHLD being ignored, or WaitChild.
func RawReapChildren(byKernel bool) Errno {
	var action sigaction // the default one
	if byKernel {
		action.handler = sigIgnore
	}
	_, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGCHLD), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	return errno
}

// RawWriteNumber writes a number and the end of a line, as the files of cgroups take them.
func RawWriteNumber(fd, n int) Errno {
	var buf [24]byte
	line := append(strconv.AppendInt(buf[:0], int64(n), 10), '\n')
	_, _, errno := syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&line[0])), uintptr(len(line)))
	return errno
}

// Send sends a packet on a socket that knows where it goes. How long it waits for room is
// set at the socket.
func Send(fd int, packet []byte) (errno Errno) {
	if forked {
		_, _, errno = syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet)))
	} else {
		_, _, errno = syscall.Syscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet)))
	}
	return errno
}

// Receive waits for a packet on a socket, for as long as is set at the socket.
func Receive(fd int, packet []byte) (errno Errno) {
	if forked {
		_, _, errno = syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet)))
	} else {
		_, _, errno = syscall.Syscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet)))
	}
	return errno
}
