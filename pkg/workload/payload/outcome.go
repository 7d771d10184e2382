// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Class tells apart how a program ended.
type Class string

// Classes.
const (
	// Succeeded is by itself, with an exit code of success.
	Succeeded Class = "Succeeded"
	// Failed is by itself, with another exit code.
	Failed Class = "Failed"
	// Crashed is by a signal that we did not send.
	Crashed Class = "Crashed"
	// Stopped is after the stop signal, which it got because it had not ended by itself
	// within its grace.
	Stopped Class = "Stopped"
	// Killed is by SIGKILL, because the stop signal did not end it in time, or on order.
	Killed Class = "Killed"
	// NotExecuted is a program that never began.
	NotExecuted Class = "NotExecuted"
	// Unknown is that nobody knows.
	Unknown Class = "Unknown"
)

// Exit is how a program ended.
type Exit struct {
	Class Class `json:"class"`
	// Code is its exit code, where it had one.
	Code *int `json:"code,omitempty"`
	// Signal is the one that ended it, such as SEGV.
	Signal string `json:"signal,omitempty"`
	// Text says it in words.
	Text string `json:"text"`
}

// Did says whether the program worked as long as it was to: until it was done, or until it was stopped.
func (e *Exit) Did() bool { return e.Class == Succeeded || e.Class == Stopped }

// Ended is what is known of a program's end.
type Ended struct {
	// Status is nil if nobody knows it.
	Status *unix.WaitStatus
	// NotExecuted is why it could not be executed; empty, it was.
	NotExecuted string
	// Told is the stop signal it got, 0 if it needed none.
	Told unix.Signal
	// Killed says that it got SIGKILL from us.
	Killed bool
	// Otherwise is what else is known where there is no status.
	Otherwise string
}

// Classify says how a program ended. success tells exit codes of success.
func Classify(e Ended, success func(code int) bool) Exit {
	switch {
	case e.NotExecuted != "":
		return Exit{Class: NotExecuted, Text: e.NotExecuted}
	case e.Status == nil && e.Killed:
		return Exit{Class: Killed, Text: e.Otherwise}
	case e.Status == nil:
		return Exit{Class: Unknown, Text: e.Otherwise}
	}
	x := Exit{Class: Crashed}
	switch s := *e.Status; {
	case s.Exited():
		x.Code, x.Text = new(s.ExitStatus()), fmt.Sprintf("exited with %d", s.ExitStatus())
		x.Class = Failed
		if success(s.ExitStatus()) {
			x.Class = Succeeded
		}
	case s.Signaled():
		x.Signal, x.Text = nameOf(s.Signal()), "ended by SIG"+nameOf(s.Signal())
		if s.CoreDump() {
			x.Text += ", core dumped"
		}
	default:
		return Exit{Class: Unknown, Text: fmt.Sprintf("ended with wait status %#x", uint32(s))}
	}
	switch {
	case e.Killed && x.Signal == nameOf(unix.SIGKILL):
		x.Class, x.Text = Killed, "killed"
		if e.Told != 0 {
			x.Text = fmt.Sprintf("killed because SIG%s did not end it in time", nameOf(e.Told))
		}
	case e.Told != 0:
		x.Class, x.Text = Stopped, fmt.Sprintf("stopped with SIG%s: %s", nameOf(e.Told), x.Text)
	}
	return x
}

// nameOf is a signal's name without its SIG.
func nameOf(s unix.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name[len("SIG"):]
	}
	return fmt.Sprint(int(s)) // a real-time signal
}
