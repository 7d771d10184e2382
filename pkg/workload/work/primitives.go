// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"sync/atomic"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// spin counts n units, one pause instruction after each.
//
//go:noescape
func spin(units *uint64, n uint64)

// The words of a region are shared with other processes.

func load(word *uint32) uint32         { return atomic.LoadUint32(word) }
func store(word *uint32, value uint32) { atomic.StoreUint32(word, value) }

// random is a generator of the xorshift family: Marsaglia, "Xorshift RNGs" (2003),
// with the shifts 13, 7 and 17.
type random struct{ state uint64 }

// newRandom spreads neighbouring seeds, by the constant of Fibonacci hashing.
func newRandom(seed uint64) random { return random{state: seed*0x9e3779b97f4a7c15 | 1} }

func (r *random) next() uint64 {
	r.state ^= r.state << 13
	r.state ^= r.state >> 7
	r.state ^= r.state << 17
	return r.state
}

// unit is a number above 0 and at most 1.
func (r *random) unit() float64 { return float64(r.next()>>11+1) / (1 << 53) }

// below is a number below n.
func (r *random) below(n uint64) uint64 { return r.next() % n }

// timedYield yields the CPU and records how long that took.
func (w *Worker) timedYield() {
	began := sys.Monotonic()
	sys.RawYield()
	w.Record(0, sys.Monotonic()-began)
}

// spinProgress is work units where the work spins between what it does, and iterations
// where it does not.
func spinProgress(spinIters *int64) Progress {
	if spinIters != nil && *spinIters == 0 {
		return ProgressIterations
	}
	return ProgressUnits
}
