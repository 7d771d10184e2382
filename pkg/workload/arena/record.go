// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package arena

import (
	"math/bits"
	"structs"
	"sync/atomic"
)

// Epochs of the phase word that are no phase; phase k of the run is epoch k+1. All
// times between phases have one record, that of EpochGap.
const (
	EpochBaseline = 0
	EpochGap      = 1<<32 - 1
)

// gapBit marks the epochs between phases.
const gapBit = 1 << 31

// GapAfter is the epoch after the first n phases, in which none is on. Each gap has an
// epoch of its own, so that whoever sleeps through phases can tell which.
func GapAfter(n uint32) uint32 { return gapBit | n }

// Begun is how many phases have begun by an epoch.
func Begun(epoch uint32) uint32 { return epoch &^ gapBit }

// Distance is how far a migration went.
type Distance uint8

// Distances. What a machine does not tell apart counts as the nearest.
const (
	DistanceUnknown Distance = iota // the topology does not say
	DistanceSMT                     // to a hardware thread of the same core
	DistanceLLC                     // to another core at the same last-level cache
	DistanceNode                    // to another cache of the same NUMA node
	DistanceRemote                  // to another NUMA node
	Distances
)

func (d Distance) String() string {
	return [...]string{"Unknown", "SMT", "LLC", "Node", "Remote"}[min(d, Distances-1)]
}

const (
	// MaxPhases is how many phases a run may have.
	MaxPhases = 126
	maxCPUs   = 8192
	// MaxNodes is how many NUMA nodes pages are counted on.
	MaxNodes   = 64
	recordSize = 1600
	// MaxCounters is how many things of its own a kind of work may count.
	MaxCounters = 8
)

// Record counts what a worker does in one phase. Only the worker writes; use the methods.
type Record struct {
	_           structs.HostLayout
	workUnits   uint64
	iterations  uint64
	migrations  [Distances]uint64
	sinceNS     int64 // when the phase was entered; 0 outside of it
	wallNS      int64 // of earlier stays in the phase
	cpuNS       int64
	maxGapNS    int64
	maxGapAtNS  int64
	maxGapCPU   uint64
	runDelayNS  int64
	runCount    uint64
	schedCPUNS  int64
	schedstatOK uint64
	voluntary   uint64
	involuntary uint64
	pagesOK     uint64
	filled      uint64 // a bit for each histogram that holds a value
	_           [3 * 8]byte
	counters    [MaxCounters]uint64
	pages       [MaxNodes]uint32
	cpus        [maxCPUs / 64]uint64
	_           [lineSize]byte
}

// Figures are what a worker's records say at one moment.
type Figures struct {
	WorkUnits, Iterations  uint64
	Migrations             [Distances]uint64
	Wall, CPU              int64
	MaxGap, MaxGapAt       int64 // the end of the gap is on CLOCK_MONOTONIC
	MaxGapCPU              int
	Schedstat              bool // the next three were readable
	RunDelay               int64
	RunCount               uint64
	SchedCPU               int64
	Voluntary, Involuntary uint64
	// Counters are the kind's own.
	Counters [MaxCounters]uint64
	// Pages are resident pages of the worker's own memory by NUMA node; nil when it has none.
	Pages map[int]uint64
}

// Figures reads the record. A phase that is not over lasted until now. It may be
// called at any time.
func (r *Record) Figures(now int64) Figures {
	f := Figures{
		WorkUnits:   atomic.LoadUint64(&r.workUnits),
		Iterations:  atomic.LoadUint64(&r.iterations),
		Wall:        atomic.LoadInt64(&r.wallNS),
		CPU:         atomic.LoadInt64(&r.cpuNS),
		MaxGap:      atomic.LoadInt64(&r.maxGapNS),
		MaxGapAt:    atomic.LoadInt64(&r.maxGapAtNS),
		MaxGapCPU:   int(atomic.LoadUint64(&r.maxGapCPU)),
		Schedstat:   atomic.LoadUint64(&r.schedstatOK) != 0,
		RunDelay:    atomic.LoadInt64(&r.runDelayNS),
		RunCount:    atomic.LoadUint64(&r.runCount),
		SchedCPU:    atomic.LoadInt64(&r.schedCPUNS),
		Voluntary:   atomic.LoadUint64(&r.voluntary),
		Involuntary: atomic.LoadUint64(&r.involuntary),
		Pages:       r.readPages(),
	}
	for d := range f.Migrations {
		f.Migrations[d] = atomic.LoadUint64(&r.migrations[d])
	}
	for n := range f.Counters {
		f.Counters[n] = atomic.LoadUint64(&r.counters[n])
	}
	if since := atomic.LoadInt64(&r.sinceNS); since > 0 {
		f.Wall += max(now-since, 0)
	}
	return f
}

func (r *Record) readPages() map[int]uint64 {
	if atomic.LoadUint64(&r.pagesOK) == 0 {
		return nil
	}
	pages := map[int]uint64{}
	for node := range r.pages {
		if n := atomic.LoadUint32(&r.pages[node]); n > 0 {
			pages[node] = uint64(n)
		}
	}
	return pages
}

// Add adds what was counted in another phase. The longest gap is taken whole;
// pages are those of the later phase, which other is.
func (f *Figures) Add(other Figures) {
	f.WorkUnits += other.WorkUnits
	f.Iterations += other.Iterations
	for d := range f.Migrations {
		f.Migrations[d] += other.Migrations[d]
	}
	for n := range f.Counters {
		f.Counters[n] += other.Counters[n]
	}
	f.Wall += other.Wall
	f.CPU += other.CPU
	if other.MaxGap > f.MaxGap {
		f.MaxGap, f.MaxGapAt, f.MaxGapCPU = other.MaxGap, other.MaxGapAt, other.MaxGapCPU
	}
	f.Schedstat = f.Schedstat || other.Schedstat
	f.RunDelay += other.RunDelay
	f.RunCount += other.RunCount
	f.SchedCPU += other.SchedCPU
	f.Voluntary += other.Voluntary
	f.Involuntary += other.Involuntary
	if other.Pages != nil {
		f.Pages = other.Pages
	}
}

// TotalMigrations is the number of changes of CPU over all distances.
func (f *Figures) TotalMigrations() uint64 {
	var n uint64
	for _, of := range f.Migrations {
		n += of
	}
	return n
}

// Iterations is the number of passes counted so far.
func (r *Record) Iterations() uint64 { return atomic.LoadUint64(&r.iterations) }

// Counts are the work units and the passes counted so far.
func (r *Record) Counts() (units, iterations uint64) {
	return atomic.LoadUint64(&r.workUnits), atomic.LoadUint64(&r.iterations)
}

// CPUs are the CPUs the worker noted.
func (r *Record) CPUs() []int {
	var list []int
	for i := range r.cpus {
		for word := atomic.LoadUint64(&r.cpus[i]); word != 0; word &= word - 1 {
			list = append(list, i*64+bits.TrailingZeros64(word))
		}
	}
	return list
}

// The methods below are for the worker.

// WorkUnits is the word that loops count their work units in.
func (r *Record) WorkUnits() *uint64 { return &r.workUnits }

// AddIteration counts a pass of the outer loop.
func (r *Record) AddIteration() { atomic.StoreUint64(&r.iterations, r.iterations+1) }

// AddMigration counts a change of CPU.
func (r *Record) AddMigration(d Distance) {
	atomic.StoreUint64(&r.migrations[d], r.migrations[d]+1)
}

// Enter notes that the phase begins, or begins again.
func (r *Record) Enter(now int64) { atomic.StoreInt64(&r.sinceNS, now) }

// Leave notes that the phase ends.
func (r *Record) Leave(now int64) {
	// In this order a reader may miss the stay for a moment but never counts it twice.
	since := r.sinceNS
	atomic.StoreInt64(&r.sinceNS, 0)
	atomic.StoreInt64(&r.wallNS, r.wallNS+now-since)
}

// AddCPU adds CPU time and context switches.
func (r *Record) AddCPU(ns int64, voluntary, involuntary uint64) {
	atomic.StoreInt64(&r.cpuNS, r.cpuNS+ns)
	atomic.StoreUint64(&r.voluntary, r.voluntary+voluntary)
	atomic.StoreUint64(&r.involuntary, r.involuntary+involuntary)
}

// AddSchedstat adds what schedstat counted.
func (r *Record) AddSchedstat(cpu, runDelay int64, runs uint64) {
	atomic.StoreInt64(&r.schedCPUNS, r.schedCPUNS+cpu)
	atomic.StoreInt64(&r.runDelayNS, r.runDelayNS+runDelay)
	atomic.StoreUint64(&r.runCount, r.runCount+runs)
	atomic.StoreUint64(&r.schedstatOK, 1)
}

// Count adds to one of the kind's own counters.
func (r *Record) Count(n int, delta uint64) {
	atomic.StoreUint64(&r.counters[n], r.counters[n]+delta)
}

// SetMaxGap notes the longest gap, when it ended and the CPU it began on.
func (r *Record) SetMaxGap(ns, at int64, cpu uint32) {
	atomic.StoreInt64(&r.maxGapNS, ns)
	atomic.StoreInt64(&r.maxGapAtNS, at)
	atomic.StoreUint64(&r.maxGapCPU, uint64(cpu))
}

// MaxGap is the longest gap so far.
func (r *Record) MaxGap() int64 { return r.maxGapNS }

// SetFilled notes that a histogram holds a value.
func (r *Record) SetFilled(histogram int) {
	atomic.StoreUint64(&r.filled, r.filled|1<<histogram)
}

// Filled says whether a histogram holds a value. Looking into it would cost memory.
func (r *Record) Filled(histogram int) bool {
	return atomic.LoadUint64(&r.filled)&(1<<histogram) != 0
}

// UseCPU notes a CPU the worker ran on.
func (r *Record) UseCPU(cpu uint32) {
	if cpu < maxCPUs {
		word := &r.cpus[cpu/64]
		atomic.StoreUint64(word, *word|1<<(cpu%64))
	}
}

// SetPages notes the resident pages on a node.
func (r *Record) SetPages(node int, pages uint32) {
	if node >= 0 && node < MaxNodes {
		atomic.StoreUint32(&r.pages[node], pages)
	}
	atomic.StoreUint64(&r.pagesOK, 1)
}
