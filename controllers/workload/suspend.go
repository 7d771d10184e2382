// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import "context"

// suspend holds a Workload back while spec.suspend is set. It resumes by itself
// after that: what was cancelled counts for nothing, so place begins anew.
func (r *Reconciler) suspend(ctx context.Context, s *scope) (bool, error) {
	if !s.workload.Spec.Suspend {
		return false, nil
	}
	return true, r.cancelActive(ctx, s)
}
