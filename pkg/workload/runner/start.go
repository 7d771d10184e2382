// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

const (
	// StartTimeout bounds how long parked workers wait until they are told when to start,
	// and how far ahead that time may be.
	StartTimeout = 10 * time.Minute
	// closeBy is how long before the start the runner wakes up, to start a watchdog where one is needed, to look
	// at the machine, and to sleep the rest without Go's timers.
	closeBy = 100 * time.Millisecond
)

// start is the time at which workers start on the wall clock. Zero: at once.
type start struct{ at time.Time }

// awaitStart waits to be told when to start.
func awaitStart(ctx context.Context, starts <-chan time.Time) (time.Time, error) {
	select {
	case at := <-starts:
		return at, nil
	case <-time.After(StartTimeout):
		return time.Time{}, fmt.Errorf("waiting for the time to start: none came within %v", StartTimeout)
	case <-ctx.Done():
		return time.Time{}, errors.New("waiting for the time to start: the run was stopped")
	}
}

// approach asks when to start, and sleeps until shortly before. A time that has passed
// means at once: the report says how late that was.
func approach(ctx context.Context, startAt func(context.Context) (time.Time, error)) (*start, error) {
	if startAt == nil {
		return &start{}, nil
	}
	at, err := startAt(ctx)
	if err != nil {
		return nil, err
	}
	at = at.Round(0) // nothing but the wall clock
	begun := time.Now()
	if ahead := at.Sub(begun.Round(0)); ahead > StartTimeout {
		return nil, fmt.Errorf("waiting for the time to start: %v is %v ahead by this machine's clock and may be %v: do the clocks agree?", at, ahead, StartTimeout)
	}
	for left := untilWall(at) - closeBy; left > 0; left = untilWall(at) - closeBy {
		if time.Since(begun) > StartTimeout {
			return nil, fmt.Errorf("waiting for the time to start: %v has not come in %v: the clock was set back", at, StartTimeout)
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return nil, errors.New("waiting for the time to start: the run was stopped")
		}
	}
	return &start{at: at}, nil
}

// untilWall is how far ahead a time is on the wall clock, which may have been set meanwhile.
func untilWall(at time.Time) time.Duration { return at.Sub(time.Now().Round(0)) }

// reach sleeps what is left and notes the start, which its caller makes at once.
func (s *start) reach(rep *report.Report) {
	if s.at.IsZero() {
		rep.StartedAt = time.Now()
		return
	}
	// Signals interrupt a sleep. Further ahead than closeBy it can only be if the clock was set back just now.
	for left := untilWall(s.at); left > 0 && left <= closeBy; left = untilWall(s.at) {
		ts := unix.NsecToTimespec(left.Nanoseconds())
		_ = unix.Nanosleep(&ts, nil)
	}
	rep.StartedAt = time.Now()
	rep.Synchronized = &report.Synchronized{Planned: s.at, Late: rep.StartedAt.Round(0).Sub(s.at).Nanoseconds()}
}
