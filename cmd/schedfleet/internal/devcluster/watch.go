// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// watch returns the objects of the given kinds, as they are at first and
// whenever they change, until ctx ends. An empty namespace means all.
func watch(ctx context.Context, cfg *rest.Config, namespace string, kinds ...client.Object) (<-chan client.Object, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	opts := cache.Options{Scheme: scheme}
	if namespace != "" {
		opts.DefaultNamespaces = map[string]cache.Config{namespace: {}}
	}
	objects, err := cache.New(cfg, opts)
	if err != nil {
		return nil, err
	}
	changes := make(chan client.Object)
	pass := func(o any) {
		if o, ok := o.(client.Object); ok {
			select {
			case changes <- o:
			case <-ctx.Done():
			}
		}
	}
	for _, kind := range kinds {
		informer, err := objects.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watching %T: %w", kind, err)
		}
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc:    pass,
			UpdateFunc: func(_, o any) { pass(o) },
		}); err != nil {
			return nil, fmt.Errorf("watching %T: %w", kind, err)
		}
	}
	go func() { _ = objects.Start(ctx) }() // ends with ctx, and fails only if started twice
	return changes, nil
}
