// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// PriorityInversion has workers of three real-time priorities, FIFO 70, 50 and 30.
// High and low spin, take a lock that they share, hold it and release it, high for
// WorkIters and low for HoldIters; medium only spins and never blocks. Where they
// share a CPU, medium keeps low from releasing what high waits for, unless the lock,
// with Mode PriorityInheritance, lends low the priority of high. The wake latency is
// each wait for the lock, with either lock.
//
// High and medium begin when low has the lock for the first time: nobody blocks but for
// the lock, and on a shared CPU high would otherwise keep the rest from ever running. So
// with a plain lock only medium gets on there, and with inheritance only high. Such
// results are what the work is for. It is dangerous for the same reason: what never
// blocks never lets go of its CPU.
type PriorityInversion struct {
	High      *int32 `json:"high"`
	Medium    *int32 `json:"medium"`
	Low       *int32 `json:"low"`
	HoldIters *int64 `json:"holdIters"`
	WorkIters *int64 `json:"workIters"`
	Mode      string `json:"mode"`
}

// What the lock of a PriorityInversion does about it.
const (
	LockPlain               = "Plain"
	LockPriorityInheritance = "PriorityInheritance"
)

// Name implements Kind.
func (*PriorityInversion) Name() string { return "priorityInversion" }

// Shape implements Kind.
func (k *PriorityInversion) Shape() Shape {
	s := Shape{
		RegionBytes: 12, Dangerous: true, Needs: []string{capability.Realtime}, Progress: ProgressIterations,
		Metrics: []Measure{{MetricWake, SampleLockWait}},
	}
	for _, of := range []struct {
		name     string
		workers  *int32
		priority int
	}{{"high", k.High, 70}, {"medium", k.Medium, 50}, {"low", k.Low, 30}} {
		if of.workers == nil || *of.workers <= 0 {
			continue
		}
		s.SetSize += int(*of.workers)
		s.Roles = append(s.Roles, Role{
			Name: of.name, Workers: int(*of.workers), MayStarve: true,
			Class: &Class{Policy: sys.PolicyFIFO, Priority: of.priority},
		})
	}
	s.SetSize = max(s.SetSize, 1)
	return s
}

// Validate implements Kind.
func (k *PriorityInversion) Validate() error {
	var workers int32
	for _, of := range []struct {
		name string
		n    *int32
	}{{"high", k.High}, {"medium", k.Medium}, {"low", k.Low}} {
		if of.n == nil {
			return fmt.Errorf("%s must be 0 to %d", of.name, maxInRole)
		}
		if err := validWorkers(of.name, *of.n, 0); err != nil {
			return err
		}
		workers += *of.n
	}
	if workers == 0 {
		return errors.New("high, medium and low must not all be 0")
	}
	if k.Mode != LockPlain && k.Mode != LockPriorityInheritance {
		return fmt.Errorf("mode must be Plain or PriorityInheritance, not %q", k.Mode)
	}
	if err := validIters("holdIters", k.HoldIters); err != nil {
		return err
	}
	return validIters("workIters", k.WorkIters)
}

// Prepare implements Preparer: a kernel that lacks the lock refuses the run.
func (k *PriorityInversion) Prepare(w *Worker) sys.Errno {
	if k.Mode != LockPriorityInheritance {
		return 0
	}
	lock := w.Region.Word32(4)
	errno := sys.LockPI(lock, sys.Monotonic()+prepareLimit)
	if errno == 0 {
		errno = sys.RawUnlockPI(lock)
	}
	if errno != 0 {
		w.Leave("taking a lock with priority inheritance, which needs Linux 5.14 with CONFIG_FUTEX_PI")
	}
	return errno
}

// prepareLimit bounds a worker's wait for the others' trial of the lock.
const prepareLimit = 10_000_000_000

// tier is what the loop of a worker differs in.
type tier struct {
	contends bool
	hold     int64
	// first says that it begins with the lock, and not after those that do.
	first bool
}

func (k *PriorityInversion) tier(position int) tier {
	high, medium := int(*k.High), int(*k.Medium)
	switch {
	case position < high:
		return tier{contends: true, hold: *k.WorkIters, first: *k.Low == 0}
	case position < high+medium:
		return tier{first: *k.Low == 0}
	default:
		return tier{contends: true, hold: *k.HoldIters, first: true}
	}
}

// Run implements Kind. The set shares the lock, at 0, one for Prepare, and whether a
// worker that begins has had the lock, at 8.
func (k *PriorityInversion) Run(w *Worker) {
	t := k.tier(w.Position)
	lock := inheritingLock{word: w.Region.Word32(0), tid: uint32(sys.RawTID())}
	if begun := w.Region.Word32(8); !t.first && !w.AwaitChange(begun, 0) {
		return
	}
	w.ResetGap()
	for ; !w.Stopped(); w.EndIteration() {
		w.Spin(*k.WorkIters)
		if t.contends && !k.critical(w, lock, t) {
			return
		}
		w.ResetGap()
	}
}

// critical is a critical section; false means to leave the loop.
func (k *PriorityInversion) critical(w *Worker, lock inheritingLock, t tier) bool {
	if k.Mode == LockPriorityInheritance {
		if !lock.acquire(w) {
			return false
		}
		hold(w, t)
		return lock.release(w)
	}
	plain := plainLock{lock.word}
	if !plain.acquire(w) {
		return false
	}
	hold(w, t)
	plain.release()
	return true
}

// hold is what a worker does with the lock.
func hold(w *Worker, t tier) {
	if begun := w.Region.Word32(8); t.first && load(begun) == 0 {
		store(begun, 1)
		sys.RawFutexWake(begun, everyone)
	}
	w.Spin(t.hold)
}
