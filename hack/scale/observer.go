// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// observer follows Workloads and NodeRuns, as anybody could.
type observer struct {
	stop func()
	mu   sync.Mutex
	done map[string]bool
	// moved is told when a Workload has ended.
	moved                                              chan struct{}
	created                                            int
	ended                                              map[string]bool
	firstCreated, lastCreated, lastEnded, lastFinished time.Time
}

func (w *world) observe(ctx context.Context) (*observer, error) {
	o := &observer{done: map[string]bool{}, ended: map[string]bool{}, moved: make(chan struct{}, 1)}
	var undo []func() error
	for _, kind := range []client.Object{&v1alpha1.Workload{}, &v1alpha1.NodeRun{}} {
		informer, err := w.watch.GetInformer(ctx, kind)
		if err != nil {
			return nil, err
		}
		registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerDetailedFuncs{
			AddFunc: func(object any, initial bool) {
				if !initial {
					o.see(object, true)
				}
			},
			UpdateFunc: func(_, object any) { o.see(object, false) },
		})
		if err != nil {
			return nil, err
		}
		undo = append(undo, func() error { return informer.RemoveEventHandler(registration) })
	}
	o.stop = sync.OnceFunc(func() {
		for _, f := range undo {
			if err := f(); err != nil {
				fmt.Fprintln(os.Stderr, "scale: ending an observation:", err)
			}
		}
	})
	return o, nil
}

func (o *observer) see(object any, added bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	switch object := object.(type) {
	case *v1alpha1.Workload:
		if object.Namespace == namespace && object.Finished() && !o.done[object.Name] && !added {
			o.done[object.Name], o.lastFinished = true, now
			select {
			case o.moved <- struct{}{}:
			default:
			}
		}
	case *v1alpha1.NodeRun:
		if object.Namespace != namespace {
			return
		}
		if added {
			if o.created++; o.firstCreated.IsZero() {
				o.firstCreated = now
			}
			o.lastCreated = now
		}
		if object.Finished() && !o.ended[object.Name] {
			o.ended[object.Name], o.lastEnded = true, now
		}
	}
}

func (o *observer) count() (finished int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.done)
}

// finished waits for so many Workloads to have ended.
func (o *observer) finished(ctx context.Context, n int) error {
	for o.count() < n {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d Workloads have ended: %w", o.count(), n, ctx.Err())
		case <-o.moved:
		}
	}
	return nil
}
