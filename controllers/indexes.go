// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/workload"
)

// addIndexes adds the fields by which controllers look objects up in the cache.
func addIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for field, values := range workload.NodeRunIndexes {
		if err := indexer.IndexField(ctx, &v1alpha1.NodeRun{}, field, values); err != nil {
			return fmt.Errorf("indexing NodeRuns by %s: %w", field, err)
		}
	}
	return nil
}
