// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "math"

// valueSizes are what the values of the cache measure, in bytes, and valueWeights how many of
// valueWeightSum are of each size.
var (
	valueSizes   = [...]int{64, 128, 256, 512, 1024, 4096, 16384, 65536}
	valueWeights = [...]int{450, 300, 130, 70, 30, 12, 3, 1}
)

const (
	valueWeightSum = 996
	// valueMean is the mean size.
	valueMean = 330880.0 / valueWeightSum
	shards    = 1 << shardBits
	shardBits = 8
)

// The region of a taobench set: the queue of misses, the clients' slots, the pools that values come from,
// the shards, and the values.
const (
	queueLock     = 0
	queueSignal   = 4 // counts the misses
	queueSleepers = 8 // dispatchers that wait
	queueHead     = 16
	queueTail     = 24
	taobenchPool  = 64

	// In a pool: values of one size.
	poolLock = 0
	poolFree = 8  // the first free value
	poolUsed = 16 // values handed out so far, of those never used before
	poolSlot = 64

	// In a client's slot.
	clientDone = 0 // its miss is answered
	clientKey  = 8 // what it misses
	clientSlot = 64

	// In a shard: its lock, its FIFO of keys and its table of keys and values.
	shardLock  = 0
	shardHead  = 8
	shardCount = 16
	shardFIFO  = 64

	// In an entry of a table.
	entryKey   = 0 // plus 1
	entryValue = 8 // where it is, and the number of its size
	entrySize  = 16
)

// taobenchLayout is how much the cache holds and where it is.
type taobenchLayout struct {
	clients int
	objects int
	keys    uint64 // keys that are asked for
	limit   int    // objects of a shard
	table   int    // entries of a shard's table, a power of two
	queue   int
	slots   int
	shards  int
	shard   int // bytes of a shard
	values  [len(valueSizes)]int
	most    [len(valueSizes)]int // values of each size
	bytes   int
}

func (k *Taobench) layout() taobenchLayout {
	l := taobenchLayout{limit: max(1, int(float64(k.CacheCapacity)/valueMean/shards))}
	l.objects = l.limit * shards
	clients, dispatchers := k.threads()
	l.clients = clients
	hit := float64(max(1, k.TargetHitPercent)) / 100
	l.keys = uint64(math.Ceil(float64(l.objects) / hit))
	l.table = powerOfTwo(2 * l.limit)
	l.queue = align64(taobenchPool + len(valueSizes)*poolSlot)
	l.slots = align64(l.queue + l.clients*8)
	l.shards = l.slots + l.clients*clientSlot
	l.shard = align64(shardFIFO + l.limit*8 + l.table*entrySize)
	off := align64(l.shards + shards*l.shard)
	for class, size := range valueSizes {
		l.values[class] = off
		l.most[class] = mostOf(class, l.objects) + dispatchers
		off += l.most[class] * size
	}
	l.bytes = off
	return l
}

// mostOf is how many of so many values can be of a size: eight standard
// deviations above the mean of a binomial distribution, and a few where that
// is hardly one. More do not happen.
func mostOf(class, objects int) int {
	mean := float64(objects) * float64(valueWeights[class]) / valueWeightSum
	return int(math.Ceil(mean+8*math.Sqrt(mean))) + fewValues
}

const fewValues = 16

func powerOfTwo(least int) int {
	n := 1
	for n < least {
		n *= 2
	}
	return n
}
