// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// NUMAMigrationChurn pins itself to the CPUs of one NUMA node after the other and sleeps
// on each for a period. It uses only CPUs that it may use when it begins, and where those
// are of one node, or the nodes are not known, the run is refused.
type NUMAMigrationChurn struct {
	Period quantity.Duration `json:"period"`
}

// migrationSpin is what is spun on each node.
const migrationSpin = 256

// Name implements Kind.
func (*NUMAMigrationChurn) Name() string { return "numaMigrationChurn" }

// Shape implements Kind.
func (k *NUMAMigrationChurn) Shape() Shape {
	return Shape{SetSize: 1, Needs: []string{capability.NUMA}, Progress: ProgressUnits, Quiet: k.Period.D()}
}

// Validate implements Kind.
func (k *NUMAMigrationChurn) Validate() error {
	if k.Period <= 0 || k.Period.D() > maxPhase {
		return errors.New("period must be above 0s and at most 1h")
	}
	return nil
}

// Prepare implements Preparer.
func (*NUMAMigrationChurn) Prepare(w *Worker) sys.Errno {
	if errno := w.noteCPUs(); errno != 0 {
		return errno
	}
	first := w.places.nodeAfter(-1, &w.own)
	if first < 0 {
		w.Leave("the NUMA nodes of its CPUs are not known")
		return unix.ENODATA
	}
	if w.places.nodeAfter(first, &w.own) == first {
		w.Leave("its CPUs are of one NUMA node: give it CPUs of two")
		return unix.EINVAL
	}
	return 0
}

// Run implements Kind.
func (k *NUMAMigrationChurn) Run(w *Worker) {
	var node cpuMask
	for at := int32(-1); !w.Stopped(); {
		at = w.places.nodeAfter(at, &w.own)
		w.places.cpusOf(at, &w.own, &node)
		if errno := sys.RawSetAffinity(0, node[:]); errno != 0 {
			w.LeaveErrno("pinning itself to a NUMA node", errno)
			return
		}
		w.SleepUntil(sys.Monotonic() + k.Period.Nanoseconds())
		if w.Stopped() {
			break // the sleep was cut short
		}
		w.Spin(migrationSpin)
		w.ResetGap()
		w.endMove()
	}
	w.restoreCPUs()
}

// nodeAfter is the node of the lowest number above node that has CPUs of the set, or of
// the lowest of all; -1 if there is none.
func (p *Places) nodeAfter(node int32, of *cpuMask) int32 {
	above, lowest := int32(-1), int32(-1)
	if p == nil {
		return -1
	}
	for cpu, n := range p.Node[:min(len(p.Node), maxCPUs)] {
		if n < 0 || !of.has(cpu) {
			continue
		}
		if lowest < 0 || n < lowest {
			lowest = n
		}
		if n > node && (above < 0 || n < above) {
			above = n
		}
	}
	if above >= 0 {
		return above
	}
	return lowest
}

// cpusOf fills mask with the CPUs of a node that are in a set.
func (p *Places) cpusOf(node int32, of, mask *cpuMask) {
	*mask = cpuMask{}
	for cpu, n := range p.Node[:min(len(p.Node), maxCPUs)] {
		if n == node && of.has(cpu) {
			mask.set(cpu)
		}
	}
}
