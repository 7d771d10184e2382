// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// at answers with a time, the way a client's caller does.
func at(when time.Time) func(context.Context) (time.Time, error) {
	return func(context.Context) (time.Time, error) { return when, nil }
}

func TestWorkersStartAtTheTimeTheyAreGiven(t *testing.T) {
	for name, ahead := range map[string]time.Duration{
		"that is to come":                300 * time.Millisecond,
		"that has passed: at once, late": -time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			j := job(t, 50*time.Millisecond)
			var planned time.Time
			j.StartAt = func(context.Context) (time.Time, error) {
				planned = time.Now().Add(ahead)
				return planned, nil
			}
			var events []EventType
			rep, err := client().Run(t.Context(), j, func(ev Event) { events = append(events, ev.Type) })
			if err != nil {
				t.Fatal(err)
			}
			if want := []EventType{EventPrepared, EventStarted, EventReport}; !slices.Equal(events, want) {
				t.Errorf("events %v, want %v", events, want)
			}
			s := rep.Synchronized
			if s == nil || !s.Planned.Equal(planned) {
				t.Fatalf("it was to start at %v and says %+v", planned, s)
			}
			if rep.StartedAt.Before(planned) {
				t.Errorf("it started at %v, before %v", rep.StartedAt, planned)
			}
			if got := rep.StartedAt.Sub(planned).Nanoseconds(); got != s.Late {
				t.Errorf("it says it was %d ns late, and was %d", s.Late, got)
			}
			t.Logf("late by %v, and its last worker %v more", time.Duration(s.Late), time.Duration(rep.StartSkew))
			assertNothingLeft(t, j)
		})
	}
}

func TestARunWithoutATimeToStartMeasuresNothing(t *testing.T) {
	refused := errors.New("the others are not ready")
	for name, tc := range map[string]struct {
		startAt func(context.Context) (time.Time, error)
		want    string
	}{
		"there is none": {func(context.Context) (time.Time, error) { return time.Time{}, refused }, refused.Error()},
		"too far ahead": {at(time.Now().Add(2 * StartTimeout)), "do the clocks agree?"},
	} {
		t.Run(name, func(t *testing.T) {
			j := job(t, 50*time.Millisecond)
			j.StartAt = tc.startAt
			rep, err := client().Run(t.Context(), j, nil)
			if rep != nil || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %+v, %v; want an error with %q", rep, err, tc.want)
			}
			assertNothingLeft(t, j)
		})
	}
}

// Nobody waits in vain: one that is told to stop asks no more.
func TestARunIsStoppedWhileItWaitsToStart(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"until it is told when": 0, "until the time has come": StartTimeout / 2} {
		t.Run(name, func(t *testing.T) {
			j := job(t, 50*time.Millisecond)
			ctx, cancel := context.WithCancel(t.Context())
			j.StartAt = func(waiting context.Context) (time.Time, error) {
				if cancel(); ahead == 0 {
					<-waiting.Done()
					return time.Time{}, waiting.Err()
				}
				return time.Now().Add(ahead), nil
			}
			rep, err := client().Run(ctx, j, nil)
			var setup *SetupError
			if rep != nil || !errors.As(err, &setup) || !strings.Contains(err.Error(), "the run was stopped") {
				t.Errorf("got %+v, %v", rep, err)
			}
			assertNothingLeft(t, j)
		})
	}
}
