// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

// MutexContention has contenders spin, take a lock that is a futex, spin while they
// hold it, and release it. Its wake latency is each wait for the lock: a contender
// that is woken and finds it taken again waits once more. One that is stopped while it
// waits does not go on as if it had the lock.
//
// With an Arrival each contender's critical sections are due by a schedule of its
// own; the response time of one ends with its release. The work outside is done before.
type MutexContention struct {
	Contenders int32    `json:"contenders"`
	HoldIters  *int64   `json:"holdIters"`
	WorkIters  *int64   `json:"workIters"`
	Arrival    *Arrival `json:"arrival,omitempty"`
}

// Name implements Kind.
func (*MutexContention) Name() string { return "mutexContention" }

// Shape implements Kind.
func (k *MutexContention) Shape() Shape {
	return Shape{
		SetSize: max(int(k.Contenders), 1), RegionBytes: 4, Progress: ProgressIterations, Quiet: k.Arrival.quiet(),
		Metrics: k.Arrival.measures(Measure{MetricWake, SampleLockWait}),
	}
}

// Validate implements Kind.
func (k *MutexContention) Validate() error {
	if err := validWorkers("contenders", k.Contenders, 1); err != nil {
		return err
	}
	if err := validIters("holdIters", k.HoldIters); err != nil {
		return err
	}
	if err := validIters("workIters", k.WorkIters); err != nil {
		return err
	}
	return k.Arrival.validate()
}

// Run implements Kind.
func (k *MutexContention) Run(w *Worker) {
	lock := plainLock{w.Region.Word32(0)}
	for sections := k.Arrival.schedule(w); ; w.EndIteration() {
		w.Spin(*k.WorkIters)
		due, ok := sections.await(w)
		if !ok || !lock.acquire(w) {
			return
		}
		w.Spin(*k.HoldIters)
		lock.release()
		if w.Stopped() {
			return // it may have been cut short
		}
		sections.respond(w, due)
		w.ResetGap()
	}
}
