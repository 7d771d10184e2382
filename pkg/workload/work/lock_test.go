// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// variant is a kind of work for a test, whose workers share a region.
type variant struct {
	Kind

	run func(w *Worker)
}

func (v variant) Run(w *Worker) { v.run(w) }

// runVariant runs a set of n workers on threads of this process until they have done so
// many iterations. It gives the arena when they have all left.
func runVariant(t *testing.T, n, regionBytes int, iterations uint64, run func(w *Worker)) *arena.Arena {
	t.Helper()
	plan := arena.Plan{Regions: []int{regionBytes}}
	for range n {
		plan.Workers = append(plan.Workers, arena.WorkerPlan{Histograms: 1})
	}
	a, err := arena.New(plan)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	workers := make([]Worker, n)
	var all sync.WaitGroup
	for i := range workers {
		workers[i].Bind(a, i, 1, nil)
		workers[i].Position, workers[i].Region = i, a.Region(0)
		all.Go(func() {
			runtime.LockOSThread() // a lock's owner is a thread
			defer runtime.UnlockOSThread()
			workers[i].Run(variant{run: run})
		})
	}
	await(t, "the iterations", func() bool { return iterationsOf(a) >= iterations })
	a.Control().Stop()
	all.Wait()
	for i := range workers {
		if b := a.Block(i); b.Stage() != arena.StageStopped {
			t.Errorf("worker %d is at stage %s: %s", i, b.Stage(), b.Text())
		}
	}
	return a
}

func iterationsOf(a *arena.Arena) (n uint64) {
	for i := range a.Workers() {
		n += a.Record(i, 0).Iterations()
	}
	return n
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("no sign of %s", what)
		}
	}
}

// The words of the tests' regions, each in a line of its own.
const (
	wordLock   = 0
	wordHolder = 64
	wordSum    = 128
	wordMet    = 192
)

// inside is a critical section: nobody else may be there.
func inside(w *Worker) {
	holder, sum, met := w.Region.Word32(wordHolder), w.Region.Word32(wordSum), w.Region.Word32(wordMet)
	if load(holder) != 0 {
		atomic.AddUint32(met, 1)
	}
	store(holder, uint32(w.Position+1))
	before := load(sum)
	w.Spin(64)
	store(sum, before+1) // lost when another one is here
	if load(holder) != uint32(w.Position+1) {
		atomic.AddUint32(met, 1)
	}
	store(holder, 0)
}

func TestALockHasOneHolder(t *testing.T) {
	const contenders, passes = 4, 20_000
	for name, run := range map[string]func(w *Worker){
		"plain": func(w *Worker) {
			for lock := (plainLock{w.Region.Word32(wordLock)}); lock.acquire(w) && !w.Stopped(); w.EndIteration() {
				inside(w)
				lock.release()
			}
		},
		"with priority inheritance": func(w *Worker) {
			lock := inheritingLock{word: w.Region.Word32(wordLock), tid: uint32(sys.RawTID())}
			for ; lock.acquire(w); w.EndIteration() {
				inside(w)
				if !lock.release(w) || w.Stopped() {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := runVariant(t, contenders, 256, passes, run)
			r := a.Region(0)
			if n := load(r.Word32(wordMet)); n != 0 {
				t.Errorf("two were inside %d times", n)
			}
			// Whoever was stopped inside has not counted its pass.
			sum, n := uint64(load(r.Word32(wordSum))), iterationsOf(a)
			if sum < n || sum > n+contenders {
				t.Errorf("%d were inside, %d passes counted", sum, n)
			}
			waited := false
			for i := range contenders {
				waited = waited || a.Record(i, 0).Filled(0)
			}
			if !waited {
				t.Error("nobody ever waited: the test shows nothing")
			}
		})
	}
}

// A contender that is stopped while it waits has no lock to release.
func TestAWaiterDoesNotReleaseAtTheStop(t *testing.T) {
	for name, acquire := range map[string]func(w *Worker, word *uint32) bool{
		"plain": func(w *Worker, word *uint32) bool { return plainLock{word}.acquire(w) },
		"with priority inheritance": func(w *Worker, word *uint32) bool {
			return inheritingLock{word: word, tid: uint32(sys.RawTID())}.acquire(w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan bool, 1)
			began := time.Now()
			a := runVariant(t, 2, 256, 1, func(w *Worker) {
				word := w.Region.Word32(wordLock)
				if w.Position == 0 { // takes the lock and keeps it
					acquire(w, word)
					store(w.Region.Word32(wordHolder), 1)
					w.SleepUntil(sys.Monotonic() + 5*tick/2)
					w.EndIteration() // the stop comes
					for !w.Stopped() {
						w.SleepUntil(sys.Monotonic() + 1_000_000)
					}
					// Long enough for the other to see the stop first.
					w.control.Park()
					return
				}
				for load(w.Region.Word32(wordHolder)) == 0 && !w.Stopped() {
					pause()
				}
				got <- acquire(w, word)
				w.control.Abort()
			})
			if <-got {
				t.Error("it has a lock that another one holds")
			}
			if load(a.Region(0).Word32(wordLock)) == 0 {
				t.Error("the lock was released by who did not hold it")
			}
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("it left after %v, while the holder did not release", took)
			}
			if a.Record(1, 0).Filled(0) {
				t.Error("the wait that the stop ended is recorded")
			}
		})
	}
}

// Every item is taken once, whoever takes it. Around a small ring the workers wait for each
// other, around a larger one they reach for the same place.
func TestARingLosesNothing(t *testing.T) {
	for _, depth := range []int64{1, 2, 1024} {
		t.Run(fmt.Sprint("depth ", depth), func(t *testing.T) { assertRingLosesNothing(t, depth) })
	}
}

func assertRingLosesNothing(t *testing.T, depth int64) {
	t.Helper()
	const producers, consumers, items = 2, 4, 40_000
	times := make([]uint32, 64*items)
	var beyond atomic.Uint32
	a := runVariant(t, producers+consumers, ringBytes(depth), 2*items, func(w *Worker) {
		for r := w.ring(depth); ; w.EndIteration() {
			if w.Position < producers {
				if _, ok := r.put(w); !ok {
					return
				}
				continue
			}
			item, ok := r.take(w)
			if !ok {
				return
			}
			if item >= uint64(len(times)) {
				beyond.Add(1)
				continue
			}
			atomic.AddUint32(&times[item], 1)
		}
	})
	if n := beyond.Load(); n > 0 {
		t.Fatalf("%d items were more than this test counts", n)
	}
	r := a.Region(0)
	head, tail, published := *r.Word64(0), *r.Word64(8), *r.Word64(24)
	// The stop comes after so many puts and takes together; what was put and not taken is in the ring.
	if tail+uint64(depth)+producers < items || tail > published || published > head || head > tail+uint64(depth)+producers {
		t.Errorf("%d reserved, %d published, %d taken", head, published, tail)
	}
	var put, taken uint64
	for i := range producers + consumers {
		if n := a.Record(i, 0).Iterations(); i < producers {
			put += n
		} else {
			taken += n
		}
	}
	if put != published || taken != tail {
		t.Errorf("%d put in and %d published, %d taken and tail is %d", put, published, taken, tail)
	}
	for item, n := range times {
		want := uint32(0)
		if uint64(item) < tail {
			want = 1
		}
		if n != want {
			t.Fatalf("item %d was taken %d times; %d were taken in all", item, n, tail)
		}
	}
}

// The stop cuts short what another worker does before it wakes one: a wait that ends then is
// no sample.
func TestWaitsThatEndAfterTheStopAreNotRecorded(t *testing.T) {
	const word = 0
	change := func(w *Worker) {
		store(w.Region.Word32(word), 1)
		sys.RawFutexWake(w.Region.Word32(word), 1)
	}
	release := func(w *Worker) { plainLock{w.Region.Word32(word)}.release() }
	for name, tc := range map[string]struct {
		kind   Kind
		before func(w *Worker) // in the region, before the wait
		end    func(w *Worker) // of the wait
	}{
		"for a turn":     {&FutexPingPong{SpinIters: new(int64)}, nil, change},
		"for a wake":     {&AsymmetricWaker{BurstIters: new(int64)}, nil, change},
		"for a batch":    {&ThunderingHerd{}, nil, change},
		"for the token":  {&WakeChain{Depth: 2, Wake: WakeFutex, WorkPerHop: new(quantity.Duration)}, nil, change},
		"for the lock":   {&MutexContention{HoldIters: new(int64), WorkIters: new(int64)}, change, release},
		"for a response": {variant{&Mixed{}, func(w *Worker) { w.exchange() }}, nil, func(w *Worker) { sys.WriteByte(w.FDs[2]) }},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := arena.New(arena.Plan{Regions: []int{64}, Workers: []arena.WorkerPlan{{Histograms: 2}}})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			var w Worker
			w.Bind(a, 0, 2, nil)
			w.Position, w.Region = 1, a.Region(0)
			var from, to [2]int
			if err := errors.Join(unix.Pipe2(from[:], unix.O_CLOEXEC), unix.Pipe2(to[:], unix.O_CLOEXEC)); err != nil {
				t.Fatal(err)
			}
			defer func() {
				for _, fd := range append(from[:], to[:]...) {
					_ = unix.Close(fd)
				}
			}()
			w.FDs[0], w.FDs[1], w.FDs[2] = from[0], to[1], from[1]
			if tc.before != nil {
				tc.before(&w)
			}
			tid, left := make(chan int, 1), make(chan struct{})
			go func() { // ends at the stop
				defer close(left)
				runtime.LockOSThread()
				tid <- sys.RawTID()
				w.Run(tc.kind)
			}()
			waiting := <-tid
			await(t, "it waits", func() bool { return asleep(waiting) })
			// The stop first: the worker is asleep for the rest of its tick, unless it is woken.
			a.Control().Stop()
			tc.end(&w)
			<-left
			if n := a.ReadHistogram(0, 0, 0).Count() + a.ReadHistogram(0, 0, 1).Count(); n != 0 {
				t.Errorf("%d waits were recorded", n)
			}
		})
	}
}

// asleep says whether a thread of this process waits in a futex or for a pipe.
func asleep(tid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/syscall", tid))
	var call int
	if _, scanErr := fmt.Sscan(string(text), &call); err != nil || scanErr != nil {
		return false
	}
	return call == unix.SYS_FUTEX || call == unix.SYS_PPOLL
}

// A receiver that the stop cuts short has not answered.
func TestAResponseThatTheStopCutsShortIsNotRecorded(t *testing.T) {
	k := &FutexFanOut{FanOut: 1, SpinIters: new(int64(maxIters)), Arrival: &Arrival{1000, ArrivalFixed}}
	a, err := arena.New(arena.Plan{Regions: []int{broadcastBytes}, Workers: []arena.WorkerPlan{{Histograms: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var w Worker
	w.Bind(a, 0, 2, nil)
	w.Region = a.Region(0)
	all := w.broadcast()
	all.begin(&w, k.Arrival)
	all.advance(1)
	left := make(chan struct{})
	go func() { // ends at the stop
		defer close(left)
		w.Run(variant{run: k.receive})
	}()
	await(t, "it spins", func() bool { return *a.Record(0, 0).WorkUnits() > 0 })
	a.Control().Stop()
	<-left
	if n := a.ReadHistogram(0, 0, responses).Count(); n != 0 {
		t.Errorf("%d responses were recorded", n)
	}
}

// What fails between partners is told by its errno, unless the other has left.
func TestWhyThereIsNoPartner(t *testing.T) {
	a, w := computeWorker(t, &Mixed{})
	for _, tc := range []struct {
		errno sys.Errno
		want  string
	}{
		{0, "its partner closed the pipe"},
		{unix.EPIPE, "its partner closed the pipe"},
		{unix.EBADF, "exchanging bytes with its partner: bad file descriptor"},
	} {
		if w.partnerGone(tc.errno) || a.Block(0).Text() != tc.want {
			t.Errorf("%v: %q, want %q", tc.errno, a.Block(0).Text(), tc.want)
		}
	}
}
