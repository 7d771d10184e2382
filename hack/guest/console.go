// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
)

const (
	// tailLines is how much of the console an error shows.
	tailLines = 30
	// maxLine bounds what is kept while no end of line comes.
	maxLine = 4096

	panicMark = "Kernel panic - not syncing: "
	// staleMark is what a kernel says that stumbles on a breakpoint it set itself,
	// and has removed since, while it patched its code.
	staleMark = "Oops: int3"
)

// console takes what the guest prints on its serial line: it forwards whole
// lines, keeps the last ones, and notices a panic.
type console struct {
	out io.Writer

	mu      sync.Mutex
	partial []byte
	tail    []string
	panic   string
	stale   bool
}

// Write never fails: the emulator would stop if its console did.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.partial = append(c.partial, p...)
	for {
		end := bytes.IndexByte(c.partial, '\n')
		if end < 0 && len(c.partial) < maxLine {
			return len(p), nil
		}
		if end < 0 {
			end = maxLine - 1
		}
		c.line(strings.TrimRight(string(c.partial[:end+1]), "\r\n"))
		c.partial = slices.Delete(c.partial, 0, end+1)
	}
}

func (c *console) line(s string) {
	if c.out != nil {
		_, _ = io.WriteString(c.out, s+"\n") // nobody to tell
	}
	if len(c.tail) == tailLines {
		c.tail = slices.Delete(c.tail, 0, 1)
	}
	c.tail = append(c.tail, s)
	c.stale = c.stale || strings.Contains(s, staleMark)
	if _, what, ok := strings.Cut(s, panicMark); ok && c.panic == "" {
		c.panic = what
	}
}

// state is what the kernel said when it panicked, or nothing, whether its code was
// stale, and the last lines of the console.
func (c *console) state() (panicked string, stale bool, tail string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := c.tail
	if len(c.partial) > 0 {
		lines = append(slices.Clone(lines), string(c.partial))
	}
	return c.panic, c.stale, strings.Join(lines, "\n")
}
