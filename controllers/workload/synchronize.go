// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// The start of a gang lies this far ahead when it is decided: the time has to be written into
// every NodeRun and to reach its agent before.
const (
	startLead        = 2 * time.Second
	startLeadPerNode = 5 * time.Millisecond
)

// synchronize gives the NodeRuns of a gang their common start once all are prepared. One that
// cannot be complete any more is stopped before its start: parked workers hold their nodes.
func (r *Reconciler) synchronize(ctx context.Context, s *scope) (bool, error) {
	if !s.workload.Spec.Placement.Gang || len(s.tally.active) == 0 {
		return false, nil
	}
	at, told := gangStart(s.tally, s.now)
	switch {
	case len(told) > 0:
		log := logf.FromContext(ctx).WithValues("nodeRuns", len(told), "startTime", at)
		log.Info("gang starts")
		return true, each(ctx, told, func(run *v1alpha1.NodeRun) error { return r.writeStart(ctx, run, at) })
	case at.IsZero() && s.tally.hopeless():
		return true, r.cancelActive(ctx, s)
	default:
		return false, nil
	}
}

// gangStart is when a gang starts, and which NodeRuns are still to be told. Zero: not yet.
// A start that some have been told of, before a manager died, is everybody's.
func gangStart(t tally, now time.Time) (at time.Time, told []*v1alpha1.NodeRun) {
	prepared := 0
	for _, run := range t.active {
		switch {
		case run.Spec.StartTime != nil:
			at = run.Spec.StartTime.Time
		case run.Prepared():
			prepared++
			told = append(told, run)
		}
	}
	switch {
	case !at.IsZero():
		return at, told
	case prepared == 0 || prepared < t.desired || len(t.stopping) > 0:
		return time.Time{}, nil
	}
	lead := startLead + time.Duration(prepared)*startLeadPerNode
	return now.Add(lead).Truncate(time.Microsecond), told
}

func (r *Reconciler) writeStart(ctx context.Context, run *v1alpha1.NodeRun, at time.Time) error {
	started := run.DeepCopy()
	started.Spec.StartTime = new(metav1.NewMicroTime(at))
	// Two managers must not give one NodeRun two times.
	patch := client.MergeFromWithOptions(run, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Patch(ctx, started, patch, fieldOwner); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("setting the start time of NodeRun %s: %w", run.Name, err)
	}
	return nil
}

// parked is how many NodeRuns wait for the start of their gang.
func (t tally) parked() int {
	n := 0
	for _, run := range t.active {
		if run.Prepared() && run.Spec.StartTime == nil {
			n++
		}
	}
	return n
}

// fleetStart says how NodeRuns with a result kept to their common start, nil if none had one.
func fleetStart(runs []*v1alpha1.NodeRun) *v1alpha1.FleetStart {
	var sum *v1alpha1.FleetStart
	var first, last time.Time
	for _, run := range runs {
		s := run.Status.Result.SynchronizedStart
		if s == nil {
			continue
		}
		if sum == nil {
			sum = &v1alpha1.FleetStart{Planned: s.Planned, MaxLateNanoseconds: s.LateNanoseconds}
			first, last = s.Actual.Time, s.Actual.Time
		}
		sum.NodeRuns++
		sum.MaxLateNanoseconds = max(sum.MaxLateNanoseconds, s.LateNanoseconds)
		if s.Actual.Time.Before(first) {
			first = s.Actual.Time
		}
		if s.Actual.After(last) {
			last = s.Actual.Time
		}
	}
	if sum != nil {
		sum.SpreadNanoseconds = last.Sub(first).Nanoseconds()
	}
	return sum
}
