// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

func millis(n int) quantity.Duration { return quantity.Duration(time.Duration(n) * time.Millisecond) }

// computeWorker is a worker of a kind that works for itself, in a run of two phases.
func computeWorker(t *testing.T, k Kind) (*arena.Arena, *Worker) {
	t.Helper()
	shape := k.Shape()
	a, err := arena.New(arena.Plan{Workers: []arena.WorkerPlan{{Histograms: len(shape.Metrics)}}, Phases: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	w := &Worker{}
	w.Bind(a, 0, len(shape.Metrics), nil)
	w.Seed = 1
	if shape.MemoryBytes > 0 {
		w.Memory, w.Pages = make([]byte, shape.MemoryBytes), &PageCounter{}
	}
	if file := shape.Opens.File; file != nil {
		f, err := os.Create(filepath.Join(t.TempDir(), "scratch"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		w.FDs[0], w.FileBytes = int(f.Fd()), file.Bytes
	}
	return a, w
}

// atWork runs the work on a thread of its own until then says so of its record of the
// baseline, calls after, if any, and stops it.
func atWork(t *testing.T, k Kind, then func(*arena.Arena) bool, after func(*arena.Arena)) *arena.Arena {
	t.Helper()
	a, w := computeWorker(t, k)
	done := make(chan struct{})
	go func() { // ends at the stop, and its thread with it: what the work changed of it goes too
		defer close(done)
		runtime.LockOSThread()
		if p, ok := k.(Preparer); ok {
			if errno := p.Prepare(w); errno != 0 {
				t.Errorf("Prepare: %v: %s", errno, a.Block(0).Text())
				return
			}
		}
		w.Run(k)
	}()
	const patience = 30 * time.Second
	for end := time.Now().Add(patience); !then(a); runtime.Gosched() {
		if time.Now().After(end) {
			a.Control().Stop()
			t.Fatalf("not in %v: %+v", patience, a.Record(0, 0).Figures(sys.Monotonic()))
		}
	}
	if after != nil {
		after(a)
	}
	a.Control().Stop()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("it does not stop")
	}
	if text := a.Block(0).Text(); text != "" {
		t.Errorf("it left: %s", text)
	}
	return a
}

func passes(n uint64) func(*arena.Arena) bool {
	return func(a *arena.Arena) bool { return a.Record(0, 0).Iterations() >= n }
}

func TestComputeParametersOutOfBounds(t *testing.T) {
	second := quantity.Duration(time.Second)
	phases := func(p ...SequencePhase) *Sequence { return &Sequence{Phases: p} }
	for name, tc := range map[string]struct {
		kind Kind
		want string
	}{
		"a width of no name":         {&AluHot{Width: "Wide"}, `width must be Scalar, Vector128, Vector256, Vector512 or Widest, not "Wide"`},
		"an arrival without a rate":  {&AluHot{Width: WidthWidest, Arrival: &Arrival{}}, "arrival.ratePerSecond must be"},
		"nothing hot":                {&IPCVariance{0, 1, 1}, "hotIters must be 1 to 1000000000, not 0"},
		"too much that is cold":      {&IPCVariance{1, 1e9 + 1, 1}, "coldIters must be 1 to 1000000000, not 1000000001"},
		"a period of less than none": {&IPCVariance{1, 1, -1}, "periodIters must be 1 to 1000000000, not -1"},
		"an idle CPU without work":   {&IdleChurn{Sleep: 1}, "burst must be above 0s and at most 1h"},
		"a sleep of more than 1h":    {&IdleChurn{Burst: 1, Sleep: 3601 * second}, "sleep must be above 0s and at most 1h"},
		"an empty sequence":          {phases(), "phases must be 1 to 32, not 0"},
		"a sequence without end":     {phases(make([]SequencePhase, 33)...), "phases must be 1 to 32, not 33"},
		"a phase of nothing":         {phases(SequencePhase{}), "phases[0] must have exactly one of spin, sleep, yield, io and aluHot"},
		"a phase of two things":      {phases(SequencePhase{Spin: &second, IO: &second}), "phases[0] must have exactly one of"},
		"a phase of no time":         {phases(SequencePhase{Spin: &second}, SequencePhase{Yield: new(quantity.Duration)}), "phases[1].yield must be above 0s"},
		"a phase of no width":        {phases(SequencePhase{AluHot: &SequenceAluHot{Duration: 1}}), "phases[0].aluHot.width must be"},
		"a width for no time":        {phases(SequencePhase{AluHot: &SequenceAluHot{Width: WidthScalar}}), "phases[0].aluHot.duration must be above 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.kind.Validate(); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestComputeKindsAreValid(t *testing.T) {
	for _, k := range []Kind{
		&Mixed{}, &SMTSiblingSpin{}, &AluHot{Width: WidthWidest, Arrival: &Arrival{1, ArrivalFixed}}, &IPCVariance{1, 1e9, 1},
		&IdleChurn{Burst: 1, Sleep: quantity.Duration(maxPhase)}, everyPhase(1), &Bursty{Burst: 1, Sleep: 1},
	} {
		if err := k.Validate(); err != nil {
			t.Errorf("%s: %v", k.Name(), err)
		}
	}
}

// chainAtLeast is less than any CPU takes for 1024 steps of four multiplications, of which it
// does two a cycle at most.
const chainAtLeast = 200 * time.Nanosecond

func TestChainsOfEveryWidthAreTimedAndCounted(t *testing.T) {
	for name, width := range map[string]aluWidth{WidthScalar: aluScalar, Width128: alu128, Width256: alu256, Width512: alu512} {
		t.Run(name, func(t *testing.T) {
			if !aluHas[width] {
				t.Skip("this machine has no registers of that width")
			}
			a := atWork(t, &AluHot{Width: name}, passes(100), nil)
			f, h := a.Record(0, 0).Figures(0), a.ReadHistogram(0, 0, 0)
			want := [arena.MaxCounters]uint64{}
			want[width] = f.Iterations
			if diff := cmp.Diff(want, f.Counters); diff != "" {
				t.Errorf("chains (-want +got):\n%s", diff)
			}
			if f.WorkUnits != chainSteps*f.Iterations || h.Count() != f.Iterations {
				t.Errorf("%d work units and %d times in %d passes", f.WorkUnits, h.Count(), f.Iterations)
			}
			if h.Min() < uint64(chainAtLeast) || h.Quantile(0.1) > uint64(time.Millisecond) {
				t.Errorf("a chain takes %d ns at least, %d usually", h.Min(), h.Quantile(0.1))
			}
		})
	}
}

// Requests are answered as often as they come, and the response time contains the work.
func TestOpenChains(t *testing.T) {
	k := &AluHot{Width: WidthScalar, Arrival: &Arrival{2000, ArrivalPoisson}}
	a := atWork(t, k, passes(200), nil)
	f, cost, response := a.Record(0, 0).Figures(0), a.ReadHistogram(0, 0, 0), a.ReadHistogram(0, 0, 1)
	if cost.Count() != f.Iterations || response.Count() != f.Iterations || response.Min() < cost.Min() {
		t.Errorf("%d passes, %d chains from %d ns on, %d responses from %d ns on",
			f.Iterations, cost.Count(), cost.Min(), response.Count(), response.Min())
	}
	wall := float64(a.Block(0).Ended()-a.Block(0).Began()) / 1e9
	if due := 2000 * wall; float64(f.Iterations) > due+5*math.Sqrt(due) {
		t.Errorf("%d requests in %.3f s", f.Iterations, wall)
	}
}

func TestMixedSpinsAndYields(t *testing.T) {
	a := atWork(t, &Mixed{}, passes(100), nil)
	f := a.Record(0, 0).Figures(0)
	if f.WorkUnits > spinChunk*f.Iterations || f.WorkUnits < spinChunk*(f.Iterations-1) {
		t.Errorf("%d work units in %d passes", f.WorkUnits, f.Iterations)
	}
}

func TestSiblingsTimeTheirSpins(t *testing.T) {
	a := atWork(t, &SMTSiblingSpin{}, passes(100), nil)
	f, h := a.Record(0, 0).Figures(0), a.ReadHistogram(0, 0, 0)
	if h.Count() != f.Iterations || f.WorkUnits < spinChunk*f.Iterations {
		t.Errorf("%d times and %d work units in %d passes", h.Count(), f.WorkUnits, f.Iterations)
	}
	if h.Min() < uint64(chainAtLeast) || h.Quantile(0.1) > uint64(time.Millisecond) {
		t.Errorf("1024 spins take %d ns at least, %d usually", h.Min(), h.Quantile(0.1))
	}
}

func TestIPCVarianceTimesPeriods(t *testing.T) {
	k := &IPCVariance{HotIters: 3000, ColdIters: 1500, PeriodIters: 4}
	a, w := computeWorker(t, k)
	w.begin(1)
	const fullPass = 4 * (3000 + 1500)
	w.incrementRandom(sys.Words(w.Memory), new(newRandom(1)), 1500)
	var sum, touched uint64
	for _, word := range sys.Words(w.Memory) {
		if sum += word; word > 0 {
			touched++
		}
	}
	// Of 1500 random words of 65536, about 17 are the same as another.
	if sum != 1500 || touched < 1400 || *a.Record(0, 0).WorkUnits() != 1500 {
		t.Errorf("%d increments of %d words, %d work units; want 1500", sum, touched, *a.Record(0, 0).WorkUnits())
	}

	a = atWork(t, k, passes(20), nil)
	f, h := a.Record(0, 0).Figures(0), a.ReadHistogram(0, 0, 0)
	if h.Count() != f.Iterations || f.WorkUnits < fullPass*f.Iterations || f.WorkUnits > fullPass*(f.Iterations+1) {
		t.Errorf("%d times and %d work units in %d passes", h.Count(), f.WorkUnits, f.Iterations)
	}
	if h.Min() < 4*3*uint64(chainAtLeast) {
		t.Errorf("a period takes %d ns at least", h.Min())
	}
}

func TestIdleChurnRecordsTheOvershootOnly(t *testing.T) {
	const sleep = 20
	a := atWork(t, &IdleChurn{Burst: millis(1), Sleep: millis(sleep)}, passes(10), nil)
	f, h := a.Record(0, 0).Figures(0), a.ReadHistogram(0, 0, 0)
	if h.Count() != f.Iterations || h.Min() == 0 || h.Min() > sleep*uint64(time.Millisecond) || f.WorkUnits == 0 {
		t.Errorf("%d sleeps from %d ns on and %d work units in %d passes", h.Count(), h.Min(), f.WorkUnits, f.Iterations)
	}
	wall := a.Block(0).Ended() - a.Block(0).Began()
	if least := int64(f.Iterations) * (sleep + 1) * int64(time.Millisecond); wall < least {
		t.Errorf("%d passes in %d ns, want %d at least", f.Iterations, wall, least)
	}
}

func TestPreciseTimingTakesTheTimerSlackAway(t *testing.T) {
	for precise, want := range map[bool]int{false: 50_000, true: 1} {
		got := make(chan int)
		_, w := computeWorker(t, &IdleChurn{})
		go func() { // its thread goes with it
			runtime.LockOSThread()
			if errno := (&IdleChurn{PreciseTiming: precise}).Prepare(w); errno != 0 {
				t.Error(errno)
			}
			slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
			if err != nil {
				t.Error(err)
			}
			got <- slack
		}()
		if slack := <-got; slack != want {
			t.Errorf("precise timing %v: the timer slack is %d ns, want %d", precise, slack, want)
		}
	}
}

// long are kinds whose passes take an hour.
func long() map[string]Kind {
	hour := quantity.Duration(time.Hour)
	return map[string]Kind{
		"bursty":               &Bursty{Burst: hour, Sleep: 1},
		"idleChurn":            &IdleChurn{Burst: hour, Sleep: 1},
		"hot ipcVariance":      &IPCVariance{maxIters, 1, maxIters},
		"cold ipcVariance":     &IPCVariance{1, maxIters, maxIters},
		"a sequence of spins":  &Sequence{Phases: []SequencePhase{{Spin: &hour}}},
		"a sequence of yields": &Sequence{Phases: []SequencePhase{{Yield: &hour}}},
		"a sequence of chains": &Sequence{Phases: []SequencePhase{{AluHot: &SequenceAluHot{Width: WidthWidest, Duration: hour}}}},
		"a sequence of writes": &Sequence{Phases: []SequencePhase{{IO: &hour}}},
		"a spin":               variant{&Mixed{}, func(w *Worker) { w.Spin(maxIters) }},
		"a walk":               variant{&Mixed{}, func(w *Worker) { w.cacheRMW(make([]byte, 64), 0, 1, 10*maxIters) }},
		"faults": variant{&Mixed{}, func(w *Worker) {
			w.Memory, w.Pages = make([]byte, 1<<20), &PageCounter{}
			w.touchRandom(1<<40, new(newRandom(1)))
		}},
		"a sweep": variant{&Mixed{}, func(w *Worker) {
			for w.Memory, w.Pages = make([]byte, 1<<20), new(PageCounter); !w.Stopped(); {
				w.touchAll()
			}
		}},
		"a burst": variant{&Mixed{}, func(w *Worker) {
			w.FDs[1], _ = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
			(&EpollStorm{EventsPerBurst: 1 << 40}).produce(w)
			_ = unix.Close(w.FDs[1])
		}},
		"signals": variant{&Mixed{}, func(w *Worker) {
			sys.RawCatchUserSignal()
			(&SignalStorm{SignalsPerIter: 1 << 40}).storm(w, new(uint32(sys.RawTID())), new(uint32(sys.RawPID())))
		}},
	}
}

// However long a pass, phases of the run are kept apart and the stop is seen after little work.
func TestLongPassesFollowPhasesAndStop(t *testing.T) {
	for name, k := range long() {
		t.Run(name, func(t *testing.T) {
			var atChange, atStop uint64
			second := func(a *arena.Arena) bool {
				baseline := a.Record(0, 0).WorkUnits()
				if *baseline > 0 && atChange == 0 { // it is in the middle of its pass
					a.Control().SetPhase(2)
					atChange = *baseline
				}
				return a.Block(0).Entered(2) && *a.Record(0, 2).WorkUnits() > 0
			}
			a := atWork(t, k, second, func(a *arena.Arena) {
				a.Control().Stop()
				atStop = *a.Record(0, 2).WorkUnits()
			})
			if more := *a.Record(0, 0).WorkUnits() - atChange; more > 2*ipcHotSteps {
				t.Errorf("%d work units of the old phase after the change", more)
			}
			if f := a.Record(0, 2).Figures(0); f.Iterations != 0 || f.WorkUnits-atStop > 2*chainSteps {
				t.Errorf("%d passes; %d work units after the stop", f.Iterations, f.WorkUnits-atStop)
			}
		})
	}
}

// A planned sleep is in no gap.
func TestSleepsAreInNoGap(t *testing.T) {
	for name, k := range map[string]Kind{
		"bursty":     &Bursty{Burst: millis(1), Sleep: millis(300)},
		"idleChurn":  &IdleChurn{Burst: millis(1), Sleep: millis(300)},
		"a sequence": &Sequence{Phases: []SequencePhase{{Spin: new(millis(1))}, {Sleep: new(millis(300))}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := atWork(t, k, passes(2), nil)
			if gap := a.Record(0, 0).MaxGap(); gap >= int64(300*time.Millisecond) {
				t.Errorf("the longest gap is %v", time.Duration(gap))
			}
		})
	}
}

func TestCacheRMWWalksAround(t *testing.T) {
	for name, tc := range map[string]struct {
		size, stride int
		n            int64
	}{
		"not at all":             {64, 16, 0},
		"once":                   {64, 16, 4},
		"around several times":   {100, 16, 3000},
		"with a stride of all":   {64, 64, 5},
		"with a stride of one":   {7, 1, 5000},
		"an odd rest at the end": {10, 3, 2048},
	} {
		t.Run(name, func(t *testing.T) {
			a, w := computeWorker(t, &Mixed{})
			w.begin(1)
			got, want := make([]byte, tc.size), make([]byte, tc.size)
			at := 0
			for range 2 { // the second goes on where the first ended
				at = w.cacheRMW(got, at, tc.stride, tc.n)
			}
			for i := range 2 * tc.n {
				want[int(i)*tc.stride%tc.size]++
			}
			if units := *a.Record(0, 0).WorkUnits(); !bytes.Equal(got, want) || units != uint64(2*tc.n) {
				t.Errorf("%d work units, %v, want %v", units, got, want)
			}
			a.Control().Stop()
			w.cacheRMW(got, at, tc.stride, 1<<40)
		})
	}
}

func TestMatricesFitIntoTheirMemory(t *testing.T) {
	for size, want := range map[int]int{256 << 10: 104, 24: 1, 23: 0, 0: 0, 24 * 100 * 100: 100, 24*100*100 - 1: 99, 1 << 40: 214_039} {
		if got := matrixSize(size); got != want {
			t.Errorf("%d bytes: %d, want %d", size, got, want)
		}
	}
}

func TestMatrixProduct(t *testing.T) {
	for _, n := range []int{0, 1, 2, 13, 104} {
		memory := make([]byte, 24*n*n+8)
		r := newRandom(uint64(n))
		for i := 0; i < len(memory); i += 8 {
			binary.NativeEndian.PutUint64(memory[i:], r.next())
		}
		words := sys.Words(memory)
		want := append([]uint64(nil), words...)
		for i := range n * n {
			want[2*n*n+i] = 0
			for k := range n {
				want[2*n*n+i] += want[i/n*n+k] * want[n*n+k*n+i%n]
			}
		}
		a, w := computeWorker(t, &Mixed{})
		if !w.matmul(words, n) {
			t.Errorf("order %d: stopped", n)
		}
		if diff := cmp.Diff(want, words); diff != "" {
			t.Errorf("order %d (-want +got):\n%s", n, diff)
		}
		a.Control().Stop()
		if n > 0 && w.matmul(words, n) {
			t.Errorf("order %d: it went on after the stop", n)
		}
	}
}
