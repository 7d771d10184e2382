// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

// Taobench models a look-aside cache server: clients look keys up in a cache of 256
// locked shards and read what they find; a miss goes to a dispatcher, which sleeps
// as if it asked a database, stores the value and wakes the client. A set is the
// program: the clients, then the dispatchers.
//
// There are no sockets, a shard evicts what is in it longest, and with an
// arrival rate a response time counts from when the operation was due.
type Taobench struct {
	// ClientThreads ask; 0 is one for each of the group's CPUs.
	ClientThreads int32 `json:"clientThreads,omitempty"`
	// SlowThreads are the dispatchers; 0 is a third of the clients, at least 1.
	SlowThreads int32 `json:"slowThreads,omitempty"`
	// CacheCapacity is the size of the values that fit.
	CacheCapacity quantity.Bytes `json:"cacheCapacity"`
	// TargetHitPercent is how many of the keys asked for are in the cache.
	TargetHitPercent int32 `json:"targetHitPercent"`
	// SlowPathSleep is how long a dispatcher sleeps, or the median of that with SlowPathP99.
	SlowPathSleep *quantity.Duration `json:"slowPathSleep"`
	// SlowPathP99 makes the sleep vary, by a Pareto distribution with this 99th percentile.
	SlowPathP99 *quantity.Duration `json:"slowPathP99,omitempty"`
	// ArrivalRatePerSecond is how many operations are due per second at all clients together;
	// 0 begins an operation when the one before is done.
	ArrivalRatePerSecond int64 `json:"arrivalRatePerSecond,omitempty"`
}

const (
	maxClientThreads                  = 4096
	maxSlowThreads                    = 4096
	minCacheCapacity   quantity.Bytes = 128 << 10
	maxCacheCapacity   quantity.Bytes = 16 << 30
	maxOperationRate                  = 100_000_000
	maxSlowPathSleep                  = quantity.Duration(2 * time.Second)
	minSlowPathSpread                 = quantity.Duration(time.Microsecond)
	taobenchServeTimes                = 0 // the only histogram
)

// The counters of taobench, in the order of its Shape.
const (
	taobenchGets = iota
	taobenchMisses
	taobenchFast
	taobenchSlow
)

// Name implements Kind.
func (*Taobench) Name() string { return "taobench" }

// On implements Sized.
func (k *Taobench) On(cpus int) Kind {
	sized := *k
	if sized.ClientThreads == 0 {
		sized.ClientThreads = int32(cpus)
	}
	if sized.SlowThreads == 0 {
		sized.SlowThreads = max(1, sized.ClientThreads/3)
	}
	return &sized
}

// threads are the clients and dispatchers. What On leaves to be found out counts as 1.
func (k *Taobench) threads() (clients, dispatchers int) {
	return max(1, int(k.ClientThreads)), max(1, int(k.SlowThreads))
}

// Shape implements Kind.
func (k *Taobench) Shape() Shape {
	clients, dispatchers := k.threads()
	l := k.layout()
	s := Shape{
		SetSize: clients + dispatchers, OneProcess: true, RegionBytes: l.bytes,
		Roles: []Role{
			{Name: "client", Workers: clients},
			{Name: "dispatcher", Workers: dispatchers, MayStarve: true},
		},
		Counters: []string{"getCommands", "getMisses", "fastOperations", "slowOperations"},
		Progress: ProgressIterations, Quiet: k.quiet(),
	}
	if k.ArrivalRatePerSecond > 0 {
		s.Metrics = []Measure{{MetricResponse, SampleArrival}}
	}
	return s
}

// quiet is how long a client may have to wait: for its turn with a dispatcher, or for its next arrival.
func (k *Taobench) quiet() time.Duration {
	clients, dispatchers := k.threads()
	service := given(k.SlowPathSleep).D()
	if k.SlowPathP99 != nil {
		service = maxSlowPathSleep.D()
	}
	quiet := service * time.Duration((clients+dispatchers-1)/dispatchers)
	if k.ArrivalRatePerSecond > 0 {
		quiet += time.Duration(k.step())
	}
	return quiet
}

// step is the time between two arrivals at a client, in ns.
func (k *Taobench) step() int64 {
	clients, _ := k.threads()
	return max(1, int64(time.Second)*int64(clients)/k.ArrivalRatePerSecond)
}

// given is a parameter's value, 0 where there is none.
func given[T any](value *T) (v T) {
	if value != nil {
		v = *value
	}
	return v
}

// Validate implements Kind.
func (k *Taobench) Validate() error {
	switch {
	case k.ClientThreads < 0 || k.ClientThreads > maxClientThreads:
		return fmt.Errorf("clientThreads must be 0 to %d, not %d", maxClientThreads, k.ClientThreads)
	case k.SlowThreads < 0 || k.SlowThreads > maxSlowThreads:
		return fmt.Errorf("slowThreads must be 0 to %d, not %d", maxSlowThreads, k.SlowThreads)
	case k.CacheCapacity < minCacheCapacity || k.CacheCapacity > maxCacheCapacity:
		return fmt.Errorf("cacheCapacity must be %v to %v, not %v", minCacheCapacity, maxCacheCapacity, k.CacheCapacity)
	case k.TargetHitPercent < 1 || k.TargetHitPercent > 99:
		return fmt.Errorf("targetHitPercent must be 1 to 99, not %d", k.TargetHitPercent)
	case k.SlowPathSleep == nil || *k.SlowPathSleep < 0 || *k.SlowPathSleep > maxSlowPathSleep:
		return fmt.Errorf("slowPathSleep must be 0s to %v", maxSlowPathSleep)
	case k.SlowPathP99 != nil && (*k.SlowPathP99 <= *k.SlowPathSleep || *k.SlowPathP99 > maxSlowPathSleep || *k.SlowPathSleep < minSlowPathSpread):
		return fmt.Errorf("slowPathP99 must be above the slowPathSleep, which must be at least %v, and at most %v", minSlowPathSpread, maxSlowPathSleep)
	case k.ArrivalRatePerSecond < 0 || k.ArrivalRatePerSecond > maxOperationRate:
		return fmt.Errorf("arrivalRatePerSecond must be 0 to %d, not %d", maxOperationRate, k.ArrivalRatePerSecond)
	}
	return nil
}
