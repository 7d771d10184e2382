// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import "time"

// Defaults of Timings.
const (
	// DefaultStatusInterval is the least time between two status writes of one Workload.
	DefaultStatusInterval = time.Second
	// DefaultLeaseDuration holds where a Lease does not say how long it lasts, and
	// for an agent that has no Lease at all, from when its Lease was missed.
	DefaultLeaseDuration = 30 * time.Second
	// DefaultLostGrace is how long after its Lease expired a node is given up. It
	// covers a renewal that is on its way. With the agents' 30 s Leases, a
	// verdict falls 35 s after the last renewal was seen.
	DefaultLostGrace = 5 * time.Second
	// DefaultContactGrace is how long the manager has to be in touch with the API
	// server before it gives up a node: agents renew every 10 s, and those that
	// could not for an outage are to be heard first.
	DefaultContactGrace = 15 * time.Second
	// DefaultDeadlineGrace is how long NodeRuns may take to end once
	// spec.deadline has passed.
	DefaultDeadlineGrace = 30 * time.Second
	// DefaultCleanupTimeout is how long a deleted Workload waits for its NodeRuns
	// to end on their nodes.
	DefaultCleanupTimeout = time.Minute
	// DefaultWaitingRecheck is how often the nodes are looked at for Workloads that
	// wait, even if nothing has happened.
	DefaultWaitingRecheck = 30 * time.Second
)

const (
	// staleCacheRetry is when to look again after the cache was found behind.
	staleCacheRetry = 100 * time.Millisecond
	// gatherDelay gathers events before a pass looks at what they tell: thousands
	// of NodeRuns may end at a time.
	gatherDelay = 50 * time.Millisecond
	// gatherShare is how much longer for each NodeRun that a pass looks at.
	gatherShare = 50 * time.Microsecond
	// maxTold is how many waiting Workloads, the first in the queue, are told at once what
	// they wait for when nodes come and go. The others look by themselves, each as seldom
	// as recheckShare times the length of the queue: 20 a second at most.
	maxTold      = 20
	recheckShare = 50 * time.Millisecond
	// contactTimeout and contactRetry are for asking an API server that may be out
	// of reach.
	contactTimeout = 5 * time.Second
	contactRetry   = time.Second
	// pulseInterval is how often it is asked while nothing is wrong.
	pulseInterval = 5 * time.Second
	// passTimeout bounds a pass. Its longest part is creating or deleting NodeRuns by the thousand.
	passTimeout = 2 * time.Minute
	// assumptionLifetime bounds how long a NodeRun is believed in that the cache
	// has never shown, such as one that was deleted at once.
	assumptionLifetime = 30 * time.Second
	// firstErrorBackoff and lastErrorBackoff bound the retries of failed passes.
	firstErrorBackoff = 50 * time.Millisecond
	lastErrorBackoff  = 30 * time.Second
)

// Timings are the delays of the controller. Zero means the default.
type Timings struct {
	StatusInterval time.Duration
	LeaseDuration  time.Duration
	LostGrace      time.Duration
	ContactGrace   time.Duration
	DeadlineGrace  time.Duration
	CleanupTimeout time.Duration
	WaitingRecheck time.Duration
}

func (t Timings) withDefaults() Timings {
	for _, d := range []struct {
		field   *time.Duration
		instead time.Duration
	}{
		{&t.StatusInterval, DefaultStatusInterval},
		{&t.LeaseDuration, DefaultLeaseDuration},
		{&t.LostGrace, DefaultLostGrace},
		{&t.ContactGrace, DefaultContactGrace},
		{&t.DeadlineGrace, DefaultDeadlineGrace},
		{&t.CleanupTimeout, DefaultCleanupTimeout},
		{&t.WaitingRecheck, DefaultWaitingRecheck},
	} {
		if *d.field == 0 {
			*d.field = d.instead
		}
	}
	return t
}
