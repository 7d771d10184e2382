// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package arena is the memory that the runner shares with its workers: one page
// of control words, a block per worker, the workers' histograms, and the regions
// through which workers of a set meet.
//
// It is a sealed memfd, laid out before any worker exists and mapped by all. A
// worker writes its own block and nothing else of the telemetry, the runner reads
// it at any time, so a worker that is killed leaves everything it had measured.
// All access goes through methods: words are written and read whole, and what is
// read from a worker is checked before it is used.
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
	// Histograms is how many histograms it fills.
	Histograms int
}

// Plan is what all workers need. The same plan gives the same layout in every process.
type Plan struct {
	Workers []WorkerPlan
	// Regions are the sizes in bytes of the regions sets of workers share.
	Regions []int
}

// layout is where things are, in bytes from the beginning.
type layout struct {
	histograms []int // the first histogram of each worker
	regions    []int
	size       int
}

const (
	lineSize  = 64
	pageSize  = 4096
	blocksOff = pageSize
)

func (p *Plan) layout() layout {
	l := layout{histograms: make([]int, len(p.Workers)), regions: make([]int, len(p.Regions))}
	off := align(blocksOff+len(p.Workers)*blockSize, pageSize)
	for i, w := range p.Workers {
		l.histograms[i] = off
		off += w.Histograms * histogramSize
	}
	off = align(off, pageSize)
	for i, size := range p.Regions {
		l.regions[i] = off
		off += align(size, lineSize)
	}
	l.size = align(off, pageSize)
	return l
}

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
	at := plan.layout()
	fd, err := unix.MemfdCreate("schedfleet-arena", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
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
		return fmt.Errorf("sealing the arena: %w", err)
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
	case errors.Is(err, unix.EPERM):
		return " (a memory cgroup or seccomp profile forbids it)"
	case errors.Is(err, unix.EINVAL):
		return " (the size is zero or too large)"
	}
	return ""
}

// File is the memfd, to be passed to the process that attaches.
func (a *Arena) File() *os.File { return a.file }

// Workers is the number of workers.
func (a *Arena) Workers() int { return len(a.plan.Workers) }

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

// ReadHistogram copies a worker's n-th histogram. It may be called at any time.
func (a *Arena) ReadHistogram(worker, n int) *telemetry.Histogram {
	if n >= a.plan.Workers[worker].Histograms {
		return &telemetry.Histogram{}
	}
	return a.Histogram(worker, n).read()
}
