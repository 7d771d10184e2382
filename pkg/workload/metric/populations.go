// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package metric

import (
	"strconv"
	"strings"

	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// spreads are figures of groups that look at their workers apart.
var spreads = []*Metric{
	{"workers", "1", neither, groupsOnly, Sum, []string{"workers"}, "workers", fromWorker,
		func(s *Subject) (Value, bool) { return number(s.workers) }},
	spread("offCPUShareLowest", "1", neither, Lowest, "offCPUShare", "the lowest offCPUShare of a worker", report.ShareScale, offCPU, lowest),
	spread("offCPUShareMean", "1", neither, Spread, "offCPUShare", "the mean of the offCPUShare of workers", report.ShareScale, offCPU, mean),
	spread("offCPUShareHighest", "1", neither, Largest, "offCPUShare", "the highest offCPUShare of a worker", report.ShareScale, offCPU, highest),
	spread("offCPUSpread", "1", lower, Spread, "offCPUShare", "highest - lowest offCPUShare of a worker, of two or more", report.ShareScale, offCPU, distance),
	spread("throughputCV", "1", lower, Spread, "workRate", "standard deviation / mean of the workRate of workers, of two or more", 1, workRate, variation),
	spread("workRateLowest", "1/s", higher, Lowest, "workRate", "the lowest workRate of a worker", report.RateScale, workRate, lowest),
	spread("iterationRateLowest", "1/s", higher, Lowest, "iterationRate", "the lowest iterationRate of a worker", report.RateScale, iterationRate, lowest),
	spread("iterationsPerWorker", "1", higher, Ratio, "iterations", "iterations / workers", 1, iterations, mean),
	spread("iterationsLowest", "1", higher, Lowest, "iterations", "the fewest iterations of a worker", 1, iterations, lowest),
	spread("runDelayMean", "ns", lower, Ratio, "runDelayNanoseconds", "runDelayNanoseconds / workers", 1, runDelay, mean),
	spread("runDelayHighest", "ns", lower, Largest, "runDelayNanoseconds", "the longest runDelayNanoseconds of a worker", 1, runDelay, highest),
}

func offCPU(p *report.PerWorker) *report.Population        { return p.OffCPU }
func workRate(p *report.PerWorker) *report.Population      { return p.WorkRate }
func iterationRate(p *report.PerWorker) *report.Population { return p.IterationRate }
func iterations(p *report.PerWorker) *report.Population    { return p.Iterations }
func runDelay(p *report.PerWorker) *report.Population      { return p.RunDelay }

type statistic func(*report.Population) (Value, bool)

func lowest(p *report.Population) (Value, bool) {
	return Value{Value: float64(p.Min), Worker: new(p.MinWorker)}, true
}

func highest(p *report.Population) (Value, bool) {
	return Value{Value: float64(p.Max), Worker: new(p.MaxWorker)}, true
}

func distance(p *report.Population) (Value, bool) {
	return Value{Value: float64(p.Max - p.Min), Worker: new(p.MaxWorker)}, p.Count >= 2
}

func mean(p *report.Population) (Value, bool) {
	m, ok := p.Mean()
	return Value{Value: m, Numerator: new(p.Sum.Float()), Denominator: new(float64(p.Count))}, ok
}

func variation(p *report.Population) (Value, bool) {
	cv, ok := p.CV()
	return Value{Value: cv}, ok
}

func spread(name, unit string, polarity payload.Polarity, fold Fold, part, formula string, scale float64, of func(*report.PerWorker) *report.Population, take statistic) *Metric {
	return &Metric{name, unit, polarity, groupsOnly, fold, []string{"perWorker", part}, formula, "what the workers' figures are spread over",
		func(s *Subject) (Value, bool) {
			p := of(s.perWorker)
			if p == nil || p.Count == 0 || p.Min > p.Max {
				return Value{}, false
			}
			v, ok := take(p)
			v.Value, v.Count = v.Value/scale, p.Count
			if v.Numerator != nil {
				*v.Numerator /= scale
			}
			return v, ok
		}}
}

// families are the distributions that kinds of work record, with the percentiles that tell of them.
var families = []struct {
	name        string
	metric      work.Metric
	polarity    payload.Polarity
	percentiles []string
}{
	{"wakeLatency", work.MetricWake, lower, []string{"50", "90", "99", "99.9"}},
	{"timerLatency", work.MetricTimer, lower, []string{"50", "90", "99", "99.9"}},
	{"iterationCost", work.MetricCost, lower, []string{"50", "90", "99", "99.9"}},
	{"responseTime", work.MetricResponse, lower, []string{"50", "90", "99", "99.9"}},
	{"requestRate", work.MetricRate, higher, []string{"20", "50", "90"}},
}

func distributions() []*Metric {
	var list []*Metric
	for _, f := range families {
		unit := f.metric.Unit()
		one := func(name, unit string, polarity payload.Polarity, formula string, take func(*telemetry.Histogram) (Value, bool)) {
			list = append(list, ofDistribution(f.metric, &Metric{
				Name: f.name + name, Unit: unit, Polarity: polarity, Scopes: groupsOnly, Fold: Population, Parts: []string{"distributions", "histogram"},
				Formula: formula, Source: "the workers' histograms, each sample for itself",
			}, take))
		}
		for _, p := range f.percentiles {
			q, _ := strconv.ParseFloat(p, 64) // of the list above
			one("P"+strings.ReplaceAll(p, ".", ""), unit, f.polarity, "the smallest value that "+p+" % are at or below, to within 1/128", func(h *telemetry.Histogram) (Value, bool) { return number(h.Quantile(q / 100)) })
		}
		one("Mean", unit, f.polarity, "the mean, to within 0.4 %", func(h *telemetry.Histogram) (Value, bool) { return number(h.Mean()) })
		one("CV", "1", lower, "standard deviation / mean, of two values or more; off by 0.4 % of the root mean square / mean at most", func(h *telemetry.Histogram) (Value, bool) {
			return Value{Value: h.Stddev() / h.Mean()}, h.Count() >= 2 && h.Mean() > 0
		})
		one("Max", unit, f.polarity, "the largest value, exact", func(h *telemetry.Histogram) (Value, bool) { return number(h.Max()) })
		one("TailRatio", "1", lower, "99th percentile / median", func(h *telemetry.Histogram) (Value, bool) {
			return ratio(h.Quantile(0.99), h.Quantile(0.5), 1)
		})
	}
	return list
}

func ofDistribution(metric work.Metric, m *Metric, take func(*telemetry.Histogram) (Value, bool)) *Metric {
	m.of = func(s *Subject) (Value, bool) {
		d := s.distribution
		if d == nil || d.Metric != metric || d.Histogram.Count() == 0 {
			return Value{}, false
		}
		v, ok := take(d.Histogram)
		v.Of, v.Count = string(d.Sample), d.Histogram.Count()
		return v, ok
	}
	return m
}

// programs is the mean of a figure that programs wrote.
var programs = []*Metric{
	{"programMetric", "as the program has it", neither, groupsOnly, Ratio, []string{"programMetrics", "sum", "count"}, "sum / count; its own polarity and unit are beside it", "what the programs wrote",
		func(s *Subject) (Value, bool) {
			t := s.program
			if t == nil {
				return Value{}, false
			}
			v, ok := ratio(t.Sum.Float(), t.Count, 1)
			v.Of, v.Unit, v.Count = t.Name, t.Unit, t.Count
			return v, ok
		}},
}
