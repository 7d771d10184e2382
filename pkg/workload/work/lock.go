// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"sync/atomic"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// The locks that workers of a set contend for. Both record, as metric 0, each wait
// for an owner: from blocking until woken. A wait that the stop ends is none.

// plainLock is a word that is 1 while somebody holds it.
type plainLock struct{ word *uint32 }

// acquire takes the lock; false means to leave the loop, without it. Whoever is woken
// competes with all others, so that one acquisition may be several waits.
func (l plainLock) acquire(w *Worker) bool {
	for !atomic.CompareAndSwapUint32(l.word, 0, 1) {
		if !l.await(w) {
			return false
		}
	}
	return true
}

// await blocks once while the lock is held; it is false at the stop.
func (l plainLock) await(w *Worker) bool {
	began := sys.Monotonic()
	for !w.Stopped() {
		switch sys.FutexWait(l.word, 1, tick) {
		case 0:
			w.recordLockWait(began)
			return true
		case sys.Again: // it was free before the worker blocked
			return true
		}
	}
	return false
}

func (l plainLock) release() {
	store(l.word, 0)
	sys.RawFutexWake(l.word, 1)
}

// recordLockWait records a wait that ended now. One that ends after the stop may have
// ended early: the stop cuts short what owners do.
func (w *Worker) recordLockWait(began int64) {
	if waited := sys.Monotonic() - began; !w.Stopped() {
		w.Record(0, waited)
	}
}

// inheritingLock lends its owner the priority of whoever waits for it. The word holds
// the owner's task id, or 0, and the kernel's flag for those who wait.
type inheritingLock struct {
	word *uint32
	tid  uint32
}

// acquire takes the lock; false means to leave the loop, without it.
func (l inheritingLock) acquire(w *Worker) bool {
	if atomic.CompareAndSwapUint32(l.word, 0, l.tid) {
		return true
	}
	for began := sys.Monotonic(); !w.Stopped(); {
		switch errno := sys.LockPI(l.word, sys.Monotonic()+tick); errno {
		case 0:
			w.recordLockWait(began)
			return true
		case sys.TimedOut, sys.Interrupted, sys.Again: // the last: its owner is about to end
		default:
			w.LeaveErrno("waiting for the lock", errno)
			return false
		}
	}
	return false
}

// release gives the lock back; false means to leave the loop.
func (l inheritingLock) release(w *Worker) bool {
	if atomic.CompareAndSwapUint32(l.word, l.tid, 0) {
		return true
	}
	errno := sys.RawUnlockPI(l.word)
	if errno != 0 {
		w.LeaveErrno("releasing the lock", errno)
	}
	return errno == 0
}
