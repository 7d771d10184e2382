// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// Sequence does several things in turn, each for a time; an iteration is all of them. Each thing
// has a histogram of its own. Of the short sleeps between the writes of io it records what they
// took longer than asked, where the original records all of them, among those of sleep.
type Sequence struct {
	Phases []SequencePhase `json:"phases"`
}

// SequencePhase is one of the things a sequence does; exactly one member is set.
type SequencePhase struct {
	// Spin burns CPU in user space.
	Spin *quantity.Duration `json:"spin,omitempty"`
	// Sleep sleeps.
	Sleep *quantity.Duration `json:"sleep,omitempty"`
	// Yield yields the CPU again and again.
	Yield *quantity.Duration `json:"yield,omitempty"`
	// IO writes a file anew and sleeps for 100 µs, again and again.
	IO *quantity.Duration `json:"io,omitempty"`
	// AluHot keeps the multipliers busy.
	AluHot *SequenceAluHot `json:"aluHot,omitempty"`
}

// SequenceAluHot is a time of multiplying.
type SequenceAluHot struct {
	Width    string            `json:"width"`
	Duration quantity.Duration `json:"duration"`
}

const (
	maxSequence = 32
	// sequencePause is how long io leaves its file alone, in ns.
	sequencePause = 100_000
)

// The histograms of a sequence, in the order of its Shape.
const (
	sequenceSleeps = iota
	sequenceYields
	sequencePauses
	sequenceChains
)

// Name implements Kind.
func (*Sequence) Name() string { return "sequence" }

// Shape implements Kind.
func (k *Sequence) Shape() Shape {
	s := Shape{SetSize: 1, Counters: aluCounters, Progress: ProgressIterations, Metrics: []Measure{
		sequenceSleeps: {MetricWake, SampleSleep},
		sequenceYields: {MetricWake, SampleYield},
		sequencePauses: {MetricWake, SampleOvershoot},
		sequenceChains: {MetricCost, SampleComputation},
	}}
	for _, p := range k.Phases {
		switch {
		case p.Sleep != nil:
			s.Quiet += p.Sleep.D()
			continue
		case p.IO != nil:
			s.Opens.File, s.MemoryBytes = &File{Bytes: ioBatch}, ioBlock
		}
		s.Progress = ProgressUnits // all but sleep count some
	}
	return s
}

// Validate implements Kind.
func (k *Sequence) Validate() error {
	if len(k.Phases) < 1 || len(k.Phases) > maxSequence {
		return fmt.Errorf("phases must be 1 to %d, not %d", maxSequence, len(k.Phases))
	}
	for i := range k.Phases {
		if err := k.Phases[i].validate(); err != nil {
			return fmt.Errorf("phases[%d]%w", i, err)
		}
	}
	return nil
}

// validate says what is wrong with a phase, as it follows the phase's name.
func (p *SequencePhase) validate() error {
	set := 0
	var first error
	for _, m := range []struct {
		name string
		time *quantity.Duration
	}{{".spin", p.Spin}, {".sleep", p.Sleep}, {".yield", p.Yield}, {".io", p.IO}} {
		if m.time != nil {
			set++
			first = validPhase(m.name, *m.time)
		}
	}
	if p.AluHot != nil {
		set++
		if first = validWidth(".aluHot.width", p.AluHot.Width); first == nil {
			first = validPhase(".aluHot.duration", p.AluHot.Duration)
		}
	}
	if set != 1 {
		return errors.New(" must have exactly one of spin, sleep, yield, io and aluHot")
	}
	return first
}

// Prepare implements Preparer.
func (k *Sequence) Prepare(w *Worker) sys.Errno {
	for i := range k.Phases {
		if alu := k.Phases[i].AluHot; alu != nil {
			if errno := prepareWidth(w, alu.Width); errno != 0 {
				return errno
			}
		}
	}
	return 0
}

// Run implements Kind.
func (k *Sequence) Run(w *Worker) {
	lanes := aluSeeds
	for {
		for i := range k.Phases {
			if !k.Phases[i].run(w, &lanes) {
				return
			}
		}
		w.EndIteration()
	}
}

// run does what the phase says; false means to leave the loop.
func (p *SequencePhase) run(w *Worker, lanes *aluLanes) bool {
	switch {
	case p.Spin != nil:
		return w.burst(p.Spin.Nanoseconds(), spinChunk)
	case p.Sleep != nil:
		return w.sleepPhase(p.Sleep.Nanoseconds())
	case p.Yield != nil:
		return w.yieldPhase(p.Yield.Nanoseconds())
	case p.IO != nil:
		return w.ioPhase(p.IO.Nanoseconds())
	default:
		return w.aluPhase(p.AluHot, lanes)
	}
}

func (w *Worker) sleepPhase(ns int64) bool {
	began := sys.Monotonic()
	woke := w.SleepUntil(began + ns)
	if w.Stopped() {
		return false // the sleep was cut short
	}
	w.Record(sequenceSleeps, woke-began)
	w.ResetGap()
	w.LookAround()
	return true
}

func (w *Worker) yieldPhase(ns int64) bool {
	for end := sys.Monotonic() + ns; !w.Stopped(); w.LookAround() {
		began := sys.Monotonic()
		if began >= end {
			return true
		}
		sys.RawYield()
		w.Record(sequenceYields, sys.Monotonic()-began)
		w.AddUnits(1)
		w.ResetGap()
	}
	return false
}

func (w *Worker) ioPhase(ns int64) bool {
	for end := sys.Monotonic() + ns; sys.Monotonic() < end; w.LookAround() {
		if !w.rewrite() {
			return false
		}
		due := sys.Monotonic() + sequencePause
		woke := w.SleepUntil(due)
		if w.Stopped() {
			return false
		}
		w.Record(sequencePauses, max(woke-due, 0))
		w.ResetGap()
	}
	return true
}

// rewrite empties the file and writes it anew; false means to leave the loop.
func (w *Worker) rewrite() bool {
	if errno := sys.Truncate(w.FDs[0], 0); errno != 0 {
		w.LeaveErrno("emptying its file", errno)
		return false
	}
	for at := int64(0); at < ioBatch; at += ioBlock {
		if !w.writeBlock(at) {
			return false
		}
	}
	return true
}

func (w *Worker) aluPhase(p *SequenceAluHot, lanes *aluLanes) bool {
	width, _ := widthOf(p.Width)
	for end := sys.Monotonic() + p.Duration.Nanoseconds(); sys.Monotonic() < end && !w.Stopped(); w.LookAround() {
		w.timedChain(lanes, width, sequenceChains)
	}
	return !w.Stopped()
}
