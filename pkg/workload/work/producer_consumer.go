// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// ProducerConsumerImbalance has producers put items into a bounded ring and consumers
// take them out. A producer puts an item every so often, on a grid of its own, or as
// fast as it can; a consumer spins after each. The wake latency is the time a producer
// waited for room or a consumer for an item. What a full ring held up is not made up
// for. Consumers claim an item before the next one can, so no item is taken twice.
type ProducerConsumerImbalance struct {
	Producers            int32  `json:"producers"`
	Consumers            int32  `json:"consumers"`
	ProduceRatePerSecond *int64 `json:"produceRatePerSecond"`
	ConsumeIters         *int64 `json:"consumeIters"`
	QueueDepth           int64  `json:"queueDepth"`
}

const (
	maxProduceRate = 1_000_000
	maxQueueDepth  = 1 << 20
)

// The counters of a ProducerConsumerImbalance.
const (
	countProduced = iota
	countConsumed
)

// Name implements Kind.
func (*ProducerConsumerImbalance) Name() string { return "producerConsumerImbalance" }

// Shape implements Kind.
func (k *ProducerConsumerImbalance) Shape() Shape {
	s := Shape{
		SetSize: max(int(k.Producers)+int(k.Consumers), 1), RegionBytes: ringBytes(k.QueueDepth), Progress: ProgressIterations,
		Roles:    []Role{{Name: "producer", Workers: int(k.Producers)}, {Name: "consumer", Workers: int(k.Consumers)}},
		Metrics:  []Measure{{MetricWake, SampleWait}},
		Counters: []string{countProduced: "itemsProduced", countConsumed: "itemsConsumed"},
	}
	if rate := k.ProduceRatePerSecond; rate != nil && *rate > 0 {
		// Consumers take turns.
		s.Quiet = time.Second / time.Duration(*rate) * time.Duration(max(k.Consumers, 1))
	}
	return s
}

// Validate implements Kind.
func (k *ProducerConsumerImbalance) Validate() error {
	if err := validWorkers("producers", k.Producers, 1); err != nil {
		return err
	}
	if err := validWorkers("consumers", k.Consumers, 1); err != nil {
		return err
	}
	if k.ProduceRatePerSecond == nil || *k.ProduceRatePerSecond < 0 || *k.ProduceRatePerSecond > maxProduceRate {
		return fmt.Errorf("produceRatePerSecond must be 0 to %d", maxProduceRate)
	}
	if k.QueueDepth < 1 || k.QueueDepth > maxQueueDepth {
		return fmt.Errorf("queueDepth must be 1 to %d, not %d", maxQueueDepth, k.QueueDepth)
	}
	return validIters("consumeIters", k.ConsumeIters)
}

// Run implements Kind.
func (k *ProducerConsumerImbalance) Run(w *Worker) {
	if w.Position < int(k.Producers) {
		k.produce(w)
	} else {
		k.consume(w)
	}
}

func (k *ProducerConsumerImbalance) produce(w *Worker) {
	r := w.ring(k.QueueDepth)
	period := int64(0)
	if rate := *k.ProduceRatePerSecond; rate > 0 {
		period = int64(time.Second) / rate
	}
	for next := sys.Monotonic(); !w.Stopped(); w.EndIteration() {
		waited, ok := r.put(w)
		if !ok {
			return
		}
		w.AddUnits(1)
		w.Count(countProduced, 1)
		if waited {
			next = sys.Monotonic()
		}
		if next += period; period > 0 && sys.Monotonic() < next {
			w.SleepUntil(next)
		}
		w.ResetGap()
	}
}

func (k *ProducerConsumerImbalance) consume(w *Worker) {
	for r := w.ring(k.QueueDepth); ; w.EndIteration() {
		if _, ok := r.take(w); !ok {
			return
		}
		w.Count(countConsumed, 1)
		w.ResetGap()
		w.Spin(*k.ConsumeIters)
	}
}
