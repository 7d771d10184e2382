// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"math/bits"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// The cache: 256 shards by the low bits of the key. Each has a lock, a table with linear probing,
// and its keys in the order they came. Values come from pools of one size each.

// shard is where the shard of a key is.
func (t *taobenchThread) shard(key uint64) int {
	return t.at.shards + int(key%shards)*t.at.shard
}

// read looks a key up and reads its value to the last byte, with the shard locked. ok is false at the stop.
func (t *taobenchThread) read(key uint64) (found, ok bool) {
	shard := t.shard(key)
	lock := t.Region.Word32(shard + shardLock)
	if !t.lock(lock) {
		return false, false
	}
	entry, found := t.find(shard, key)
	if found {
		at, size := place(*t.Region.Word64(entry + entryValue))
		for _, word := range sys.Words(t.Region.Bytes()[at : at+size]) {
			t.seen += word
		}
	}
	unlock(lock)
	return found, true
}

// put stores a new value of a key, unless another dispatcher has done so meanwhile; the oldest key
// of a full shard goes. It is false when the work ends.
func (t *taobenchThread) put(key uint64) bool {
	value, ok := t.newValue(key)
	if !ok {
		return false
	}
	shard := t.shard(key)
	lock := t.Region.Word32(shard + shardLock)
	if !t.lock(lock) {
		return false
	}
	left, leaves := value, true
	if _, found := t.find(shard, key); !found {
		left, leaves = t.evict(shard)
		t.insert(shard, key, value)
	}
	unlock(lock)
	return !leaves || t.freeValue(left)
}

// evict takes the oldest key out of a full shard and returns its value.
func (t *taobenchThread) evict(shard int) (value uint64, full bool) {
	head, count := t.Region.Word64(shard+shardHead), t.Region.Word64(shard+shardCount)
	if *count < uint64(t.at.limit) {
		return 0, false
	}
	entry, _ := t.find(shard, *t.arrived(shard, *head))
	value = *t.Region.Word64(entry + entryValue)
	t.remove(shard, entry)
	*head++
	*count--
	return value, true
}

// insert adds a key to a shard that has room and does not have it.
func (t *taobenchThread) insert(shard int, key, value uint64) {
	head, count := t.Region.Word64(shard+shardHead), t.Region.Word64(shard+shardCount)
	*t.arrived(shard, *head+*count) = key
	*count++
	entry, _ := t.find(shard, key)
	*t.Region.Word64(entry + entryKey) = key + 1
	*t.Region.Word64(entry + entryValue) = value
}

// arrived is where the n-th key that came to a shard is noted.
func (t *taobenchThread) arrived(shard int, n uint64) *uint64 {
	return t.Region.Word64(shard + shardFIFO + int(n%uint64(t.at.limit))*8)
}

// entry is where the n-th entry of a shard's table is.
func (t *taobenchThread) entry(shard, n int) int {
	return shard + shardFIFO + t.at.limit*8 + n*entrySize
}

// home is the first entry that a key may be in, by Fibonacci hashing of what tells the keys of a shard apart.
func (t *taobenchThread) home(key uint64) int {
	return int((key >> shardBits) * 0x9e3779b97f4a7c15 >> (64 - bits.Len(uint(t.at.table-1))))
}

// find is a key's entry, or the empty one where it would have to be.
func (t *taobenchThread) find(shard int, key uint64) (entry int, found bool) {
	for n := t.home(key); ; n++ {
		entry = t.entry(shard, n&(t.at.table-1))
		switch *t.Region.Word64(entry + entryKey) {
		case key + 1:
			return entry, true
		case 0:
			return entry, false
		}
	}
}

// remove empties an entry, and moves those behind it that would not be found any more: Knuth, "The Art of
// Computer Programming", volume 3, section 6.4, algorithm R.
func (t *taobenchThread) remove(shard, entry int) {
	mask := t.at.table - 1
	hole := (entry - t.entry(shard, 0)) / entrySize
	for n := hole; ; {
		n = (n + 1) & mask
		from := t.entry(shard, n)
		key := *t.Region.Word64(from + entryKey)
		if key == 0 {
			break
		}
		if (n-t.home(key-1))&mask < (n-hole)&mask {
			continue // it is between where it should be and where it may be found
		}
		to := t.entry(shard, hole)
		*t.Region.Word64(to + entryKey) = key
		*t.Region.Word64(to + entryValue) = *t.Region.Word64(from + entryValue)
		hole = n
	}
	*t.Region.Word64(t.entry(shard, hole) + entryKey) = 0
}

// A value is named by where it is, with the number of its size in the low bits.

func place(value uint64) (at, size int) { return int(value &^ 63), valueSizes[value&63] }

// newValue takes a value of a random size from its pool and writes it.
func (t *taobenchThread) newValue(key uint64) (value uint64, ok bool) {
	class := drawSize(&t.random)
	pool := taobenchPool + class*poolSlot
	lock := t.Region.Word32(pool + poolLock)
	if !t.lock(lock) {
		return 0, false
	}
	free, used := t.Region.Word64(pool+poolFree), t.Region.Word64(pool+poolUsed)
	switch {
	case *free != 0:
		value = *free
		at, _ := place(value)
		*free = *t.Region.Word64(at)
	case *used < uint64(t.at.most[class]):
		value = uint64(t.at.values[class]+int(*used)*valueSizes[class]) | uint64(class)
		*used++
	}
	unlock(lock)
	if value == 0 {
		t.Leave("a pool of values is used up")
		return 0, false
	}
	at, size := place(value)
	words := sys.Words(t.Region.Bytes()[at : at+size])
	for i := range words {
		words[i] = key
	}
	return value, true
}

// freeValue gives a value back to its pool. It is false at the stop.
func (t *taobenchThread) freeValue(value uint64) bool {
	pool := taobenchPool + int(value&63)*poolSlot
	lock := t.Region.Word32(pool + poolLock)
	if !t.lock(lock) {
		return false
	}
	at, _ := place(value)
	free := t.Region.Word64(pool + poolFree)
	*t.Region.Word64(at) = *free
	*free = value
	unlock(lock)
	return true
}

// drawSize is the number of a random size.
func drawSize(r *random) int {
	draw := int(r.below(valueWeightSum))
	for class, weight := range valueWeights {
		if draw < weight {
			return class
		}
		draw -= weight
	}
	return 0 // not reached: the weights add up
}
