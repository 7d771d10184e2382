// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package payload deals with the programs that workers become: what is known of
// some, which are offered, what they are told, what they write, and how they end.
package payload

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Bounds of metrics.
const (
	MaxMetrics     = 16
	maxMetricName  = 63
	maxUnit        = 32
	maxPattern     = 255
	namesOfMetrics = "a letter, then letters, digits, '.', '_' and '-'"
)

var metricName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)

// Polarity says which change of a metric is for the better.
type Polarity string

// Polarities.
const (
	HigherIsBetter Polarity = "HigherIsBetter"
	LowerIsBetter  Polarity = "LowerIsBetter"
	Neither        Polarity = "Neither"
)

// Stream is an output of a program.
type Stream string

// Streams.
const (
	Stdout Stream = "Stdout"
	Stderr Stream = "Stderr"
)

// Metric says where a figure is in what a program writes.
type Metric struct {
	Name string `json:"name"`
	// From is Stdout or Stderr.
	From Stream `json:"from"`
	// JSON is the path of a leaf, such as jobs.0.read.iops; Pattern a regular
	// expression with one group. Exactly one is set.
	JSON    string `json:"json,omitempty"`
	Pattern string `json:"pattern,omitempty"`
	Unit    string `json:"unit,omitempty"`
	// Polarity is HigherIsBetter, LowerIsBetter or Neither.
	Polarity Polarity `json:"polarity"`
}

// ValidateMetrics checks a list of metrics. An error begins with the metric's
// place in the list and the member.
func ValidateMetrics(list []Metric) error {
	if len(list) > MaxMetrics {
		return fmt.Errorf("metrics must be at most %d, not %d", MaxMetrics, len(list))
	}
	seen := map[string]bool{}
	for i := range list {
		m := &list[i]
		if err := m.validate(); err != nil {
			return fmt.Errorf("metrics[%d].%w", i, err)
		}
		if seen[m.Name] {
			return fmt.Errorf("metrics[%d].name: %q is already taken", i, m.Name)
		}
		seen[m.Name] = true
	}
	return nil
}

func (m *Metric) validate() error {
	if len(m.Name) > maxMetricName || !metricName.MatchString(m.Name) {
		return fmt.Errorf("name must be %s, at most %d in all, not %q", namesOfMetrics, maxMetricName, m.Name)
	}
	if m.From != Stdout && m.From != Stderr {
		return fmt.Errorf("from must be %s or %s, not %q", Stdout, Stderr, m.From)
	}
	if len(m.Unit) > maxUnit || strings.ContainsFunc(m.Unit, notPrintable) {
		return fmt.Errorf("unit must be at most %d printable characters, such as ns or 1/s, not %q", maxUnit, m.Unit)
	}
	if !slices.Contains([]Polarity{HigherIsBetter, LowerIsBetter, Neither}, m.Polarity) {
		return fmt.Errorf("polarity must be %s, %s or %s, not %q", HigherIsBetter, LowerIsBetter, Neither, m.Polarity)
	}
	return m.validateSource()
}

func notPrintable(r rune) bool { return r < ' ' || r > '~' }

// validateSource checks that there is one way to find the figure, and that it can be read.
func (m *Metric) validateSource() error {
	switch {
	case m.JSON != "" && m.Pattern != "":
		return errors.New("pattern cannot be set together with json")
	case m.JSON != "":
		if _, err := ParsePath(m.JSON); err != nil {
			return fmt.Errorf("json: %w", err)
		}
	case m.Pattern != "":
		if _, err := compile(m.Pattern); err != nil {
			return fmt.Errorf("pattern: %w", err)
		}
	default:
		return errors.New("json or pattern must be set")
	}
	return nil
}

// compile reads a metric's pattern. ^ and $ match at lines.
func compile(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("must have at most %d bytes, not %d", maxPattern, len(pattern))
	}
	re, err := regexp.Compile("(?m)" + pattern)
	if err != nil {
		return nil, fmt.Errorf("%q is not a regular expression: %w", pattern, err)
	}
	if n := re.NumSubexp(); n != 1 {
		return nil, fmt.Errorf("%q must have one group, around the figure, not %d; groups that only group are written (?:...)", pattern, n)
	}
	return re, nil
}
