// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// server is a small schbench.
func server(change func(k *work.Schbench)) *work.Schbench {
	k := &work.Schbench{MessageThreads: 1, WorkerThreads: 2, CacheFootprint: 4 << 10, Operations: new(int64(2)), Sleep: us(100)}
	if change != nil {
		change(k)
	}
	return k
}

// role is the set's workers of a role.
func (s *set) role(name string) (of []int) {
	at := 0
	for _, r := range s.shape.Roles {
		for range r.Workers {
			if r.Name == name {
				of = append(of, at)
			}
			at++
		}
	}
	return of
}

// of adds up what workers of a role did and recorded.
func (s *set) of(role string, histogram int) (iterations uint64, h *telemetry.Histogram) {
	h = telemetry.NewHistogram(nil, 0, 0)
	for _, i := range s.role(role) {
		iterations += s.arena.Record(i, 0).Iterations()
		h.Merge(s.arena.ReadHistogram(i, 0, histogram))
	}
	return iterations, h
}

const (
	wakeups  = 0
	requests = 1
	rates    = 2
)

// Every request is timed, and in a closed loop every one follows a wake; a request contains its sleep.
func TestSchbenchRequests(t *testing.T) {
	for name, k := range map[string]*work.Schbench{
		"a closed loop":            server(nil),
		"two message threads":      server(func(k *work.Schbench) { k.MessageThreads = 2 }),
		"without locks":            server(func(k *work.Schbench) { k.SkipLocking = true }),
		"matrices shared in part":  server(func(k *work.Schbench) { k.SplitPercent = new(int32(50)) }),
		"matrices shared in whole": server(func(k *work.Schbench) { k.SplitPercent = new(int32(0)) }),
	} {
		t.Run(name, func(t *testing.T) {
			s := startSet(t, k)
			// Nobody is forgotten, however late the machine lets one work.
			if !s.await(func() bool {
				n, _ := s.of("worker", requests)
				return n >= 200 && !slices.ContainsFunc(s.role("worker"), func(i int) bool { return s.arena.Record(i, 0).Iterations() < 20 })
			}) {
				t.Fatal("no requests, or a worker was forgotten")
			}
			s.stop(t)
			n, times := s.of("worker", requests)
			_, woken := s.of("worker", wakeups)
			// A worker that the stop met in its request has one wake more.
			if times.Count() != n || woken.Count() < n || woken.Count() > n+uint64(len(s.role("worker"))) {
				t.Errorf("%d requests, %d of them timed, after %d wakes", n, times.Count(), woken.Count())
			}
			if shortest := time.Duration(times.Min()); shortest < 100*time.Microsecond {
				t.Errorf("the shortest request took %v", shortest)
			}
		})
	}
}

// At a rate, requests are sent whether or not the workers ask, and no faster.
func TestSchbenchRate(t *testing.T) {
	wrong := "it was never tried"
	for try := 0; try < 3 && wrong != ""; try++ { // a busy machine may keep it from its rate
		wrong = ""
		s := startSet(t, server(func(k *work.Schbench) { k.RequestsPerSecond, k.MessageThreads = 500, 2 }))
		began := time.Now()
		if !s.await(func() bool { _, h := s.of("control", rates); return h.Count() > 0 }) {
			t.Fatal("no rate within seconds")
		}
		s.stop(t)
		n, _ := s.of("worker", requests)
		if most := uint64(time.Since(began).Seconds()*500) + 2; n > most || n < most*3/4 {
			wrong = fmt.Sprintf("%d requests in %v, want %d", n, time.Since(began), most)
		}
		if _, h := s.of("control", rates); h.Max() > 510 || h.Min() < 400 {
			wrong += fmt.Sprintf(" %d to %d requests per second", h.Min(), h.Max())
		}
	}
	if wrong != "" {
		t.Error(wrong)
	}
}

// Overload makes requests wait, not their number grow: workers do what they can.
func TestSchbenchOverload(t *testing.T) {
	s := startSet(t, server(func(k *work.Schbench) { k.RequestsPerSecond, *k.Sleep = 1_000_000, *us(1000) }))
	if !s.await(func() bool { n, _ := s.of("worker", requests); return n >= 300 }) {
		t.Fatal("no requests")
	}
	s.stop(t)
	n, times := s.of("worker", requests)
	_, woken := s.of("worker", wakeups)
	if times.Count() != n || woken.Count() > n/10 {
		t.Errorf("%d requests, %d timed; with so much to do workers waited %d times", n, times.Count(), woken.Count())
	}
}

// The search for a rate ends where the machine is as busy as asked for, and only what comes then is recorded.
func TestSchbenchAutoRate(t *testing.T) {
	s := startSet(t, server(func(k *work.Schbench) { k.AutoRatePercent = 100 }))
	// A machine of which more than 5 % is idle at 10 requests per second has no hit in its first second.
	if !s.await(func() bool { n, _ := s.of("control", rates); return n >= 2 }) {
		t.Fatal("the control thread does nothing")
	}
	s.stop(t)
	n, times := s.of("worker", requests)
	if n == 0 || times.Count() >= n {
		t.Errorf("of %d requests %d were recorded", n, times.Count())
	}
}

// In pipe mode there is nothing but wakes.
func TestSchbenchPipe(t *testing.T) {
	s := startSet(t, server(func(k *work.Schbench) { k.PipeTransfer = 5000 }))
	if !s.await(func() bool { _, h := s.of("control", rates); return h.Count() > 0 }) {
		t.Fatal("no rate within seconds")
	}
	s.stop(t)
	n, times := s.of("worker", requests)
	_, woken := s.of("worker", wakeups)
	_, rate := s.of("control", rates)
	if times.Count() != 0 || woken.Count() < n || rate.Max() > n*3/4 {
		t.Errorf("%d wakes, %d recorded, %d requests, %d per second and worker", n, woken.Count(), times.Count(), rate.Max())
	}
}

func TestSchbenchParametersOutOfBounds(t *testing.T) {
	for want, change := range map[string]func(k *work.Schbench){
		"messageThreads must be 1 to 1024, not 0":                     func(k *work.Schbench) { k.MessageThreads = 0 },
		"workerThreads must be 0 to 4096, not -1":                     func(k *work.Schbench) { k.WorkerThreads = -1 },
		"cacheFootprint must be 4Ki to 64Mi, not 1Ki":                 func(k *work.Schbench) { k.CacheFootprint = 1 << 10 },
		"operations must be 0 to":                                     func(k *work.Schbench) { k.Operations = nil },
		"sleep must be 0s to 1h":                                      func(k *work.Schbench) { k.Sleep = nil },
		"splitPercent must be 0 to 100, not 101":                      func(k *work.Schbench) { k.SplitPercent = new(int32(101)) },
		"pipeTransfer must be 0 to 1Mi, not 2Mi":                      func(k *work.Schbench) { k.PipeTransfer = 2 << 20 },
		"requestsPerSecond must be 0 to 1000000, not -1":              func(k *work.Schbench) { k.RequestsPerSecond = -1 },
		"autoRatePercent must be 0 to 100, not 101":                   func(k *work.Schbench) { k.AutoRatePercent = 101 },
		"autoRatePercent finds the rate that requestsPerSecond":       func(k *work.Schbench) { k.AutoRatePercent, k.RequestsPerSecond = 1, 1 },
		"pipeTransfer has no requests to send at a rate: set neither": func(k *work.Schbench) { k.PipeTransfer, k.RequestsPerSecond = 1, 1 },
	} {
		if err := server(change).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := server(nil).Validate(); err != nil {
		t.Error(err)
	}
}

// The workers share out what CPUs there are, and a message thread has at least one.
func TestSchbenchOn(t *testing.T) {
	for _, tc := range []struct{ messages, workers, cpus, want int32 }{
		{1, 0, 8, 8}, {3, 0, 8, 3}, {16, 0, 8, 1}, {2, 5, 8, 5},
	} {
		k := (&work.Schbench{MessageThreads: tc.messages, WorkerThreads: tc.workers}).On(int(tc.cpus))
		if got := k.(*work.Schbench).WorkerThreads; got != tc.want {
			t.Errorf("%d message threads with %d workers each on %d CPUs have %d", tc.messages, tc.workers, tc.cpus, got)
		}
		shape := k.Shape()
		all := 0
		for _, r := range shape.Roles {
			all += r.Workers
		}
		if want := int(1 + tc.messages + tc.messages*tc.want); shape.SetSize != want || all != want || !shape.OneProcess {
			t.Errorf("%+v has %d threads, %d of them with a role, want %d", k, shape.SetSize, all, want)
		}
	}
}
