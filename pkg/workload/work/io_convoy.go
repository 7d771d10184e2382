// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// IOConvoy writes a block, one after the other through its part of a file, reads a
// random one and has the data synced in every 16th pass, the first included. All of it
// is past the page cache, so no writeback is in the way. A pass is
// a request, and its time the wake latency. A worker writes to a file of its own, all of it,
// or to its part of a device.
type IOConvoy struct {
	FileSize *quantity.Bytes `json:"fileSize,omitempty"`
	Device   string          `json:"device,omitempty"`
	Arrival  *Arrival        `json:"arrival,omitempty"`
}

// convoySync is how many passes there are to a sync.
const convoySync = 16

// Name implements Kind.
func (*IOConvoy) Name() string { return "ioConvoy" }

// Shape implements Kind.
func (k *IOConvoy) Shape() Shape {
	return Shape{SetSize: 1, MemoryBytes: 2 * ioBlock, Opens: Opens{File: fileOf(k.FileSize, k.Device, unix.O_DIRECT)},
		Metrics: k.Arrival.measures(Measure{MetricWake, SampleConvoy}), Progress: ProgressUnits, Quiet: k.Arrival.quiet()}
}

// Validate implements Kind.
func (k *IOConvoy) Validate() error { return validFile(k.FileSize, k.Device, k.Arrival) }

// Prepare implements Preparer.
func (k *IOConvoy) Prepare(w *Worker) sys.Errno { return w.checkExtent(k.Device) }

// Run implements Kind.
func (k *IOConvoy) Run(w *Worker) {
	mine, rng, requests := w.extent(k.Device), newRandom(w.Seed), k.Arrival.schedule(w)
	for pass := int64(0); ; pass++ {
		due, ok := requests.await(w)
		if !ok || !w.convoy(mine.base+pass*ioBlock%mine.bytes, pass%convoySync == 0, &rng) {
			return
		}
		requests.respond(w, due)
		w.ResetGap()
		w.EndIteration()
	}
}

// convoy is a pass of IOConvoy; false means to leave the loop.
func (w *Worker) convoy(at int64, sync bool, rng *random) bool {
	began := sys.Monotonic()
	if !w.writeBlock(at) || !w.readBlock(w.Memory[ioBlock:], rng) || sync && !w.syncData() {
		return false
	}
	w.Record(0, sys.Monotonic()-began)
	return true
}
