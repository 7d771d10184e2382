// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package arena

import (
	"fmt"
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
	StepThread
	StepAffinity
	StepPolicy
	StepNice
	StepMemoryPolicy
	StepMemory
	StepWork
	StepCredentials
	StepName
	SetupSteps // how many there are, and 1
)

// stepNames are a step's name and what it does in words.
var stepNames = [SetupSteps][2]string{
	StepParentCheck:  {"ParentCheck", "arming the parent check"},
	StepDescriptors:  {"Descriptors", "arranging descriptors"},
	StepSignals:      {"Signals", "arranging signals"},
	StepProcessGroup: {"ProcessGroup", "making a process group"},
	StepThread:       {"Thread", "making its thread"},
	StepAffinity:     {"Affinity", "setting the CPU affinity"},
	StepPolicy:       {"Policy", "setting the scheduling policy"},
	StepNice:         {"Nice", "setting the nice value"},
	StepMemoryPolicy: {"MemoryPolicy", "setting the memory policy"},
	StepMemory:       {"Memory", "mapping its memory"},
	StepWork:         {"Work", "preparing its work"},
	StepCredentials:  {"Credentials", "changing user and group"},
	StepName:         {"Name", "setting the name"},
}

// Name is the step's name in reports.
func (s SetupStep) Name() string { return stepNames[s%SetupSteps][0] }

func (s SetupStep) String() string {
	if s > 0 && s < SetupSteps {
		return stepNames[s][1]
	}
	return fmt.Sprintf("SetupStep(%d)", uint32(s))
}

// SetupError is a step that failed.
type SetupError struct {
	Step  SetupStep
	Errno unix.Errno
}

const (
	// maxSetupErrors has room for an error of every step.
	maxSetupErrors = 16
	maxText        = 256
	blockSize      = 512
)

// Block is what became of one worker. The worker writes it, but for tid, which
// the kernel writes when the worker is made.
type Block struct {
	_           structs.HostLayout
	tid         uint32
	stage       uint32
	setupErrors uint32
	setupDone   uint32 // a bit for each step that was taken
	textLen     uint32
	_           uint32
	beganNS     int64
	endedNS     int64
	entered     [2]uint64 // a bit for each record that was ever used
	_           [8]byte
	setup       [maxSetupErrors]uint64 // step<<32 | errno
	text        [maxText]byte
	_           [lineSize]byte
}

// SetEntered notes that a record is used from now on. For the worker.
func (b *Block) SetEntered(record int) {
	word := &b.entered[record/64]
	atomic.StoreUint64(word, *word|1<<(record%64))
}

// Entered says whether a record was ever used. One that was not is not to be
// read: reading it would cost memory.
func (b *Block) Entered(record int) bool {
	return atomic.LoadUint64(&b.entered[record/64])&(1<<(record%64)) != 0
}

// TIDWord is where the kernel stores the worker's id.
func (b *Block) TIDWord() *uint32 { return &b.tid }

// TID is the worker's id, 0 when there never was a task.
func (b *Block) TID() int { return int(int32(atomic.LoadUint32(&b.tid))) }

// SetStage is for the worker.
func (b *Block) SetStage(s Stage) { atomic.StoreUint32(&b.stage, uint32(s)) }

// Stage is how far the worker came.
func (b *Block) Stage() Stage { return Stage(atomic.LoadUint32(&b.stage)) }

// SetSetup notes that a step was taken, with the errno it failed with or 0. For the
// worker, and for the first thread of its host.
func (b *Block) SetSetup(step SetupStep, errno sys.Errno) {
	atomic.OrUint32(&b.setupDone, 1<<step)
	if errno == 0 {
		return
	}
	if n := atomic.AddUint32(&b.setupErrors, 1) - 1; n < maxSetupErrors {
		atomic.StoreUint64(&b.setup[n], uint64(step)<<32|uint64(errno))
	}
}

// SetupSteps are the steps that were taken, whether they failed or not.
func (b *Block) SetupSteps() []SetupStep {
	var list []SetupStep
	done := atomic.LoadUint32(&b.setupDone)
	for s := StepParentCheck; s < SetupSteps; s++ {
		if done&(1<<s) != 0 {
			list = append(list, s)
		}
	}
	return list
}

// SetupErrors are the steps that failed.
func (b *Block) SetupErrors() []SetupError {
	var list []SetupError
	for i := range min(atomic.LoadUint32(&b.setupErrors), maxSetupErrors) {
		v := atomic.LoadUint64(&b.setup[i])
		if v == 0 {
			continue // being written
		}
		list = append(list, SetupError{Step: SetupStep(v >> 32), Errno: unix.Errno(uint32(v))})
	}
	return list
}

// SetText keeps the beginning of a message. For the worker, at most once.
func (b *Block) SetText(parts ...string) {
	n := 0
	for _, part := range parts {
		n += copy(b.text[n:], part)
	}
	atomic.StoreUint32(&b.textLen, uint32(n))
}

// Text is the message.
func (b *Block) Text() string {
	return string(b.text[:min(atomic.LoadUint32(&b.textLen), maxText)])
}

// SetBegan notes the beginning of work on CLOCK_MONOTONIC. For the worker.
func (b *Block) SetBegan(ns int64) { atomic.StoreInt64(&b.beganNS, ns) }

// SetEnded notes the end of work. For the worker.
func (b *Block) SetEnded(ns int64) { atomic.StoreInt64(&b.endedNS, ns) }

// Began is when the worker began to work, 0 when it did not come to that.
func (b *Block) Began() int64 { return atomic.LoadInt64(&b.beganNS) }

// Ended is when it left its loop, 0 when it did not come to that.
func (b *Block) Ended() int64 { return atomic.LoadInt64(&b.endedNS) }
