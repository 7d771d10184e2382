// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A thread of a fork is made by a raw clone. The Go runtime, which is frozen
// there, does not know of it, so the thread brings what compiled Go code needs:
// a stack, and the beginning of the runtime's g and m. With them a thread may run
// what a fork may run. It is its own g0, so the runtime never tries to switch its
// stack. A panic in it ends the process by a signal and without a word: what the
// runtime then looks for is not there.

const (
	// threadSize is the memory of a thread: its stack, and at the upper end its g, m and TLS.
	threadSize = 64 << 10
	threadOwn  = 8 << 10
	// The places in the upper end; the kernel clears the word at threadEndOff when
	// the thread has ended.
	threadGOff   = threadSize - threadOwn
	threadMOff   = threadGOff + 1<<10
	threadTLSOff = threadSize - 64
	threadEndOff = threadSize - 128
	// threadGuard is the part of the stack that functions without a stack check may use.
	threadGuard = 4 << 10
)

// Threads is the memory of the threads of a fork. It is made before the fork; every
// fork has its own copy, of which only what is touched costs memory.
type Threads struct{ memory []byte }

// NewThreads makes memory for up to n threads. BecomeZygote has to allow it.
func NewThreads(n int) (*Threads, error) {
	memory, err := unix.Mmap(-1, 0, max(n, 1)*threadSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("mapping the stacks of %d threads: %w", n, err)
	}
	// A huge page would give every thread memory that it does not need.
	if err := unix.Madvise(memory, unix.MADV_NOHUGEPAGE); err != nil && !errors.Is(err, unix.EINVAL) {
		return nil, os.NewSyscallError("madvise", err)
	}
	return &Threads{memory: memory}, nil
}

// RawStart starts the i-th thread of the process. It calls start, which must not
// return but end with RawExitThread. The kernel stores the thread's id in tid.
// cgroupFD is open on the cgroup it is born in, which is of the same threaded
// domain as the caller's; -1 means the caller's own.
//
// Preconditions: the process is a fork, and start is reachable from elsewhere.
func (t *Threads) RawStart(i int, start *func(), tid *uint32, cgroupFD int) Errno {
	own := t.memory[i*threadSize : (i+1)*threadSize]
	base := uintptr(unsafe.Pointer(&own[0])) // outside the heap: it does not move
	g := (*runtimeG)(unsafe.Pointer(&own[threadGOff]))
	m := (*runtimeM)(unsafe.Pointer(&own[threadMOff]))
	*g = runtimeG{
		stackLo: base, stackHi: base + threadGOff, stackGuard0: base + threadGuard, stackGuard1: base + threadGuard,
		m: base + threadMOff,
	}
	m.g0 = base + threadGOff
	*(*uintptr)(unsafe.Pointer(&own[threadTLSOff])) = base + threadGOff
	atomic.StoreUint32(t.endWord(i), 1)
	args := cloneArgs{
		flags: unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD | unix.CLONE_SYSVSEM |
			unix.CLONE_SETTLS | unix.CLONE_PARENT_SETTID | unix.CLONE_CHILD_CLEARTID,
		childTID:  uint64(base) + threadEndOff,
		parentTID: uint64(uintptr(unsafe.Pointer(tid))), // shared memory: it does not move
		stack:     uint64(base), stackSize: threadGOff,
		tls: uint64(base) + threadTLSOff + tlsBias,
	}
	if cgroupFD >= 0 {
		args.flags |= unix.CLONE_INTO_CGROUP
		args.cgroup = uint64(cgroupFD)
	}
	if r := cloneThread(&args, unsafe.Sizeof(args), base+threadGOff, unsafe.Pointer(*(**struct{})(unsafe.Pointer(start)))); r < 0 {
		return Errno(-r)
	}
	return 0
}

// endWord is not 0 while the i-th thread lives.
func (t *Threads) endWord(i int) *uint32 {
	return (*uint32)(unsafe.Pointer(&t.memory[i*threadSize+threadEndOff])) // 64-aligned
}

// RawJoin waits until the i-th thread, which was started, has ended.
func (t *Threads) RawJoin(i int) {
	word := t.endWord(i)
	for v := atomic.LoadUint32(word); v != 0; v = atomic.LoadUint32(word) {
		FutexWait(word, v, 0)
	}
}

// cloneThread is clone3(2) for a thread: the caller gets its id or a negative
// errno, the thread calls start, a func(), with own as its g.
//
//go:noescape
func cloneThread(args *cloneArgs, size, own uintptr, start unsafe.Pointer) int64

// RawExitThread ends the calling thread.
func RawExitThread() {
	for {
		syscall.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
	}
}
