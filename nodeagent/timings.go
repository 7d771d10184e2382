// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"math/rand/v2"
	"time"
)

// Defaults of Timings.
const (
	// DefaultLeaseDuration is how long a heartbeat counts.
	DefaultLeaseDuration = 30 * time.Second
	// DefaultLeaseRenewal is the time between heartbeats.
	DefaultLeaseRenewal = 10 * time.Second
	// DefaultRefresh is how often an idle agent looks whether the machine has changed.
	DefaultRefresh = time.Minute
	// DefaultNodeCheck is how often an idle agent looks whether its TestNode still stands.
	DefaultNodeCheck = time.Minute
	// DefaultFirstRetry and DefaultLastRetry bound the back-off after errors.
	DefaultFirstRetry = 500 * time.Millisecond
	DefaultLastRetry  = 30 * time.Second
	// DefaultSinkWait is how long a status waits for the raw report to be stored.
	DefaultSinkWait = 2 * time.Minute
)

// DefaultStartWait is how long parked workers wait for the common start: as long as the slowest
// node of a large gang may take to get there, with one replacement of a lost one.
const DefaultStartWait = 5 * time.Minute

const (
	// requestTimeout bounds each request to the API server.
	requestTimeout = 10 * time.Second
	// heartbeatRetry is the pause after a heartbeat that failed: a Lease allows for several.
	heartbeatRetry = 2 * time.Second
)

// Timings are the delays of an agent. Zero means the default.
type Timings struct {
	LeaseDuration, LeaseRenewal time.Duration
	Refresh, NodeCheck          time.Duration
	FirstRetry, LastRetry       time.Duration
	SinkWait, StartWait         time.Duration
}

func (t Timings) withDefaults() Timings {
	for _, d := range []struct {
		field   *time.Duration
		instead time.Duration
	}{
		{&t.LeaseDuration, DefaultLeaseDuration},
		{&t.LeaseRenewal, DefaultLeaseRenewal},
		{&t.Refresh, DefaultRefresh},
		{&t.NodeCheck, DefaultNodeCheck},
		{&t.FirstRetry, DefaultFirstRetry},
		{&t.LastRetry, DefaultLastRetry},
		{&t.SinkWait, DefaultSinkWait},
		{&t.StartWait, DefaultStartWait},
	} {
		if *d.field == 0 {
			*d.field = d.instead
		}
	}
	return t
}

// backoff is the pause after so many failures in a row: doubled each time,
// bounded, and spread so that the agents of a fleet do not come back together.
func (t Timings) backoff(failures int) time.Duration {
	pause := t.FirstRetry
	for range failures - 1 {
		if pause *= 2; pause >= t.LastRetry {
			pause = t.LastRetry
			break
		}
	}
	return pause/2 + rand.N(pause/2+1)
}
