// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"os"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/interference"
)

// look is a look at what is counted around the workers.
type look struct {
	machine interference.Sample
	// cpu is that of the whole run, nil where nobody counts it, own that of this process.
	cpu *time.Duration
	own int64
	// moved are the pages that the machine moved between NUMA nodes.
	moved *uint64
}

// span is what was counted between two looks.
type span struct {
	start, end interference.Sample
	runCPU     *int64
	// supervisorCPU is that of this process without the second look, runnerCPU with it: the look took a
	// part of what it saw.
	supervisorCPU, runnerCPU int64
	moved                    *uint64
}

// lookAround is best taken right before the work.
func lookAround(groups *cgroups) look {
	l := look{cpu: groups.cpu(), machine: interference.Take("/", os.Getppid()), moved: numaPagesMigrated()}
	l.own = ownCPU()
	return l
}

// until looks again.
func (l *look) until(groups *cgroups) span {
	s := span{start: l.machine, supervisorCPU: ownCPU() - l.own}
	s.end = l.machine.Again()
	s.runnerCPU = ownCPU() - l.own
	s.runCPU = elapsed(l.cpu, groups.cpu())
	return s
}

// moves notes the pages moved until now.
func (l *look) moves(s *span) {
	if now := numaPagesMigrated(); now != nil && l.moved != nil {
		s.moved = new(*now - *l.moved)
	}
}

// interference is what else the machine did. workersCPU is asked where nobody counted the CPU time of the run.
func (s *span) interference(workersCPU func() *int64) *interference.Figures {
	cpu := s.runCPU
	if cpu == nil {
		cpu = workersCPU()
	}
	return interference.Between(s.start, s.end, cpu, s.runnerCPU)
}
