// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

const (
	// firstRate is what the search for a rate begins with.
	firstRate = 10
	// lastRate is where it ends.
	lastRate = 1 << 31
	// fullNap is how long a message thread sleeps when a worker has enough to do.
	fullNap = 100_000
	// rateLook is how long a message thread sleeps at most while the rate may change.
	rateLook = 50_000_000
	// minSecond is the shortest time that a rate is worked out from.
	minSecond = 50_000_000
)

// inject sends a message thread's part of the requests, evenly spaced, to its workers in turn. One that has enough
// to do is passed over; after that the spacing begins anew.
func (t *schbenchThread) inject(n int) {
	first, turn := n*t.at.perMessage, 0
	for last := sys.Monotonic(); t.awaitDue(&last); {
		slot := t.at.worker(first + turn)
		turn = (turn + 1) % t.at.perMessage
		if !t.send(slot) {
			last = t.SleepUntil(sys.Monotonic() + fullNap)
			t.ResetGap()
		}
		t.EndIteration()
	}
}

// awaitDue waits until the next request is due, and sets last to that time. It is false at the stop.
func (t *schbenchThread) awaitDue(last *int64) bool {
	for !t.Stopped() {
		due, now := *last+t.spacing(), sys.Monotonic()
		if now >= due {
			*last = due
			return true
		}
		if t.kind.AutoRatePercent > 0 {
			due = min(due, now+rateLook)
		}
		t.SleepUntil(due)
		t.ResetGap()
	}
	return false
}

// spacing is the time between two requests of one message thread.
func (t *schbenchThread) spacing() int64 {
	return int64(t.at.messages) * int64(time.Second) / t.rate()
}

// rate is the requests per second of all.
func (t *schbenchThread) rate() int64 {
	if t.kind.AutoRatePercent == 0 {
		return t.kind.RequestsPerSecond
	}
	return max(firstRate, int64(atomic.LoadUint64(t.Region.Word64(schbenchRate))))
}

// send adds a request to those that a worker has to take, unless they are too many.
func (t *schbenchThread) send(slot int) bool {
	sent := load(t.Region.Word32(slot + schbenchSent)) // only this thread writes it
	if sent-load(t.Region.Word32(slot+schbenchTaken)) > maxPending {
		return false
	}
	*t.ring(slot, sent) = uint64(sys.Monotonic())
	store(t.Region.Word32(slot+schbenchSent), sent+1)
	post(t.Region.Word32(slot + schbenchFutex))
	return true
}

// ring is where a worker's n-th request is: the time it was sent.
func (t *schbenchThread) ring(slot int, n uint32) *uint64 {
	return t.Region.Word64(slot + schbenchRing + int(n%ringSize)*8)
}

// take takes all requests that were sent to the worker and says how many they are. Where it had to wait, it was the first
// that woke it. At the stop there are none.
func (t *schbenchThread) take(slot int) uint32 {
	taken := load(t.Region.Word32(slot + schbenchTaken)) // only this thread writes it
	sent := load(t.Region.Word32(slot + schbenchSent))
	for waited := false; ; waited = true {
		if sent != taken {
			if waited {
				t.woken(*t.ring(slot, taken))
			}
			break
		}
		if !t.awaitPost(t.Region.Word32(slot + schbenchFutex)) {
			return 0
		}
		sent = load(t.Region.Word32(slot + schbenchSent))
	}
	store(t.Region.Word32(slot+schbenchTaken), sent)
	return sent - taken
}

// control looks once a second how many requests were finished, and seeks the rate if that is asked for.
func (t *schbenchThread) control() {
	var machine busyTime
	auto := t.kind.AutoRatePercent > 0
	if auto && !machine.read(t.Worker) {
		return
	}
	last, done := sys.Monotonic(), t.finished()
	for due := last; ; {
		measuring, phase := t.measuring(), t.phase
		due = max(due, last) + int64(time.Second)
		now := t.SleepUntil(due)
		if t.Stopped() {
			return
		}
		t.ResetGap()
		if auto && !t.seek(&machine) {
			return
		}
		finished := t.finished()
		if measuring && phase == t.Worker.control.Phase() {
			t.recordRate(finished-done, now-last)
		}
		last, done = now, finished
		t.EndIteration()
	}
}

// recordRate records how many requests were finished in one second, in pipe mode by one worker.
func (t *schbenchThread) recordRate(requests uint64, elapsed int64) {
	if elapsed < minSecond {
		return
	}
	rate := float64(requests) * float64(time.Second) / float64(elapsed)
	if t.at.page > 0 {
		rate /= float64(t.at.workers)
	}
	t.Record(schbenchRates, int64(math.Round(rate)))
}

// finished is the number of requests that all workers have finished.
func (t *schbenchThread) finished() (n uint64) {
	for i := range t.at.workers {
		n += atomic.LoadUint64(t.Region.Word64(t.at.worker(i) + schbenchDone))
	}
	return n
}

// seek changes the rate by how busy the machine was. Once that is as asked for, values
// count. It is false when the machine does not tell.
func (t *schbenchThread) seek(machine *busyTime) bool {
	busy, total := machine.busy, machine.total
	if !machine.read(t.Worker) {
		return false
	}
	if machine.total == total {
		return true
	}
	percent := 100 * float64(machine.busy-busy) / float64(machine.total-total)
	rate, hit := nextRate(t.rate(), float64(t.kind.AutoRatePercent), percent)
	atomic.StoreUint64(t.Region.Word64(schbenchRate), uint64(rate))
	if hit {
		store(t.Region.Word32(schbenchMeasuring), 1)
	}
	return true
}

// nextRate is the rate to try next when one made the machine so busy: the further off, the larger the
// step. A step of less than 5 % is a hit.
func nextRate(rate int64, target, busy float64) (next int64, hit bool) {
	if busy == target {
		return rate, true
	}
	factor := min(3, target/max(busy, 0.001))
	switch {
	case factor > 1.5:
	case factor > 1.2:
		factor = 1 + (factor-1)/4
	case factor > 1:
		factor = 1 + (factor-1)/8
	case factor > 0.9:
		factor += (1 - factor) / 8
	case factor > 0.8:
		factor += (1 - factor) / 4
	case factor < 0.3:
		factor = 0.3
	}
	next = int64(math.Floor(float64(rate) * factor))
	if factor > 1 {
		next = int64(math.Ceil(float64(rate) * factor))
	}
	return min(lastRate, max(firstRate, next)), factor > 0.95 && factor < 1.05
}

var machineStat = []byte("/proc/stat\x00")

// busyTime is how long the machine's CPUs were busy, and how long they were there, in ticks.
type busyTime struct {
	busy, total int64
	buf         [256]byte
}

// read reads it anew. It is false when that fails, with the worker's reason to leave.
func (b *busyTime) read(w *Worker) bool {
	n, errno := sys.RawReadFile(machineStat, b.buf[:])
	if errno != 0 || n < len("cpu  ") {
		w.Leave("reading how busy the machine is: /proc/stat cannot be read")
		return false
	}
	b.parse(b.buf[len("cpu  "):n])
	return true
}

func (b *busyTime) parse(text []byte) {
	b.busy, b.total = 0, 0
	// user, nice, system, idle, iowait, irq, softirq, steal. What follows is in user already.
	for field := range 8 {
		var ticks int64
		ticks, text = number(text)
		b.total += ticks
		if field != 3 && field != 4 {
			b.busy += ticks
		}
	}
}
