// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The runtime's own hooks around a fork. The linker lets them be pulled because
// other projects that fork without exec depend on them. They are needed: without
// them a signal, a stack growth or a preemption that hits the fork leaves the
// child hanging.

//go:linkname runtimeBeforeFork syscall.runtime_BeforeFork
func runtimeBeforeFork()

//go:linkname runtimeAfterFork syscall.runtime_AfterFork
func runtimeAfterFork()

// forked says that the Go scheduler is not to be used: in a zygote and its forks.
// Set once, before the first fork, it costs no fork a page of its own.
var forked bool

// BecomeZygote prepares the calling thread, which is locked and stays the only one
// that does anything, for Fork. From here on waiting calls are raw.
func BecomeZygote() error {
	if err := checkRuntime(); err != nil {
		return err
	}
	segmentTells = checkSegmentCPU()
	forked = true
	growStack(false)
	return nil
}

// cloneArgs is struct clone_args of clone3(2), version 2 (88 bytes).
type cloneArgs struct {
	flags, pidFD, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

// ForkTarget says where a fork goes. It must be made before the first fork.
type ForkTarget struct {
	args cloneArgs
}

// NewForkTarget returns the target for children that become siblings of the
// caller (CLONE_PARENT), inside the cgroup that cgroupFD is open on; -1 means the
// caller's own cgroup.
func NewForkTarget(cgroupFD int) *ForkTarget {
	t := &ForkTarget{args: cloneArgs{flags: unix.CLONE_PARENT | unix.CLONE_PARENT_SETTID | unix.CLONE_CLEAR_SIGHAND}}
	if cgroupFD >= 0 {
		t.args.flags |= unix.CLONE_INTO_CGROUP
		t.args.cgroup = uint64(cgroupFD)
	}
	return t
}

// Fork copies the process. In the parent it returns the child's id, in the child
// 0. The kernel stores the child's id in tid before the child runs, so that it is
// known even when the caller dies at once; tid lies in shared memory. Signals that
// the runtime handles have their default action in the child.
//
// Preconditions: the caller called BecomeZygote.
//
//go:noinline
//go:norace
func Fork(t *ForkTarget, tid *uint32) (pid int, errno Errno) {
	args := t.args                                        // on the stack, which is written to anyway
	args.parentTID = uint64(uintptr(unsafe.Pointer(tid))) // shared memory: it does not move
	runtimeBeforeFork()
	pid, errno = clone3(&args)
	if errno == 0 && pid == 0 {
		// Also undoes what BeforeFork did to this goroutine's stack guard.
		runtimeAfterFork()
		forgetPreemption()
		return 0, 0
	}
	runtimeAfterFork()
	return pid, errno
}

//go:nosplit
//go:norace
func clone3(args *cloneArgs) (int, Errno) {
	pid, _, errno := syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(args)), unsafe.Sizeof(*args), 0)
	return int(pid), errno
}

// growStack makes the goroutine's stack large enough that no function a worker
// calls has to grow it: growing allocates. A function with a large frame does that
// by being called; the pages themselves need not be touched, since every fork would
// have to copy them.
//
//go:noinline
func growStack(touch bool) byte {
	if touch {
		var frame [64 << 10]byte
		for i := 0; i < len(frame); i += 4096 {
			frame[i] = byte(i >> 12)
		}
		return frame[len(frame)/2]
	}
	return 0
}

// sigaction is the kernel's struct sigaction for rt_sigaction(2).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const sigIgnore = 1

// RawIgnorePipeSignal makes a write to a pipe that nobody reads fail instead of
// kill.
func RawIgnorePipeSignal() Errno {
	action := sigaction{handler: sigIgnore}
	_, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGPIPE), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	return errno
}
