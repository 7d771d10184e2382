// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// soakInFlight is how many Workloads are under way at a time during a soak.
	soakInFlight = 50
	// soakTTL is how long they stay after their end: longer, and the number of objects would grow.
	soakTTL = 10 * time.Second
)

// minute is what a minute of the soak was like.
type minute struct {
	Rate       float64 `json:"workloadsPerSecond"`
	ManagerMiB float64 `json:"managerMiB"`
	AgentsMiB  float64 `json:"agentsMiB"`
}

// soak keeps a number of Workloads under way, and looks each minute whether anything grows.
func (w *world) soak(ctx context.Context) error {
	if w.options.soak == 0 {
		return nil
	}
	if err := w.label(ctx); err != nil {
		return err
	}
	seen, err := w.observe(ctx)
	if err != nil {
		return err
	}
	defer seen.stop()
	ctx, cancel := context.WithTimeout(ctx, w.options.soak+time.Second)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	var failed error
	wg.Go(func() { failed = w.feed(ctx, seen) })
	last := 0
	for range int(w.options.soak / time.Minute) {
		if err := sleep(ctx, time.Minute); err != nil {
			return fmt.Errorf("%w: %w", err, failed)
		}
		n := seen.count()
		w.figures.Soak = append(w.figures.Soak, minute{float64(n-last) / 60, w.manager.rssMiB(), rssMiB(os.Getpid())})
		last = n
	}
	cancel()
	return nil
}

// feed creates a Workload whenever one has ended.
func (w *world) feed(ctx context.Context, seen *observer) error {
	for made := 0; ctx.Err() == nil; {
		for made < seen.count()+soakInFlight {
			load := w.queued(fmt.Sprintf("soak-%07d", made))
			load.Spec.TTLAfterFinished = &metav1.Duration{Duration: soakTTL}
			if err := w.admin.Create(ctx, load); client.IgnoreAlreadyExists(err) != nil {
				return err
			}
			made++
		}
		select {
		case <-ctx.Done():
		case <-seen.moved:
		}
	}
	return nil
}

// slope is how much y grows from one to the next, by least squares.
func slope(y []float64) float64 {
	n := float64(len(y))
	var sx, sy, sxy, sxx float64
	for i, v := range y {
		x := float64(i)
		sx, sy, sxy, sxx = sx+x, sy+v, sxy+x*v, sxx+x*x
	}
	if d := n*sxx - sx*sx; d != 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}
