// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// reaper waits for the processes of workers, which are children of this process,
// and notes how each ended. It is the only one that reaps them, so a pid in it cannot be reused
// before it is marked as reaped.
type reaper struct {
	epoll int
	quit  int // eventfd

	mu    sync.Mutex
	pids  []int // 0 where there never was a process
	fds   []int // pidfds, -1 when closed
	exits []Exit
	left  int
	gone  chan struct{} // closed when no task is left
	early chan struct{} // closed when a task has ended
	turn  chan struct{} // closed when the next task has ended

	stopped chan struct{} // closed when the goroutine has ended
}

const quitSlot = -1

// newReaper follows the given children, of which some have threads or none has. A pid
// of 0 is skipped. name is what errors call the i-th.
func newReaper(pids []int, threads bool, name func(i int) string) (*reaper, error) {
	r := &reaper{
		epoll: -1, quit: -1, pids: pids, fds: make([]int, len(pids)), exits: make([]Exit, len(pids)),
		gone: make(chan struct{}), early: make(chan struct{}), turn: make(chan struct{}), stopped: make(chan struct{}),
	}
	for i := range r.fds {
		r.fds[i] = -1
	}
	if err := r.open(name); err != nil {
		r.closeFDs()
		return nil, err
	}
	if r.left == 0 {
		close(r.gone)
	}
	go r.loop(threads)
	return r, nil
}

func (r *reaper) open(name func(i int) string) error {
	var err error
	if r.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if r.quit, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if err := r.watch(r.quit, quitSlot); err != nil {
		return err
	}
	for i, pid := range r.pids {
		if pid == 0 {
			continue
		}
		if r.fds[i], err = unix.PidfdOpen(pid, 0); err != nil {
			r.fds[i] = -1
			return fmt.Errorf("%s: opening a descriptor on it (pid %d): %w%s", name(i), pid, err, limitHint(err))
		}
		if err := r.watch(r.fds[i], i); err != nil {
			return fmt.Errorf("%s: %w", name(i), err)
		}
		r.left++
	}
	return nil
}

func limitHint(err error) string {
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		return " (each worker needs a descriptor: raise the limit on open files or declare fewer workers)"
	}
	return ""
}

func (r *reaper) watch(fd, slot int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(slot)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, fd, &ev))
}

// loop ends when close is called. Where no child has threads it keeps the runner's
// real-time class, so that a faulty scheduler does not keep it from reaping.
func (r *reaper) loop(threads bool) {
	defer close(r.stopped)
	if threads {
		sys.StepDown()
	}
	events := make([]unix.EpollEvent, 64)
	for {
		n, err := unix.EpollWait(r.epoll, events, -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		for _, ev := range events[:max(n, 0)] {
			if ev.Fd == quitSlot {
				return
			}
			r.reap(int(ev.Fd))
		}
	}
}

func (r *reaper) reap(i int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fds[i] < 0 {
		return
	}
	// Whatever it forked and left in its process group goes with it. Not reaped yet,
	// the group's number is still its own.
	_ = unix.Kill(-r.pids[i], unix.SIGKILL)
	var status unix.WaitStatus
	var usage unix.Rusage
	pid, err := unix.Wait4(r.pids[i], &status, unix.WNOHANG, &usage)
	switch {
	case errors.Is(err, unix.EINTR), err == nil && pid != r.pids[i]:
		return // epoll tells again
	case err != nil:
		// Someone else reaped it, or forbids it: it ended, and how is lost.
		r.exits[i].Lost = errnoOf(err)
	default:
		r.exits[i].Reaped, r.exits[i].Status = true, status
		r.exits[i].At, r.exits[i].Usage = sys.Monotonic(), usage
	}
	_ = unix.Close(r.fds[i])
	r.fds[i] = -1
	select {
	case <-r.early:
	default:
		close(r.early)
	}
	close(r.turn)
	r.turn = make(chan struct{})
	if r.left--; r.left == 0 {
		close(r.gone)
	}
}

// leftOf is how many of the given processes have not ended, and what is closed when the next process has.
func (r *reaper) leftOf(processes []int) (left int, turn <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range processes {
		if r.fds[i] >= 0 {
			left++
		}
	}
	return left, r.turn
}

// kill sends SIGKILL to every process that is left, and to its group, and notes why.
func (r *reaper) kill(why Killed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, fd := range r.fds {
		if fd < 0 {
			continue
		}
		if r.exits[i].Killed == NotKilled {
			r.exits[i].Killed = why
		}
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
		_ = unix.Kill(-r.pids[i], unix.SIGKILL) // not reaped: the group's number is its own
	}
}

// tell sends a signal to the i-th process and its group, unless it has ended.
func (r *reaper) tell(i int, signal unix.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ended unix.Siginfo
	if r.fds[i] < 0 {
		return
	}
	if err := unix.Waitid(unix.P_PIDFD, r.fds[i], &ended, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err == nil && ended.Signo != 0 {
		return // by itself: it is only not reaped yet
	}
	r.exits[i].Told = signal
	_ = unix.Kill(-r.pids[i], signal)
}

// whileThere calls f while the i-th process cannot be reaped, so that ids of its
// tasks cannot be anyone else's. It does nothing once the process has been reaped.
func (r *reaper) whileThere(i int, f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fds[i] >= 0 {
		f()
	}
}

// wait blocks until no task is left, for at most the given time.
func (r *reaper) wait(limit time.Duration) bool { return r.waitUnless(nil, limit) }

// waitUnless is wait that something cuts short.
func (r *reaper) waitUnless(cut <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.gone:
		return true
	case <-cut:
		return false
	case <-timer.C:
		return false
	}
}

func (r *reaper) snapshot() []Exit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Exit(nil), r.exits...)
}

// close ends the goroutine and closes the descriptors.
func (r *reaper) close() {
	var one = []byte{1, 0, 0, 0, 0, 0, 0, 0}
	_, _ = unix.Write(r.quit, one)
	<-r.stopped
	r.closeFDs()
}

func (r *reaper) closeFDs() {
	for _, fd := range append(r.fds, r.epoll, r.quit) {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

func errnoOf(err error) unix.Errno {
	if errno, ok := err.(unix.Errno); ok { //nolint:errorlint // x/sys/unix returns errnos as they are
		return errno
	}
	return unix.EIO
}
