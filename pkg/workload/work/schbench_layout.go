// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

// The region of a schbench set: words of all, the threads' slots, the locks of the CPUs, the matrix
// that workers share, and a page for each worker in pipe mode. A thread that is
// waited for has a cache line of its own.
const (
	schbenchMeasuring = 0  // whether values count
	schbenchRate      = 8  // requests per second of all message threads
	schbenchSlots     = 64 // the slots begin

	// In a message thread's slot.
	schbenchFutex   = 0 // 1 if it is to run on; a worker's, too
	schbenchWaiting = 4 // the last worker that waits, plus 1
	messageSlot     = 64

	// In a worker's slot.
	schbenchNext  = 4  // who waits behind it, plus 1
	schbenchWoken = 8  // when its waker noted the time
	schbenchDone  = 16 // requests it has finished
	// Two lines on: requests that the message thread sent.
	schbenchSent  = 64
	schbenchTaken = 128
	schbenchRing  = 192
	workerSlot    = schbenchRing + ringSize*8

	// maxPending is how many requests may wait for a worker. The ring also holds
	// those that it took together before.
	maxPending = 128
	ringSize   = 512

	// lockStride keeps the distance of the original's locks, of which four share three cache lines.
	lockStride = 48
	lockCPUs   = 8192
)

// schbenchLayout is how many threads there are and where their memory is.
type schbenchLayout struct {
	messages, workers, perMessage int
	locks, shared, pages          int // where they begin
	sharedOrder, privateOrder     int // of the matrices
	page                          int // bytes of a page
	private                       int // bytes of a worker's own matrices
	bytes                         int
}

func (k *Schbench) layout() schbenchLayout {
	l := schbenchLayout{messages: max(1, int(k.MessageThreads)), perMessage: max(1, int(k.WorkerThreads)), page: int(k.PipeTransfer)}
	l.workers = l.messages * l.perMessage
	own := 100
	if k.SplitPercent != nil {
		own = int(*k.SplitPercent)
	}
	l.privateOrder = matrixSize(int(k.CacheFootprint) * own / 100)
	l.sharedOrder = matrixSize(int(k.CacheFootprint) * (100 - own) / 100)
	l.private = matrixBytes(l.privateOrder)
	l.locks = schbenchSlots + l.messages*messageSlot + l.workers*workerSlot
	l.shared = align64(l.locks + lockCPUs*lockStride)
	l.pages = align64(l.shared + matrixBytes(l.sharedOrder))
	l.bytes = l.pages + l.workers*align64(l.page)
	return l
}

// matrixBytes is the size of three square matrices of words.
func matrixBytes(order int) int { return 3 * 8 * order * order }

func align64(n int) int { return (n + 63) / 64 * 64 }

// message is the slot of a message thread, worker that of a worker.
func (l *schbenchLayout) message(n int) int { return schbenchSlots + n*messageSlot }
func (l *schbenchLayout) worker(n int) int {
	return schbenchSlots + l.messages*messageSlot + n*workerSlot
}
