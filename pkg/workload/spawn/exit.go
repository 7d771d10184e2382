// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Exit is how a worker's task ended.
type Exit struct {
	// Reaped says that the task is gone and Status its last word.
	Reaped bool
	Status unix.WaitStatus
	// Killed says that we killed it because it did not stop in time.
	Killed bool
}

// String says it in words.
func (e Exit) String() string {
	switch {
	case !e.Reaped:
		return "still there after SIGKILL"
	case e.Status.Exited():
		return describeCode(e.Status.ExitStatus())
	case e.Killed:
		return "killed because it did not stop in time"
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

// Clean says whether the task left by itself, in good order.
func (e Exit) Clean() bool {
	return e.Reaped && e.Status.Exited() && e.Status.ExitStatus() == exitDone
}
