// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"math/bits"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// cpuMask is a set of CPUs as the kernel takes it. It has room for every machine.
type cpuMask [maxCPUs / 64]uint64

const maxCPUs = 8192

func (m *cpuMask) has(cpu int) bool { return m[cpu/64]&(1<<(cpu%64)) != 0 }
func (m *cpuMask) set(cpu int)      { m[cpu/64] |= 1 << (cpu % 64) }
func (m *cpuMask) unset(cpu int)    { m[cpu/64] &^= 1 << (cpu % 64) }

func (m *cpuMask) count() int {
	n := 0
	for _, word := range m {
		n += bits.OnesCount64(word)
	}
	return n
}

// nth is the n-th CPU of the set, from 0 on; -1 if there are not so many.
func (m *cpuMask) nth(n int) int {
	for i, word := range m {
		if in := bits.OnesCount64(word); n >= in {
			n -= in
			continue
		}
		for ; n > 0; n-- {
			word &= word - 1
		}
		return i*64 + bits.TrailingZeros64(word)
	}
	return -1
}

// noteCPUs notes the CPUs the worker may use, before the start: later another worker may
// change them. Work that changes CPUs needs two.
func (w *Worker) noteCPUs() sys.Errno {
	if errno := sys.RawAffinity(w.own[:]); errno != 0 {
		w.Leave("reading its affinity")
		return errno
	}
	if w.own.count() < 2 {
		w.Leave("it may use one CPU only, and there is nothing to change: give it two")
		return unix.EINVAL
	}
	return 0
}

// restoreCPUs gives the worker back the CPUs it had.
func (w *Worker) restoreCPUs() {
	if errno := sys.RawSetAffinity(0, w.own[:]); errno != 0 {
		w.LeaveErrno("restoring its affinity", errno)
	}
}

// endMove is EndIteration where a pass moves the worker, however little it is: that is
// looked at every time, so that no migration is missed.
func (w *Worker) endMove() {
	w.seenUnits = *w.units - checkpointUnits
	w.EndIteration()
}
