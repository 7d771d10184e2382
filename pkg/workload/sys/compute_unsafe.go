// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Words is memory, which begins at a multiple of 8, as 64-bit words.
func Words(memory []byte) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(memory))), len(memory)/8)
}

// RawSetTimerSlack sets by how many ns the kernel may delay the calling thread's timers.
func RawSetTimerSlack(ns int) Errno {
	_, _, errno := syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, uintptr(ns), 0, 0, 0, 0)
	return errno
}

// Truncate makes a file so many bytes long. It may wait, as the calls of raw_unsafe.go that do.
func Truncate(fd int, size int64) (errno Errno) {
	if forked {
		_, _, errno = syscall.RawSyscall(unix.SYS_FTRUNCATE, uintptr(fd), uintptr(size), 0)
	} else {
		_, _, errno = syscall.Syscall(unix.SYS_FTRUNCATE, uintptr(fd), uintptr(size), 0)
	}
	return errno
}
