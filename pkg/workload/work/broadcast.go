// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"sync/atomic"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// broadcast is a generation that one worker of a set, the waker, advances and the
// others, its followers, wait for. In an open loop the generations are due by a
// schedule, which begins with the waker and which the followers know too.
type broadcast struct {
	generation  *uint32
	began, seed *uint64
}

// broadcastBytes is its part of a region, at the beginning.
const broadcastBytes = 64

func (w *Worker) broadcast() broadcast {
	return broadcast{generation: w.Region.Word32(0), began: w.Region.Word64(8), seed: w.Region.Word64(16)}
}

// begin is the schedule, for the waker.
func (b *broadcast) begin(w *Worker, arrival *Arrival) arrivals {
	if arrival == nil {
		return arrivals{}
	}
	now := sys.Monotonic()
	atomic.StoreUint64(b.began, uint64(now))
	atomic.StoreUint64(b.seed, w.Seed)
	return arrival.from(now, w.Seed)
}

// advance begins a generation and wakes who waits for it.
func (b *broadcast) advance(followers int32) {
	store(b.generation, load(b.generation)+1)
	sys.RawFutexWake(b.generation, int(followers))
}

// follower is a worker that waits for generations.
type follower struct {
	broadcast
	arrival *Arrival
	due     arrivals
	served  uint32
}

func (w *Worker) follow(arrival *Arrival) follower {
	return follower{broadcast: w.broadcast(), arrival: arrival}
}

// turn is a generation that a follower serves.
type turn struct {
	generation uint32
	due        int64 // in an open loop
	// blocked says that the follower came first and waited, as long as that.
	blocked bool
	waited  int64
}

// next waits for the follower's turn; false means to leave the loop. In a closed loop
// that is the generation after the one that is on: those that pass meanwhile are
// missed. In an open loop each generation has its turn, however late.
func (f *follower) next(w *Worker) (t turn, ok bool) {
	if f.arrival == nil {
		f.served = load(f.generation)
	}
	if load(f.generation) == f.served {
		began := sys.Monotonic()
		if !w.AwaitChange(f.generation, f.served) {
			return t, false
		}
		t.blocked, t.waited = true, sys.Monotonic()-began
	}
	f.served++
	t.generation = f.served
	if f.arrival != nil {
		if !f.due.open {
			f.due = f.arrival.from(int64(atomic.LoadUint64(f.began)), atomic.LoadUint64(f.seed))
		}
		t.due = f.due.next()
	}
	return t, !w.Stopped()
}
