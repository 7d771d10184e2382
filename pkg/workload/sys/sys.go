// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package sys is the engine's door to the kernel: system calls that are missing
// elsewhere, or that must not touch the Go runtime.
//
// A forked worker has one thread and a Go runtime that is frozen in the state it
// had in its parent. It may run Go code that neither allocates nor blocks in the
// scheduler, and it may enter the kernel by raw system calls only. The functions
// of this package are those calls. They never allocate and return the errno as it
// is. Names begin with Raw where a call never waits and so is raw everywhere; the
// others are raw in a fork and known to the scheduler elsewhere.
//
// A fork may have threads, made by Threads. To the Go runtime they do not exist.
package sys

import "golang.org/x/sys/unix"

// Errno is a raw system call's result: 0 is success.
type Errno = unix.Errno

// Scheduling policies of sched(7).
const (
	PolicyOther    = 0
	PolicyFIFO     = 1
	PolicyRR       = 2
	PolicyBatch    = 3
	PolicyIdle     = 5
	PolicyDeadline = 6
	PolicyExt      = 7
)

// Interrupted is the errno of a call that a signal cut short.
const Interrupted = unix.EINTR
