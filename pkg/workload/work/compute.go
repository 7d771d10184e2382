// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "math"

// cacheRMW increments n bytes of the memory, a stride apart from one at a place on and around,
// one work unit each, or fewer when stopped. The stride is at most the memory's length. It
// returns where to go on: a walk that always began at the same byte would leave out what is
// further than n strides away.
func (w *Worker) cacheRMW(memory []byte, at, stride int, n int64) (next int) {
	for n > 0 && !w.Stopped() {
		steps := min(n, spinChunk)
		for range steps {
			memory[at]++
			at += stride
			if at >= len(memory) {
				at -= len(memory)
			}
		}
		w.AddUnits(uint64(steps))
		n -= steps
		w.lookWithin(n)
	}
	return at
}

// matrixSize is the order of the square matrices of 64-bit words of which three have
// room in so many bytes.
func matrixSize(bytes int) int { return int(math.Sqrt(float64(bytes / 3 / 8))) }

// multiplyRow multiplies a row of n words by a square matrix into another row. As in C, where the matrices
// might be the same for all the compiler knows, every step of a sum is stored. It is assembly because what
// the Go compiler makes of it takes up to half as long again, by how the loop happens to be aligned.
//
//go:noescape
func multiplyRow(row, matrix, into *uint64, n int)

// matmul multiplies the first of three matrices of order n, which lie one behind the other, by the
// second into the third: the plain triple loop. It is false when the stop came before the end.
func (w *Worker) matmul(words []uint64, n int) bool {
	a, b, c := words[:n*n], words[n*n:2*n*n], words[2*n*n:3*n*n]
	for at := 0; at < n*n; at += n {
		if w.Stopped() {
			return false
		}
		multiplyRow(&a[at], &b[0], &c[at], n)
	}
	return true
}
