// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "github.com/schedfleet/schedfleet/pkg/workload/sys"

var schedstatPath = []byte("/proc/thread-self/schedstat\x00")

// schedstat is the kernel's account of the calling thread: CPU time and time
// runnable without a CPU, in ns, and how often it was scheduled in.
type schedstat struct {
	cpu, delay, runs int64
	ok               bool
	buf              [96]byte
}

// read reads it anew and reports whether the kernel told.
func (s *schedstat) read() bool {
	n, errno := sys.RawReadFile(schedstatPath, s.buf[:])
	if s.ok = errno == 0 && n > 0; !s.ok {
		return false
	}
	text := s.buf[:n]
	s.cpu, text = number(text)
	s.delay, text = number(text)
	s.runs, _ = number(text)
	return true
}

// number reads the decimal number text begins with and returns what follows the
// character after it.
func number(text []byte) (int64, []byte) {
	var v int64
	for i, c := range text {
		if c < '0' || c > '9' {
			return v, text[i+1:]
		}
		v = v*10 + int64(c-'0')
	}
	return v, nil
}
