// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// offCPUSpread is the largest less the smallest share of the time that workers were
// off their CPUs.
func offCPUSpread(_ *spec.Check, _ *hold, g *group) ([]reading, string) {
	if g.missing > 0 {
		return g.cut(), ""
	}
	var most, least *worker
	var high, low float64
	n := 0
	for _, w := range g.workers {
		if w.Wall <= 0 {
			continue
		}
		share := 100 * float64(max(w.Wall-w.CPU, 0)) / float64(w.Wall)
		if n++; most == nil || share > high {
			most, high = w, share
		}
		if least == nil || share < low {
			least, low = w, share
		}
	}
	if n < 2 {
		return compares(g, "time passed", n)
	}
	percent := unit{"%", spec.UnitPercent}
	return []reading{measured(high-low, "the spread of the shares of time off the CPU", fmt.Sprintf(", from %s of worker %d to %s of worker %d",
		percent.text(low, math.NaN()), least.row.Index, percent.text(high, math.NaN()), most.row.Index))}, ""
}

// compares is for a figure that takes two workers: a group that has only one has none.
func compares(g *group, what string, n int) ([]reading, string) {
	if len(g.workers) < 2 {
		return nil, "it compares workers, and there is one"
	}
	return []reading{unknown(fmt.Sprintf("it takes two workers for which %s, and there were %d of %d", what, n, len(g.workers)))}, ""
}

// throughputCV is the standard deviation by the mean of the workers' rates. The
// workers are all there are, not a sample of more.
func throughputCV(_ *spec.Check, _ *hold, g *group) ([]reading, string) {
	if g.Progress == work.ProgressCPU {
		return nil, countsSelf
	}
	if g.missing > 0 {
		return g.cut(), ""
	}
	var rates []float64
	for _, w := range g.workers {
		if w.CPU > 0 {
			rates = append(rates, perSecond(w.WorkUnits, w.CPU))
		}
	}
	if len(rates) < 2 {
		return compares(g, "there is CPU time", len(rates))
	}
	slices.Sort(rates) // sums must not depend on the order of workers
	mean, deviation := spread(rates)
	if mean <= 0 {
		return []reading{unknown("its workers counted no work units")}, ""
	}
	return []reading{measured(deviation/mean, "the coefficient of variation of work units per second of CPU time", fmt.Sprintf(", over %d workers", len(rates)))}, ""
}

// spread is the mean and the standard deviation of a population.
func spread(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	var squares float64
	for _, v := range values {
		squares += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(squares)
}

// runDelay is the share of the time that workers waited for a CPU.
func runDelay(_ *spec.Check, _ *hold, g *group) ([]reading, string) {
	switch {
	case g.Progress == work.ProgressCPU:
		return nil, countsSelf
	case g.RunDelay == nil:
		return []reading{unknown("the kernel did not tell how long its workers waited for a CPU")}, ""
	case g.Wall <= 0:
		return []reading{unknown("no time passed for its workers")}, ""
	}
	return []reading{measured(100*float64(*g.RunDelay)/float64(g.Wall), "the share of the time that workers waited for a CPU", "")}, ""
}

// distanceOrder are the distances of migrations, the nearest first.
var distanceOrder = []string{"SMT", "LLC", "Node", "Remote"}

// migrationRatio is migrations of at least a distance, by iterations. Where the
// topology does not tell how far some went, both answers have to be the same.
func migrationRatio(c *spec.Check, _ *hold, g *group) ([]reading, string) {
	if g.Progress == work.ProgressCPU {
		return nil, countsSelf
	}
	if g.Iterations == 0 {
		return []reading{unknown("its workers counted no iterations")}, ""
	}
	distance := cmp.Or(c.Distance, distanceOrder[0])
	migrations, doubtful := g.Migrations, uint64(0)
	if distance != distanceOrder[0] {
		migrations, doubtful = 0, g.MigrationsBy["Unknown"]
		for _, d := range distanceOrder[slices.Index(distanceOrder, distance):] {
			migrations += g.MigrationsBy[d]
		}
	}
	ratio := func(n uint64) float64 { return float64(n) / float64(g.Iterations) }
	limits, _ := c.Limits() // validated
	if doubtful > 0 && limits.Hold(ratio(migrations)) != limits.Hold(ratio(migrations+doubtful)) {
		return []reading{unknown(fmt.Sprintf("how far %d of its migrations went is not known", doubtful))}, ""
	}
	return []reading{measured(ratio(migrations), "migrations per iteration", fmt.Sprintf(", %d in %d", migrations, g.Iterations))}, ""
}

// distribution is a statistic of each population of the metric that a group
// recorded. Populations of different samples are not put together.
func distribution(c *spec.Check, _ *hold, g *group) ([]reading, string) {
	rule, _ := c.Metric.Rule()
	var list []reading
	recorded := 0
	for _, d := range g.distributions {
		if d.Metric != rule.Distribution {
			continue
		}
		if recorded++; d.Histogram.Count() > 0 {
			list = append(list, statistic(c, &d))
		}
	}
	switch {
	case recorded == 0:
		return nil, "its kind of work does not record it"
	case len(list) == 0:
		return []reading{unknown("no value was recorded")}, ""
	}
	return list, ""
}

func statistic(c *spec.Check, d *report.Distribution) reading {
	h := d.Histogram
	detail := fmt.Sprintf(" (%s), of %d values", d.Sample, h.Count())
	switch c.StatisticOrDefault() {
	case spec.StatisticMax:
		return measured(float64(h.Max()), "the largest "+string(c.Metric), detail)
	case spec.StatisticCV:
		mean, deviation := h.Mean(), h.Stddev()
		if h.Count() < 2 || mean <= 0 {
			return unknown(fmt.Sprintf("the variation of %d values with a mean of %g cannot be told", h.Count(), mean))
		}
		return measured(deviation/mean, "the coefficient of variation of "+string(c.Metric), detail)
	default:
		return measured(float64(h.Quantile(c.Quantile())), "P"+c.Percentile+" of "+string(c.Metric), detail)
	}
}

// pageLocality is the share of pages on the NUMA nodes of the CPUs that their
// workers might use. A memory policy that binds promises pages.
func pageLocality(_ *spec.Check, h *hold, g *group) ([]reading, string) {
	if g.missing > 0 {
		return g.cut(), ""
	}
	host := h.rep.Host
	var local, all uint64
	for _, w := range g.workers {
		n := pagesOf(w.Figures)
		if n == 0 {
			continue
		}
		allowed, err := cpuset.Parse(w.allowed)
		if host == nil || host.Topology == nil || err != nil || allowed.IsEmpty() {
			return []reading{unknown("which NUMA nodes its CPUs are on is not known")}, ""
		}
		all += n
		for _, node := range host.Topology.NodesOf(allowed).List() {
			local += w.Pages[node]
		}
	}
	switch {
	case all == 0 && g.MemoryBound:
		return []reading{{verdict: report.Fail, shown: "0 pages", limit: "above 0", why: "it has no pages, although its memory policy binds them to NUMA nodes"}}, ""
	case all == 0:
		return []reading{unknown("no pages of its workers were counted")}, ""
	}
	return []reading{measured(100*float64(local)/float64(all), "the share of pages on the NUMA nodes of its CPUs", fmt.Sprintf(", %d of %d", local, all))}, ""
}

func pagesOf(f *report.Figures) (n uint64) {
	for _, pages := range f.Pages {
		n += pages
	}
	return n
}

// crossNodeMigration is pages that the machine moved, by the pages of the workers.
func crossNodeMigration(_ *spec.Check, h *hold, g *group) ([]reading, string) {
	pages := pagesOf(g.Figures)
	switch {
	case h.migrated == nil:
		return []reading{unknown("the kernel did not tell how many pages it moved between NUMA nodes")}, ""
	case pages == 0:
		return []reading{unknown("no pages of its workers were counted")}, ""
	}
	return []reading{measured(float64(*h.migrated)/float64(pages), "pages moved between NUMA nodes by pages of the workers", fmt.Sprintf(", %d by %d", *h.migrated, pages))}, ""
}

// programMetric is the mean of a figure over the programs that wrote it.
func programMetric(c *spec.Check, _ *hold, g *group) ([]reading, string) {
	var values []float64
	missing := map[string]int{}
	for i := range g.Programs {
		for _, m := range g.Programs[i].Metrics {
			switch {
			case m.Name != c.ProgramMetric:
			case m.Value != nil:
				values = append(values, *m.Value)
			default:
				missing[m.Missing]++
			}
		}
	}
	switch {
	case len(values)+len(missing) == 0:
		return nil, fmt.Sprintf("none of its programs has a figure %q", c.ProgramMetric)
	case len(missing) > 0:
		return []reading{unknown(fmt.Sprintf("programs did not write %s: %s", c.ProgramMetric, strings.Join(slices.Sorted(maps.Keys(missing)), "; ")))}, ""
	}
	slices.Sort(values)
	mean, _ := spread(values)
	return []reading{measured(mean, "the mean of "+c.ProgramMetric, fmt.Sprintf(", of %d programs", len(values)))}, ""
}
