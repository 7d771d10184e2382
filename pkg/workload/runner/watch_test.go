// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// glance is how often a watch looks at what its processes have.
const glance = 50 * time.Millisecond

// lookUntil looks again and again, as files of the kernel tell of no change, until done says so.
func lookUntil(every time.Duration, done func() bool) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !done() {
		<-tick.C
	}
}

// watch follows processes to their ends.
type watch struct {
	processes []watched
	done      chan struct{}
}

// watched is what is seen of a process.
type watched struct {
	pid, pidfd int
	gone       time.Time
	glances    []seenOpen
}

// seenOpen is how many descriptors and children a process had at a time.
type seenOpen struct {
	at             time.Time
	open, children int
}

func (s seenOpen) String() string {
	return fmt.Sprintf("%d descriptors, %d children", s.open, s.children)
}

// watchAll begins to follow processes; those that are gone already are left out. It
// ends with the last of them, which the end of their run bounds.
func watchAll(t *testing.T, pids []int) *watch {
	t.Helper()
	w := &watch{done: make(chan struct{})}
	for _, pid := range pids {
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			w.processes = append(w.processes, watched{pid: pid, pidfd: fd})
		}
	}
	go w.follow()
	return w
}

func (w *watch) follow() {
	defer close(w.done)
	for left := len(w.processes); left > 0; {
		poll := make([]unix.PollFd, len(w.processes))
		for i := range w.processes {
			poll[i] = unix.PollFd{Fd: int32(w.processes[i].pidfd), Events: unix.POLLIN}
		}
		n, _ := unix.Poll(poll, int(glance.Milliseconds()))
		now := time.Now()
		for i := range w.processes {
			p := &w.processes[i]
			switch {
			case p.pidfd < 0:
			case n > 0 && poll[i].Revents != 0:
				p.gone = now
				_ = unix.Close(p.pidfd)
				p.pidfd = -1 // poll leaves it out
				left--
			case n == 0:
				p.glances = append(p.glances, seenOpen{now, len(open(p.pid)), len(childrenOf(p.pid))})
			}
		}
	}
}

// last is when the last of some processes was gone.
func (w *watch) last(of map[int]bool) time.Time {
	<-w.done
	var last time.Time
	for i := range w.processes {
		if p := &w.processes[i]; of[p.pid] && p.gone.After(last) {
			last = p.gone
		}
	}
	return last
}

// assertNoGrowth checks that no process had more open, or more children, the longer
// it worked, which was until it was stopped.
func (w *watch) assertNoGrowth(t *testing.T, stopped time.Time) {
	t.Helper()
	<-w.done
	// maxChildren is how many a worker may have at once that forks all the time.
	const maxChildren = 8
	for i := range w.processes {
		p := &w.processes[i]
		// What is seen at a moment may be open for that moment only: two are looked at, at either end.
		working := slices.DeleteFunc(p.glances, func(g seenOpen) bool { return g.at.After(stopped.Add(-glance)) })
		n := len(working)
		if n >= 4 && min(working[n-1].open, working[n-2].open) > max(working[0].open, working[1].open) ||
			n >= 2 && min(working[n-1].children, working[n-2].children) > maxChildren {
			t.Errorf("process %d had more and more open, or more and more children: %v", p.pid, working)
		}
	}
}
