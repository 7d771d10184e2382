// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package arena

import (
	"fmt"
	"math/bits"
	"structs"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// Stage is how far a worker has come.
type Stage uint32

// Stages in order.
const (
	StageDeclared Stage = iota // no task yet
	StageForked                // setting itself up
	StageParked                // ready to work
	StageRunning               // at work
	StageStopped               // worked until the stop
	StageLeft                  // left its loop before the stop; the text says why
	StageAborted               // left without having worked
	StagePanicked              // its code failed
)

func (s Stage) String() string {
	names := [...]string{"Declared", "Forked", "Parked", "Running", "Stopped", "Left", "Aborted", "Panicked"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("Stage(%d)", uint32(s))
}

// SetupStep is a step of a worker's set-up.
type SetupStep uint32

// Steps in order.
const (
	StepParentCheck SetupStep = iota + 1
	StepDescriptors
	StepSignals
	StepProcessGroup
	StepAffinity
	StepPolicy
	StepNice
	StepName
)

func (s SetupStep) String() string {
	names := [...]string{"", "arming the parent check", "arranging descriptors", "arranging signals", "making a process group",
		"setting the CPU affinity", "setting the scheduling policy", "setting the nice value", "setting the name"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("SetupStep(%d)", uint32(s))
}

// SetupError is a step that failed.
type SetupError struct {
	Step  SetupStep
	Errno unix.Errno
}

const (
	maxCPUs        = 8192
	maxSetupErrors = 8
	maxText        = 256
	blockSize      = 2048
)

// Block is what one worker says. The worker writes it, but for tid, which the
// kernel writes when the worker is made.
type Block struct {
	_           structs.HostLayout
	tid         uint32
	stage       uint32
	setupErrors uint32
	textLen     uint32
	_           [lineSize - 16]byte
	setup       [maxSetupErrors]uint64 // step<<32 | errno
	Counters
	cpus [maxCPUs / 64]uint64
	text [maxText]byte
	_    [blockSize - 2*lineSize - countersSize - maxCPUs/8 - maxText]byte
}

const countersSize = 2 * lineSize

// Counters are a worker's figures. Only the worker writes; use its methods.
type Counters struct {
	_           structs.HostLayout
	workUnits   uint64
	iterations  uint64
	migrations  uint64
	beganNS     int64
	endedNS     int64
	cpuNS       int64
	maxGapNS    int64
	maxGapCPU   uint64
	runDelayNS  int64
	runCount    uint64
	schedCPUNS  int64
	schedstatOK uint64
	_           [countersSize - 12*8]byte
}

// TIDWord is where the kernel stores the worker's id.
func (b *Block) TIDWord() *uint32 { return &b.tid }

// TID is the worker's id, 0 when there never was a task.
func (b *Block) TID() int { return int(int32(atomic.LoadUint32(&b.tid))) }

// SetStage is for the worker.
func (b *Block) SetStage(s Stage) { atomic.StoreUint32(&b.stage, uint32(s)) }

// Stage is how far the worker came.
func (b *Block) Stage() Stage { return Stage(atomic.LoadUint32(&b.stage)) }

// AddSetupError is for the worker. Errors beyond the eighth are dropped: there are fewer steps.
func (b *Block) AddSetupError(step SetupStep, errno sys.Errno) {
	n := atomic.LoadUint32(&b.setupErrors)
	if n < maxSetupErrors {
		atomic.StoreUint64(&b.setup[n], uint64(step)<<32|uint64(errno))
		atomic.StoreUint32(&b.setupErrors, n+1)
	}
}

// SetupErrors are the steps that failed.
func (b *Block) SetupErrors() []SetupError {
	var list []SetupError
	for i := range min(atomic.LoadUint32(&b.setupErrors), maxSetupErrors) {
		v := atomic.LoadUint64(&b.setup[i])
		list = append(list, SetupError{Step: SetupStep(v >> 32), Errno: unix.Errno(uint32(v))})
	}
	return list
}

// SetText keeps the beginning of a message. For the worker, at most once.
func (b *Block) SetText(text string) {
	n := copy(b.text[:], text)
	atomic.StoreUint32(&b.textLen, uint32(n))
}

// Text is the message.
func (b *Block) Text() string {
	return string(b.text[:min(atomic.LoadUint32(&b.textLen), maxText)])
}

// UseCPU notes a CPU the worker ran on. For the worker.
func (b *Block) UseCPU(cpu uint32) {
	if cpu < maxCPUs {
		word := &b.cpus[cpu/64]
		atomic.StoreUint64(word, *word|1<<(cpu%64))
	}
}

// CPUs are the CPUs the worker noted.
func (b *Block) CPUs() []int {
	var list []int
	for i := range b.cpus {
		for word := atomic.LoadUint64(&b.cpus[i]); word != 0; word &= word - 1 {
			list = append(list, i*64+bits.TrailingZeros64(word))
		}
	}
	return list
}

// WorkUnits is the word that loops count their work units in.
func (c *Counters) WorkUnits() *uint64 { return &c.workUnits }

// Figures are a worker's counters at one moment.
type Figures struct {
	WorkUnits, Iterations, Migrations uint64
	Began, Ended                      int64 // CLOCK_MONOTONIC, 0 when it did not come to that
	CPU                               int64
	MaxGap                            int64
	MaxGapCPU                         int
	Schedstat                         bool // the next three were readable
	RunDelay                          int64
	RunCount                          uint64
	SchedCPU                          int64
}

// Figures reads the counters. It may be called at any time.
func (c *Counters) Figures() Figures {
	return Figures{
		WorkUnits:  atomic.LoadUint64(&c.workUnits),
		Iterations: atomic.LoadUint64(&c.iterations),
		Migrations: atomic.LoadUint64(&c.migrations),
		Began:      atomic.LoadInt64(&c.beganNS),
		Ended:      atomic.LoadInt64(&c.endedNS),
		CPU:        atomic.LoadInt64(&c.cpuNS),
		MaxGap:     atomic.LoadInt64(&c.maxGapNS),
		MaxGapCPU:  int(atomic.LoadUint64(&c.maxGapCPU)),
		Schedstat:  atomic.LoadUint64(&c.schedstatOK) != 0,
		RunDelay:   atomic.LoadInt64(&c.runDelayNS),
		RunCount:   atomic.LoadUint64(&c.runCount),
		SchedCPU:   atomic.LoadInt64(&c.schedCPUNS),
	}
}

// The setters below are for the worker.

// AddIteration counts a pass of the outer loop.
func (c *Counters) AddIteration() { atomic.StoreUint64(&c.iterations, c.iterations+1) }

// AddMigration counts a change of CPU.
func (c *Counters) AddMigration() { atomic.StoreUint64(&c.migrations, c.migrations+1) }

// SetBegan notes the beginning of work.
func (c *Counters) SetBegan(ns int64) { atomic.StoreInt64(&c.beganNS, ns) }

// SetEnded notes the end of work.
func (c *Counters) SetEnded(ns int64) { atomic.StoreInt64(&c.endedNS, ns) }

// SetCPU notes the CPU time used so far.
func (c *Counters) SetCPU(ns int64) { atomic.StoreInt64(&c.cpuNS, ns) }

// SetMaxGap notes the longest gap and the CPU it ended on.
func (c *Counters) SetMaxGap(ns int64, cpu uint32) {
	atomic.StoreInt64(&c.maxGapNS, ns)
	atomic.StoreUint64(&c.maxGapCPU, uint64(cpu))
}

// MaxGap is the longest gap so far.
func (c *Counters) MaxGap() int64 { return c.maxGapNS }

// SetSchedstat notes what schedstat counted during the work.
func (c *Counters) SetSchedstat(cpu, runDelay int64, runs uint64) {
	atomic.StoreInt64(&c.schedCPUNS, cpu)
	atomic.StoreInt64(&c.runDelayNS, runDelay)
	atomic.StoreUint64(&c.runCount, runs)
	atomic.StoreUint64(&c.schedstatOK, 1)
}
