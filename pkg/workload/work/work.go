// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package work is what workers do: one file per kind of work, holding its
// parameters, their admission, what it needs shared, and its loop.
//
// A loop runs in a forked worker: it must not allocate, and must enter the kernel
// by the Raw functions of package sys only. A test measures that for every kind.
//
// To add a kind: a file with its type and the methods of Kind, a member of Spec
// with a line in members, and the same member in the API's union.
package work

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind is a kind of work with its parameters.
type Kind interface {
	// Name is the kind's name in manifests.
	Name() string
	// Shape says what workers of this kind need.
	Shape() Shape
	// Validate checks the parameters. Its errors name the parameter.
	Validate() error
	// Run works until w.Stopped, or returns early after w.Leave.
	Run(w *Worker)
}

// Shape is what workers of a kind need.
type Shape struct {
	// SetSize is how many workers work together; 1 means each for itself.
	SetSize int
	// RegionBytes is the size of the memory a set shares.
	RegionBytes int
	// Pipes says that a set is a pair with a pipe in each direction.
	Pipes bool
	// MemoryBytes is the size of the memory a worker maps for itself, where its
	// memory policy puts it.
	MemoryBytes int
	// Metrics are what the kind records, in the order of a worker's
	// histograms; at most MaxMetrics.
	Metrics []Metric
	// Quiet is how long a worker's counters may stand still for reasons of its own.
	Quiet time.Duration
}

// Metric is what the values of a histogram are.
type Metric string

const (
	// MetricWake is the time from blocking to running again.
	MetricWake Metric = "WakeLatency"
	// MetricTimer is the time from an absolute deadline to running.
	MetricTimer Metric = "TimerLatency"
)

// Spec is the choice of a kind in a manifest: exactly one member is set.
type Spec struct {
	SpinWait      *SpinWait      `json:"spinWait,omitempty"`
	YieldHeavy    *YieldHeavy    `json:"yieldHeavy,omitempty"`
	Bursty        *Bursty        `json:"bursty,omitempty"`
	PipeIO        *PipeIO        `json:"pipeIo,omitempty"`
	FutexPingPong *FutexPingPong `json:"futexPingPong,omitempty"`
	FutexFanOut   *FutexFanOut   `json:"futexFanOut,omitempty"`
	TimerLatency  *TimerLatency  `json:"timerLatency,omitempty"`
	CachePressure *CachePressure `json:"cachePressure,omitempty"`
}

// members lists the kinds that are set.
func (s *Spec) members() []Kind {
	var set []Kind
	add := func(isSet bool, k Kind) {
		if isSet {
			set = append(set, k)
		}
	}
	add(s.SpinWait != nil, s.SpinWait)
	add(s.YieldHeavy != nil, s.YieldHeavy)
	add(s.Bursty != nil, s.Bursty)
	add(s.PipeIO != nil, s.PipeIO)
	add(s.FutexPingPong != nil, s.FutexPingPong)
	add(s.FutexFanOut != nil, s.FutexFanOut)
	add(s.TimerLatency != nil, s.TimerLatency)
	add(s.CachePressure != nil, s.CachePressure)
	return set
}

// Kind is the kind that is set.
func (s *Spec) Kind() (Kind, error) {
	set := s.members()
	if len(set) == 1 {
		return set[0], nil
	}
	if len(set) == 0 {
		return nil, errors.New("work: no kind of work is set")
	}
	names := make([]string, len(set))
	for i, k := range set {
		names[i] = k.Name()
	}
	return nil, fmt.Errorf("work: exactly one kind of work must be set, not %s", strings.Join(names, " and "))
}

// maxIters bounds a loop count, so that a worker sees a stop in good time even
// where it does not look.
const maxIters = 1_000_000_000

func validIters(name string, n *int64) error {
	if n == nil || *n < 0 || *n > maxIters {
		return fmt.Errorf("%s must be 0 to %d", name, maxIters)
	}
	return nil
}
