// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package watchdog

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

const (
	// undoTimeout bounds the attempts at a setting that the kernel refuses, undoPause is between two.
	undoTimeout = 2 * time.Second
	undoPause   = 20 * time.Millisecond
)

// undo puts the settings back and says what there is to say of it, for the end of a sentence. It comes after
// the kill: what the kernel does for a setting may take tasks that the run starves.
func (o *orders) undo() string {
	if len(o.settings) == 0 {
		return ""
	}
	said, failed := "", 0
	for i, value := range o.settings {
		if err := putBack(settingFD+i, value); err != nil {
			if failed++; failed == 1 {
				said = fmt.Sprintf("; putting setting %d of %d back: %v", i+1, len(o.settings), err)
			}
		}
	}
	if failed > 0 {
		return said + fmt.Sprintf("; %d settings are not as they were", failed)
	}
	if err := unix.Ftruncate(journalFD, 0); err != nil {
		return fmt.Sprintf("; put back what it had changed of the machine; emptying the journal: %v", err)
	}
	return "; put back what it had changed of the machine"
}

// putBack writes a digit until it reads so.
func putBack(fd int, value byte) error {
	digit := []byte{value}
	for deadline := sys.Monotonic() + undoTimeout.Nanoseconds(); ; {
		if is, errno := readDigit(fd); errno == 0 && is == value {
			return nil
		}
		_, errno := sys.WriteAt(fd, digit, 0)
		is, readErrno := readDigit(fd)
		switch {
		case readErrno == 0 && is == value:
			return nil
		case sys.Monotonic() < deadline:
			_ = sys.SleepUntil(sys.Monotonic() + undoPause.Nanoseconds())
		case errno != 0:
			return fmt.Errorf("writing %c: %w", value, errno)
		case readErrno != 0:
			return fmt.Errorf("reading it back: %w", readErrno)
		default:
			return fmt.Errorf("it reads %c after %c was written", is, value)
		}
	}
}

func readDigit(fd int) (byte, sys.Errno) {
	var digit [1]byte
	n, errno := sys.ReadAt(fd, digit[:], 0)
	if errno == 0 && n != 1 {
		errno = unix.ENODATA
	}
	return digit[0], errno
}
