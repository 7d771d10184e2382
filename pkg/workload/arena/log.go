// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package arena

import (
	"structs"
	"sync/atomic"
)

// Migration is a change of CPU.
type Migration struct {
	// At is the time on CLOCK_MONOTONIC.
	At       int64
	From, To uint32
	Distance Distance
	// Record is the number of the record of the phase it happened in.
	Record int
}

const (
	// MaxMigrations is how many migrations a worker's log keeps: the first ones.
	// The records count them all, so that what is missing is known.
	MaxMigrations = 255
	logSize       = 16 * (MaxMigrations + 1)
)

// Log is the beginning of a worker's migrations.
type Log struct {
	_      structs.HostLayout
	logged uint64
	_      uint64
	events [MaxMigrations][2]uint64
}

// Add logs a migration while there is room. For the worker.
func (l *Log) Add(m Migration) {
	n := l.logged
	if n >= MaxMigrations {
		return
	}
	atomic.StoreUint64(&l.events[n][0], uint64(m.At))
	atomic.StoreUint64(&l.events[n][1], uint64(uint16(m.From))|uint64(uint16(m.To))<<16|uint64(m.Distance)<<32|uint64(uint16(m.Record))<<40)
	atomic.StoreUint64(&l.logged, n+1)
}

// Migrations reads the log. It may be called at any time.
func (l *Log) Migrations() []Migration {
	n := min(atomic.LoadUint64(&l.logged), MaxMigrations)
	if n == 0 {
		return nil
	}
	list := make([]Migration, n)
	for i := range list {
		v := atomic.LoadUint64(&l.events[i][1])
		list[i] = Migration{
			At:   int64(atomic.LoadUint64(&l.events[i][0])),
			From: uint32(uint16(v)), To: uint32(uint16(v >> 16)),
			Distance: min(Distance(v>>32), Distances-1), Record: int(uint16(v >> 40)),
		}
	}
	return list
}
