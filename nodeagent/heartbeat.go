// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"time"
)

// heartbeat renews the node's Lease until ctx ends, during runs as well.
func (a *Agent) heartbeat(ctx context.Context) {
	began := time.Now()
	failing := false
	for first := true; ctx.Err() == nil; {
		pause := a.opts.Timings.LeaseRenewal
		err := a.api.renewLease(ctx, began, time.Now(), a.opts.Timings.LeaseDuration)
		switch {
		case err != nil && ctx.Err() == nil:
			pause = min(pause, heartbeatRetry)
			a.metrics.heartbeatFailures.Inc()
			if !failing {
				a.log.Error(err, "heartbeat failed; trying on")
			}
			failing = true
		case err == nil:
			if failing {
				a.log.Info("heartbeat is back")
			}
			failing = false
			if first {
				close(a.beating)
			}
			first = false
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}
