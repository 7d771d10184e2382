// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

var numaMapsPath = []byte("/proc/thread-self/numa_maps\x00")

// PageCounter reads numa_maps(5) as it comes, a piece at a time, and adds up the
// pages per node of the one mapping that begins at an address. A line is the
// address in hex and words, of which N<node>=<pages> counts.
type PageCounter struct {
	buf   [4096]byte
	pages [arena.MaxNodes]uint32
	found bool

	start uint64 // the mapping looked for
	field int    // number of the word in the line
	value uint64 // of the number being read
	node  uint64
	word  wordState
	mine  bool // the line is of the mapping
}

type wordState int

const (
	wordBegin wordState = iota
	wordNode            // after N
	wordPages           // after N<node>=
	wordOther
)

// read counts the pages of the mapping and reports whether it was found.
func (m *PageCounter) read(start uint64) bool {
	m.pages, m.found, m.start = [arena.MaxNodes]uint32{}, false, start
	m.endLine()
	fd, errno := sys.RawOpen(numaMapsPath)
	if errno != 0 {
		return false
	}
	for {
		n, errno := sys.RawRead(fd, m.buf[:])
		if errno != 0 || n <= 0 {
			break
		}
		m.feed(m.buf[:n])
	}
	sys.RawClose(fd)
	return m.found
}

func (m *PageCounter) feed(text []byte) {
	for _, c := range text {
		switch c {
		case '\n':
			m.endWord()
			m.endLine()
		case ' ':
			m.endWord()
		default:
			m.character(c)
		}
	}
}

func (m *PageCounter) character(c byte) {
	if m.field == 0 {
		m.value = m.value<<4 | uint64(hex(c))
		return
	}
	switch digit := uint64(c - '0'); {
	case m.word == wordBegin && c == 'N':
		m.word = wordNode
	case m.word == wordNode && digit <= 9:
		m.node = m.node*10 + digit
	case m.word == wordNode && c == '=':
		m.word = wordPages
	case m.word == wordPages && digit <= 9:
		m.value = m.value*10 + digit
	default:
		m.word = wordOther
	}
}

func (m *PageCounter) endWord() {
	if m.field == 0 {
		m.mine = m.value == m.start
		m.found = m.found || m.mine
	} else if m.mine && m.word == wordPages && m.node < arena.MaxNodes {
		m.pages[m.node] += uint32(m.value)
	}
	m.field++
	m.word, m.value, m.node = wordBegin, 0, 0
}

func (m *PageCounter) endLine() {
	m.field, m.word, m.value, m.node, m.mine = 0, wordBegin, 0, 0, false
}

func hex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// countPages notes on which nodes the pages of the worker's own memory are.
func (w *Worker) countPages() {
	if !w.Pages.read(sys.Address(w.Memory)) {
		return
	}
	for node, pages := range w.Pages.pages {
		w.record.SetPages(node, pages)
	}
}
