// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"os"
	"os/signal"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The handler takes the signal from Go's, comes back to where the thread was, and lets a read
// that it interrupts go on. A poll ends, as it does with any handler.
func TestTheUserSignalRunsNoGoCode(t *testing.T) {
	seen := make(chan os.Signal, 1)
	signal.Notify(seen, unix.SIGUSR2)
	t.Cleanup(func() {
		signal.Stop(seen)
		signal.Notify(make(chan os.Signal, 1), unix.SIGUSR2) // takes it back from the handler
		signal.Reset(unix.SIGUSR2)
	})
	if errno := RawCatchUserSignal(); errno != 0 {
		t.Fatal(errno)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range 1000 {
		if errno := RawSendUserSignal(RawPID(), RawTID()); errno != 0 {
			t.Fatal(errno)
		}
	}
	if len(seen) > 0 {
		t.Error("Go's handler ran")
	}
	polled, read := interrupted(t, RawTID())
	if polled != Interrupted || read != 0 {
		t.Errorf("signals end a poll with %v and a read with %v, want %v and %v", polled, read, Interrupted, Errno(0))
	}
	if errno := RawSendUserSignal(RawPID(), 1<<30); errno != unix.ESRCH {
		t.Errorf("a signal to nobody: %v", errno)
	}
}

// interrupted polls and reads a pipe that has nothing to read until the reader, which is
// the caller, has got signals.
func interrupted(t *testing.T, reader int) (polled, read Errno) {
	t.Helper()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.Close(ends[0]), unix.Close(ends[1]) })
	go func() {
		for range 40 {
			RawSendUserSignal(RawPID(), reader)
			SleepUntil(Monotonic() + int64(time.Millisecond))
		}
		WriteByte(ends[1])
	}()
	_, polled = PollRead(ends[0], int64(time.Minute))
	_, read = ReadByte(ends[0])
	return polled, read
}

func TestALockWithInheritanceTimesOut(t *testing.T) {
	var word uint32
	locked, release, released := make(chan Errno), make(chan struct{}), make(chan Errno)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		locked <- LockPI(&word, Monotonic()+int64(time.Minute))
		<-release
		released <- RawUnlockPI(&word)
	}()
	if errno := <-locked; errno != 0 {
		t.Fatal(errno)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const patience = 20 * time.Millisecond
	began := Monotonic()
	errno := LockPI(&word, began+int64(patience))
	if waited := time.Duration(Monotonic() - began); errno != TimedOut || waited < patience {
		t.Errorf("%v after %v, want %v after %v", errno, waited, TimedOut, patience)
	}
	if errno := RawUnlockPI(&word); errno != unix.EPERM {
		t.Errorf("releasing another's lock: %v", errno)
	}
	close(release)
	if errno := <-released; errno != 0 {
		t.Errorf("releasing it: %v", errno)
	}
	if errno := LockPI(&word, Monotonic()+int64(time.Minute)); errno != 0 || word&0x3fffffff != uint32(RawTID()) {
		t.Errorf("taking the lock that is free: %v, its word is %#x", errno, word)
	}
}

func TestEventsOfACounter(t *testing.T) {
	counter, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(counter) }()
	instance, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(instance) }()
	if err := unix.EpollCtl(instance, unix.EPOLL_CTL_ADD, counter, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		t.Fatal(err)
	}
	const patience = 20 * time.Millisecond
	began := Monotonic()
	ready, errno := EpollWait(instance, int64(patience))
	if waited := time.Duration(Monotonic() - began); ready || errno != 0 || waited < patience {
		t.Errorf("nothing to wait for: ready %t, %v after %v", ready, errno, waited)
	}
	if n, errno := RawTakeEvents(counter); errno != Again {
		t.Errorf("an empty counter gives %d, %v", n, errno)
	}
	for range 3 {
		if errno := RawAddEvents(counter, 2); errno != 0 {
			t.Fatal(errno)
		}
	}
	if ready, errno := EpollWait(instance, int64(time.Minute)); !ready || errno != 0 {
		t.Errorf("with events: ready %t, %v", ready, errno)
	}
	if n, errno := RawTakeEvents(counter); n != 6 || errno != 0 {
		t.Errorf("took %d, %v; want 6", n, errno)
	}
	if _, errno := EpollWait(-1, 0); errno != unix.EBADF {
		t.Errorf("waiting on nothing: %v", errno)
	}
}
