// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// unit is how the figures of a check are written.
type unit struct {
	// name is that of the number in a finding.
	name string
	kind spec.CheckUnit
}

func unitOf(c *spec.Check) unit {
	kind := c.Unit()
	rule, _ := c.Metric.Rule()
	switch {
	case kind == spec.UnitDuration:
		return unit{"ns", kind}
	case kind == spec.UnitPercent:
		return unit{"%", kind}
	case c.Metric == spec.CheckWorkRate || c.Metric == spec.CheckIterationRate,
		rule.Unit == spec.UnitNumber && rule.Distribution != "" && c.StatisticOrDefault() != spec.StatisticCV:
		return unit{"1/s", kind}
	}
	return unit{"", kind}
}

// text writes a figure in a few digits, or in as many more as it takes to tell it
// from the limit beside it. NaN is no limit.
func (u unit) text(value, limit float64) string {
	for digits := 3; ; digits++ {
		text, shown := u.rounded(value, digits)
		if digits >= 15 || math.IsNaN(limit) || (shown > limit) == (value > limit) && (shown < limit) == (value < limit) {
			return text
		}
	}
}

// rounded writes a figure in some significant digits, and says what it then is.
func (u unit) rounded(value float64, digits int) (text string, shown float64) {
	shown, err := strconv.ParseFloat(strconv.FormatFloat(value, 'g', digits, 64), 64)
	if err != nil || value == math.Trunc(value) && math.Abs(value) < 1e6 && u.kind != spec.UnitDuration {
		shown = value
	}
	switch u.kind {
	case spec.UnitDuration:
		shown = math.Round(shown)
		return strings.Replace(time.Duration(shown).String(), "µ", "u", 1), shown
	case spec.UnitPercent:
		return strconv.FormatFloat(shown, 'f', -1, 64) + "%", shown
	default:
		return strconv.FormatFloat(shown, 'f', -1, 64), shown
	}
}
