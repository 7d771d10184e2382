// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"fmt"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// NUMAWorkingSetSweep writes to every page of memory of its own once in a period, and
// first moves it to the next of the target nodes, if there are any; a worker begins at the
// node its number gives. Its wake latency is the whole sleep between two sweeps as observed.
type NUMAWorkingSetSweep struct {
	Region      quantity.Bytes     `json:"region"`
	SweepPeriod *quantity.Duration `json:"sweepPeriod"`
	TargetNodes []int              `json:"targetNodes,omitempty"`
}

// NodeUser is a kind that puts memory on NUMA nodes that one of its parameters names.
type NodeUser interface {
	// MemoryNodes are the parameter and the nodes, which must be there and have memory.
	MemoryNodes() (parameter string, nodes []int)
}

const (
	maxTargetNodes = 64
	// maxNodes is how many NUMA nodes Linux can be built for.
	maxNodes = 1024
	// moveChunk is how much memory is moved between two looks at the stop. A move begins
	// with a wait for all CPUs, so it is not small.
	moveChunk = 64 << 20
)

// Name implements Kind.
func (*NUMAWorkingSetSweep) Name() string { return "numaWorkingSetSweep" }

// Shape implements Kind.
func (k *NUMAWorkingSetSweep) Shape() Shape {
	s := Shape{SetSize: 1, MemoryBytes: int(k.Region), Metrics: []Measure{{MetricWake, SampleSleep}}, Progress: ProgressUnits}
	if k.SweepPeriod != nil {
		s.Quiet = k.SweepPeriod.D()
	}
	return s
}

// Validate implements Kind.
func (k *NUMAWorkingSetSweep) Validate() error {
	if k.Region < minMemory || k.Region > maxMemory {
		return fmt.Errorf("region must be %v to %v, not %v", minMemory, maxMemory, k.Region)
	}
	if k.SweepPeriod == nil || *k.SweepPeriod < 0 || k.SweepPeriod.D() > maxPhase {
		return errors.New("sweepPeriod must be 0s to 1h")
	}
	if len(k.TargetNodes) > maxTargetNodes {
		return fmt.Errorf("targetNodes must be %d at most, not %d", maxTargetNodes, len(k.TargetNodes))
	}
	for _, node := range k.TargetNodes {
		if node < 0 || node >= maxNodes {
			return fmt.Errorf("targetNodes must be 0 to %d, not %d", maxNodes-1, node)
		}
	}
	return nil
}

// MemoryNodes implements NodeUser.
func (k *NUMAWorkingSetSweep) MemoryNodes() (parameter string, nodes []int) {
	return "targetNodes", k.TargetNodes
}

// Prepare implements Preparer: what the kernel would refuse later refuses the run.
func (k *NUMAWorkingSetSweep) Prepare(w *Worker) sys.Errno {
	for _, node := range k.TargetNodes {
		if errno := w.bindMemory(w.Memory, node, false); errno != 0 {
			w.Leave("binding its memory to one of targetNodes")
			return errno
		}
	}
	return 0
}

// Run implements Kind.
func (k *NUMAWorkingSetSweep) Run(w *Worker) {
	for pass := w.index; !w.Stopped(); pass++ {
		if n := len(k.TargetNodes); n > 0 {
			if errno := w.moveMemory(k.TargetNodes[pass%n]); errno != 0 {
				w.LeaveErrno("moving its memory to a NUMA node", errno)
				return
			}
		}
		w.touchAll()
		if *k.SweepPeriod > 0 && !w.Stopped() {
			began := sys.Monotonic()
			woke := w.SleepUntil(began + k.SweepPeriod.Nanoseconds())
			if w.Stopped() {
				return // the sleep was cut short
			}
			w.Record(0, woke-began)
		}
		w.ResetGap()
		w.EndIteration()
	}
}

// moveMemory binds all of the worker's memory to a node and moves it there, or a part of it
// when stopped. With one policy for all of it the memory stays one mapping.
func (w *Worker) moveMemory(node int) sys.Errno {
	errno := w.bindMemory(w.Memory, node, false)
	for rest := w.Memory; len(rest) > 0 && errno == 0 && !w.Stopped(); {
		n := min(len(rest), moveChunk)
		errno = w.bindMemory(rest[:n], node, true)
		rest = rest[n:]
		w.LookAround()
	}
	return errno
}

func (*Worker) bindMemory(memory []byte, node int, move bool) sys.Errno {
	var mask sys.NodeMask
	mask[node/64] = 1 << (node % 64)
	return sys.BindMemory(memory, &mask, move)
}

// touchAll writes to every page of the worker's memory, or to fewer when stopped.
func (w *Worker) touchAll() {
	for rest := w.Memory; len(rest) > 0 && !w.Stopped(); {
		n := min(len(rest), pageChunk*pageBytes)
		for at := 0; at < n; at += pageBytes {
			rest[at]++
		}
		w.AddUnits(uint64((n + pageBytes - 1) / pageBytes))
		rest = rest[n:]
		w.LookAround()
	}
}
