// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestClassify(t *testing.T) {
	exited := func(code int) *unix.WaitStatus { return new(unix.WaitStatus(code << 8)) }
	by := func(s unix.Signal) *unix.WaitStatus { return new(unix.WaitStatus(s)) }
	success := func(code int) bool { return code == 0 || code == 3 }
	for name, tc := range map[string]struct {
		ended Ended
		want  Exit
		did   bool
	}{
		"by itself":             {Ended{Status: exited(0)}, Exit{Succeeded, new(0), "", "exited with 0"}, true},
		"with another success":  {Ended{Status: exited(3)}, Exit{Succeeded, new(3), "", "exited with 3"}, true},
		"with a failure":        {Ended{Status: exited(71)}, Exit{Failed, new(71), "", "exited with 71"}, false},
		"by a crash":            {Ended{Status: by(unix.SIGSEGV)}, Exit{Crashed, nil, "SEGV", "ended by SIGSEGV"}, false},
		"by a crash with core":  {Ended{Status: by(unix.SIGABRT | 0x80)}, Exit{Crashed, nil, "ABRT", "ended by SIGABRT, core dumped"}, false},
		"by a real-time signal": {Ended{Status: by(40)}, Exit{Crashed, nil, "40", "ended by SIG40"}, false},
		"killed by someone":     {Ended{Status: by(unix.SIGKILL)}, Exit{Crashed, nil, "KILL", "ended by SIGKILL"}, false},
		"by the stop signal":    {Ended{Status: by(unix.SIGTERM), Told: unix.SIGTERM}, Exit{Stopped, nil, "TERM", "stopped with SIGTERM: ended by SIGTERM"}, true},
		"after the stop signal": {Ended{Status: exited(143), Told: unix.SIGINT}, Exit{Stopped, new(143), "", "stopped with SIGINT: exited with 143"}, true},
		"with the stop signal KILL": {
			Ended{Status: by(unix.SIGKILL), Told: unix.SIGKILL}, Exit{Stopped, nil, "KILL", "stopped with SIGKILL: ended by SIGKILL"}, true,
		},
		"killed, as it did not stop": {
			Ended{Status: by(unix.SIGKILL), Told: unix.SIGTERM, Killed: true}, Exit{Killed, nil, "KILL", "killed because SIGTERM did not end it in time"}, false,
		},
		"killed on order":                 {Ended{Status: by(unix.SIGKILL), Killed: true}, Exit{Killed, nil, "KILL", "killed"}, false},
		"by itself, just before a kill":   {Ended{Status: exited(0), Killed: true}, Exit{Succeeded, new(0), "", "exited with 0"}, true},
		"not reaped":                      {Ended{Killed: true, Otherwise: "still there after SIGKILL"}, Exit{Killed, nil, "", "still there after SIGKILL"}, false},
		"nobody knows how":                {Ended{Otherwise: "nobody knows"}, Exit{Unknown, nil, "", "nobody knows"}, false},
		"without having begun":            {Ended{Status: exited(0), NotExecuted: "no such file"}, Exit{NotExecuted, nil, "", "no such file"}, false},
		"with a status that says nothing": {Ended{Status: new(unix.WaitStatus(0x137f))}, Exit{Unknown, nil, "", "ended with wait status 0x137f"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := Classify(tc.ended, success)
			if diff := cmp.Diff(tc.want, got); diff != "" || got.Did() != tc.did {
				t.Errorf("did %v, want %v (-want +got):\n%s", got.Did(), tc.did, diff)
			}
		})
	}
}

func TestSignals(t *testing.T) {
	if want := []string{"TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "KILL"}; !slices.Equal(Signals(), want) {
		t.Errorf("signals %q, want %q", Signals(), want)
	}
	if s, ok := Signal("USR2"); !ok || s != unix.SIGUSR2 {
		t.Errorf("USR2 is %v, %v", s, ok)
	}
	for _, name := range []string{"", "SIGTERM", "STOP", "term"} {
		if s, ok := Signal(name); ok {
			t.Errorf("%q is %v", name, s)
		}
	}
}
