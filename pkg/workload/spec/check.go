// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Check bounds one figure.
type Check struct {
	Name   string      `json:"name"`
	Metric CheckMetric `json:"metric"`
	// Groups, Cgroups and Steps are what it is about; none means all.
	Groups  []string `json:"groups,omitempty"`
	Cgroups []string `json:"cgroups,omitempty"`
	Steps   []string `json:"steps,omitempty"`
	// Statistic is what is taken of a distribution, empty for StatisticPercentile.
	Statistic  string `json:"statistic,omitempty"`
	Percentile string `json:"percentile,omitempty"`
	// Distance is the least of migrations that count, empty for all.
	Distance      string `json:"distance,omitempty"`
	ProgramMetric string `json:"programMetric,omitempty"`
	// Max and Min are as the metric's unit has them: 10ms, 15% or 0.25.
	Max string `json:"max,omitempty"`
	Min string `json:"min,omitempty"`
	// Expect is ExpectFail for a check that has to fail.
	Expect string `json:"expect,omitempty"`
}

// Statistics of distributions, and what checks are expected to say.
const (
	StatisticPercentile = "Percentile"
	StatisticMax        = "Max"
	StatisticCV         = "CV"
	ExpectPass          = "Pass"
	ExpectFail          = "Fail"
)

// CheckMetric is a figure that checks bound.
type CheckMetric string

// The figures that checks bound.
const (
	CheckStarvation         CheckMetric = "Starvation"
	CheckMaxGap             CheckMetric = "MaxGap"
	CheckIsolation          CheckMetric = "Isolation"
	CheckOffCPUSpread       CheckMetric = "OffCPUSpread"
	CheckThroughputCV       CheckMetric = "ThroughputCV"
	CheckWorkRate           CheckMetric = "WorkRate"
	CheckIterationRate      CheckMetric = "IterationRate"
	CheckMigrationRatio     CheckMetric = "MigrationRatio"
	CheckRunDelay           CheckMetric = "RunDelay"
	CheckWakeLatency        CheckMetric = "WakeLatency"
	CheckTimerLatency       CheckMetric = "TimerLatency"
	CheckIterationCost      CheckMetric = "IterationCost"
	CheckResponseTime       CheckMetric = "ResponseTime"
	CheckRequestRate        CheckMetric = "RequestRate"
	CheckPageLocality       CheckMetric = "PageLocality"
	CheckCrossNodeMigration CheckMetric = "CrossNodeMigration"
	CheckProgramMetric      CheckMetric = "ProgramMetric"
	CheckCPUShare           CheckMetric = "CPUShare"
	CheckCPUPressure        CheckMetric = "CPUPressure"
	CheckMemoryPressure     CheckMetric = "MemoryPressure"
	CheckIOPressure         CheckMetric = "IOPressure"
	CheckThrottling         CheckMetric = "Throttling"
)

// CheckScope is whose figure a metric is.
type CheckScope string

// The scopes.
const (
	ScopeWorker CheckScope = "worker"
	ScopeGroup  CheckScope = "group"
	ScopeCgroup CheckScope = "cgroup"
)

// CheckUnit is what the limits of a check are written in.
type CheckUnit string

// The units.
const (
	// UnitNone is that of a metric without limits.
	UnitNone CheckUnit = ""
	// UnitDuration is written such as 500us; as a number it is in nanoseconds.
	UnitDuration CheckUnit = "duration"
	// UnitPercent is written such as 15%.
	UnitPercent CheckUnit = "percent"
	// UnitNumber is written such as 0.25.
	UnitNumber CheckUnit = "number"
)

// CheckRule is what there is to know of a metric of checks.
type CheckRule struct {
	Scope CheckScope
	Unit  CheckUnit
	// DefaultMax is the limit where none is set. A metric that has one takes no min,
	// because there a small value is never a fault.
	DefaultMax string
	// Share says that a percentage is one of a whole, so that none is above 100%.
	Share bool
	// Distribution is the population of which a statistic is taken, empty for other metrics.
	Distribution work.Metric
}

var checkRules = map[CheckMetric]CheckRule{
	CheckStarvation:         {Scope: ScopeWorker},
	CheckMaxGap:             {Scope: ScopeWorker, Unit: UnitDuration, DefaultMax: "2s"},
	CheckIsolation:          {Scope: ScopeWorker},
	CheckOffCPUSpread:       {Scope: ScopeGroup, Unit: UnitPercent, DefaultMax: "15%", Share: true},
	CheckThroughputCV:       {Scope: ScopeGroup, Unit: UnitNumber},
	CheckWorkRate:           {Scope: ScopeWorker, Unit: UnitNumber},
	CheckIterationRate:      {Scope: ScopeWorker, Unit: UnitNumber},
	CheckMigrationRatio:     {Scope: ScopeGroup, Unit: UnitNumber},
	CheckRunDelay:           {Scope: ScopeGroup, Unit: UnitPercent, Share: true},
	CheckWakeLatency:        {Scope: ScopeGroup, Unit: UnitDuration, Distribution: work.MetricWake},
	CheckTimerLatency:       {Scope: ScopeGroup, Unit: UnitDuration, Distribution: work.MetricTimer},
	CheckIterationCost:      {Scope: ScopeGroup, Unit: UnitDuration, Distribution: work.MetricCost},
	CheckResponseTime:       {Scope: ScopeGroup, Unit: UnitDuration, Distribution: work.MetricResponse},
	CheckRequestRate:        {Scope: ScopeGroup, Unit: UnitNumber, Distribution: work.MetricRate},
	CheckPageLocality:       {Scope: ScopeGroup, Unit: UnitPercent, Share: true},
	CheckCrossNodeMigration: {Scope: ScopeGroup, Unit: UnitNumber},
	CheckProgramMetric:      {Scope: ScopeGroup, Unit: UnitNumber},
	CheckCPUShare:           {Scope: ScopeCgroup, Unit: UnitPercent, DefaultMax: "10%"},
	CheckCPUPressure:        {Scope: ScopeCgroup, Unit: UnitPercent, Share: true},
	CheckMemoryPressure:     {Scope: ScopeCgroup, Unit: UnitPercent, Share: true},
	CheckIOPressure:         {Scope: ScopeCgroup, Unit: UnitPercent, Share: true},
	CheckThrottling:         {Scope: ScopeCgroup, Unit: UnitPercent, Share: true},
}

// Rule is what there is to know of the metric. It reports false if there is no such metric.
func (m CheckMetric) Rule() (CheckRule, bool) {
	rule, ok := checkRules[m]
	return rule, ok
}

// Unit is what the limits of the check are in: that of its metric, but for a
// coefficient of variation, which is a number.
func (c *Check) Unit() CheckUnit {
	rule := checkRules[c.Metric]
	if rule.Distribution != "" && c.StatisticOrDefault() == StatisticCV {
		return UnitNumber
	}
	return rule.Unit
}

// StatisticOrDefault is what is taken of a distribution.
func (c *Check) StatisticOrDefault() string { return cmp.Or(c.Statistic, StatisticPercentile) }

// MaxOrDefault is the largest value that passes, as it is written: that of the metric where none is set.
func (c *Check) MaxOrDefault() string { return cmp.Or(c.Max, checkRules[c.Metric].DefaultMax) }

// Quantile is the percentile as a share of 1. Preconditions: the check is valid, and of a percentile.
func (c *Check) Quantile() float64 {
	percent, _ := strconv.ParseFloat(c.Percentile, 64) // validated
	return percent / 100
}

// Limits are the bounds of a check as numbers: nanoseconds, percent, or plain
// numbers, by its Unit. What is nil is no limit.
type Limits struct{ Min, Max *float64 }

// Limits reads the bounds, with the default of the metric where none is set.
func (c *Check) Limits() (Limits, error) {
	var l Limits
	unit := c.Unit()
	for _, bound := range []struct {
		field, text string
		to          **float64
	}{{"max", c.MaxOrDefault(), &l.Max}, {"min", c.Min, &l.Min}} {
		if bound.text == "" {
			continue
		}
		v, err := parseLimit(unit, bound.text)
		if err != nil {
			return Limits{}, fmt.Errorf("%s: %w", bound.field, err)
		}
		*bound.to = &v
	}
	return l, nil
}

// parseLimit reads a bound in a unit.
func parseLimit(unit CheckUnit, text string) (float64, error) {
	number := func(text string) (float64, bool) {
		v, err := strconv.ParseFloat(text, 64)
		return v, err == nil && v >= 0 && !math.IsInf(v, 0)
	}
	switch unit {
	case UnitDuration:
		if d, err := time.ParseDuration(text); err == nil && d >= 0 && text != "0" {
			return float64(d), nil
		}
		return 0, fmt.Errorf("must be a duration such as 500us or 2s, not %q", text)
	case UnitPercent:
		digits, isPercent := strings.CutSuffix(text, "%")
		if v, ok := number(digits); ok && isPercent {
			return v, nil
		}
		return 0, fmt.Errorf("must be a percentage such as 15%%, not %q", text)
	default:
		if v, ok := number(text); ok {
			return v, nil
		}
		return 0, fmt.Errorf("must be a number such as 0.25, not %q", text)
	}
}

// Hold says whether a figure is within the limits, which count as within.
func (l Limits) Hold(v float64) bool {
	return (l.Min == nil || v >= *l.Min) && (l.Max == nil || v <= *l.Max)
}
