// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"math"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
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
	f.Iterations = sum(f.Iterations, other.Iterations)
	f.WorkUnits = sum(f.WorkUnits, other.WorkUnits)
	f.Migrations = sum(f.Migrations, other.Migrations)
	f.Wall = sumTime(f.Wall, other.Wall)
	f.CPU = sumTime(f.CPU, other.CPU)
	f.Voluntary = sum(f.Voluntary, other.Voluntary)
	f.Involuntary = sum(f.Involuntary, other.Involuntary)
	f.RunDelay = plus(f.RunDelay, other.RunDelay, sumTime)
	f.SchedCPU = plus(f.SchedCPU, other.SchedCPU, sumTime)
	f.TimesScheduled = plus(f.TimesScheduled, other.TimesScheduled, sum)
	if f.compareGap(other) < 0 {
		f.MaxGap, f.MaxGapCPU, f.MaxGapAt = other.MaxGap, other.MaxGapCPU, other.MaxGapAt
	}
	for distance, n := range other.MigrationsBy {
		count(&f.MigrationsBy, distance, n)
	}
	for node, n := range other.Pages {
		count(&f.Pages, node, n)
	}
}

// compareGap is negative if the longest gap of the other is longer. Of two of one length the
// earlier counts, of two at once that on the lower CPU: whichever was added first.
func (f *Figures) compareGap(other *Figures) int {
	if other.MaxGap == 0 {
		return 1
	}
	return cmp.Or(cmp.Compare(f.MaxGap, other.MaxGap), cmp.Compare(other.MaxGapAt, f.MaxGapAt), cmp.Compare(other.MaxGapCPU, f.MaxGapCPU))
}

// advanced says whether whoever has the figures got on at all.
func (f *Figures) advanced(by work.Progress) bool {
	switch by {
	case work.ProgressIterations:
		return f.Iterations > 0
	case work.ProgressCPU:
		return f.CPU > 0
	default:
		return f.WorkUnits > 0
	}
}

// entered says whether a worker was ever in the phase, by what it noted of it.
func (p *Phase) entered() bool {
	return p.Wall != 0 || p.CPU != 0 || p.MaxGap != 0 || p.Iterations != 0 || p.WorkUnits != 0
}

// sum adds counters. One that has come to its end stays there, so that the order does not matter.
func sum(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// sumTime adds times likewise, none of which is negative.
func sumTime(a, b int64) int64 {
	a, b = max(a, 0), max(b, 0)
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// plus adds what is there.
func plus[T int64 | uint64](a, b *T, add func(T, T) T) *T {
	switch {
	case b == nil:
		return a
	case a == nil:
		return new(*b)
	default:
		return new(add(*a, *b))
	}
}

func count[K comparable](to *map[K]uint64, key K, n uint64) {
	if *to == nil {
		*to = map[K]uint64{}
	}
	(*to)[key] = sum((*to)[key], n)
}
