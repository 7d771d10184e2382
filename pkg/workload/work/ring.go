// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"sync/atomic"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// ring is a bounded queue of items that the workers of a set share. An item is its
// number. Producers reserve a place by advancing head, write, and then publish in
// order; consumers claim what is published by advancing tail. None of the three ever goes back.
type ring struct {
	head, tail, published *uint64
	room, items           *uint32 // change whenever there is more of it
	depth                 uint64
	region                arena.Region
}

// ringHead is the part of the region before the items.
const ringHead = 32

// ringBytes is the size of the region of a ring.
func ringBytes(depth int64) int { return ringHead + 8*int(min(max(depth, 0), maxQueueDepth)) }

func (w *Worker) ring(depth int64) ring {
	r := w.Region
	return ring{
		head: r.Word64(0), tail: r.Word64(8), published: r.Word64(24), room: r.Word32(16), items: r.Word32(20),
		depth: uint64(depth), region: r,
	}
}

func (r *ring) slot(item uint64) *uint64 { return r.region.Word64(ringHead + 8*int(item%r.depth)) }

// put puts the next item in and says whether it had to wait for room; not ok means to
// leave the loop.
func (r *ring) put(w *Worker) (waited, ok bool) {
	for !w.Stopped() {
		seen := load(r.room) // before it looks: what changes later ends its wait
		item := atomic.LoadUint64(r.head)
		if int64(item-atomic.LoadUint64(r.tail)) >= int64(r.depth) {
			waited = true
			if !w.timedWait(r.room, seen) {
				return waited, false
			}
			continue
		}
		if atomic.CompareAndSwapUint64(r.head, item, item+1) {
			return waited, r.publish(w, item)
		}
	}
	return waited, false
}

// publish writes an item whose place is reserved and lets consumers see it, after
// those before it.
func (r *ring) publish(w *Worker, item uint64) bool {
	atomic.StoreUint64(r.slot(item), item)
	for atomic.LoadUint64(r.published) != item {
		if w.Stopped() {
			return false
		}
		pause()
	}
	atomic.StoreUint64(r.published, item+1)
	atomic.AddUint32(r.items, 1)
	sys.RawFutexWake(r.items, 1)
	return true
}

// take takes an item out; not ok means to leave the loop.
func (r *ring) take(w *Worker) (item uint64, ok bool) {
	for !w.Stopped() {
		seen := load(r.items)
		at := atomic.LoadUint64(r.tail)
		if int64(atomic.LoadUint64(r.published)-at) <= 0 {
			if !w.timedWait(r.items, seen) {
				return 0, false
			}
			continue
		}
		item = atomic.LoadUint64(r.slot(at)) // before it is claimed: then it may be written again
		if atomic.CompareAndSwapUint64(r.tail, at, at+1) {
			atomic.AddUint32(r.room, 1)
			sys.RawFutexWake(r.room, 1)
			return item, true
		}
	}
	return 0, false
}

// timedWait waits for a word to change, as metric 0; it is false at the stop.
func (w *Worker) timedWait(word *uint32, seen uint32) bool {
	began := sys.Monotonic()
	if !w.AwaitChange(word, seen) {
		return false
	}
	w.Record(0, sys.Monotonic()-began)
	return true
}

// pause lets the other hardware thread of the core go first for a moment.
func pause() {
	var units uint64
	spin(&units, 16)
}
