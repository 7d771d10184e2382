// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"sync/atomic"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// computeLocked computes under the lock of the CPU. It is false when the stop came before the end.
func (t *schbenchThread) computeLocked() bool {
	if t.kind.SkipLocking {
		return t.compute()
	}
	lock := t.lockCPU()
	if lock == nil {
		return false
	}
	done := t.compute()
	store(lock, 0)
	return done
}

// lockCPU takes the lock of the CPU it runs on, and another if it was moved while it
// waited. To wait is to spin: what a preempted worker costs others is to be seen. Nil
// at the stop.
func (t *schbenchThread) lockCPU() *uint32 {
	var pauses uint64
	for {
		cpu := sys.RawCPU()
		lock := t.Region.Word32(t.at.locks + int(cpu)%lockCPUs*lockStride)
		for !atomic.CompareAndSwapUint32(lock, 0, 1) {
			if t.Stopped() {
				return nil
			}
			spin(&pauses, 1)
		}
		if sys.RawCPU() == cpu {
			return lock
		}
		store(lock, 0)
	}
}

// compute multiplies matrices: first those that workers share, then the worker's own.
func (t *schbenchThread) compute() bool {
	own, shared := t.kind.split()
	for range shared {
		if !t.multiply(t.shared, t.at.sharedOrder) {
			return false
		}
	}
	for range own {
		if !t.multiply(t.own, t.at.privateOrder) {
			return false
		}
	}
	return true
}

// split divides the operations of a request.
func (k *Schbench) split() (own, shared int64) {
	if k.SplitPercent == nil {
		return *k.Operations, 0
	}
	own = *k.Operations * int64(*k.SplitPercent) / 100
	return own, *k.Operations - own
}

// multiply multiplies matrices. The shared ones others multiply at the same time: what they hold is nobody's result.
func (t *schbenchThread) multiply(words []uint64, order int) bool {
	if !t.matmul(words, order) {
		return false
	}
	if order >= longOrder {
		t.LookAround()
	}
	return true
}

// longOrder is that of matrices that take about a millisecond to multiply.
const longOrder = 100
