// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package quarantine

import "time"

// Defaults of Limits.
const (
	// DefaultFirstBackOff is how long a node is set aside the first time.
	DefaultFirstBackOff = 10 * time.Minute
	// DefaultLastBackOff is how long it is at most, however often a trial has failed.
	DefaultLastBackOff = 24 * time.Hour
)

// Limits are how long nodes are set aside. Zero means the default.
type Limits struct {
	FirstBackOff time.Duration
	LastBackOff  time.Duration
}

func (l Limits) withDefaults() Limits {
	if l.FirstBackOff == 0 {
		l.FirstBackOff = DefaultFirstBackOff
	}
	if l.LastBackOff == 0 {
		l.LastBackOff = DefaultLastBackOff
	}
	return l
}

// backOff is how long a node is set aside the n-th time in a row.
func (l Limits) backOff(n int32) time.Duration {
	d := l.FirstBackOff
	for i := int32(1); i < n && d < l.LastBackOff; i++ {
		d *= 2
	}
	return min(d, l.LastBackOff)
}
