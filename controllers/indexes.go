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

// indexes are the fields by which controllers look objects up in the cache.
var indexes = []struct {
	object client.Object
	field  string
	values client.IndexerFunc
}{
	{&v1alpha1.NodeRun{}, workload.IndexNodeRunWorkload, func(obj client.Object) []string {
		return []string{obj.(*v1alpha1.NodeRun).Spec.Workload.Name}
	}},
	{&v1alpha1.NodeRun{}, v1alpha1.FieldNodeName, func(obj client.Object) []string {
		return []string{obj.(*v1alpha1.NodeRun).Spec.NodeName}
	}},
	{&v1alpha1.NodeRun{}, workload.IndexNodeRunUnfinished, func(obj client.Object) []string {
		if obj.(*v1alpha1.NodeRun).Finished() {
			return nil
		}
		return []string{"true"}
	}},
}

func addIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for _, index := range indexes {
		if err := indexer.IndexField(ctx, index.object, index.field, index.values); err != nil {
			return fmt.Errorf("indexing %T by %s: %w", index.object, index.field, err)
		}
	}
	return nil
}
