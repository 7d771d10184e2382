// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// aluWidth is how wide the registers are that a chain multiplies.
type aluWidth int

const (
	aluScalar aluWidth = iota
	alu128
	alu256
	alu512
	aluWidths
)

// The names of widths in manifests; WidthWidest is the widest that the machine has.
const (
	WidthScalar = "Scalar"
	Width128    = "Vector128"
	Width256    = "Vector256"
	Width512    = "Vector512"
	WidthWidest = "Widest"
)

func validWidth(parameter, name string) error {
	if _, known := widthOf(name); !known {
		return fmt.Errorf("%s must be Scalar, Vector128, Vector256, Vector512 or Widest, not %q", parameter, name)
	}
	return nil
}

// widthOf is the width that a name stands for on this machine.
func widthOf(name string) (width aluWidth, known bool) {
	switch name {
	case WidthScalar:
		return aluScalar, true
	case Width128:
		return alu128, true
	case Width256:
		return alu256, true
	case Width512:
		return alu512, true
	case WidthWidest:
		width = alu512
		for !aluHas[width] {
			width--
		}
		return width, true
	}
	return 0, false
}

// prepareWidth refuses a width that the machine does not have.
func prepareWidth(w *Worker, name string) sys.Errno {
	if width, _ := widthOf(name); aluHas[width] {
		return 0
	}
	w.Leave("aluHot: this machine has no registers of that width; Widest takes the widest there are")
	return unix.EOPNOTSUPP
}

// aluCounters counts chains by width, so that a report says what Widest was.
var aluCounters = []string{aluScalar: "scalarChains", alu128: "vector128Chains", alu256: "vector256Chains", alu512: "vector512Chains"}

// aluLanes are four accumulators of any width, one behind the other.
type aluLanes [32]uint64

// aluSeeds are odd, as are the multipliers: so no product is ever 0. The numbers are arbitrary.
var aluSeeds = func() (seeds aluLanes) {
	r := newRandom(1)
	for i := range seeds {
		seeds[i] = r.next() | 1
	}
	return seeds
}()

// The multipliers of the four accumulators. The one instruction that multiplies whole vectors on
// every CPU takes the low half of each 64-bit lane and gives all 64 bits of
// the product. A scalar accumulator keeps the low 64 bits.
var (
	scalarMultipliers = [4]uint64{0x5851f42d4c957f2d, 0xd1342543de82ef95, 0xaf251af3b0f025b5, 0xb564ef22ec7aece5}
	vectorMultipliers = [4]uint64{0x915f77f5, 0xac564b05, 0xadb4a92d, 0x93d765dd}
)

// multiply multiplies each accumulator of the width so many times, one after the
// other. In it a thread does not look for the stop and the Go runtime cannot
// interrupt it: chainSteps is the bound.
func (width aluWidth) multiply(lanes *aluLanes, steps int) {
	switch width {
	case aluScalar:
		multiplyScalar(lanes, steps)
	case alu128:
		multiply128(lanes, steps)
	case alu256:
		multiply256(lanes, steps)
	case alu512:
		multiply512(lanes, steps)
	}
}

const chainSteps = 1024

// timedChain multiplies chainSteps times, one work unit each, and records the time as the n-th
// metric and the width in aluCounters.
func (w *Worker) timedChain(lanes *aluLanes, width aluWidth, n int) {
	began := sys.Monotonic()
	width.multiply(lanes, chainSteps)
	w.Record(n, sys.Monotonic()-began)
	w.AddUnits(chainSteps)
	w.Count(int(width), 1)
}

// aluChain multiplies each of four independent 64-bit numbers n times, one work unit a step,
// or fewer when stopped.
func (w *Worker) aluChain(n int64) {
	lanes := aluSeeds
	for n > 0 && !w.Stopped() {
		steps := min(n, chainSteps)
		multiplyScalar(&lanes, int(steps))
		w.AddUnits(uint64(steps))
		n -= steps
	}
}
