// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package metric

import (
	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

const (
	higher  = payload.HigherIsBetter
	lower   = payload.LowerIsBetter
	neither = payload.Neither

	second = 1e9 // in ns

	fromWorker    = "the worker's own record"
	fromThread    = "the worker's thread clock and the monotonic clock"
	fromSchedstat = "/proc/PID/task/TID/schedstat"
	fromRusage    = "getrusage(2) of the thread"
	fromMaps      = "/proc/PID/numa_maps, when its work ended"
)

var (
	workersAndGroups = []Scope{Worker, Group}
	groupsOnly       = []Scope{Group}
)

// counted are figures of those that count: programs do not.
func counted(of func(*report.Figures) (Value, bool)) func(*Subject) (Value, bool) {
	return func(s *Subject) (Value, bool) {
		if s.silent {
			return Value{}, false
		}
		return of(s.figures)
	}
}

func plain(of func(*report.Figures) (Value, bool)) func(*Subject) (Value, bool) {
	return func(s *Subject) (Value, bool) { return of(s.figures) }
}

// figures are those of workers and groups, from their sums.
var figures = []*Metric{
	{"iterations", "1", higher, workersAndGroups, Sum, []string{"iterations"}, "iterations", fromWorker,
		counted(func(f *report.Figures) (Value, bool) { return number(f.Iterations) })},
	{"workUnits", "1", higher, workersAndGroups, Sum, []string{"workUnits"}, "workUnits", fromWorker,
		counted(func(f *report.Figures) (Value, bool) { return number(f.WorkUnits) })},
	{"wall", "ns", neither, workersAndGroups, Sum, []string{"wallNanoseconds"}, "wallNanoseconds", fromThread,
		plain(func(f *report.Figures) (Value, bool) { return number(f.Wall) })},
	{"cpu", "ns", neither, workersAndGroups, Sum, []string{"cpuNanoseconds"}, "cpuNanoseconds", fromThread,
		plain(func(f *report.Figures) (Value, bool) { return number(f.CPU) })},
	{"iterationRate", "1/s", higher, workersAndGroups, Ratio, []string{"iterations", "wallNanoseconds"}, "iterations / wallNanoseconds * 1e9, of a group for each worker", fromWorker,
		counted(func(f *report.Figures) (Value, bool) { return ratio(f.Iterations, f.Wall, second) })},
	{"iterationsPerCPUSecond", "1/s", higher, workersAndGroups, Ratio, []string{"iterations", "cpuNanoseconds"}, "iterations / cpuNanoseconds * 1e9", fromWorker,
		counted(func(f *report.Figures) (Value, bool) { return ratio(f.Iterations, f.CPU, second) })},
	{"workRate", "1/s", higher, workersAndGroups, Ratio, []string{"workUnits", "cpuNanoseconds"}, "workUnits / cpuNanoseconds * 1e9", fromWorker,
		counted(func(f *report.Figures) (Value, bool) { return ratio(f.WorkUnits, f.CPU, second) })},
	{"offCPUShare", "1", neither, workersAndGroups, Ratio, []string{"wallNanoseconds", "cpuNanoseconds"}, "(wallNanoseconds - cpuNanoseconds) / wallNanoseconds", fromThread,
		plain(func(f *report.Figures) (Value, bool) { return ratio(max(f.Wall-f.CPU, 0), f.Wall, 1) })},
	{"runDelay", "ns", lower, workersAndGroups, Sum, []string{"runDelayNanoseconds"}, "runDelayNanoseconds", fromSchedstat,
		plain(func(f *report.Figures) (Value, bool) { return maybe(f.RunDelay) })},
	{"runDelayShare", "1", lower, workersAndGroups, Ratio, []string{"runDelayNanoseconds", "wallNanoseconds"}, "runDelayNanoseconds / wallNanoseconds", fromSchedstat,
		plain(func(f *report.Figures) (Value, bool) { return share(f.RunDelay, f.Wall) })},
	{"runDelayPerSchedule", "ns", lower, workersAndGroups, Ratio, []string{"runDelayNanoseconds", "timesScheduled"}, "runDelayNanoseconds / timesScheduled", fromSchedstat,
		plain(func(f *report.Figures) (Value, bool) {
			if f.TimesScheduled == nil {
				return Value{}, false
			}
			return share(f.RunDelay, *f.TimesScheduled)
		})},
	{"timesScheduled", "1", neither, workersAndGroups, Sum, []string{"timesScheduled"}, "timesScheduled", fromSchedstat,
		plain(func(f *report.Figures) (Value, bool) { return maybe(f.TimesScheduled) })},
	{"voluntarySwitches", "1", neither, workersAndGroups, Sum, []string{"voluntarySwitches"}, "voluntarySwitches", fromRusage,
		plain(func(f *report.Figures) (Value, bool) { return number(f.Voluntary) })},
	{"involuntarySwitches", "1", lower, workersAndGroups, Sum, []string{"involuntarySwitches"}, "involuntarySwitches", fromRusage,
		plain(func(f *report.Figures) (Value, bool) { return number(f.Involuntary) })},
	{"switchRate", "1/s", neither, workersAndGroups, Ratio, []string{"voluntarySwitches", "involuntarySwitches", "wallNanoseconds"}, "(voluntarySwitches + involuntarySwitches) / wallNanoseconds * 1e9", fromRusage,
		plain(func(f *report.Figures) (Value, bool) {
			return ratio(float64(f.Voluntary)+float64(f.Involuntary), f.Wall, second)
		})},
	{"involuntaryShare", "1", lower, workersAndGroups, Ratio, []string{"voluntarySwitches", "involuntarySwitches"}, "involuntarySwitches / (voluntarySwitches + involuntarySwitches)", fromRusage,
		plain(func(f *report.Figures) (Value, bool) {
			return ratio(f.Involuntary, float64(f.Voluntary)+float64(f.Involuntary), 1)
		})},
	{"maxGap", "ns", lower, workersAndGroups, Largest, []string{"maxGapNanoseconds", "maxGapCPU", "maxGapAtNanoseconds"}, "maxGapNanoseconds, with the CPU it began on and its end", fromWorker,
		counted(maxGap)},
	{"migrations", "1", lower, workersAndGroups, Sum, []string{"migrations"}, "migrations", fromWorker,
		counted(func(f *report.Figures) (Value, bool) { return number(f.Migrations) })},
	migrationsBy("migrationsSMT", arena.DistanceSMT), migrationsBy("migrationsLLC", arena.DistanceLLC), migrationsBy("migrationsNode", arena.DistanceNode),
	migrationsBy("migrationsRemote", arena.DistanceRemote), migrationsBy("migrationsUnknown", arena.DistanceUnknown),
	{"migrationRatio", "1", lower, workersAndGroups, Ratio, []string{"migrations", "iterations"}, "migrations / iterations", fromWorker,
		counted(func(f *report.Figures) (Value, bool) { return ratio(f.Migrations, f.Iterations, 1) })},
	migrationRatio("migrationRatioLLC", arena.DistanceLLC), migrationRatio("migrationRatioNode", arena.DistanceNode), migrationRatio("migrationRatioRemote", arena.DistanceRemote),
	{"migrationRate", "1/s", lower, workersAndGroups, Ratio, []string{"migrations", "wallNanoseconds"}, "migrations / wallNanoseconds * 1e9, of a group for each worker", fromWorker,
		counted(func(f *report.Figures) (Value, bool) { return ratio(f.Migrations, f.Wall, second) })},
	{"pages", "1", neither, workersAndGroups, Sum, []string{"pagesByNode"}, "the sum of pagesByNode", fromMaps,
		plain(func(f *report.Figures) (Value, bool) { return number(pages(f, nil)) })},
	{"pageLocality", "1", higher, workersAndGroups, Ratio, []string{"pagesByNode", "allowedCPUs", "allowed"}, "pages on the NUMA nodes of the allowed CPUs / pages", fromMaps,
		func(s *Subject) (Value, bool) { return pagesOn(s, locally) }},
	{"slowTierShare", "1", lower, workersAndGroups, Ratio, []string{"pagesByNode"}, "pages on NUMA nodes without CPUs / pages", fromMaps,
		func(s *Subject) (Value, bool) { return pagesOn(s, slowly) }},
	{"crossNodeMigrationRatio", "1", lower, groupsOnly, Each, []string{"numaPagesMigrated", "pagesByNode"}, "numaPagesMigrated of the machine / pages of the group", "/proc/vmstat",
		func(s *Subject) (Value, bool) { return share(s.moved, pages(s.figures, nil)) }},
}

func maxGap(f *report.Figures) (Value, bool) {
	if f.MaxGap == 0 {
		return Value{}, false
	}
	return Value{Value: float64(f.MaxGap), CPU: new(f.MaxGapCPU), At: new(f.MaxGapAt)}, true
}

// MigrationsAtLeast counts the migrations that went at least so far. It is false where
// some went nobody knows how far.
func MigrationsAtLeast(f *report.Figures, distance arena.Distance) (uint64, bool) {
	if distance <= arena.DistanceSMT {
		return f.Migrations, true
	}
	var n, known uint64
	for d := arena.DistanceSMT; d < arena.Distances; d++ {
		by := f.MigrationsBy[d.String()]
		known += by
		if d >= distance {
			n += by
		}
	}
	return n, known == f.Migrations
}

func migrationRatio(name string, distance arena.Distance) *Metric {
	return &Metric{name, "1", lower, workersAndGroups, Ratio, []string{"migrationsByDistance", "iterations"}, "migrations of distance " + distance.String() + " or more / iterations; none where some distance is unknown", fromWorker,
		counted(func(f *report.Figures) (Value, bool) {
			n, ok := MigrationsAtLeast(f, distance)
			if !ok {
				return Value{}, false
			}
			return ratio(n, f.Iterations, 1)
		})}
}

func migrationsBy(name string, distance arena.Distance) *Metric {
	return &Metric{name, "1", lower, workersAndGroups, Sum, []string{"migrationsByDistance"}, "migrationsByDistance." + distance.String(), fromWorker,
		counted(func(f *report.Figures) (Value, bool) {
			var known uint64
			for _, n := range f.MigrationsBy {
				known += n
			}
			v, _ := number(f.MigrationsBy[distance.String()])
			return v, known == f.Migrations // else distances were left out
		})}
}

// pages are those on nodes that count, all of them without a condition.
func pages(f *report.Figures, counts func(node int) bool) uint64 {
	var n uint64
	for node, on := range f.Pages {
		if counts == nil || counts(node) {
			n += on
		}
	}
	return n
}

// pagesOn is the share of pages on nodes of some sort.
func pagesOn(s *Subject, sort func(*Subject) (func(node int) bool, bool)) (Value, bool) {
	if s.machine == nil {
		return Value{}, false
	}
	counts, ok := sort(s)
	if !ok {
		return Value{}, false
	}
	return ratio(pages(s.figures, counts), pages(s.figures, nil), 1)
}

func locally(s *Subject) (func(int) bool, bool) {
	allowed, err := topology.ParseList(s.allowed)
	if err != nil || allowed.IsEmpty() {
		return nil, false
	}
	near := map[int]bool{}
	for i := range s.machine.Nodes {
		n := &s.machine.Nodes[i]
		near[n.ID] = !n.CPUs.Intersection(allowed).IsEmpty()
	}
	return func(node int) bool { return near[node] }, true
}

func slowly(s *Subject) (func(int) bool, bool) {
	slow := map[int]bool{}
	for i := range s.machine.Nodes {
		slow[s.machine.Nodes[i].ID] = s.machine.Nodes[i].MemoryOnly()
	}
	return func(node int) bool { return slow[node] }, true
}
