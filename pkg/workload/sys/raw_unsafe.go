// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Monotonic is CLOCK_MONOTONIC in nanoseconds, read through the vDSO.
//
//go:linkname Monotonic runtime.nanotime
func Monotonic() int64

// RawThreadCPU is the calling thread's CPU time in nanoseconds.
func RawThreadCPU() int64 {
	var ts unix.Timespec
	syscall.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_THREAD_CPUTIME_ID, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

// RawSleepUntil sleeps until the given CLOCK_MONOTONIC time in nanoseconds.
func RawSleepUntil(deadline int64) Errno {
	ts := unix.NsecToTimespec(deadline)
	_, _, errno := syscall.RawSyscall6(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	return errno
}

const (
	futexWait       = 0
	futexWake       = 1
	futexWaitBitset = 9
	futexAllBits    = 0xffffffff
)

// RawFutexWait blocks while the word, which other processes may share, holds
// value: until a wake or for timeout nanoseconds. 0 means without a bound.
func RawFutexWait(word *uint32, value uint32, timeout int64) Errno {
	var ts unix.Timespec
	var arg uintptr
	if timeout > 0 {
		ts = unix.NsecToTimespec(timeout)
		arg = uintptr(unsafe.Pointer(&ts))
	}
	_, _, errno := syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, uintptr(value), arg, 0, 0)
	return errno
}

// RawFutexWaitUntil is RawFutexWait with a CLOCK_MONOTONIC deadline.
func RawFutexWaitUntil(word *uint32, value uint32, deadline int64) Errno {
	ts := unix.NsecToTimespec(deadline)
	_, _, errno := syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWaitBitset, uintptr(value),
		uintptr(unsafe.Pointer(&ts)), 0, futexAllBits)
	return errno
}

// RawFutexWake wakes up to n waiters of the word.
func RawFutexWake(word *uint32, n int) {
	syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake, uintptr(n), 0, 0, 0)
}

// FutexWait is RawFutexWait for a process with a live Go runtime: the scheduler
// knows that the thread blocks. The timeout must be above 0.
func FutexWait(word *uint32, value uint32, timeout int64) Errno {
	ts := unix.NsecToTimespec(timeout)
	_, _, errno := syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, uintptr(value),
		uintptr(unsafe.Pointer(&ts)), 0, 0)
	return errno
}

// RawYield is sched_yield.
func RawYield() { syscall.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

// RawCPU is the CPU the caller runs on.
func RawCPU() uint32 {
	var cpu uint32
	syscall.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0)
	return cpu
}

// RawParent is the parent's process id.
func RawParent() int {
	pid, _, _ := syscall.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	return int(pid)
}

// RawThread is the caller's thread id.
func RawThread() int {
	tid, _, _ := syscall.RawSyscall(unix.SYS_GETTID, 0, 0, 0)
	return int(tid)
}

// RawExit ends the process.
func RawExit(code int) {
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0)
	}
}

// RawDieWithParent asks for SIGKILL when the thread that made this process's
// parent end. A change of credentials or an exec of a set-id program takes it back.
func RawDieWithParent() Errno {
	_, _, errno := syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0, 0)
	return errno
}

// RawOwnGroup makes the caller the leader of a process group.
func RawOwnGroup() Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_SETPGID, 0, 0, 0)
	return errno
}

// RawSetName names the calling thread. The name is at most 15 bytes and a zero byte.
func RawSetName(name *[16]byte) Errno {
	_, _, errno := syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0, 0)
	return errno
}

// RawSetAffinity restricts the calling thread to the CPUs of the mask.
func RawSetAffinity(mask []uint64) Errno {
	if len(mask) == 0 {
		return unix.EINVAL
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_SCHED_SETAFFINITY, 0, uintptr(len(mask)*8), uintptr(unsafe.Pointer(&mask[0])))
	return errno
}

// schedParam is struct sched_param.
type schedParam struct{ priority int32 }

// RawSetScheduler gives a thread (0 is the caller) a policy and real-time priority.
func RawSetScheduler(tid, policy, priority int) Errno {
	param := schedParam{priority: int32(priority)}
	_, _, errno := syscall.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, uintptr(tid), uintptr(policy), uintptr(unsafe.Pointer(&param)))
	return errno
}

// RawSetNice sets the calling thread's nice value.
func RawSetNice(nice int) Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, uintptr(nice))
	return errno
}

// RawReadByte reads one byte. n is 0 at the end of the stream.
func RawReadByte(fd int) (n int, errno Errno) {
	var b byte
	r, _, errno := syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b)), 1)
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

// RawWriteByte writes one byte.
func RawWriteByte(fd int) Errno {
	b := byte('x')
	_, _, errno := syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b)), 1)
	return errno
}

// RawPollRead waits up to timeout nanoseconds for fd to be readable or hung up.
func RawPollRead(fd int, timeout int64) (ready bool, errno Errno) {
	p := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	ts := unix.NsecToTimespec(timeout)
	n, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	if errno != 0 {
		return false, errno
	}
	return n == 1, 0
}

// RawMoveFD makes fd number to, which must differ from it.
func RawMoveFD(fd, to int) Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_DUP3, uintptr(fd), uintptr(to), 0)
	return errno
}

// RawCloseFrom closes every descriptor from first on.
func RawCloseFrom(first int) Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(first), uintptr(^uint32(0)), 0)
	return errno
}

// RawReadFile reads the beginning of a file. The path ends in a zero byte.
func RawReadFile(path, buf []byte) (int, Errno) {
	atCWD := unix.AT_FDCWD
	fd, _, errno := syscall.RawSyscall6(unix.SYS_OPENAT, uintptr(atCWD), uintptr(unsafe.Pointer(&path[0])), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	n, _, errno := syscall.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	syscall.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
