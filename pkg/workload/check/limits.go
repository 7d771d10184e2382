// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// limits are what is asked of a run, and the figures to hold against it. A limit
// whose figure is not known is not kept: absent is not zero.
type limits struct {
	*spec.Interference
	seen    *interference.Figures
	cgroups []report.Cgroup
	// step says that they are those of a step's hold. What cannot be measured is told of
	// the whole run, and a figure in ticks says little of a short time.
	step bool
	// broken are those that were not kept, each with what was seen.
	broken []string
}

// limited makes a rule of a function that looks at the limits of one reason, over
// the whole run and in the hold of each step.
func limited(look func(*limits)) rule {
	return func(r *report.Report) (string, bool) {
		if r.Limits == nil {
			return "", false
		}
		l := &limits{Interference: r.Limits, seen: r.Interference, cgroups: r.Cgroups}
		if l.seen == nil {
			l.seen = &interference.Figures{}
		}
		look(l)
		for i := range r.Steps {
			if s := &r.Steps[i]; len(l.broken) == 0 && s.End > s.Start && s.Interference != nil {
				in := &limits{Interference: r.Limits, seen: s.Interference, cgroups: s.Cgroups, step: true}
				look(in)
				for _, broken := range in.broken {
					l.broken = append(l.broken, fmt.Sprintf("step %s: %s", s.Name, broken))
				}
			}
		}
		return strings.Join(l.broken, "; "), len(l.broken) > 0
	}
}

func clockStepped(l *limits) {
	if l.MaxClockStep == nil {
		return
	}
	const field = "maxClockStep"
	allowed := l.MaxClockStep.D()
	if moved, ok := known(l, l.seen.ClockStep, "clockStepNanoseconds", field, "how far the wall clock moved"); ok && time.Duration(moved).Abs() > allowed {
		l.breaks("the wall clock moved %v against the monotonic one, more than the %v allowed by interference.%s", time.Duration(moved), allowed, field)
	}
	if slept, ok := known(l, l.seen.Suspended, "suspendedNanoseconds", field, "how long the machine was suspended"); ok && time.Duration(slept) > allowed {
		l.breaks("the machine was suspended for %v, more than the %v allowed by interference.%s", time.Duration(slept), allowed, field)
	}
}

func stolen(l *limits) {
	l.cpu(l.seen.Steal, l.MaxSteal, "stealNanoseconds", "maxSteal", "the CPU time that the hypervisor gave to others", "the hypervisor gave %s CPUs to others on average")
}

func disturbed(l *limits) {
	l.cpu(l.seen.OtherCPU, l.MaxOtherCPU, "otherCPUNanoseconds", "maxOtherCPU", "the CPU time of other processes", "other processes used %s CPUs on average")
	l.cpu(l.seen.Interrupt, l.MaxInterruptCPU, "interruptNanoseconds", "maxInterruptCPU", "the CPU time of interrupts", "interrupts used %s CPUs on average")
	l.pressure(l.seen.MemoryPressure, l.MaxMemoryPressurePercent, "memoryPressureNanoseconds", "maxMemoryPressurePercent", "memory")
	l.pressure(l.seen.IOPressure, l.MaxIOPressurePercent, "ioPressureNanoseconds", "maxIOPressurePercent", "I/O")
}

func slowed(l *limits) {
	if l.MinFrequencyPercent != nil {
		const field = "minFrequencyPercent"
		percent, ok := known(l, l.seen.LowestFrequencyPercent, "lowestFrequencyPercent", field, "the frequency of the CPUs")
		if ok && percent < *l.MinFrequencyPercent {
			l.breaks("a CPU was at %d %% of its highest frequency, less than the %d %% asked for by interference.%s", percent, *l.MinFrequencyPercent, field)
		}
	}
	if l.MaxThermalEvents != nil {
		const field = "maxThermalEvents"
		n, ok := known(l, l.seen.ThermalEvents, "thermalEvents", field, "how often CPUs were throttled for their heat")
		if ok && n > *l.MaxThermalEvents {
			l.breaks("CPUs were throttled for their heat %s, more than the %d allowed by interference.%s", times(n), *l.MaxThermalEvents, field)
		}
	}
}

// throttled looks at every cgroup that has a quota: in others the kernel counts
// no periods, and there is nothing that could be throttled.
func throttled(l *limits) {
	if l.MaxThrottledPercent == nil {
		return
	}
	const field = "maxThrottledPercent"
	for i := range l.cgroups {
		c := &l.cgroups[i]
		if c.Periods == nil || c.Throttled == nil {
			what := fmt.Sprintf("how often cgroup %s was throttled", c.Name)
			if quota := c.Files["cpu.max"]; quota != "" && !strings.HasPrefix(quota, "max") {
				l.unmeasured(field, what, "its cpu.stat tells no periods")
			} else if c.Type == "" {
				l.unmeasured(field, what, "whether it has a quota could not be read")
			}
			continue
		}
		// With no period over, nothing was throttled.
		share := 100 * float64(*c.Throttled) / float64(max(*c.Periods, 1))
		if allowed := float64(*l.MaxThrottledPercent); share > allowed {
			l.breaks("cgroup %s was throttled in %s %% of its %d periods, more than the %s %% allowed by interference.%s",
				c.Name, decimals(share, allowed), *c.Periods, exactly(allowed), field)
		}
	}
}

// cpu holds CPU time against a limit in CPUs on average.
func (l *limits) cpu(seen *int64, limit *quantity.CPUs, name, field, what, says string) {
	if limit == nil {
		return
	}
	ns, ok := known(l, seen, name, field, what)
	if !ok || !l.timePassed(field, what) {
		return
	}
	if l.step {
		ns = max(ns-l.seen.Resolution, 0)
	}
	used, allowed := float64(ns)/float64(l.seen.Elapsed), float64(*limit)/1000
	if used > allowed {
		l.breaks(says+", more than the %s allowed by interference.%s", decimals(used, allowed), exactly(allowed), field)
	}
}

// pressure holds the time some task waited against a limit in percent.
func (l *limits) pressure(seen *int64, limit *int, name, field, resource string) {
	if limit == nil {
		return
	}
	what := "how long tasks waited for " + resource
	ns, ok := known(l, seen, name, field, what)
	if !ok || !l.timePassed(field, what) {
		return
	}
	share, allowed := 100*float64(ns)/float64(l.seen.Elapsed), float64(*limit)
	if share > allowed {
		l.breaks("tasks waited for %s during %s %% of the time, more than the %s %% allowed by interference.%s",
			resource, decimals(share, allowed), exactly(allowed), field)
	}
}

// known is a figure, if it was measured.
func known[T any](l *limits, figure *T, name, field, what string) (value T, ok bool) {
	if figure == nil {
		l.unmeasured(field, what, cmp.Or(l.seen.Absent[name], "the report has no figure of it"))
		return value, false
	}
	return *figure, true
}

// timePassed is false for a run that there can be no average over.
func (l *limits) timePassed(field, what string) bool {
	if l.seen.Elapsed <= 0 {
		l.unmeasured(field, what, "no time passed")
		return false
	}
	return true
}

func (l *limits) unmeasured(field, what, why string) {
	if l.step {
		return
	}
	l.breaks("%s could not be measured, which interference.%s needs: %s", what, field, why)
}

func (l *limits) breaks(format string, args ...any) {
	l.broken = append(l.broken, fmt.Sprintf(format, args...))
}
