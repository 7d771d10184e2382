// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// IORandRead reads a random block of a file of its own, or of a device, past the page
// cache. That is a request, and its time the wake latency.
type IORandRead struct {
	FileSize *quantity.Bytes `json:"fileSize,omitempty"`
	Device   string          `json:"device,omitempty"`
	Arrival  *Arrival        `json:"arrival,omitempty"`
}

// Name implements Kind.
func (*IORandRead) Name() string { return "ioRandRead" }

// Shape implements Kind.
func (k *IORandRead) Shape() Shape {
	return Shape{SetSize: 1, MemoryBytes: ioBlock, Opens: Opens{File: fileOf(k.FileSize, k.Device, unix.O_DIRECT)},
		Metrics: k.Arrival.measures(Measure{MetricWake, SampleRead}), Progress: ProgressUnits, Quiet: k.Arrival.quiet()}
}

// Validate implements Kind.
func (k *IORandRead) Validate() error { return validFile(k.FileSize, k.Device, k.Arrival) }

// Run implements Kind.
func (k *IORandRead) Run(w *Worker) {
	rng, requests := newRandom(w.Seed), k.Arrival.schedule(w)
	for {
		due, ok := requests.await(w)
		if !ok {
			return
		}
		began := sys.Monotonic()
		if !w.readBlock(w.Memory, &rng) {
			return
		}
		w.Record(0, sys.Monotonic()-began)
		requests.respond(w, due)
		w.ResetGap()
		w.EndIteration()
	}
}
