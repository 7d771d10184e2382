// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// AsymmetricWaker has a waker, which never blocks, and a wakee in scheduling
// classes of their own. The waker spins, advances a word and wakes; the wakee
// waits for the word to change, then spins as long. Its wake latency is the time
// it waited, which contains the waker's work.
//
// FIFO is of priority 50. Deadline is 1ms in every 10ms: the kernel refuses a
// runtime as short as a microsecond. With FIFO it is dangerous, whoever has it:
// such a waker never lets go of its CPU, and a wakee only between bursts.
type AsymmetricWaker struct {
	WakerClass string `json:"wakerClass"`
	WakeeClass string `json:"wakeeClass"`
	BurstIters *int64 `json:"burstIters"`
}

// The classes an AsymmetricWaker knows.
const (
	ClassNormal   = "Normal"
	ClassBatch    = "Batch"
	ClassIdle     = "Idle"
	ClassFIFO     = "FIFO"
	ClassDeadline = "Deadline"
	ClassExt      = "Ext"
)

// schedulingClass is a class by its name, nil for a name that is none, and the
// capability it needs.
func schedulingClass(name string) (class *Class, needs string) {
	switch name {
	case ClassNormal:
		return &Class{Policy: sys.PolicyOther}, ""
	case ClassBatch:
		return &Class{Policy: sys.PolicyBatch}, ""
	case ClassIdle:
		return &Class{Policy: sys.PolicyIdle}, ""
	case ClassFIFO:
		return &Class{Policy: sys.PolicyFIFO, Priority: 50}, capability.Realtime
	case ClassDeadline:
		return &Class{Policy: sys.PolicyDeadline, Runtime: 1_000_000, Deadline: 10_000_000, Period: 10_000_000}, capability.Deadline
	case ClassExt:
		return &Class{Policy: sys.PolicyExt}, capability.SchedExt
	}
	return nil, ""
}

// Name implements Kind.
func (*AsymmetricWaker) Name() string { return "asymmetricWaker" }

// Shape implements Kind.
func (k *AsymmetricWaker) Shape() Shape {
	waker, wakerNeeds := schedulingClass(k.WakerClass)
	wakee, wakeeNeeds := schedulingClass(k.WakeeClass)
	s := Shape{
		SetSize: 2, RegionBytes: 4, Progress: ProgressIterations,
		Dangerous: k.WakerClass == ClassFIFO || k.WakeeClass == ClassFIFO,
		Roles: []Role{
			{Name: "waker", Workers: 1, Class: waker},
			// On the waker's CPU it may have to wait for ever.
			{Name: "wakee", Workers: 1, Class: wakee, MayStarve: k.WakerClass == ClassFIFO},
		},
		Metrics: []Measure{{MetricWake, SampleWait}},
	}
	if wakerNeeds != "" {
		s.Needs = append(s.Needs, wakerNeeds)
	}
	if wakeeNeeds != "" && wakeeNeeds != wakerNeeds {
		s.Needs = append(s.Needs, wakeeNeeds)
	}
	return s
}

// Validate implements Kind.
func (k *AsymmetricWaker) Validate() error {
	if err := validClass("wakerClass", k.WakerClass); err != nil {
		return err
	}
	if err := validClass("wakeeClass", k.WakeeClass); err != nil {
		return err
	}
	return validIters("burstIters", k.BurstIters)
}

func validClass(name, class string) error {
	if found, _ := schedulingClass(class); found == nil {
		return fmt.Errorf("%s must be Normal, Batch, Idle, FIFO, Deadline or Ext, not %q", name, class)
	}
	return nil
}

// Run implements Kind.
func (k *AsymmetricWaker) Run(w *Worker) {
	word := w.Region.Word32(0)
	for !w.Stopped() {
		if w.Position == 0 {
			w.Spin(*k.BurstIters)
			store(word, load(word)+1)
			sys.RawFutexWake(word, 1)
		} else {
			began := sys.Monotonic()
			if !w.AwaitChange(word, load(word)) {
				return
			}
			w.Record(0, sys.Monotonic()-began)
			w.Spin(*k.BurstIters)
			w.ResetGap()
		}
		w.EndIteration()
	}
}
