// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// futexPrivate says that only threads of this process use the word, which spares
// the kernel to find out whose memory it is.
const futexPrivate = 128

// FutexWaitPrivate is FutexWait on a word that only threads of this process wait for.
func FutexWaitPrivate(word *uint32, value uint32, timeout int64) Errno {
	ts := unix.NsecToTimespec(timeout)
	var errno Errno
	if forked {
		_, _, errno = syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait|futexPrivate, uintptr(value),
			uintptr(unsafe.Pointer(&ts)), 0, 0)
	} else {
		_, _, errno = syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait|futexPrivate, uintptr(value),
			uintptr(unsafe.Pointer(&ts)), 0, 0)
	}
	return errno
}

// RawFutexWakePrivate wakes up to n waiters of FutexWaitPrivate.
func RawFutexWakePrivate(word *uint32, n int) {
	syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake|futexPrivate, uintptr(n), 0, 0, 0)
}
