// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package hotplug

import (
	"github.com/schedfleet/schedfleet/pkg/workload/watchdog"
)

// Undo is what a watchdog has to do when the run is gone: what to write to which file, and the journal, which it
// holds and empties. The files stay those of c. Of nil it is nothing.
func (c *CPUs) Undo() *watchdog.Undo {
	if c == nil {
		return nil
	}
	u := &watchdog.Undo{Journal: c.journal.file}
	for _, id := range sorted(c.cpus) {
		u.Settings = append(u.Settings, watchdog.Setting{File: c.cpus[id].file, Value: byte(c.cpus[id].before)})
	}
	return u
}
