// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package arena is the memory that the runner shares with its workers: one page
// of control words, an area per worker, and the regions through which workers of
// a set meet.
//
// It is a sealed memfd, laid out before any worker exists and mapped by all. A
// worker writes its own area and nothing else of the telemetry, the runner reads
// it at any time, so a worker that is killed leaves everything it had measured.
// All access goes through methods: words are written and read whole, and what is
// read from a worker is checked before it is used.
//
// A worker's area is a Block, which says what became of the worker, a Record and
// the histograms for each phase of the run, and a log of migrations. Nothing is
// counted twice: what a worker did in the whole run is the sum of its records.
// Areas begin a page, so that workers do not share cache lines and a page lies on
// the NUMA node of the worker that touches it first. What nobody touches costs
// no memory.
package arena

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
)

// WorkerPlan is what one worker needs of the arena.
type WorkerPlan struct {
	// Histograms is how many histograms it fills in each phase.
	Histograms int
}

// Plan is what all workers need. The same plan gives the same layout in every process.
type Plan struct {
	Workers []WorkerPlan
	// Phases is the number of phases beside the time before, between and after
	// them; 0 when the run is one piece.
	Phases int
	// Regions are the sizes in bytes of the regions sets of workers share.
	Regions []int
}

// records is how many records a worker has.
func (p *Plan) records() int {
	if p.Phases == 0 {
		return 1
	}
	return p.Phases + 2 // the time before the first phase, and between phases
}

// Record is the number of the record that counts during an epoch.
func (p *Plan) Record(epoch uint32) int {
	switch {
	case p.Phases == 0 || epoch == EpochBaseline:
		return 0
	case epoch <= uint32(p.Phases):
		return int(epoch)
	default:
		return p.Phases + 1
	}
}

// Epoch is the epoch that a record counts, the reverse of Record.
func (p *Plan) Epoch(record int) uint32 {
	if p.Phases > 0 && record == p.Phases+1 {
		return EpochGap
	}
	return uint32(record)
}

// layout is where things are, in bytes from the beginning.
type layout struct {
	workers []int // each worker's area
	regions []int
	size    int
}

const (
	lineSize   = 64
	pageSize   = 4096
	workersOff = pageSize
)

func (p *Plan) layout() layout {
	l := layout{workers: make([]int, len(p.Workers)), regions: make([]int, len(p.Regions))}
	off := workersOff
	for i, w := range p.Workers {
		l.workers[i] = off
		off = align(off+p.logOffset(w)+logSize, pageSize)
	}
	for i, size := range p.Regions {
		l.regions[i] = off
		off += align(size, lineSize)
	}
	l.size = align(off, pageSize)
	return l
}

// Within a worker's area: the block, the records, the histograms of record after
// record, the log.

func recordOffset(n int) int { return blockSize + n*recordSize }

func (p *Plan) histogramOffset(w WorkerPlan, record, n int) int {
	return recordOffset(p.records()) + (record*w.Histograms+n)*histogramSize
}

func (p *Plan) logOffset(w WorkerPlan) int { return p.histogramOffset(w, p.records(), 0) }

func align(n, to int) int { return (n + to - 1) / to * to }

// Arena is the mapping.
type Arena struct {
	file   *os.File // the memfd; nil in a process that attached
	memory []byte
	plan   Plan
	at     layout
}

// New makes an arena.
func New(plan Plan) (*Arena, error) {
	if plan.Phases < 0 || plan.Phases > MaxPhases {
		return nil, fmt.Errorf("making the arena: there may be 0 to %d phases, not %d", MaxPhases, plan.Phases)
	}
	at := plan.layout()
	fd, err := unix.MemfdCreate("schedfleet-arena", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("making the arena: memfd_create: %w%s", err, hint(err))
	}
	file := os.NewFile(uintptr(fd), "arena")
	if err := size(file, at.size); err != nil {
		return nil, closeAfter(file, err)
	}
	a := &Arena{file: file, plan: plan, at: at}
	if err := a.mapFile(file); err != nil {
		return nil, closeAfter(file, err)
	}
	a.Control().init(len(plan.Workers))
	return a, nil
}

func closeAfter(file *os.File, err error) error {
	_ = file.Close()
	return err
}

// size fixes the file's length for good, so that no access can meet a missing page.
func size(file *os.File, n int) error {
	if err := unix.Ftruncate(int(file.Fd()), int64(n)); err != nil {
		return fmt.Errorf("sizing the arena to %d bytes: %w%s", n, err, hint(err))
	}
	if _, err := unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		return fmt.Errorf("sealing the arena: %w%s", err, hint(err))
	}
	return nil
}

// Attach maps an arena that another process made by the same plan.
func Attach(file *os.File, plan Plan) (*Arena, error) {
	a := &Arena{plan: plan, at: plan.layout()}
	if err := a.mapFile(file); err != nil {
		return nil, err
	}
	if err := a.Control().check(len(plan.Workers)); err != nil {
		_ = unix.Munmap(a.memory)
		return nil, err
	}
	return a, nil
}

func (a *Arena) mapFile(file *os.File) error {
	memory, err := unix.Mmap(int(file.Fd()), 0, a.at.size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mapping the arena of %d bytes: %w%s", a.at.size, err, hint(err))
	}
	a.memory = memory
	return nil
}

func hint(err error) string {
	switch {
	case errors.Is(err, unix.ENOMEM):
		return " (memory is exhausted or vm.max_map_count reached: declare fewer workers)"
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, unix.ENOSYS):
		return " (a memory cgroup, a seccomp profile or vm.memfd_noexec forbids it)"
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EFBIG):
		return " (the size is zero or too large: declare fewer workers or steps)"
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return " (raise the limit on open files)"
	}
	return ""
}

// File is the memfd, to be passed to the process that attaches.
func (a *Arena) File() *os.File { return a.file }

// Plan is what the arena was made for.
func (a *Arena) Plan() *Plan { return &a.plan }

// Workers is the number of workers.
func (a *Arena) Workers() int { return len(a.plan.Workers) }

// Records is the number of records of each worker.
func (a *Arena) Records() int { return a.plan.records() }

// Close unmaps the arena. Preconditions: nothing of it is used any more.
func (a *Arena) Close() error {
	err := unix.Munmap(a.memory)
	a.memory = nil
	if a.file != nil {
		if cerr := a.file.Close(); err == nil {
			err = cerr
		}
	}
	return err
}

// ReadHistogram copies the n-th histogram of a worker's record, which was entered.
// It may be called at any time.
func (a *Arena) ReadHistogram(worker, record, n int) *telemetry.Histogram {
	if n >= a.plan.Workers[worker].Histograms || !a.Record(worker, record).Filled(n) {
		return &telemetry.Histogram{}
	}
	return a.Histogram(worker, record, n).read()
}
