// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

func everyPhase(d quantity.Duration) *Sequence {
	return &Sequence{Phases: []SequencePhase{
		{Spin: &d}, {Sleep: &d}, {Yield: &d}, {IO: &d}, {AluHot: &SequenceAluHot{Width: WidthWidest, Duration: d}},
	}}
}

func TestASequenceKeepsItsThingsApart(t *testing.T) {
	k := everyPhase(millis(2))
	a, w := computeWorker(t, k)
	go func() {
		for !passes(3)(a) {
			runtime.Gosched()
		}
		a.Control().Stop()
	}()
	w.Run(k)
	f := a.Record(0, 0).Figures(0)
	for n, m := range k.Shape().Metrics {
		h := a.ReadHistogram(0, 0, n)
		if h.Count() < f.Iterations {
			t.Errorf("%s: %d values in %d passes", m.Sample, h.Count(), f.Iterations)
		}
	}
	if h := a.ReadHistogram(0, 0, sequenceSleeps); h.Count() > f.Iterations+1 || h.Min() < uint64(2*time.Millisecond) {
		t.Errorf("%d sleeps from %d ns on in %d passes", h.Count(), h.Min(), f.Iterations)
	}
	if h := a.ReadHistogram(0, 0, sequencePauses); h.Min() == 0 {
		t.Error("a sleep took exactly what was asked")
	}
	var chains uint64
	for _, n := range f.Counters {
		chains += n
	}
	if h := a.ReadHistogram(0, 0, sequenceChains); h.Count() != chains {
		t.Errorf("%d chains by width, %d times", chains, h.Count())
	}
	if info, err := os.Stat(fmt.Sprintf("/proc/self/fd/%d", w.FDs[0])); err != nil || info.Size() != ioBatch {
		t.Errorf("the file is %v, %v", info, err)
	}
}

func TestWhatASequenceNeedsFollowsFromItsPhases(t *testing.T) {
	d := millis(3)
	rest := Sequence{Phases: []SequencePhase{{Sleep: &d}, {Sleep: &d}}}
	if s := rest.Shape(); s.Progress != ProgressIterations || s.Quiet != 2*d.D() || s.Opens.File != nil || s.MemoryBytes != 0 {
		t.Errorf("a sequence of sleeps: %+v", s)
	}
	if s := everyPhase(d).Shape(); s.Progress != ProgressUnits || s.Quiet != d.D() || s.Opens.File == nil || s.Opens.File.Bytes != ioBatch || s.MemoryBytes != ioBlock {
		t.Errorf("a sequence of everything: %+v", s)
	}
}

// A file that cannot be written ends the work, and the errno is told.
func TestASequenceTellsWhatItsFileSaid(t *testing.T) {
	d := millis(1)
	a, w := computeWorker(t, &Sequence{Phases: []SequencePhase{{IO: &d}}})
	read, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	w.FDs[0] = int(read.Fd())
	w.Run(&Sequence{Phases: []SequencePhase{{IO: &d}}})
	if got := a.Block(0).Text(); got != "emptying its file: invalid argument" {
		t.Errorf("it left with %q", got)
	}
}
