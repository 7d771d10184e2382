// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
)

// figuresOf are the figures of one worker's phase, or of all its phases.
func figuresOf(p spawn.Phase, started int64) Figures {
	f := p.Figures
	out := Figures{
		Iterations: f.Iterations, WorkUnits: f.WorkUnits, Migrations: f.TotalMigrations(), Wall: f.Wall, CPU: f.CPU,
		Voluntary: f.Voluntary, Involuntary: f.Involuntary, CPUs: cpuset.New(p.CPUs...).String(), Pages: f.Pages,
	}
	for d, n := range f.Migrations {
		if n > 0 {
			count(&out.MigrationsBy, arena.Distance(d).String(), n)
		}
	}
	if f.MaxGap > 0 {
		out.MaxGap, out.MaxGapCPU, out.MaxGapAt = f.MaxGap, f.MaxGapCPU, f.MaxGapAt-started
	}
	if f.Schedstat {
		out.RunDelay, out.SchedCPU, out.TimesScheduled = &f.RunDelay, &f.SchedCPU, &f.RunCount
	}
	return out
}

// add adds the figures of another worker. CPUs are not among them: see sum.
func (f *Figures) add(other *Figures) {
	f.Iterations += other.Iterations
	f.WorkUnits += other.WorkUnits
	f.Migrations += other.Migrations
	f.Wall += other.Wall
	f.CPU += other.CPU
	f.Voluntary += other.Voluntary
	f.Involuntary += other.Involuntary
	f.RunDelay = plus(f.RunDelay, other.RunDelay)
	f.SchedCPU = plus(f.SchedCPU, other.SchedCPU)
	f.TimesScheduled = plus(f.TimesScheduled, other.TimesScheduled)
	if other.MaxGap > f.MaxGap {
		f.MaxGap, f.MaxGapCPU, f.MaxGapAt = other.MaxGap, other.MaxGapCPU, other.MaxGapAt
	}
	for distance, n := range other.MigrationsBy {
		count(&f.MigrationsBy, distance, n)
	}
	for node, n := range other.Pages {
		count(&f.Pages, node, n)
	}
}

// plus adds what is there.
func plus[T int64 | uint64](a, b *T) *T {
	switch {
	case b == nil:
		return a
	case a == nil:
		return new(*b)
	default:
		return new(*a + *b)
	}
}

func count[K comparable](to *map[K]uint64, key K, n uint64) {
	if *to == nil {
		*to = map[K]uint64{}
	}
	(*to)[key] += n
}
