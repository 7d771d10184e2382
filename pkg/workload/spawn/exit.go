// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Killed says why we killed a task.
type Killed int

// Reasons to kill.
const (
	NotKilled     Killed = iota
	KilledLate           // it did not stop in time
	KilledOnOrder        // by Kill
)

// Exit is how the process of a worker ended. Threads of one host share it.
type Exit struct {
	// Reaped says that the process is gone and Status its last word.
	Reaped bool
	Status unix.WaitStatus
	// Lost is why nobody knows how it ended, 0 otherwise.
	Lost   unix.Errno
	Killed Killed
	// Told is the stop signal that a program got, 0 without.
	Told unix.Signal
	// At is when it was reaped, on CLOCK_MONOTONIC in ns, Usage what it and the children it
	// waited for had used.
	At    int64
	Usage unix.Rusage
}

// String says it in words.
func (e Exit) String() string {
	switch {
	case e.Lost != 0:
		return fmt.Sprintf("ended, nobody knows how: wait4: %v", e.Lost)
	case !e.Reaped && e.Killed != NotKilled:
		return "still there after SIGKILL"
	case !e.Reaped:
		return "still there"
	case e.Status.Exited() && e.Killed == KilledLate:
		return describeCode(e.Status.ExitStatus()) + ", too late"
	case e.Status.Exited():
		return describeCode(e.Status.ExitStatus())
	case e.Killed == KilledLate && e.Status.Signal() == unix.SIGKILL:
		return "killed because it did not stop in time"
	case e.Killed == KilledOnOrder && e.Status.Signal() == unix.SIGKILL:
		return "killed on order"
	case e.Status.Signaled():
		core := ""
		if e.Status.CoreDump() {
			core = ", core dumped"
		}
		return fmt.Sprintf("killed by signal %d (%s%s)", int(e.Status.Signal()), unix.SignalName(e.Status.Signal()), core)
	default:
		return fmt.Sprintf("ended with wait status %#x", uint32(e.Status))
	}
}

func describeCode(code int) string {
	meaning := ""
	switch code {
	case exitOrphan:
		meaning = ": the runner was gone"
	case exitAborted:
		meaning = ": told to leave before the start"
	case exitPanic:
		meaning = ": its code failed"
	case exitSetup:
		meaning = ": set-up failed"
	}
	return fmt.Sprintf("exited with %d%s", code, meaning)
}

// Ended says whether the process is gone.
func (e Exit) Ended() bool { return e.Reaped || e.Lost != 0 }

// Clean says whether the process left by itself, in time and in good order.
func (e Exit) Clean() bool {
	return e.Reaped && e.Killed == NotKilled && e.Status.Exited() && e.Status.ExitStatus() == exitDone
}
