// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// writers is how many requests for NodeRuns of one Workload are under way at a
// time. It keeps the client's rate limit busy at the latency of an API server.
const writers = 32

// cancelActive asks the agents to stop what they run for this Workload.
func (r *Reconciler) cancelActive(ctx context.Context, s *scope) error {
	active := s.tally.active
	err := each(ctx, active, func(run *v1alpha1.NodeRun) error {
		cancelled := run.DeepCopy()
		cancelled.Spec.Cancel = true
		if err := r.Client.Patch(ctx, cancelled, client.MergeFrom(run), fieldOwner); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("cancelling NodeRun %s: %w", run.Name, err)
		}
		return nil
	})
	return err
}

// each calls do for every NodeRun, several at a time, and joins the errors.
func each(ctx context.Context, runs []*v1alpha1.NodeRun, do func(*v1alpha1.NodeRun) error) error {
	errs := make([]error, len(runs))
	workqueue.ParallelizeUntil(ctx, writers, len(runs), func(i int) { errs[i] = do(runs[i]) })
	return errors.Join(append(errs, ctx.Err())...)
}
