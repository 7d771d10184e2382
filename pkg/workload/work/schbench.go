// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"fmt"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

// Schbench models a request server the way the benchmark of that name does: message
// threads hand work to worker threads and wake them; a worker sleeps for a while, as if
// on a network, and then multiplies matrices under a lock of its CPU, so that a worker
// that is preempted there holds up others of that CPU. A set is the program: a control
// thread, MessageThreads, and WorkerThreads for each of them.
//
// Requests are spaced evenly at a fixed or automatic rate, where the original sends
// bursts; with PipeTransfer there are no requests to time, and the rate is that of one
// worker.
type Schbench struct {
	// MessageThreads wake workers.
	MessageThreads int32 `json:"messageThreads"`
	// WorkerThreads are a message thread's workers; 0 shares out the group's CPUs.
	WorkerThreads int32 `json:"workerThreads,omitempty"`
	// CacheFootprint is the size of a worker's three matrices. As in the original only the
	// product is ever written, so the other two are the kernel's page of zeros.
	CacheFootprint quantity.Bytes `json:"cacheFootprint"`
	// Operations is how many matrices a request multiplies.
	Operations *int64 `json:"operations"`
	// Sleep is what a request sleeps first.
	Sleep *quantity.Duration `json:"sleep"`
	// SkipLocking leaves the locks of the CPUs out.
	SkipLocking bool `json:"skipLocking,omitempty"`
	// RequestsPerSecond is how many requests the message threads send, whether or not those before are
	// done; 0 sends a worker its next when it asks.
	RequestsPerSecond int64 `json:"requestsPerSecond,omitempty"`
	// AutoRatePercent seeks the rate that makes the machine that busy. Nothing is recorded before it is found.
	AutoRatePercent int32 `json:"autoRatePercent,omitempty"`
	// SplitPercent is the part of the footprint and the operations that is a worker's own; the
	// rest is a matrix that all workers share. Without it there is none.
	SplitPercent *int32 `json:"splitPercent,omitempty"`
	// PipeTransfer passes that many bytes on at each wake, and leaves sleep and matrices out.
	PipeTransfer quantity.Bytes `json:"pipeTransfer,omitempty"`
}

const (
	maxMessageThreads                = 1024
	maxWorkerThreads                 = 4096
	maxRate                          = 1_000_000
	maxPipeTransfer   quantity.Bytes = 1 << 20
	// reportTime is how often the control thread does something.
	reportTime = time.Second
)

// The histograms of schbench, in the order of its Shape.
const (
	schbenchWakeups = iota
	schbenchRequests
	schbenchRates
)

// Name implements Kind.
func (*Schbench) Name() string { return "schbench" }

// On implements Sized.
func (k *Schbench) On(cpus int) Kind {
	sized := *k
	if sized.WorkerThreads == 0 {
		m := max(1, int(k.MessageThreads))
		sized.WorkerThreads = int32((cpus + m - 1) / m)
	}
	return &sized
}

// Shape implements Kind. What On leaves to be found out counts as 1.
func (k *Schbench) Shape() Shape {
	l := k.layout()
	return Shape{
		SetSize: 1 + l.messages + l.workers, OneProcess: true, RegionBytes: l.bytes, MemoryBytes: l.private,
		Roles: []Role{
			{Name: "control", Workers: 1, MayStarve: true},
			{Name: "message", Workers: l.messages, MayStarve: true},
			{Name: "worker", Workers: l.workers},
		},
		Metrics:  []Measure{{MetricWake, SampleWakeup}, {MetricResponse, SampleRequest}, {MetricRate, SampleSecond}},
		Progress: ProgressIterations, Quiet: given(k.Sleep).D() + reportTime,
	}
}

// Validate implements Kind.
func (k *Schbench) Validate() error {
	switch {
	case k.MessageThreads < 1 || k.MessageThreads > maxMessageThreads:
		return fmt.Errorf("messageThreads must be 1 to %d, not %d", maxMessageThreads, k.MessageThreads)
	case k.WorkerThreads < 0 || k.WorkerThreads > maxWorkerThreads:
		return fmt.Errorf("workerThreads must be 0 to %d, not %d", maxWorkerThreads, k.WorkerThreads)
	case k.CacheFootprint < minMemory || k.CacheFootprint > maxFootprint:
		return fmt.Errorf("cacheFootprint must be %v to %v, not %v", minMemory, maxFootprint, k.CacheFootprint)
	case k.Operations == nil || *k.Operations < 0 || *k.Operations > maxOperations:
		return fmt.Errorf("operations must be 0 to %d", maxOperations)
	case k.Sleep == nil || *k.Sleep < 0 || k.Sleep.D() > maxPhase:
		return errors.New("sleep must be 0s to 1h")
	case k.SplitPercent != nil && (*k.SplitPercent < 0 || *k.SplitPercent > 100):
		return fmt.Errorf("splitPercent must be 0 to 100, not %d", *k.SplitPercent)
	case k.PipeTransfer < 0 || k.PipeTransfer > maxPipeTransfer:
		return fmt.Errorf("pipeTransfer must be 0 to %v, not %v", maxPipeTransfer, k.PipeTransfer)
	}
	return k.validateRate()
}

func (k *Schbench) validateRate() error {
	switch {
	case k.RequestsPerSecond < 0 || k.RequestsPerSecond > maxRate:
		return fmt.Errorf("requestsPerSecond must be 0 to %d, not %d", maxRate, k.RequestsPerSecond)
	case k.AutoRatePercent < 0 || k.AutoRatePercent > 100:
		return fmt.Errorf("autoRatePercent must be 0 to 100, not %d", k.AutoRatePercent)
	case k.AutoRatePercent > 0 && k.RequestsPerSecond > 0:
		return errors.New("autoRatePercent finds the rate that requestsPerSecond gives: set only one")
	case k.PipeTransfer > 0 && k.RequestsPerSecond+int64(k.AutoRatePercent) > 0:
		return errors.New("pipeTransfer has no requests to send at a rate: set neither requestsPerSecond nor autoRatePercent")
	}
	return nil
}
