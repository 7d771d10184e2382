// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls on files may wait, as those of raw_unsafe.go that do.

// ReadAt reads from a place in a file and returns how much it read.
func ReadAt(fd int, buf []byte, off int64) (n int, errno Errno) {
	var r uintptr
	if forked {
		r, _, errno = syscall.RawSyscall6(unix.SYS_PREAD64, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), uintptr(off), 0, 0)
	} else {
		r, _, errno = syscall.Syscall6(unix.SYS_PREAD64, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), uintptr(off), 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

// WriteAt writes to a place in a file and returns how much it wrote.
func WriteAt(fd int, buf []byte, off int64) (n int, errno Errno) {
	var r uintptr
	if forked {
		r, _, errno = syscall.RawSyscall6(unix.SYS_PWRITE64, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), uintptr(off), 0, 0)
	} else {
		r, _, errno = syscall.Syscall6(unix.SYS_PWRITE64, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), uintptr(off), 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

// SyncData waits until what was written to a file can be read after a power failure.
func SyncData(fd int) (errno Errno) {
	if forked {
		_, _, errno = syscall.RawSyscall(unix.SYS_FDATASYNC, uintptr(fd), 0, 0)
	} else {
		_, _, errno = syscall.Syscall(unix.SYS_FDATASYNC, uintptr(fd), 0, 0)
	}
	return errno
}

// NodeMask is a set of NUMA nodes as the kernel takes it: bit n is node n.
type NodeMask [16]uint64

// BindMemory binds whole pages to NUMA nodes, and moves to them what is elsewhere, if
// move says so, as far as it can be moved. That waits for all CPUs.
func BindMemory(memory []byte, nodes *NodeMask, move bool) (errno Errno) {
	var flags uintptr
	if move {
		flags = unix.MPOL_MF_MOVE
	}
	const maxNode = 64*uintptr(len(nodes)) + 1 // the kernel takes one off
	at, n := uintptr(unsafe.Pointer(&memory[0])), uintptr(len(memory))
	if forked {
		_, _, errno = syscall.RawSyscall6(unix.SYS_MBIND, at, n, unix.MPOL_BIND, uintptr(unsafe.Pointer(nodes)), maxNode, flags)
	} else {
		_, _, errno = syscall.Syscall6(unix.SYS_MBIND, at, n, unix.MPOL_BIND, uintptr(unsafe.Pointer(nodes)), maxNode, flags)
	}
	return errno
}

// RawNoHugePages keeps memory in pages of the smallest size. A kernel that knows no
// others answers EINVAL, which is no failure.
func RawNoHugePages(memory []byte) Errno {
	if errno := advise(memory, unix.MADV_NOHUGEPAGE); errno != unix.EINVAL {
		return errno
	}
	return 0
}

// RawForgetPages gives the pages of private memory back; they read as zeros then.
func RawForgetPages(memory []byte) Errno { return advise(memory, unix.MADV_DONTNEED) }

func advise(memory []byte, advice int) Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_MADVISE, uintptr(unsafe.Pointer(&memory[0])), uintptr(len(memory)), uintptr(advice))
	return errno
}

// RawAffinity fills mask with the CPUs the calling thread may use. It fails with
// EINVAL on a kernel for more CPUs than the mask has bits.
func RawAffinity(mask []uint64) Errno {
	clear(mask)
	_, _, errno := syscall.RawSyscall(unix.SYS_SCHED_GETAFFINITY, 0, uintptr(len(mask)*8), uintptr(unsafe.Pointer(&mask[0])))
	return errno
}

// RawNice is the calling thread's nice value.
func RawNice() (int, Errno) {
	// The kernel adds 20, so that no value is an errno.
	r, _, errno := syscall.RawSyscall(unix.SYS_GETPRIORITY, unix.PRIO_PROCESS, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return 20 - int(r), 0
}
