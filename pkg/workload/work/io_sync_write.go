// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// IOSyncWrite writes 64 KiB in 16 synchronous writes, one after the other through its
// file, and then has the data synced, which is what its wake latency times. That is a
// request. A worker writes to a file of its own, all of it, or to its part of a device.
type IOSyncWrite struct {
	FileSize *quantity.Bytes `json:"fileSize,omitempty"`
	Device   string          `json:"device,omitempty"`
	Arrival  *Arrival        `json:"arrival,omitempty"`
}

// Name implements Kind.
func (*IOSyncWrite) Name() string { return "ioSyncWrite" }

// Shape implements Kind.
func (k *IOSyncWrite) Shape() Shape {
	return Shape{SetSize: 1, MemoryBytes: ioBlock, Opens: Opens{File: fileOf(k.FileSize, k.Device, unix.O_SYNC)},
		Metrics: k.Arrival.measures(Measure{MetricWake, SampleSync}), Progress: ProgressUnits, Quiet: k.Arrival.quiet()}
}

// Validate implements Kind.
func (k *IOSyncWrite) Validate() error { return validFile(k.FileSize, k.Device, k.Arrival) }

// Prepare implements Preparer.
func (k *IOSyncWrite) Prepare(w *Worker) sys.Errno { return w.checkExtent(k.Device) }

// Run implements Kind.
func (k *IOSyncWrite) Run(w *Worker) {
	mine, requests := w.extent(k.Device), k.Arrival.schedule(w)
	for at := int64(0); ; at = (at + ioBatch) % mine.bytes {
		due, ok := requests.await(w)
		if !ok || !w.writeBatch(mine.base+at) {
			return
		}
		requests.respond(w, due)
		w.ResetGap()
		w.EndIteration()
	}
}

// writeBatch writes a batch and syncs it; false means to leave the loop.
func (w *Worker) writeBatch(at int64) bool {
	for end := at + ioBatch; at < end; at += ioBlock {
		if w.Stopped() || !w.writeBlock(at) {
			return false
		}
	}
	began := sys.Monotonic()
	if !w.syncData() {
		return false
	}
	w.Record(0, sys.Monotonic()-began)
	return true
}
