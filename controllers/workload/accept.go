// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// accept refuses what no node can run with this version. The schema has
// refused the rest already.
func (r *Reconciler) accept(_ context.Context, s *scope) (bool, error) {
	refusal, err := check(s.workload)
	if err != nil {
		return true, err
	}
	s.checked, s.refusal = true, refusal
	return refusal != nil, nil
}

func check(w *v1alpha1.Workload) (*manifest.Refusal, error) {
	err := manifest.Check(&w.Spec.RunSpec, &w.Spec.Placement)
	if refusal := (*manifest.Refusal)(nil); errors.As(err, &refusal) {
		return refusal, nil
	}
	if err != nil {
		return nil, fmt.Errorf("checking the spec of Workload %s/%s: %w", w.Namespace, w.Name, err)
	}
	return nil, nil
}
