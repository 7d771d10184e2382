// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import "golang.org/x/sys/unix"

// signals are those that may end a program.
var signals = []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2, unix.SIGKILL}

// Signals are the names of the signals that may end a program.
func Signals() []string {
	var names []string
	for _, s := range signals {
		names = append(names, nameOf(s))
	}
	return names
}

// Signal is the signal of a name such as TERM.
func Signal(name string) (unix.Signal, bool) {
	for _, s := range signals {
		if nameOf(s) == name {
			return s, true
		}
	}
	return 0, false
}
