// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// IPCVariance alternates between multiplications, of which a CPU does many a cycle, and increments
// of random words in memory, for which it waits. It times a period of so many alternations.
type IPCVariance struct {
	HotIters    int64 `json:"hotIters"`
	ColdIters   int64 `json:"coldIters"`
	PeriodIters int64 `json:"periodIters"`
}

// ipcMemory is how much memory the increments are spread over: more than a core's first cache.
const ipcMemory = 512 << 10

// Name implements Kind.
func (*IPCVariance) Name() string { return "ipcVariance" }

// Shape implements Kind.
func (*IPCVariance) Shape() Shape {
	return Shape{SetSize: 1, MemoryBytes: ipcMemory, Metrics: []Measure{{MetricCost, SampleComputation}}, Progress: ProgressUnits}
}

// Validate implements Kind.
func (k *IPCVariance) Validate() error {
	for _, p := range []struct {
		name  string
		value int64
	}{{"hotIters", k.HotIters}, {"coldIters", k.ColdIters}, {"periodIters", k.PeriodIters}} {
		if p.value < 1 || p.value > maxIters {
			return fmt.Errorf("%s must be 1 to %d, not %d", p.name, maxIters, p.value)
		}
	}
	return nil
}

// Run implements Kind.
func (k *IPCVariance) Run(w *Worker) {
	words, draw := sys.Words(w.Memory), newRandom(w.Seed)
	for !w.Stopped() {
		began, phase := sys.Monotonic(), w.phase
		for n := int64(0); n < k.PeriodIters && !w.Stopped(); n++ {
			w.multiplyHot(k.HotIters)
			w.incrementRandom(words, &draw, k.ColdIters)
		}
		cost := sys.Monotonic() - began
		if w.Stopped() {
			return
		}
		if phase == w.phase { // a change of phase costs time of its own
			w.Record(0, cost)
		}
		w.EndIteration()
	}
}

// ipcHotSteps is how many steps go between two looks around: about a ms.
const ipcHotSteps = 1 << 20

func (w *Worker) multiplyHot(n int64) {
	for ; n > 0 && !w.Stopped(); n -= ipcHotSteps {
		w.aluChain(min(n, ipcHotSteps))
		w.LookAround()
	}
}

// incrementRandom increments n words, one work unit each, or fewer when stopped.
func (w *Worker) incrementRandom(words []uint64, draw *random, n int64) {
	for n > 0 && !w.Stopped() {
		steps := min(n, spinChunk)
		for range steps {
			words[draw.below(ipcMemory/8)]++
		}
		w.AddUnits(uint64(steps))
		w.LookAround()
		n -= steps
	}
}
