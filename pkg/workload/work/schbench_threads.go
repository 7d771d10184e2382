// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"sync/atomic"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// schbenchThread is a thread of the program.
type schbenchThread struct {
	*Worker
	kind   *Schbench
	at     schbenchLayout
	own    []uint64 // a worker's matrices
	shared []uint64
}

// Run implements Kind.
func (k *Schbench) Run(w *Worker) {
	t := k.thread(w)
	switch n := w.Position - 1; {
	case n < 0:
		t.control()
	case n >= t.at.messages:
		t.work(n - t.at.messages)
	case k.rated():
		t.inject(n)
	default:
		t.message(n)
	}
}

func (k *Schbench) thread(w *Worker) schbenchThread {
	t := schbenchThread{Worker: w, kind: k, at: k.layout()}
	t.own = sys.Words(w.Memory)
	t.shared = sys.Words(w.Region.Bytes()[t.at.shared : t.at.shared+matrixBytes(t.at.sharedOrder)])
	return t
}

// rated says that requests are sent at a rate, whether or not a worker asks.
func (k *Schbench) rated() bool { return k.RequestsPerSecond > 0 || k.AutoRatePercent > 0 }

// measuring says whether values count.
func (t *schbenchThread) measuring() bool {
	return t.kind.AutoRatePercent == 0 || load(t.Region.Word32(schbenchMeasuring)) == 1
}

// post lets the thread whose word it is run on. Posts do not add up.
func post(word *uint32) {
	if atomic.CompareAndSwapUint32(word, 0, 1) {
		sys.RawFutexWakePrivate(word, 1)
	}
}

// awaitPost uses a post up, once there is one. It is false at the stop.
func (w *Worker) awaitPost(word *uint32) bool {
	for !atomic.CompareAndSwapUint32(word, 1, 0) {
		if w.Stopped() {
			return false
		}
		// A timeout, a signal and a post that has just come are all answered by
		// looking again.
		sys.FutexWaitPrivate(word, 0, tick)
	}
	w.ResetGap()
	return true
}

// message wakes the workers that wait, whenever there are some.
func (t *schbenchThread) message(n int) {
	slot := t.at.message(n)
	waiting, futex := t.Region.Word32(slot+schbenchWaiting), t.Region.Word32(slot+schbenchFutex)
	for !t.Stopped() {
		t.wakeAll(atomic.SwapUint32(waiting, 0))
		t.EndIteration()
		t.awaitPost(futex)
	}
	t.wakeAll(atomic.SwapUint32(waiting, 0))
}

// wakeAll wakes a list of workers, all at the same time by their clock; a list of pages takes longer
// to go through, so there each has its own.
func (t *schbenchThread) wakeAll(list uint32) {
	now := sys.Monotonic()
	for list != 0 {
		n := int(list) - 1
		slot := t.at.worker(n)
		list = load(t.Region.Word32(slot + schbenchNext)) // before the worker goes on and waits anew
		if t.at.page > 0 {
			fill(t.page(n), 1)
			now = sys.Monotonic()
		}
		atomic.StoreUint64(t.Region.Word64(slot+schbenchWoken), uint64(now))
		post(t.Region.Word32(slot + schbenchFutex))
	}
}

// page is what a worker and its message thread pass on.
func (t *schbenchThread) page(worker int) []byte {
	at := t.at.pages + worker*align64(t.at.page)
	return t.Region.Bytes()[at : at+t.at.page]
}

func fill(page []byte, value byte) {
	page[0] = value
	for n := 1; n < len(page); n *= 2 {
		copy(page[n:], page[:n])
	}
}

// work is a worker's loop. At its end it posts the message thread, which may wait for it.
func (t *schbenchThread) work(n int) {
	slot := t.at.worker(n)
	boss := t.at.message(n / t.at.perMessage)
	done := t.Region.Word64(slot + schbenchDone)
	for !t.Stopped() {
		requests := uint32(1)
		if t.kind.rated() {
			requests = t.take(slot)
		} else {
			t.ask(n, slot, boss)
		}
		for ; requests > 0 && t.request(); requests-- {
			atomic.StoreUint64(done, *done+1) // only this worker writes it
			t.AddUnits(1)
			t.EndIteration()
			t.checkpoint() // a request is long
		}
	}
	post(t.Region.Word32(boss + schbenchFutex))
}

// ask puts the worker before those that wait for its message thread, and waits.
func (t *schbenchThread) ask(n, slot, boss int) {
	if t.at.page > 0 {
		fill(t.page(n), 2)
	}
	waiting, next := t.Region.Word32(boss+schbenchWaiting), t.Region.Word32(slot+schbenchNext)
	for {
		first := load(waiting)
		store(next, first)
		if atomic.CompareAndSwapUint32(waiting, first, uint32(n)+1) {
			break
		}
	}
	post(t.Region.Word32(boss + schbenchFutex))
	if t.awaitPost(t.Region.Word32(slot + schbenchFutex)) {
		t.woken(atomic.LoadUint64(t.Region.Word64(slot + schbenchWoken)))
	}
}

// woken records the time since the waker's.
func (t *schbenchThread) woken(at uint64) {
	if t.measuring() {
		t.Record(schbenchWakeups, sys.Monotonic()-int64(at))
	}
}

// request is one request. It is false when the stop came before its end.
func (t *schbenchThread) request() bool {
	if t.at.page > 0 {
		return !t.Stopped()
	}
	began := sys.Monotonic()
	if sleep := t.kind.Sleep.Nanoseconds(); sleep > 0 {
		t.SleepUntil(began + sleep)
		t.ResetGap()
	}
	if t.Stopped() || !t.computeLocked() {
		return false
	}
	if t.measuring() {
		t.Record(schbenchRequests, sys.Monotonic()-began)
	}
	return true
}
