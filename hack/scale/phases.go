// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

const (
	// startTimeout, wideTimeout and smallTimeout bound the phases.
	startTimeout = 10 * time.Minute
	wideTimeout  = 15 * time.Minute
	smallTimeout = 20 * time.Minute
	settleTime   = 5 * time.Second
)

// startAgents starts manager and agents, and waits until every node is ready.
func (w *world) startAgents(ctx context.Context) error {
	if err := w.startManager(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	began := time.Now()
	var err error
	// The agents outlive this phase.
	if w.fleet, err = startFleet(context.WithoutCancel(ctx), w); err != nil {
		return err
	}
	for ready := 0; ready < w.options.nodes; {
		if err := sleep(ctx, time.Second); err != nil {
			return fmt.Errorf("%d of %d nodes are ready: %w", ready, w.options.nodes, err)
		}
		var list v1alpha1.TestNodeList
		if err := w.admin.List(ctx, &list); err != nil {
			return err
		}
		ready = 0
		for i := range list.Items {
			if list.Items[i].Ready() {
				ready++
			}
		}
	}
	w.figures.AgentsReady = time.Since(began).Seconds()
	return sleep(ctx, settleTime)
}

// wide is one Workload on all nodes.
func (w *world) wide(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, wideTimeout)
	defer cancel()
	f, n := &w.figures, w.options.nodes
	before, err := w.count(ctx)
	if err != nil {
		return err
	}
	events := w.fleet.events.Load()
	seen, err := w.observe(ctx)
	if err != nil {
		return err
	}
	load := smallWorkload("wide")
	load.Spec.Placement.Nodes = new(int32(n))
	if err := w.admin.Create(ctx, load); err != nil {
		return err
	}
	began, cpu := time.Now(), w.manager.cpu()
	if err := seen.finished(ctx, 1); err != nil {
		return err
	}
	seen.stop()
	f.WideTotal = time.Since(began).Seconds()
	f.WideManagerCPU = (w.manager.cpu() - cpu).Seconds() / f.WideTotal
	f.WideCreate = float64(n-1) / seen.lastCreated.Sub(seen.firstCreated).Seconds()
	f.AggregateAfter = seen.lastFinished.Sub(seen.lastEnded).Seconds()
	took := seen.lastFinished.Sub(began).Seconds()
	if err := sleep(ctx, settleTime); err != nil { // what agents still write
		return err
	}
	after, err := w.count(ctx)
	if err != nil {
		return err
	}
	during := after.since(before)
	f.WideRequests = during.rows()
	f.WritesPerRun = (during.written("noderuns") + during.written("workloads") + during.written("events") + during.written("testnodes")) / float64(n)
	f.WideWritesPerSecond = f.WritesPerRun * float64(n) / took
	f.StatusWritesPerSecond = max(during.written("workloads")-2, 0) / took // but its creation and its finalizer
	f.EventsPerAgent = float64(w.fleet.events.Load()-events) / float64(n)
	return w.checkSum(ctx, load)
}

// checkSum compares the sum of what the nodes counted with what they were told to say.
func (w *world) checkSum(ctx context.Context, load *v1alpha1.Workload) error {
	if err := w.admin.Get(ctx, client.ObjectKeyFromObject(load), load); err != nil {
		return err
	}
	var want int64
	for i := range w.options.nodes {
		want += int64(iterations(i))
	}
	if !meta.IsStatusConditionTrue(load.Status.Conditions, v1alpha1.ConditionComplete) || len(load.Status.Groups) != 1 {
		return fmt.Errorf("the Workload did not complete: %+v", load.Status.Conditions)
	}
	if got := load.Status.Groups[0].Iterations; got != want {
		return fmt.Errorf("the sum over all nodes is %d, want %d", got, want)
	}
	w.figures.SumRight = true
	return nil
}

// idle counts what agents send that have nothing to do.
func (w *world) idle(ctx context.Context) error {
	if w.options.idle == 0 {
		return nil
	}
	if err := sleep(ctx, settleTime); err != nil {
		return err
	}
	before, err := w.count(ctx)
	if err != nil {
		return err
	}
	cpu := w.manager.cpu()
	if err := sleep(ctx, w.options.idle); err != nil {
		return err
	}
	after, err := w.count(ctx)
	if err != nil {
		return err
	}
	w.figures.IdleSeconds = w.options.idle.Seconds()
	w.figures.IdleRequests = after.since(before).rows()
	w.figures.IdleManagerCPU = (w.manager.cpu() - cpu).Seconds() / w.options.idle.Seconds()
	return nil
}

// small sends many Workloads of one node through the queue. Only some of the nodes take
// them, so that there is one.
func (w *world) small(ctx context.Context) error {
	n := w.options.workloads
	if n == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, smallTimeout)
	defer cancel()
	if err := w.label(ctx); err != nil {
		return err
	}
	before, err := w.count(ctx)
	if err != nil {
		return err
	}
	seen, err := w.observe(ctx)
	if err != nil {
		return err
	}
	defer seen.stop()
	cpu, began := w.manager.cpu(), time.Now()
	var submitted float64
	var failed error
	var wg sync.WaitGroup
	wg.Go(func() {
		submitted, failed = times(ctx, n, func(i int) error { return w.admin.Create(ctx, w.queued(fmt.Sprintf("small-%05d", i))) })
	})
	err = seen.finished(ctx, n)
	wg.Wait()
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	took := seen.lastFinished.Sub(began)
	w.figures.Submitted, w.figures.Small = submitted, float64(n)/took.Seconds()
	w.figures.SmallManagerCPU = (w.manager.cpu() - cpu).Seconds() / took.Seconds()
	after, err := w.count(ctx)
	if err != nil {
		return err
	}
	during := after.since(before)
	w.figures.SmallRequests = during.rows()
	w.figures.SmallWrites = (during.written("noderuns") + during.written("workloads") + during.written("events")) / float64(n)
	w.figures.ManagerMiBAfterSmall = w.manager.rssMiB()
	w.figures.WatchedLife, err = w.rawLives(ctx)
	return err
}

const smallLabel = "small"

func (w *world) queued(name string) *v1alpha1.Workload {
	load := smallWorkload(name)
	load.Spec.Placement.NodeSelector = map[string]string{smallLabel: "yes"}
	return load
}

func (w *world) label(ctx context.Context) error {
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"`+smallLabel+`":"yes"}}}`))
	_, err := times(ctx, min(w.options.smallNodes, w.options.nodes), func(i int) error {
		node := &v1alpha1.TestNode{}
		node.Name = nodeName(i)
		return w.admin.Patch(ctx, node, patch)
	})
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
