// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Errnos that are answers rather than faults.
const (
	// Again is that of a call that would have to wait, or of a futex that changed.
	Again = unix.EAGAIN
	// TimedOut is that of a wait that reached its end.
	TimedOut = unix.ETIMEDOUT
)

// RawTID is the calling thread's id.
func RawTID() int {
	tid, _, _ := syscall.RawSyscall(unix.SYS_GETTID, 0, 0, 0)
	return int(tid)
}

// RawPID is the process's id.
func RawPID() int {
	pid, _, _ := syscall.RawSyscall(unix.SYS_GETPID, 0, 0, 0)
	return int(pid)
}

const (
	futexUnlockPI = 7
	futexLockPI2  = 13
)

// LockPI takes a lock with priority inheritance, whose word is 0 while it is free and
// otherwise holds its owner's thread id with the kernel's flags. It waits until a
// CLOCK_MONOTONIC time at most: it is FUTEX_LOCK_PI2, of Linux 5.14, since
// FUTEX_LOCK_PI knows CLOCK_REALTIME only.
func LockPI(word *uint32, deadline int64) (errno Errno) {
	ts := unix.NsecToTimespec(deadline)
	if forked {
		_, _, errno = syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexLockPI2, 0, uintptr(unsafe.Pointer(&ts)), 0, 0)
	} else {
		_, _, errno = syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexLockPI2, 0, uintptr(unsafe.Pointer(&ts)), 0, 0)
	}
	return errno
}

// RawUnlockPI gives a lock that the caller owns to whoever waits first, or frees it.
func RawUnlockPI(word *uint32) Errno {
	_, _, errno := syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexUnlockPI, 0, 0, 0, 0)
	return errno
}

// EpollWait waits up to timeout nanoseconds, in whole milliseconds, for one event of
// an epoll instance.
func EpollWait(fd int, timeout int64) (ready bool, errno Errno) {
	var event unix.EpollEvent
	var n uintptr
	ms := uintptr(timeout / 1_000_000)
	if forked {
		n, _, errno = syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(&event)), 1, ms, 0, 0)
	} else {
		n, _, errno = syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(&event)), 1, ms, 0, 0)
	}
	return errno == 0 && n == 1, errno
}

// RawTakeEvents takes all of an event counter that does not block; one that is empty
// answers Again.
func RawTakeEvents(fd int) (n uint64, errno Errno) {
	_, _, errno = syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&n)), 8)
	return n, errno
}

// RawAddEvents adds to an event counter that does not block.
func RawAddEvents(fd int, n uint64) Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&n)), 8)
	return errno
}

// Flags of sigaction(2).
const (
	saRestorer = 0x04000000
	saOnStack  = 0x08000000
	saRestart  = 0x10000000
)

// RawCatchUserSignal makes SIGUSR2 run a handler that does nothing, in all threads of
// the process. It is no Go code: it needs neither the runtime nor a goroutine. It runs
// on the signal stack where the thread has one. Calls it interrupts go on.
func RawCatchUserSignal() Errno {
	action := sigaction{handler: noopHandler(), restorer: signalReturn(), flags: saOnStack | saRestart}
	if action.restorer != 0 {
		action.flags |= saRestorer
	}
	_, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGUSR2), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	return errno
}

// RawSendUserSignal sends SIGUSR2 to a thread of a process.
func RawSendUserSignal(pid, tid int) Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_TGKILL, uintptr(pid), uintptr(tid), uintptr(unix.SIGUSR2))
	return errno
}

// noopHandler is the address of a signal handler that returns at once.
func noopHandler() uintptr

// signalReturn is the address of what a handler returns to; 0 where the kernel has
// its own.
func signalReturn() uintptr
