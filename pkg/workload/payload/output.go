// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

const (
	// MaxOutput is how much is kept of a stream to find figures in: its first half is
	// the stream's beginning, its second half the stream's end.
	MaxOutput = 1 << 20
	// shownOutput is how much of a stream a report shows at most, likewise.
	shownOutput = 4 << 10
)

// Output is what a program wrote to a stream: all of it up to MaxOutput, else the first and
// the last part. It may be written and read by several goroutines.
type Output struct {
	mu    sync.Mutex
	first []byte
	last  []byte // of what came after the first part; up to twice as much as is kept
	total int64
}

// Write implements io.Writer. It never fails, so that a program is never held up.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.total += int64(len(b))
	n := len(b)
	room := min(MaxOutput/2-len(o.first), len(b))
	o.first, b = append(o.first, b[:room]...), b[room:]
	b = b[max(0, len(b)-MaxOutput/2):]
	if len(o.last)+len(b) > MaxOutput { // rarely, so that most writes copy only what they add
		o.last = o.last[:copy(o.last, o.last[len(o.last)-MaxOutput/2:])]
	}
	o.last = append(o.last, b...)
	return n, nil
}

var _ io.Writer = (*Output)(nil)

// parts are the first and the last part of what was written, and how many bytes
// between them were not kept.
func (o *Output) parts() (first, last string, lost int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := o.last[max(0, len(o.last)-MaxOutput/2):]
	return string(o.first), string(kept), o.total - int64(len(o.first)+len(kept))
}

// Text is all that was written, or false if a part of it was not kept.
func (o *Output) Text() (string, bool) {
	first, last, lost := o.parts()
	return first + last, lost == 0
}

// Show is the output for a report: the beginning and the end of it where it is long,
// with a line between them that says how much was left out.
func (o *Output) Show() (text string, truncated bool) {
	first, last, lost := o.parts()
	if lost == 0 {
		first, last = first+last, first+last
	}
	if lost == 0 && len(first) <= shownOutput {
		return strings.ToValidUTF8(first, "\uFFFD"), false
	}
	head, tail := first[:min(len(first), shownOutput/2)], last[max(0, len(last)-shownOutput/2):]
	left := o.Total() - int64(len(head)+len(tail))
	return strings.ToValidUTF8(fmt.Sprintf("%s\n[... %d bytes left out ...]\n%s", head, left, tail), "\uFFFD"), true
}

// Total is how many bytes were written.
func (o *Output) Total() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.total
}
