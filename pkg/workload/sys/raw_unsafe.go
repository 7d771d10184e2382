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

// RawSwitches is how often the calling thread gave up its CPU and how often it was
// taken from it.
func RawSwitches() (voluntary, involuntary int64) {
	var r unix.Rusage
	syscall.RawSyscall(unix.SYS_GETRUSAGE, unix.RUSAGE_THREAD, uintptr(unsafe.Pointer(&r)), 0)
	return r.Nvcsw, r.Nivcsw
}

// The calls below may wait. In a fork they are raw; in a process with a live Go
// runtime the scheduler is told, so that a thread that waits never holds up a
// stop of the world.

// SleepUntil sleeps until the given CLOCK_MONOTONIC time in nanoseconds.
func SleepUntil(deadline int64) Errno {
	ts := unix.NsecToTimespec(deadline)
	var errno Errno
	if forked {
		_, _, errno = syscall.RawSyscall6(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	} else {
		_, _, errno = syscall.Syscall6(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	}
	return errno
}

const (
	futexWait       = 0
	futexWake       = 1
	futexWaitBitset = 9
	futexAllBits    = 0xffffffff
)

// FutexWait blocks while the word, which other processes may share, holds value:
// until a wake or for timeout nanoseconds. 0 means without a bound.
func FutexWait(word *uint32, value uint32, timeout int64) Errno {
	ts := unix.NsecToTimespec(timeout)
	limit := &ts
	if timeout == 0 {
		limit = nil
	}
	var errno Errno
	if forked {
		_, _, errno = syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, uintptr(value), uintptr(unsafe.Pointer(limit)), 0, 0)
	} else {
		_, _, errno = syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, uintptr(value), uintptr(unsafe.Pointer(limit)), 0, 0)
	}
	return errno
}

// FutexWaitUntil is FutexWait with a CLOCK_MONOTONIC deadline.
func FutexWaitUntil(word *uint32, value uint32, deadline int64) Errno {
	ts := unix.NsecToTimespec(deadline)
	var errno Errno
	if forked {
		_, _, errno = syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWaitBitset, uintptr(value),
			uintptr(unsafe.Pointer(&ts)), 0, futexAllBits)
	} else {
		_, _, errno = syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWaitBitset, uintptr(value),
			uintptr(unsafe.Pointer(&ts)), 0, futexAllBits)
	}
	return errno
}

// ReadByte reads one byte. n is 0 at the end of the stream.
func ReadByte(fd int) (n int, errno Errno) {
	var b byte
	var r uintptr
	if forked {
		r, _, errno = syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b)), 1)
	} else {
		r, _, errno = syscall.Syscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b)), 1)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

// WriteByte writes one byte.
func WriteByte(fd int) (errno Errno) {
	b := byte('x')
	if forked {
		_, _, errno = syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b)), 1)
	} else {
		_, _, errno = syscall.Syscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b)), 1)
	}
	return errno
}

// PollRead waits up to timeout nanoseconds for fd to be readable or hung up.
func PollRead(fd int, timeout int64) (ready bool, errno Errno) {
	p := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	ts := unix.NsecToTimespec(timeout)
	var n uintptr
	if forked {
		n, _, errno = syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	} else {
		n, _, errno = syscall.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	}
	return errno == 0 && n == 1, errno
}

// The calls below never wait.

// RawFutexWake wakes up to n waiters of the word.
func RawFutexWake(word *uint32, n int) {
	syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake, uintptr(n), 0, 0, 0)
}

// RawYield is sched_yield.
func RawYield() { syscall.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

// RawCPU is the CPU the caller runs on.
func RawCPU() uint32 {
	if segmentTells {
		return segmentCPU()
	}
	return getCPU()
}

// segmentTells says that segmentCPU can be believed; a zygote finds out for its forks.
var segmentTells bool

// checkSegmentCPU says whether segmentCPU can be believed: it gives what the system
// call gives, and the machine has no more CPUs than it has numbers for. Now and then
// the thread moves in between.
func checkSegmentCPU() bool {
	var mask unix.CPUSet // 1024 CPUs: a larger machine makes this call fail
	if err := unix.SchedGetaffinity(0, &mask); err != nil {
		return false
	}
	for range 10 {
		if before := getCPU(); segmentCPU() == before && getCPU() == before {
			return true
		}
	}
	return false
}

func getCPU() uint32 {
	var cpu uint32
	syscall.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0)
	return cpu
}

// RawParent is the parent's process id.
func RawParent() int {
	pid, _, _ := syscall.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	return int(pid)
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

// RawSetAffinity restricts a thread (0 is the caller) to the CPUs of the mask.
func RawSetAffinity(tid int, mask []uint64) Errno {
	if len(mask) == 0 {
		return unix.EINVAL
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_SCHED_SETAFFINITY, uintptr(tid), uintptr(len(mask)*8), uintptr(unsafe.Pointer(&mask[0])))
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

// RawSetDeadline gives the calling thread SCHED_DEADLINE. The times are in ns.
func RawSetDeadline(runtime, deadline, period uint64) Errno {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: PolicyDeadline, Runtime: runtime, Deadline: deadline, Period: period}
	_, _, errno := syscall.RawSyscall(unix.SYS_SCHED_SETATTR, 0, uintptr(unsafe.Pointer(&attr)), 0)
	return errno
}

// RawResetOnFork makes what the calling thread forks begin in SCHED_OTHER, whatever
// its own class is.
func RawResetOnFork() Errno {
	policy, _, errno := syscall.RawSyscall(unix.SYS_SCHED_GETSCHEDULER, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	var param schedParam
	if _, _, errno := syscall.RawSyscall(unix.SYS_SCHED_GETPARAM, 0, uintptr(unsafe.Pointer(&param)), 0); errno != 0 {
		return errno
	}
	return RawSetScheduler(0, int(policy)|resetOnFork, int(param.priority))
}

// resetOnFork is SCHED_RESET_ON_FORK.
const resetOnFork = 0x40000000

// RawSetNice sets the calling thread's nice value.
func RawSetNice(nice int) Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, uintptr(nice))
	return errno
}

// RawMoveFD makes fd number to, which must differ from it. flags is 0 or O_CLOEXEC.
func RawMoveFD(fd, to, flags int) Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_DUP3, uintptr(fd), uintptr(to), uintptr(flags))
	return errno
}

// LastFD is above every descriptor.
const LastFD = 1<<32 - 1

// RawCloseRange closes every descriptor from first to last.
func RawCloseRange(first, last int) Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(first), uintptr(last), 0)
	return errno
}

// RawReadFile reads the beginning of a file. The path ends in a zero byte.
func RawReadFile(path, buf []byte) (int, Errno) {
	fd, errno := RawOpen(path)
	if errno != 0 {
		return 0, errno
	}
	n, errno := RawRead(fd, buf)
	RawClose(fd)
	return n, errno
}

// RawOpen opens a file for reading. The path ends in a zero byte.
func RawOpen(path []byte) (int, Errno) {
	atCWD := unix.AT_FDCWD
	fd, _, errno := syscall.RawSyscall6(unix.SYS_OPENAT, uintptr(atCWD), uintptr(unsafe.Pointer(&path[0])), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
	return int(fd), errno
}

// RawRead reads from a file.
func RawRead(fd int, buf []byte) (int, Errno) {
	n, _, errno := syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// RawClose closes a descriptor.
func RawClose(fd int) { syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// RawMap maps n bytes of zeroed memory between two pages that cannot be touched,
// so that the kernel keeps the mapping apart from its neighbours.
func RawMap(n int) ([]byte, Errno) {
	page := syscall.Getpagesize()
	n = (n + page - 1) / page * page
	all, _, errno := syscall.RawSyscall6(unix.SYS_MMAP, 0, uintptr(n+2*page), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
	if errno != 0 {
		return nil, errno
	}
	at := all + uintptr(page)
	if _, _, errno := syscall.RawSyscall(unix.SYS_MPROTECT, at, uintptr(n), unix.PROT_READ|unix.PROT_WRITE); errno != 0 {
		return nil, errno
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&at)), n), 0 // fresh memory outside the heap
}

// Address is where memory begins.
func Address(memory []byte) uint64 { return uint64(uintptr(unsafe.Pointer(&memory[0]))) }

// RawSetMempolicy sets the calling thread's NUMA memory policy. mode includes the flags;
// maxNode is one more than the kernel looks at, 0 with no nodes.
func RawSetMempolicy(mode int, nodes []uint64, maxNode uint64) Errno {
	var mask unsafe.Pointer
	if len(nodes) > 0 {
		mask = unsafe.Pointer(&nodes[0])
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_SET_MEMPOLICY, uintptr(mode), uintptr(mask), uintptr(maxNode))
	return errno
}

// RawBecome changes the calling thread's group and user, each real, effective and
// saved, after taking all supplementary groups away. -1 leaves one as it is. The
// kernel forgets the death signal on a change.
func RawBecome(uid, gid int) Errno {
	if _, _, errno := syscall.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
		return errno
	}
	if _, _, errno := syscall.RawSyscall(unix.SYS_SETRESGID, uintptr(gid), uintptr(gid), uintptr(gid)); errno != 0 {
		return errno
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid))
	return errno
}
