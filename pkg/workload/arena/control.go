// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package arena

import (
	"fmt"
	"structs"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

const (
	magic   = 0x5c4edf1ee7a7e4a1
	version = 3
)

// Words of Control.start.
const (
	startParked = 0
	startGo     = 1
	startAbort  = 2
)

// Control is the page of words between the runner and all workers. Words of
// different writers, and words that are waited on, have a cache line each.
type Control struct {
	_       structs.HostLayout
	magic   uint64
	version uint32
	workers uint32
	_       [lineSize - 16]byte
	start   uint32 // runner writes, workers wait
	_       [lineSize - 4]byte
	stop    uint32 // runner writes, workers read and wait
	phase   uint32 // runner writes, workers read as often as stop
	_       [lineSize - 8]byte
	parked  uint32 // workers add, runner waits
	_       [lineSize - 4]byte
	startNS int64 // runner writes before start, for its own use
	_       [lineSize - 8]byte

	forkError uint64 // zygotes write
	_         [lineSize - 8]byte

	hosts [MaxHosts]uint32 // the kernel writes the ids of processes that host threads
}

// MaxHosts is how many processes that host threads there may be.
const MaxHosts = 64

func (c *Control) init(workers int) {
	c.magic, c.version, c.workers = magic, version, uint32(workers)
}

func (c *Control) check(workers int) error {
	if c.magic != magic || c.version != version || c.workers != uint32(workers) {
		return fmt.Errorf("the arena is of version %d for %d workers, not of version %d for %d", c.version, c.workers, version, workers)
	}
	return nil
}

// Park counts the calling worker as parked and blocks until start or abort. It
// reports whether to work. For workers.
func (c *Control) Park() bool {
	if atomic.AddUint32(&c.parked, 1) == c.workers {
		sys.RawFutexWake(&c.parked, 1)
	}
	for {
		switch atomic.LoadUint32(&c.start) {
		case startGo:
			return true
		case startAbort:
			return false
		}
		sys.FutexWait(&c.start, startParked, 0)
	}
}

// AwaitParked waits up to timeout for a change of the number of parked workers
// and returns it.
func (c *Control) AwaitParked(timeout time.Duration) int {
	n := atomic.LoadUint32(&c.parked)
	if n < c.workers {
		_ = sys.FutexWait(&c.parked, n, int64(timeout))
		n = atomic.LoadUint32(&c.parked)
	}
	return int(n)
}

// Start lets all parked workers go and returns the time of that on CLOCK_MONOTONIC.
// A second start changes nothing, nor does one after Abort.
func (c *Control) Start() int64 {
	if atomic.CompareAndSwapInt64(&c.startNS, 0, sys.Monotonic()) {
		atomic.CompareAndSwapUint32(&c.start, startParked, startGo)
		sys.RawFutexWake(&c.start, int(^uint32(0)>>1))
	}
	return atomic.LoadInt64(&c.startNS)
}

// Abort makes parked workers leave without working. After Start it does nothing.
func (c *Control) Abort() {
	if atomic.CompareAndSwapUint32(&c.start, startParked, startAbort) {
		sys.RawFutexWake(&c.start, int(^uint32(0)>>1))
	}
}

// Stop makes working workers leave and returns the time of that.
func (c *Control) Stop() int64 {
	now := sys.Monotonic()
	atomic.StoreUint32(&c.stop, 1)
	sys.RawFutexWake(&c.stop, int(^uint32(0)>>1))
	return now
}

// Stopped says whether Stop was called.
func (c *Control) Stopped() bool { return atomic.LoadUint32(&c.stop) != 0 }

// SetPhase begins an epoch for all workers.
func (c *Control) SetPhase(epoch uint32) { atomic.StoreUint32(&c.phase, epoch) }

// EndPhase begins the epoch after the phase that is on.
func (c *Control) EndPhase() { c.SetPhase(GapAfter(Begun(c.Phase()))) }

// Phase is the epoch.
func (c *Control) Phase() uint32 { return atomic.LoadUint32(&c.phase) }

// HostWord is where the kernel stores the id of the n-th process that hosts threads.
func (c *Control) HostWord(n int) *uint32 { return &c.hosts[n] }

// Host is the id of the n-th process that hosts threads, 0 when there never was one.
func (c *Control) Host(n int) int { return int(int32(atomic.LoadUint32(&c.hosts[n]))) }

// WaitStop sleeps until the deadline or Stop, whichever comes first. For workers.
func (c *Control) WaitStop(deadline int64) {
	for !c.Stopped() {
		if errno := sys.FutexWaitUntil(&c.stop, 0, deadline); errno == unix.ETIMEDOUT {
			return
		}
	}
}

// ForkStep is a step of making a worker.
type ForkStep uint32

// Steps in order.
const (
	ForkOpens ForkStep = iota + 1
	ForkClone
)

func (s ForkStep) String() string {
	if s == ForkOpens {
		return "opening what it works with"
	}
	return "forking it"
}

// SetForkError notes which worker could not be made, at which step and why. Of several
// the first worker stays noted. For the zygotes.
func (c *Control) SetForkError(worker int, step ForkStep, errno unix.Errno) {
	word := uint64(worker+1)<<32 | uint64(step)<<16 | uint64(uint16(errno))
	for {
		old := atomic.LoadUint64(&c.forkError)
		if old != 0 && old < word || atomic.CompareAndSwapUint64(&c.forkError, old, word) {
			return
		}
	}
}

// ForkError is what SetForkError noted; ok is false when nothing was.
func (c *Control) ForkError() (worker int, step ForkStep, errno unix.Errno, ok bool) {
	word := atomic.LoadUint64(&c.forkError)
	return int(word>>32) - 1, ForkStep(uint16(word >> 16)), unix.Errno(uint16(word)), word != 0
}
