// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// What is drawn at random does not depend on who draws it, but for the worker's seed.
const (
	clientSeed     = 0x636c69656e74
	dispatcherSeed = 0x64697370
	loadSeed       = 0x6c6f6164
)

// taobenchThread is a thread of the program.
type taobenchThread struct {
	*Worker
	kind   *Taobench
	at     taobenchLayout
	random random
	seen   uint64 // what the values a client has read add up to
}

func (k *Taobench) thread(w *Worker, seed uint64) taobenchThread {
	return taobenchThread{Worker: w, kind: k, at: k.layout(), random: newRandom(w.Seed ^ seed)}
}

// Prepare implements Preparer: the clients fill the cache, each its part of the shards, so that it is full when
// the time begins.
func (k *Taobench) Prepare(w *Worker) sys.Errno {
	t := k.thread(w, loadSeed)
	for shard := w.Position; w.Position < t.at.clients && shard < shards; shard += t.at.clients {
		for key := shard; key < t.at.objects; key += shards {
			if !t.put(uint64(key)) {
				return 0 // with the reason to leave, unless the run is over
			}
		}
	}
	return 0
}

// Run implements Kind.
func (k *Taobench) Run(w *Worker) {
	if w.Position >= k.layout().clients {
		t := k.thread(w, dispatcherSeed)
		t.dispatch()
		return
	}
	t := k.thread(w, clientSeed)
	t.ask()
}

// ask is a client's loop. In an open one an operation is due at a time that does not depend on
// how long those before took; clients begin one after the other.
func (t *taobenchThread) ask() {
	open := t.kind.ArrivalRatePerSecond > 0
	var step, due int64
	if open {
		step = t.kind.step()
		due = sys.Monotonic() + step*int64(t.Position)/int64(t.at.clients)
	}
	for !t.Stopped() {
		if open {
			due += step
			t.awaitTime(due)
		}
		if !t.operation(t.random.below(t.at.keys)) {
			return
		}
		if open {
			t.Record(taobenchServeTimes, sys.Monotonic()-due)
		}
		t.AddUnits(1)
		t.EndIteration()
	}
}

// awaitTime sleeps unless the time is over.
func (t *taobenchThread) awaitTime(due int64) {
	if sys.Monotonic() < due {
		t.SleepUntil(due)
		t.ResetGap()
	}
}

// operation asks for a key. It is false when the stop came before the answer.
func (t *taobenchThread) operation(key uint64) bool {
	if t.Stopped() {
		return false
	}
	t.Count(taobenchGets, 1)
	found, ok := t.read(key)
	switch {
	case !ok:
		return false
	case found:
		t.Count(taobenchFast, 1)
		return true
	}
	t.Count(taobenchMisses, 1)
	if !t.miss(key) {
		return false
	}
	t.Count(taobenchSlow, 1)
	t.ResetGap()
	t.checkpoint() // it may run elsewhere now
	return true
}

// miss has a dispatcher store a key and waits for that.
func (t *taobenchThread) miss(key uint64) bool {
	slot := t.at.slots + t.Position*clientSlot
	*t.Region.Word64(slot + clientKey) = key
	done := t.Region.Word32(slot + clientDone)
	store(done, 0)
	if !t.push() {
		return false
	}
	for load(done) == 0 {
		if t.Stopped() {
			return false
		}
		sys.FutexWaitPrivate(done, 0, tick) // whatever ends it, it is answered by looking again
	}
	return true
}

// push adds the client to those that wait for a dispatcher. There is room for each once.
func (t *taobenchThread) push() bool {
	lock, signal := t.Region.Word32(queueLock), t.Region.Word32(queueSignal)
	if !t.lock(lock) {
		return false
	}
	tail := t.Region.Word64(queueTail)
	*t.queued(*tail) = uint64(t.Position)
	*tail++
	store(signal, load(signal)+1)
	sleepers := *t.Region.Word32(queueSleepers)
	unlock(lock)
	if sleepers > 0 {
		sys.RawFutexWakePrivate(signal, 1)
	}
	return true
}

// queued is the n-th place of the queue.
func (t *taobenchThread) queued(n uint64) *uint64 {
	return t.Region.Word64(t.at.queue + int(n%uint64(t.at.clients))*8)
}

// pop takes the client that waits longest for a dispatcher, and waits until there is one.
func (t *taobenchThread) pop() (client int, ok bool) {
	lock, signal := t.Region.Word32(queueLock), t.Region.Word32(queueSignal)
	if !t.lock(lock) {
		return 0, false
	}
	head, sleepers := t.Region.Word64(queueHead), t.Region.Word32(queueSleepers)
	for *head == *t.Region.Word64(queueTail) {
		seen := load(signal)
		*sleepers++
		unlock(lock)
		sys.FutexWaitPrivate(signal, seen, tick)
		if !t.lock(lock) {
			return 0, false
		}
		*sleepers--
		if t.Stopped() {
			unlock(lock)
			return 0, false
		}
	}
	client = int(*t.queued(*head))
	*head++
	unlock(lock)
	return client, true
}

// dispatch is a dispatcher's loop.
func (t *taobenchThread) dispatch() {
	service := t.kind.service()
	for !t.Stopped() {
		client, ok := t.pop()
		if !ok {
			return
		}
		if sleep := service.draw(&t.random); sleep > 0 {
			t.SleepUntil(sys.Monotonic() + sleep)
		}
		t.ResetGap()
		slot := t.at.slots + client*clientSlot
		if t.Stopped() || !t.put(*t.Region.Word64(slot + clientKey)) {
			return
		}
		done := t.Region.Word32(slot + clientDone)
		store(done, 1)
		sys.RawFutexWakePrivate(done, 1)
		t.EndIteration()
	}
}

// service is how long a dispatcher's sleeps are: all the same, or by a Pareto distribution.
type service struct {
	least float64 // in ns
	power float64 // 0 if all are the same
}

// service is the distribution whose median and 99th percentile are given.
func (k *Taobench) service() service {
	median := float64(k.SlowPathSleep.Nanoseconds())
	if k.SlowPathP99 == nil {
		return service{least: median}
	}
	// With shape a, a quantile q is least/(1-q)^(1/a): the two differ by 50^(1/a).
	power := math.Log(float64(k.SlowPathP99.Nanoseconds())/median) / math.Log(50)
	return service{least: median * math.Pow(0.5, power), power: power}
}

// draw is the inverse of the distribution at a uniform number, in ns.
func (s service) draw(r *random) int64 {
	if s.power == 0 {
		return int64(s.least)
	}
	return int64(min(s.least*math.Pow(r.unit(), -s.power), float64(2*time.Second)))
}

// lock takes a mutex: 0 is free, 1 taken, 2 taken with others waiting. It is false at the stop.
func (t *taobenchThread) lock(word *uint32) bool {
	if atomic.CompareAndSwapUint32(word, 0, 1) {
		return true
	}
	var pauses uint64
	for range mutexSpins {
		spin(&pauses, 1)
		if load(word) == 0 && atomic.CompareAndSwapUint32(word, 0, 1) {
			return true
		}
	}
	for atomic.SwapUint32(word, 2) != 0 {
		if t.Stopped() {
			return false
		}
		sys.FutexWaitPrivate(word, 2, tick)
	}
	return true
}

// mutexSpins is how often a taken mutex is looked at before its taker is waited for.
const mutexSpins = 100

func unlock(word *uint32) {
	if atomic.SwapUint32(word, 0) == 2 {
		sys.RawFutexWakePrivate(word, 1)
	}
}
