// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "sync/atomic"

// spin counts n units, one pause instruction after each.
//
//go:noescape
func spin(units *uint64, n uint64)

// The words of a region are shared with other processes.

func load(word *uint32) uint32         { return atomic.LoadUint32(word) }
func store(word *uint32, value uint32) { atomic.StoreUint32(word, value) }
