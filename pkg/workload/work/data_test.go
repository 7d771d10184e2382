// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// Each write to another page of a cycle is a fault, since the pages were given back and are
// small.
func TestPageFaultChurn(t *testing.T) {
	r := newRig(t, &PageFaultChurn{Region: 4 << 20, TouchesPerCycle: 256, SpinIters: new(int64(64))}, 1, nil)
	var faults atomic.Int64
	r.inside = func(int) { faults.Add(-minorFaults(t)) }
	r.after = func(int) { faults.Add(minorFaults(t)) }
	r.startAll()
	if flags := smapsOf(t, r.workers[0].Memory, "VmFlags:"); !strings.Contains(flags, " nh") {
		t.Errorf("the flags of its memory are %q", flags)
	}
	r.passes(100)
	r.stop()
	passes := int64(r.arena.Record(0, 0).Iterations())
	// Of 1024 pages, 256 random ones are 226 different ones on average.
	if n := faults.Load() / passes; n < 210 || n > 300 {
		t.Errorf("%d faults a pass", n)
	}
	if units := int64(r.units(0)); units/320 < passes-1 || units/320 > passes {
		t.Errorf("%d units in %d passes", units, passes)
	}
	if resident := smapsOf(t, r.workers[0].Memory, "Rss:"); resident != "0 kB" {
		t.Errorf("it kept %s", resident)
	}
}

func minorFaults(t *testing.T) int64 {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &r); err != nil {
		t.Error(err)
	}
	return r.Minflt
}

// smapsOf is what the kernel says of a mapping.
func smapsOf(t *testing.T, memory []byte, key string) string {
	t.Helper()
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	start, mine := fmt.Sprintf("%x-", sys.Address(memory)), false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		if first := strings.Fields(line)[0]; !strings.HasSuffix(first, ":") {
			mine = strings.HasPrefix(line, start)
		}
		if rest, ok := strings.CutPrefix(line, key); ok && mine {
			return strings.Join(strings.Fields(rest), " ")
		}
	}
	t.Fatalf("there is no mapping at %s with %s", start, key)
	return ""
}

// numaMapOf is what the kernel says of where a mapping is.
func numaMapOf(t *testing.T, memory []byte) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/numa_maps")
	if err != nil {
		t.Skipf("the kernel does not say where memory is: %v", err)
	}
	start := fmt.Sprintf("%x ", sys.Address(memory))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, start); ok {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatalf("there is no mapping at %s", start)
	return ""
}

func TestNUMAWorkingSetSweep(t *testing.T) {
	for name, tc := range map[string]struct {
		period  quantity.Duration
		nodes   []int
		samples bool
		policy  string
	}{
		"where it is":             {ms(1), nil, true, "default"},
		"bound to a node":         {ms(1), []int{0}, true, "bind:0"},
		"without rest":            {0, nil, false, "default"},
		"moved without rest":      {0, []int{0, 0}, false, "bind:0"},
		"more than is moved once": {0, []int{0}, false, "bind:0"},
	} {
		t.Run(name, func(t *testing.T) {
			region := quantity.Bytes(8<<20 + 100)
			if strings.HasPrefix(name, "more") {
				region = 2*moveChunk + 4096
			}
			r := newRig(t, &NUMAWorkingSetSweep{Region: region, SweepPeriod: &tc.period, TargetNodes: tc.nodes}, 1, nil)
			if got := numaMapOf(t, r.workers[0].Memory); !strings.HasPrefix(got, "default") {
				t.Fatalf("before, its memory is %q", got)
			}
			r.startAll()
			r.passes(10)
			r.stop()
			f := r.arena.Record(0, 0).Figures(0)
			pages := (uint64(region) + 4095) / 4096
			if n := f.WorkUnits / pages; n+1 < f.Iterations || n > f.Iterations+1 { // the last sweep may have been cut short
				t.Errorf("%d units in %d passes over %d pages", f.WorkUnits, f.Iterations, pages)
			}
			if f.Pages[0] != pages {
				t.Errorf("its pages are on %v", f.Pages)
			}
			if got := r.samples(0, 0); (got > 0) != tc.samples || got > f.Iterations {
				t.Errorf("%d samples in %d passes", got, f.Iterations)
			}
			if got := numaMapOf(t, r.workers[0].Memory); !strings.HasPrefix(got, tc.policy+" ") {
				t.Errorf("its memory is %q, want %q", got, tc.policy)
			}
		})
	}
}

// A node that is not there, or is not there any more.
func TestMemoryOnANodeThatIsNotThere(t *testing.T) {
	k := &NUMAWorkingSetSweep{Region: 1 << 20, SweepPeriod: new(ms(1)), TargetNodes: []int{0, maxNodes - 1}}
	r := newRig(t, k, 1, nil)
	numaMapOf(t, r.workers[0].Memory)
	if errno, text := r.refused(); errno != unix.EINVAL || !strings.Contains(text, "targetNodes") {
		t.Errorf("refused: %v: %q", errno, text)
	}
	if errno := (*Worker)(nil).bindMemory(r.workers[0].Memory, 0, false); errno != 0 {
		t.Error(errno)
	}
	r.workers[0].Run(k)
	if text := r.arena.Block(0).Text(); text != "moving its memory to a NUMA node: invalid argument" || r.arena.Record(0, 0).Iterations() != 1 {
		t.Errorf("after %d passes: %q", r.arena.Record(0, 0).Iterations(), text)
	}
	if parameter, nodes := NodeUser(k).MemoryNodes(); parameter != "targetNodes" || !slices.Equal(nodes, k.TargetNodes) {
		t.Errorf("it names %v as %s", nodes, parameter)
	}
}

func ms(n int) quantity.Duration { return quantity.Duration(n) * quantity.Duration(time.Millisecond) }

func TestCacheYield(t *testing.T) {
	const size, stride = 64 << 10, 4096 + 64
	r := newRig(t, &CacheYield{Size: size, Stride: stride}, 1, nil)
	r.startAll()
	r.passes(500)
	r.stop()
	n := r.arena.Record(0, 0).Iterations()
	if r.units(0) != n*cacheSteps || r.samples(0, 0) != n {
		t.Errorf("%d units and %d samples in %d passes", r.units(0), r.samples(0, 0), n)
	}
	for at, b := range r.workers[0].Memory {
		if at%64 != 0 && b != 0 {
			t.Fatalf("byte %d was written", at)
		}
	}
	if touched(r.workers[0].Memory) < size/64 {
		t.Errorf("%d places were written", touched(r.workers[0].Memory))
	}
}

// touched is how many bytes are not 0. One that was incremented 256 times is.
func touched(memory []byte) (n int) {
	for _, b := range memory {
		if b != 0 {
			n++
		}
	}
	return n
}

func TestCachePipe(t *testing.T) {
	for name, tc := range map[string]struct {
		iters   int64
		arrival *Arrival
		clients int // who has samples
	}{
		"in turns":          {1024, nil, 2},
		"without a walk":    {0, nil, 2},
		"more than a chunk": {5000, nil, 2},
		"on request":        {1024, &Arrival{RatePerSecond: 1000, Distribution: ArrivalFixed}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, &CachePipe{Size: 32 << 10, BurstIters: &tc.iters, Arrival: tc.arrival}, 2, nil)
			var there, back [2]int
			if unix.Pipe2(there[:], unix.O_CLOEXEC) != nil || unix.Pipe2(back[:], unix.O_CLOEXEC) != nil {
				t.Fatal("no pipes")
			}
			r.workers[0].FDs = [MaxFDs]int{back[0], there[1]}
			r.workers[1].FDs = [MaxFDs]int{there[0], back[1]}
			r.startAll()
			r.passes(100)
			r.stop()
			for i := range 2 {
				n := r.arena.Record(i, 0).Iterations()
				if units := r.units(i); units < (n-1)*uint64(tc.iters) || units > (n+1)*uint64(tc.iters) {
					t.Errorf("worker %d: %d units in %d passes", i, units, n)
				}
				var samples, responses uint64
				if samples = r.samples(i, 0); tc.arrival != nil {
					responses = r.samples(i, 1)
				}
				wantSamples, wantResponses := n, uint64(0)
				if i >= tc.clients {
					wantSamples = 0
				} else if tc.arrival != nil {
					wantResponses = n
				}
				if samples != wantSamples || responses != wantResponses {
					t.Errorf("worker %d: %d samples and %d responses in %d passes", i, samples, responses, n)
				}
				if (touched(r.workers[i].Memory) > 0) != (tc.iters > 0) {
					t.Errorf("worker %d wrote to %d bytes", i, touched(r.workers[i].Memory))
				}
			}
		})
	}
}

// However much a pass is, a worker looks at the stop in it.
func TestLongPassesEndWithTheStop(t *testing.T) {
	twoCPUs(t)
	hour, most := quantity.Duration(time.Hour), int64(maxIters)
	for name, kind := range map[string]Kind{
		"a spin before a pin":        &AffinityChurn{SpinIters: &most},
		"a spin before others' pins": &CrossAffinityChurn{SpinIters: &most},
		"a spin between faults":      &PageFaultChurn{Region: 4096, TouchesPerCycle: 1, SpinIters: &most},
		"a sleep between sweeps":     &NUMAWorkingSetSweep{Region: 4096, SweepPeriod: &hour},
		"a sweep":                    &NUMAWorkingSetSweep{Region: 1 << 30, SweepPeriod: &hour, TargetNodes: []int{0}},
		"no requests":                &IORandRead{Arrival: &Arrival{RatePerSecond: 1, Distribution: ArrivalFixed}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, kind, 2, nil)
			r.start(0)
			r.await("it works", func() bool { return r.arena.Block(0).Stage() == arena.StageRunning })
			began := time.Now()
			r.stop()
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestBoundsOfDataKinds(t *testing.T) {
	some, negative, many := int64(1), int64(-1), int64(maxIters+1)
	period := ms(1)
	file := func(n quantity.Bytes) *quantity.Bytes { return &n }
	for name, tc := range map[string]struct {
		kind Kind
		want string
	}{
		"a file below a batch":           {&IOSyncWrite{FileSize: file(60 << 10)}, "fileSize must be 64Ki to 1Gi, in whole blocks of 4Ki, not 60Ki"},
		"a file above the most":          {&IORandRead{FileSize: file(1<<30 + 4096)}, "fileSize must be 64Ki to 1Gi"},
		"half a block":                   {&IOConvoy{FileSize: file(64<<10 + 512)}, "fileSize must be 64Ki to 1Gi, in whole blocks of 4Ki, not 66048"},
		"a size of a device":             {&IOConvoy{FileSize: file(1 << 20), Device: "/dev/vdb"}, "fileSize must not be given with device"},
		"a device by its name":           {&IOSyncWrite{Device: "vdb"}, `device must be a path below /dev, such as /dev/vdb, not "vdb"`},
		"a device that is elsewhere":     {&IORandRead{Device: "/dev/../etc/passwd"}, "device must be a path below /dev"},
		"requests without a rate":        {&IORandRead{Arrival: &Arrival{Distribution: ArrivalFixed}}, "arrival.ratePerSecond must be"},
		"a pipe's requests":              {&CachePipe{Size: 4096, BurstIters: &some, Arrival: &Arrival{}}, "arrival.ratePerSecond must be"},
		"no memory for a pipe":           {&CachePipe{BurstIters: &some}, "size must be 4Ki to 16Gi, not 0"},
		"a pipe without a number":        {&CachePipe{Size: 4096}, "burstIters must be 0 to"},
		"no memory to yield with":        {&CacheYield{Stride: 1}, "size must be 4Ki to 16Gi, not 0"},
		"a stride of nothing":            {&CacheYield{Size: 4096}, "stride must be 1 to the size in bytes, 4096, not 0"},
		"less than a page to fault on":   {&PageFaultChurn{Region: 4095, TouchesPerCycle: 1, SpinIters: &some}, "region must be 4Ki to 16Gi, not 4095"},
		"no touches":                     {&PageFaultChurn{Region: 4096, SpinIters: &some}, "touchesPerCycle must be 1 to 1000000, not 0"},
		"too many touches":               {&PageFaultChurn{Region: 4096, TouchesPerCycle: 1_000_001, SpinIters: &some}, "touchesPerCycle must be 1 to 1000000"},
		"faults without a number":        {&PageFaultChurn{Region: 4096, TouchesPerCycle: 1}, "spinIters must be 0 to"},
		"a set above the most":           {&NUMAWorkingSetSweep{Region: 17 << 30, SweepPeriod: &period}, "region must be 4Ki to 16Gi, not 17Gi"},
		"sweeps without a period":        {&NUMAWorkingSetSweep{Region: 4096}, "sweepPeriod must be 0s to 1h"},
		"a node below 0":                 {&NUMAWorkingSetSweep{Region: 4096, SweepPeriod: &period, TargetNodes: []int{0, -1}}, "targetNodes must be 0 to 1023, not -1"},
		"a node above the most":          {&NUMAWorkingSetSweep{Region: 4096, SweepPeriod: &period, TargetNodes: []int{1024}}, "targetNodes must be 0 to 1023, not 1024"},
		"too many nodes":                 {&NUMAWorkingSetSweep{Region: 4096, SweepPeriod: &period, TargetNodes: make([]int, 65)}, "targetNodes must be 64 at most, not 65"},
		"pins without a number":          {&AffinityChurn{}, "spinIters must be 0 to"},
		"others' pins after less than 0": {&CrossAffinityChurn{SpinIters: &negative}, "spinIters must be 0 to"},
		"policies without a number":      {&PolicyChurn{}, "spinIters must be 0 to 1000000: it also spins in real-time classes"},
		"policies after too much":        {&PolicyChurn{SpinIters: &many}, "spinIters must be 0 to 1000000"},
		"nodes without a period":         {&NUMAMigrationChurn{}, "period must be above 0s and at most 1h"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.kind.Validate(); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
