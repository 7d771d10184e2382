// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"errors"
	"unsafe"
)

// runtimeG is the beginning of the runtime's g, as it is in Go 1.26.
type runtimeG struct {
	stackLo, stackHi         uintptr
	stackGuard0, stackGuard1 uintptr
	panics, defers           uintptr
	m                        uintptr
	sched                    [6]uintptr
	syscall                  [3]uintptr
	stackTop                 uintptr
	param                    uintptr
	status, stackLock        uint32
	id                       uint64
	schedLink                uintptr
	waitSince                int64
	waitReason               uint8
	preempt                  bool
}

// runtimeM is the beginning of the runtime's m.
type runtimeM struct{ g0 uintptr }

// statusRunning is the status of a goroutine that runs.
const statusRunning = 2

// currentG is the runtime's g of the caller.
func currentG() unsafe.Pointer

// checkRuntime compares what this package believes of the runtime's g and m with the
// running ones.
func checkRuntime() error {
	g := (*runtimeG)(currentG())
	here := uintptr(unsafe.Pointer(&g))
	if here < g.stackLo || here >= g.stackHi || g.stackGuard0 < g.stackLo || g.stackGuard1 == 0 || g.m == 0 || g.status != statusRunning || g.id == 0 {
		return errors.New("the Go runtime of this binary lays out a goroutine in an unknown way: workers cannot be forked (build with Go 1.26)")
	}
	m := (*runtimeM)(*(*unsafe.Pointer)(unsafe.Pointer(&g.m)))
	g0 := (*runtimeG)(*(*unsafe.Pointer)(unsafe.Pointer(&m.g0)))
	if g0.m != g.m {
		return errors.New("the Go runtime of this binary lays out a thread in an unknown way: workers cannot be forked (build with Go 1.26)")
	}
	return nil
}

// forgetPreemption takes back a request that the goroutine of a fork yield, made
// by the runtime's monitor in the parent while it forked. Following it would wait for
// ever: there is no scheduler in a fork.
//
//go:nosplit
func forgetPreemption() { (*runtimeG)(currentG()).preempt = false }
