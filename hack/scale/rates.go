// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// writers is how many requests are under way at a time, as many as the manager has.
const writers = 32

// times calls do for 0 to n-1, as many at a time as the manager would, and returns how many a second that were.
func times(ctx context.Context, n int, do func(i int) error) (float64, error) {
	errs := make([]error, n)
	began := time.Now()
	workqueue.ParallelizeUntil(ctx, writers, n, func(i int) { errs[i] = do(i) })
	took := time.Since(began)
	return float64(n) / took.Seconds(), errors.Join(append(errs, ctx.Err())...)
}

// rawRun is an object as large as the manager's, for a node that does not exist. Nobody acts on it.
func (w *world) rawRun(i int) *v1alpha1.NodeRun {
	return &v1alpha1.NodeRun{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: rawNamespace, Name: fmt.Sprintf("raw-%05d", i),
			Labels: map[string]string{v1alpha1.LabelWorkload: "raw", v1alpha1.LabelNode: "nowhere"},
		},
		Spec: v1alpha1.NodeRunSpec{
			NodeName: "nowhere", Workload: v1alpha1.WorkloadReference{Name: "raw", UID: "raw"},
			Attempt: 1, RunID: fmt.Sprintf("raw-%05d", i), Run: runSpec(),
		},
	}
}

func runSpec() v1alpha1.RunSpec {
	return v1alpha1.RunSpec{
		Duration: metav1.Duration{Duration: time.Second}, Seed: 1,
		Groups: []v1alpha1.Group{{Name: "a", CloneMode: v1alpha1.CloneModeFork, Workers: new(int32(1)), Work: v1alpha1.Work{SpinWait: &v1alpha1.SpinWait{}}}},
	}
}

// createRaw times creations, and removes what it has made.
func (w *world) createRaw(ctx context.Context) (float64, error) {
	rate, err := times(ctx, w.options.raw, func(i int) error { return w.admin.Create(ctx, w.rawRun(i)) })
	if err != nil {
		return 0, fmt.Errorf("creating NodeRuns: %w", err)
	}
	if err := w.admin.DeleteAllOf(ctx, &v1alpha1.NodeRun{}, client.InNamespace(rawNamespace)); err != nil {
		return 0, fmt.Errorf("deleting NodeRuns: %w", err)
	}
	return rate, nil
}

// rawRates are what the API server can take while nobody else wants anything of it.
func (w *world) rawRates(ctx context.Context) (err error) {
	if w.figures.RawCreate, err = w.createRaw(ctx); err != nil {
		return err
	}
	w.figures.RawLife, err = w.rawLives(ctx)
	return err
}

// watchedRates are the same beside agents that are idle and a manager that has nothing to do.
func (w *world) watchedRates(ctx context.Context) (err error) {
	w.figures.WatchedCreate, err = w.createRaw(ctx)
	return err
}

// rawLives is how many times a second the API server can take the writes that a small
// Workload needs at the very least, without anybody who decides or waits: it, its finalizer, its
// NodeRun, that this was taken, that it has ended, and the Workload's status.
func (w *world) rawLives(ctx context.Context) (float64, error) {
	n := w.options.raw
	rate, err := times(ctx, n, func(i int) error {
		load := smallWorkload(fmt.Sprintf("raw-%05d", i))
		load.Namespace, load.Spec.Suspend = rawNamespace, true
		if err := w.admin.Create(ctx, load); err != nil {
			return err
		}
		finalized := load.DeepCopy()
		finalized.Finalizers = []string{"schedfleet.dev/raw"}
		if err := w.admin.Patch(ctx, finalized, client.MergeFrom(load)); err != nil {
			return err
		}
		run := w.rawRun(i)
		if err := w.admin.Create(ctx, run); err != nil {
			return err
		}
		for _, kind := range []string{v1alpha1.ConditionStarted, v1alpha1.ConditionComplete} {
			changed := run.DeepCopy()
			changed.Status.Conditions = append(changed.Status.Conditions, metav1.Condition{
				Type: kind, Status: metav1.ConditionTrue, Reason: "Raw", LastTransitionTime: metav1.Now()})
			if err := w.admin.Status().Patch(ctx, changed, client.MergeFrom(run)); err != nil {
				return err
			}
			run = changed
		}
		ended := finalized.DeepCopy()
		ended.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: "Raw", LastTransitionTime: metav1.Now()}}
		return w.admin.Status().Patch(ctx, ended, client.MergeFrom(finalized))
	})
	if err != nil {
		return 0, fmt.Errorf("writing what %d Workloads need: %w", n, err)
	}
	return rate, w.removeRaw(ctx, n)
}

func (w *world) removeRaw(ctx context.Context, n int) error {
	_, err := times(ctx, n, func(i int) error {
		load := smallWorkload(fmt.Sprintf("raw-%05d", i))
		load.Namespace = rawNamespace
		if err := w.admin.Patch(ctx, load, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))); err != nil {
			return err
		}
		return w.admin.Delete(ctx, load)
	})
	if err != nil {
		return fmt.Errorf("deleting Workloads: %w", err)
	}
	return w.admin.DeleteAllOf(ctx, &v1alpha1.NodeRun{}, client.InNamespace(rawNamespace))
}

func smallWorkload(name string) *v1alpha1.Workload {
	load := &v1alpha1.Workload{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	load.Spec.RunSpec = runSpec()
	load.Spec.Placement.Nodes = new(int32(1))
	return load
}
