// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"slices"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

// maxLimitCPUs is the most CPUs a limit can name: what Linux can be built for.
const maxLimitCPUs = quantity.CPUs((maxCPU + 1) * 1000)

func (l *Interference) validate() error {
	if l == nil {
		return nil
	}
	if *l == (Interference{}) {
		return errors.New("maxOtherCPU: nothing is set: leave interference out")
	}
	for _, c := range []struct {
		field string
		limit *quantity.CPUs
	}{{"maxOtherCPU", l.MaxOtherCPU}, {"maxSteal", l.MaxSteal}, {"maxInterruptCPU", l.MaxInterruptCPU}} {
		if c.limit != nil && (*c.limit < 0 || *c.limit > maxLimitCPUs) {
			return fmt.Errorf("%s: must be 0 to %v CPUs, not %v", c.field, maxCPU+1, *c.limit)
		}
	}
	for _, p := range []struct {
		field  string
		limit  *int
		lowest int
	}{
		{"maxMemoryPressurePercent", l.MaxMemoryPressurePercent, 0}, {"maxIOPressurePercent", l.MaxIOPressurePercent, 0},
		{"minFrequencyPercent", l.MinFrequencyPercent, 1}, {"maxThrottledPercent", l.MaxThrottledPercent, 0},
	} {
		if err := within(p.field, p.limit, p.lowest, 100); err != nil {
			return err
		}
	}
	if l.MaxThermalEvents != nil && *l.MaxThermalEvents < 0 {
		return fmt.Errorf("maxThermalEvents: must be at least 0, not %d", *l.MaxThermalEvents)
	}
	if l.MaxClockStep != nil && *l.MaxClockStep <= 0 {
		return fmt.Errorf("maxClockStep: must be above 0s, not %v", *l.MaxClockStep)
	}
	return nil
}

// validateThrottled checks that what is limited can happen.
func (r *Run) validateThrottled() error {
	if r.Interference == nil || r.Interference.MaxThrottledPercent == nil ||
		slices.ContainsFunc(r.Cgroups, func(c Cgroup) bool { return c.CPU != nil && c.CPU.Quota != nil }) {
		return nil
	}
	return errors.New("interference.maxThrottledPercent: no cgroup has a cpu.quota, so none can be throttled: leave it out")
}

// within checks a number that may be unset.
func within(field string, n *int, lowest, highest int) error {
	if n != nil && (*n < lowest || *n > highest) {
		return fmt.Errorf("%s: must be %d to %d, not %d", field, lowest, highest, *n)
	}
	return nil
}
