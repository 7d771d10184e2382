// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// first is the nice value of whoever goes before all other tasks that are not real-time.
const first = -20

// StepDown keeps the calling goroutine on a thread that is not real-time, which ends with it. It is
// for whoever waits for processes with threads. To reap one, the kernel forgets what /proc knows of it, and
// turns on the spot while the last thread, which tells of its end first, does the same for itself. A
// real-time thread would keep that one from the CPU for as long as the kernel lets it, which is most
// of a second.
func StepDown() {
	runtime.LockOSThread()
	// Where that fails, the process was not real-time in the first place.
	_ = RawSetScheduler(0, PolicyOther, 0)
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, first)
}
